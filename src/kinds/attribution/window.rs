//! The touches of one entity that a conversion may still look back on, and what the ledger says of them.
//!
//! Touches come in order of time and go when no later conversion can reach them. Where they go by time, a row
//! is judged only when a conversion looks back on it; see [`super::repeats`]. What the ledger
//! shows of a touch (its id, its channel, kept columns) stays where it is while its batch is at hand, and
//! is copied into a chunk when the batch goes, so that nothing holds on to rows of other entities.

use std::collections::VecDeque;

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use arrow::compute::{concat, interleave, take};
use std::sync::Arc;

use super::repeats::{Mark, Picked, Repeats, Row};
use super::weights::{MAX_TOUCHES, Touch};
use crate::error::{Error, Result};

/// How far back a conversion looks, and what need not be kept for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reach {
    /// So many microseconds before the conversion; without a bound where unset.
    pub(super) micros: Option<i64>,
    /// So many of the newest touches; all where unset.
    pub(super) touches: Option<usize>,
    /// Whether only the first, the last and the last touch that is not direct can get anything. With
    /// neither of the bounds above nothing else is kept.
    pub(super) ends_only: bool,
    /// Touches of a session with less than this between them are one.
    pub(super) session_micros: Option<i64>,
}

impl Reach {
    fn is_frugal(&self) -> bool {
        self.ends_only && self.micros.is_none() && self.touches.is_none()
    }
}

/// Where the columns of a touch are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// A chunk's number, or [`HERE`].
    pub(super) chunk: u32,
    /// The row in it.
    pub(super) row: u32,
    /// Which touch of the entity it is, from 0; merged ones do not count.
    pub(super) ordinal: u32,
}

/// The batch at hand instead of a chunk.
pub(super) const HERE: u32 = u32::MAX;

/// What tells a touch and its session apart, of a touch that comes in.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Told<'a> {
    /// Both as marks, where touches go by time.
    pub(super) mark: Option<(Mark, Mark)>,
    /// The session, where they do not: then every row is a touch of its own, as the plan sees to.
    pub(super) session: Option<&'a str>,
}

/// See the module's text.
#[derive(Debug)]
pub(super) struct Window {
    reach: Reach,
    touches: Vec<Touch>,
    places: Vec<Place>,
    /// Touches before this one are out of reach.
    start: usize,
    /// The earliest instant in reach.
    oldest: i64,
    /// What is known of each touch beside it, where touches go by time.
    rows: Vec<Row>,
    repeats: Repeats,
    /// The journey at hand, where not every row in reach is a touch of its own.
    picked: Option<Picked>,
    /// With so many rows in reach the newest touches are told apart again.
    roomy: usize,
    seen: u32,
    chunks: VecDeque<Chunk>,
    /// The number of the first chunk.
    first_chunk: u32,
    sessions: Vec<Session>,
}

#[derive(Debug)]
struct Chunk {
    columns: Vec<ArrayRef>,
    rows: usize,
    bytes: usize,
}

#[derive(Debug)]
struct Session {
    key: String,
    latest: i64,
    /// The touch that stands for it.
    ordinal: u32,
}

impl Window {
    pub(super) fn new(reach: Reach) -> Self {
        Self {
            reach,
            touches: Vec::new(),
            places: Vec::new(),
            start: 0,
            oldest: i64::MIN,
            rows: Vec::new(),
            repeats: Repeats::default(),
            picked: None,
            roomy: 64,
            seen: 0,
            chunks: VecDeque::new(),
            first_chunk: 0,
            sessions: Vec::new(),
        }
    }

    /// Another entity begins.
    pub(super) fn clear(&mut self) {
        self.touches.clear();
        self.places.clear();
        (self.start, self.seen, self.oldest) = (0, 0, i64::MIN);
        self.rows.clear();
        self.repeats.clear();
        (self.picked, self.roomy) = (None, 64);
        self.chunks.clear();
        self.first_chunk = 0;
        self.sessions.clear();
    }

    /// How far back conversions look.
    pub(super) fn reach(&self) -> &Reach {
        &self.reach
    }

    /// Takes the entity's next touch, which stands in `row` of the batch at hand.
    pub(super) fn push(&mut self, touch: Touch, row: u32, told: Told<'_>) -> Result<()> {
        self.expire(touch.at);
        match told.mark {
            Some((touch_id, session)) => {
                let earlier = self.repeats.earlier(touch_id, touch.at, self.oldest).unwrap_or(i64::MIN);
                self.rows.push(Row { earlier, session });
            }
            None if self.joins_a_session(touch.at, told.session) => return Ok(()),
            None => {}
        }
        self.touches.push(touch);
        self.places.push(Place { chunk: HERE, row, ordinal: self.seen });
        self.seen = self.seen.checked_add(1).ok_or_else(too_many)?;
        if self.reach.is_frugal() {
            self.keep_ends();
        }
        self.keep_newest();
        if self.touches.len() - self.start > MAX_TOUCHES {
            return Err(too_many());
        }
        Ok(())
    }

