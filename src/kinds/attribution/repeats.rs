//! Which rows in reach are no touch of their own: those that come twice, and those that go on a session.
//!
//! Both depend on what a conversion reaches. A touch counts as the earliest of its rows in reach, and a session as the
//! earliest of its touches in reach, so that none is lost because it began before. Rows are therefore
//! judged conversion by conversion, and held until they are out of reach.

use std::collections::{BTreeMap, HashMap, VecDeque};

use arrow::array::{Array, ArrayRef};
use datafusion::common::hash_utils::{QualityRandomState, RandomState, create_hashes};

use super::weights::Touch;
use super::window::Place;
use crate::error::Result;

/// A value by 128 bits of its hash, of which no two of one journey are ever the same.
pub(super) type Mark = u128;

/// The marks of a column's values.
pub(super) fn marks(column: &ArrayRef) -> Result<Vec<Mark>> {
    let half = |seed: u64| -> Result<Vec<u64>> {
        let mut hashes = vec![0; column.len()];
        create_hashes(std::slice::from_ref(column), &QualityRandomState::with_seed(seed), &mut hashes)?;
        Ok(hashes)
    };
    let halves = half(0x746f_7563)?.into_iter().zip(half(0x6869_6473)?);
    Ok(halves.map(|(upper, lower)| (Mark::from(upper) << 64) | Mark::from(lower)).collect())
}

/// What is held of a row beside its touch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// When its touch came before, where that was in reach of it; else before all time.
    pub(super) earlier: i64,
    /// What tells its session apart.
    pub(super) session: Mark,
}

/// The touches of the rows in reach, each with when it came last.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    recent: VecDeque<(i64, Mark)>,
    /// The same by mark, once there are too many to look through.
    latest: HashMap<Mark, i64, RandomState>,
}

/// So many rows are looked through.
const FEW: usize = 32;

impl Repeats {
    /// Another entity begins.
    pub(super) fn clear(&mut self) {
        self.recent.clear();
        self.latest.clear();
    }

    /// When the touch came before, at `oldest` or later; now it comes at `at`.
    pub(super) fn earlier(&mut self, touch: Mark, at: i64, oldest: i64) -> Option<i64> {
        while let Some((seen, gone)) = self.recent.front().copied().filter(|(seen, _)| *seen < oldest) {
            self.recent.pop_front();
            // A later row of the same touch keeps it known.
            if self.latest.get(&gone) == Some(&seen) {
                self.latest.remove(&gone);
            }
        }
        let earlier = if self.latest.is_empty() && self.recent.len() < FEW {
            self.recent.iter().rev().find(|(_, known)| *known == touch).map(|(seen, _)| *seen)
        } else {
            if self.latest.is_empty() {
                self.latest.extend(self.recent.iter().map(|(seen, known)| (*known, *seen)));
            }
            self.latest.insert(touch, at)
        };
        self.recent.push_back((at, touch));
        earlier
    }

    /// Bytes held.
    pub(super) fn held_bytes(&self) -> usize {
        self.recent.capacity() * size_of::<(i64, Mark)>() + self.latest.capacity() * size_of::<(Mark, i64)>()
    }
}

/// The touches of a journey whose rows are not all touches of their own.
#[derive(Debug, Default)]
pub(super) struct Picked {
    pub(super) touches: Vec<Touch>,
    pub(super) places: Vec<Place>,
}

impl Picked {
    /// Picks the touches among rows in reach of `oldest`: each by its first row, and of each session with
    /// less than `gap` from one touch to the next the first, which knows how many others it stands for.
    pub(super) fn pick(&mut self, touches: &[Touch], places: &[Place], rows: &[Row], oldest: i64, gap: Option<i64>) {
        self.touches.clear();
        self.places.clear();
        let mut sessions: BTreeMap<Mark, (i64, usize)> = BTreeMap::new();
        for ((touch, place), row) in touches.iter().zip(places).zip(rows) {
            if row.earlier >= oldest {
                continue;
            }
            if let Some(gap) = gap {
                let session = sessions.entry(row.session).or_insert((i64::MIN, 0));
                let goes_on = touch.at.saturating_sub(session.0) < gap;
                session.0 = touch.at;
                if goes_on {
                    let first = self.touches.get_mut(session.1);
                    first.into_iter().for_each(|first| first.merged = first.merged.saturating_add(1));
                    continue;
                }
                session.1 = self.touches.len();
            }
            let ordinal = u32::try_from(self.touches.len()).unwrap_or(u32::MAX);
            self.touches.push(*touch);
            self.places.push(Place { ordinal, ..*place });
        }
    }

    /// Bytes held.
    pub(super) fn held_bytes(&self) -> usize {
        self.touches.capacity() * size_of::<Touch>() + self.places.capacity() * size_of::<Place>()
    }
}