    /// Forgets all but the newest touches, where no conversion looks at more. What goes on a session cannot
    /// be told without its beginning, so sessions in reach of a time are held whole.
    fn keep_newest(&mut self) {
        let Some(most) = self.reach.touches else { return };
        if self.reach.micros.is_none() {
            self.start = self.start.max(self.touches.len().saturating_sub(most));
        } else if self.reach.session_micros.is_none() && self.touches.len() - self.start >= self.roomy {
            // A row that counts now goes on counting until it is out of reach, and those before it go first.
            let counting =
                self.rows.iter().enumerate().skip(self.start).rev().filter(|row| row.1.earlier < self.oldest);
            let first = counting.map(|(at, _)| at).nth(most.saturating_sub(1));
            self.start = first.unwrap_or(self.start);
            self.roomy = (self.touches.len() - self.start) * 2 + 64;
        }
    }

    /// Forgets what a conversion at this instant, or any later one, cannot reach.
    fn expire(&mut self, at: i64) {
        let Some(micros) = self.reach.micros else { return };
        self.oldest = at.saturating_sub(micros);
        while self.touches.get(self.start).is_some_and(|touch| touch.at < self.oldest) {
            self.start += 1;
        }
        // Half of the list out of reach is moved away at once, which costs each touch one move.
        if self.start > 64 && self.start * 2 > self.touches.len() {
            self.forget();
        }
    }

    fn forget(&mut self) {
        self.touches.drain(..self.start);
        self.places.drain(..self.start);
        self.rows.drain(..self.start.min(self.rows.len()));
        self.start = 0;
    }

    /// Makes the journey of a conversion at this instant ready.
    pub(super) fn look_back(&mut self, at: i64) {
        self.expire(at);
        self.settle();
    }

    /// Makes the journey ready that ends with the last touch.
    pub(super) fn settle(&mut self) {
        let rows = self.rows.get(self.start..).unwrap_or_default();
        let gap = self.reach.session_micros;
        if rows.is_empty() || (gap.is_none() && rows.iter().all(|row| row.earlier < self.oldest)) {
            self.picked = None;
            return;
        }
        let touches = self.touches.get(self.start..).unwrap_or_default();
        let places = self.places.get(self.start..).unwrap_or_default();
        self.picked.get_or_insert_default().pick(touches, places, rows, self.oldest, gap);
    }

    /// The touches of the journey that was made ready, oldest first, and where their columns are.
    pub(super) fn journey(&self) -> (&[Touch], &[Place]) {
        let (touches, places, start) = match &self.picked {
            Some(picked) => (&picked.touches, &picked.places, 0),
            None => (&self.touches, &self.places, self.start),
        };
        let most = self.reach.touches.unwrap_or(usize::MAX);
        let start = start.max(touches.len().saturating_sub(most));
        (touches.get(start..).unwrap_or_default(), places.get(start..).unwrap_or_default())
    }

    /// Whether touches of earlier batches are held.
    pub(super) fn has_chunks(&self) -> bool {
        !self.chunks.is_empty()
    }

    /// Bytes held.
    pub(super) fn held_bytes(&self) -> usize {
        let lists = self.touches.capacity() * size_of::<Touch>() + self.places.capacity() * size_of::<Place>();
        let judged = self.rows.capacity() * size_of::<Row>() + self.repeats.held_bytes();
        let picked = self.picked.as_ref().map_or(0, Picked::held_bytes);
        lists + judged + picked + self.chunks.iter().map(|chunk| chunk.bytes).sum::<usize>()
    }

    fn joins_a_session(&mut self, at: i64, key: Option<&str>) -> bool {
        let (Some(gap), Some(key)) = (self.reach.session_micros, key) else { return false };
        self.sessions.retain(|session| at.saturating_sub(session.latest) < gap);
        let Some(session) = self.sessions.iter_mut().find(|session| session.key == key) else {
            self.sessions.push(Session { key: key.to_string(), latest: at, ordinal: self.seen });
            return false;
        };
        session.latest = at;
        let here = self.places.binary_search_by_key(&session.ordinal, |place| place.ordinal);
        if let Some(touch) = here.ok().and_then(|here| self.touches.get_mut(here)) {
            touch.merged = touch.merged.saturating_add(1);
        }
        true
    }

    /// Only the ends count: the first touch, the last, and the last that is not direct.
    fn keep_ends(&mut self) {
        let last = self.touches.len().saturating_sub(1);
        let named = self.touches.iter().rposition(|touch| !touch.direct);
        // At most four are there, because this was done for every touch before.
        for at in (1..last).rev().filter(|at| Some(*at) != named) {
            self.touches.remove(at);
            self.places.remove(at);
        }
    }

    /// The batch at hand goes: what is in reach of it is copied. `columns` are the batch's.
    pub(super) fn leave(&mut self, columns: &[ArrayRef]) -> Result<()> {
        self.drop_out_of_reach();
        if self.reach.is_frugal() {
            return self.gather(columns);
        }
        let here = self.places.iter().rposition(|place| place.chunk != HERE).map_or(0, |last| last + 1);
        let rows = UInt32Array::from_iter_values(self.places.iter().skip(here).map(|place| place.row));
        if !rows.is_empty() {
            let kept = columns.iter().map(|column| own(&take(column, &rows, None)?)).collect::<Result<Vec<_>>>()?;
            self.add_chunk(kept, rows.len());
            self.renumber(here, rows.len());
        }
        self.merge_chunks()
    }

    /// Everything kept, as one chunk.
    fn gather(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let rows = self.places.len();
        let owned = if rows == 0 { Vec::new() } else { self.pick(&self.places, columns, &[])? };
        let owned = owned.iter().map(own).collect::<Result<Vec<_>>>()?;
        self.chunks.clear();
        self.first_chunk = 0;
        if rows > 0 {
            self.add_chunk(owned, rows);
            self.renumber(0, rows);
        }
        Ok(())
    }

    fn drop_out_of_reach(&mut self) {
        self.forget();
        let first = self.places.first().map_or(HERE, |place| place.chunk);
        while !self.chunks.is_empty() && (first == HERE || self.first_chunk < first) {
            self.chunks.pop_front();
            self.first_chunk += 1;
        }
    }

    fn add_chunk(&mut self, columns: Vec<ArrayRef>, rows: usize) {
        let bytes = columns.iter().map(|column| column.get_array_memory_size()).sum();
        self.chunks.push_back(Chunk { columns, rows, bytes });
    }

    /// The `rows` touches from `from` on stand in the last chunk, in its order.
    fn renumber(&mut self, from: usize, rows: usize) {
        let number = self.first_chunk + self.chunks.len().saturating_sub(1) as u32;
        for (row, place) in (0u32..).zip(self.places.iter_mut().skip(from).take(rows)) {
            (place.chunk, place.row) = (number, row);
        }
    }

    /// Small chunks become large ones, so that there are few however small batches are.
    fn merge_chunks(&mut self) -> Result<()> {
        while let [.., before, last] = self.chunks.make_contiguous() {
            if before.rows > last.rows * 2 {
                return Ok(());
            }
            let number = self.first_chunk + self.chunks.len() as u32 - 2;
            let from = self.places.partition_point(|place| place.chunk < number);
            let places = self.places.get(from..).unwrap_or_default();
            let rows = places.len();
            let columns = self.pick(places, &[], &[])?;
            let columns = columns.iter().map(own).collect::<Result<Vec<_>>>()?;
            self.chunks.truncate(self.chunks.len() - 2);
            self.add_chunk(columns, rows);
            self.renumber(from, rows);
        }
        Ok(())
    }

    /// The columns of touches, given where they are; `here` are those of the batch at hand, and a place
    /// of [`NOWHERE`] picks from `nowhere`, columns of one row.
    pub(super) fn pick(&self, places: &[Place], here: &[ArrayRef], nowhere: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let (here_at, nowhere_at) = (self.chunks.len(), self.chunks.len() + usize::from(!here.is_empty()));
        let first = self.first_chunk;
        let index = |place: &Place| match (place.chunk, place.ordinal) {
            (_, NOWHERE) => (nowhere_at, 0),
            (HERE, _) => (here_at, place.row as usize),
            (chunk, _) => ((chunk - first) as usize, place.row as usize),
        };
        let indices: Vec<(usize, usize)> = places.iter().map(index).collect();
        let count = self.chunks.front().map_or(here.len().max(nowhere.len()), |chunk| chunk.columns.len());
        (0..count)
            .map(|column| {
                let chunks = self.chunks.iter().filter_map(|chunk| chunk.columns.get(column));
                let arrays: Vec<&dyn Array> =
                    chunks.chain(here.get(column)).chain(nowhere.get(column)).map(AsRef::as_ref).collect();
                Ok(interleave(&arrays, &indices)?)
            })
            .collect()
    }
}

/// The ordinal of a row of the ledger that no touch stands behind.
pub(super) const NOWHERE: u32 = u32::MAX;

/// The same values, without holding on to a batch they were cut from.
pub(super) fn own(column: &ArrayRef) -> Result<ArrayRef> {
    match column.as_string_view_opt() {
        Some(views) => Ok(Arc::new(views.gc())),
        None => Ok(concat(&[column.as_ref()])?),
    }
}

fn too_many() -> Error {
    Error::data(format!("a journey has more than {MAX_TOUCHES} touches"))
        .with_hint("bound it, as in `lookback: {within: 90 days, touches: 1000}`")
}
