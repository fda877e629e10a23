//! Touches in, classified touches out: the vectorised algorithm.
//!
//! ```text
//! in   pass-through columns, then the columns of [`Slot`]
//! out  pass-through columns, then channel, source, medium, campaign, …
//! ```

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::SchemaRef;

use super::clicks::ClickBits;
use super::decide::{Decider, Decision, Touch};
use super::encode::{Shared, Static};
use super::lookups::Lookups;
use super::memory::{ABSENT, Landing, Memory, NOWHERE, Seen, Wanted};
use super::rules::{CAMPAIGN_TABLE, RuleBook, UNMAPPED};
use super::texts::map_texts;
use super::values::EMPTY;
use super::{clicks, utm};
use crate::engine::map::{RowAlgorithm, RowState};
use crate::error::{Error, Result};

/// A value that touches are classified by; each is a column of the algorithm's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Slot {
    /// `utm_source`, `utm_medium`, `utm_campaign`.
    Utm(usize),
    /// `utm_term`, `utm_content`, `utm_id`.
    Extra(usize),
    /// The referrer.
    Referrer,
    /// The landing page.
    LandingPage,
    /// A click id.
    Click(usize),
}

impl Slot {
    /// The name of its column, which no output column can have.
    pub(super) fn column(self) -> String {
        match self {
            Self::Utm(which) => format!("__utm_{which}"),
            Self::Extra(which) => format!("__extra_{which}"),
            Self::Referrer => "__referrer".to_string(),
            Self::LandingPage => "__landing_page".to_string(),
            Self::Click(which) => format!("__click_{which}"),
        }
    }
}

/// What an output column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Made {
    /// A column of the input.
    Pass,
    /// The channel.
    Channel,
    /// The cleaned or replaced source.
    Source,
    /// The cleaned or replaced medium.
    Medium,
    /// The cleaned or replaced campaign.
    Campaign,
    /// Term, content or campaign id.
    Extra(usize),
    /// The rule that fired.
    Rule,
    /// The referrer's host.
    ReferrerHost,
    /// The click id that counts.
    ClickKind,
    /// Whether tags and click id disagree.
    Conflict,
    /// The UTM grade.
    Grade,
    /// Its reason.
    Reason,
}

/// The algorithm for one model.
#[derive(Debug)]
pub(super) struct Classify {
    /// What decides.
    pub(super) book: Arc<RuleBook>,
    /// The columns made, in order.
    pub(super) made: Vec<Made>,
    /// Their schema.
    pub(super) schema: SchemaRef,
    /// What is remembered is forgotten beyond this many bytes.
    pub(super) memory_bytes: usize,
}

/// See [`Classify::memory_bytes`]: far more than the distinct values of real extracts need.
pub(super) const MEMORY_BYTES: usize = 64 << 20;

impl RowAlgorithm for Classify {
    fn name(&self) -> &'static str {
        "ClassifyTouches"
    }

    fn output_schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn start(&self, tables: &[Vec<RecordBatch>]) -> Result<Box<dyn RowState>> {
        let lookups = Lookups::read(&self.book, tables)?;
        let mut memory = Memory::new(Arc::clone(&self.book), lookups)?;
        let decider = Decider::new(&self.book, &mut memory);
        let table = memory.campaign_table_channels().iter().map(String::as_str);
        let channels: Vec<&str> = self.book.channels().into_iter().chain(table).collect();
        let rules = self.book.rules.iter().map(|rule| rule.id.as_str()).chain([UNMAPPED, CAMPAIGN_TABLE]);
        let kinds = clicks::KINDS.iter().map(|kind| kind.name);
        Ok(Box::new(State {
            channels: Static::new(channels),
            rules: Static::new(rules),
            kinds: Static::new(kinds),
            grades: Static::new(utm::GRADES),
            reasons: Static::new(utm::reasons()),
            book: Arc::clone(&self.book),
            made: self.made.iter().map(|made| (*made, Shared::default())).collect(),
            schema: Arc::clone(&self.schema),
            memory_bytes: self.memory_bytes,
            memory,
            decider,
        }))
    }
}

struct State {
    book: Arc<RuleBook>,
    /// What is made, each with the texts that its batches share.
    made: Vec<(Made, Shared)>,
    schema: SchemaRef,
    memory_bytes: usize,
    memory: Memory,
    decider: Decider,
    channels: Static,
    rules: Static,
    kinds: Static,
    grades: Static,
    reasons: Static,
}

impl RowState for State {
    fn apply(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        if self.memory.held_bytes() > self.memory_bytes {
            self.memory.clear();
            self.decider = Decider::new(&self.book, &mut self.memory);
            self.made.iter_mut().for_each(|(_, shared)| *shared = Shared::default());
        }
        let read = Read::new(batch, |made| self.made.iter().any(|(known, _)| *known == made), &mut self.memory)?;
        self.memory.catch_up();
        let decided: Vec<Decision> =
            (0..batch.num_rows()).map(|row| self.decider.decide(&self.memory, &read.touch(row))).collect();
        let mut passed = batch.columns().iter();
        let mut made = std::mem::take(&mut self.made);
        let columns = made.iter_mut().map(|(made, shared)| match made {
            Made::Pass => passed.next().cloned().ok_or_else(|| Error::internal("a column was not passed on")),
            made => self.column(*made, shared, &decided, &read),
        });
        let columns = columns.collect::<Result<Vec<_>>>();
        self.made = made;
        let columns = columns?;
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }

    fn held_bytes(&self) -> usize {
        self.memory.held_bytes()
    }
}

impl State {
    fn column(&self, made: Made, shared: &mut Shared, decided: &[Decision], read: &Read) -> Result<ArrayRef> {
        let memory = &self.memory;
        match made {
            Made::Pass => Err(Error::internal("a column that is passed on is not made")),
            Made::Channel => self.channels.full(decided.iter().map(|d| d.channel)),
            Made::Rule => self.rules.full(decided.iter().map(|d| d.rule)),
            Made::ClickKind => self.kinds.column(decided.iter().map(|d| d.click.map(u32::from))),
            Made::Grade => self.grades.full(decided.iter().map(|d| d.grade as u32)),
            Made::Reason => self.reasons.column(decided.iter().map(|d| d.reason.map(u32::from))),
            Made::Source => shared.column(decided.iter().map(|d| d.source), &memory.names),
            Made::Medium => shared.column(decided.iter().map(|d| d.medium), &memory.mediums),
            Made::Campaign => shared.column(decided.iter().map(|d| d.campaign), &memory.campaigns),
            Made::ReferrerHost => shared.column((0..decided.len()).map(|row| read.referrer(row)), &memory.names),
            Made::Extra(which) => shared.column((0..decided.len()).map(|row| read.extra(which, row)), &memory.extras),
            Made::Conflict => {
                let bits =
                    BooleanBuffer::collect_bool(decided.len(), |row| decided.get(row).is_some_and(|d| d.conflict));
                Ok(Arc::new(BooleanArray::new(bits, None)) as ArrayRef)
            }
        }
    }
}

/// The values of a batch as numbers; a column that the model does not have is absent.
struct Read {
    utm: [Option<Vec<Seen>>; 3],
    extras: [Option<Vec<u32>>; 3],
    referrer: Option<Vec<u32>>,
    landing: Option<Vec<Landing>>,
    clicks: Vec<(ClickBits, Vec<bool>)>,
    /// Click ids that columns hold are not looked for in the landing page.
    from_columns: ClickBits,
}

impl Read {
    fn new(batch: &RecordBatch, makes: impl Fn(Made) -> bool, memory: &mut Memory) -> Result<Self> {
        let column = |slot: Slot| batch.column_by_name(&slot.column());
        let mut read = Self {
            utm: [None, None, None],
            extras: [None, None, None],
            referrer: None,
            landing: None,
            clicks: Vec::new(),
            from_columns: 0,
        };
        for (which, slot) in read.utm.iter_mut().enumerate() {
            if let Some(array) = column(Slot::Utm(which)) {
                *slot = Some(map_texts(array, ABSENT, |text| memory.utm(which, text))?);
            }
        }
        for (which, slot) in read.extras.iter_mut().enumerate() {
            if let Some(array) = column(Slot::Extra(which)) {
                *slot = Some(map_texts(array, EMPTY, |text| memory.extra(text))?);
            }
        }
        if let Some(array) = column(Slot::Referrer) {
            read.referrer = Some(map_texts(array, EMPTY, |text| memory.host(text))?);
        }
        if let Some(array) = column(Slot::LandingPage) {
            let indices = std::array::from_fn(|which| which);
            let wanted = Wanted {
                utm: indices.map(|which| column(Slot::Utm(which)).is_none()),
                extras: indices.map(|which| makes(Made::Extra(which)) && column(Slot::Extra(which)).is_none()),
            };
            read.landing = Some(map_texts(array, NOWHERE, |text| memory.landing(text, wanted))?);
        }
        for which in 0..clicks::KINDS.len() {
            if let Some(array) = column(Slot::Click(which)) {
                read.from_columns |= 1 << which;
                read.clicks.push((1 << which, map_texts(array, false, |text| !text.trim().is_empty())?));
            }
        }
        Ok(read)
    }

    fn touch(&self, row: usize) -> Touch {
        let landing = self.landing.as_ref().and_then(|landing| landing.get(row)).copied().unwrap_or(NOWHERE);
        let mut utm = landing.utm;
        for (slot, column) in utm.iter_mut().zip(&self.utm) {
            if let Some(column) = column {
                *slot = column.get(row).copied().unwrap_or(ABSENT);
            }
        }
        let columns = self.clicks.iter().filter(|(_, present)| present.get(row) == Some(&true));
        let clicks = columns.fold(landing.clicks & !self.from_columns, |bits, (bit, _)| bits | bit);
        Touch { utm, referrer: self.referrer(row), landing, clicks }
    }

    fn referrer(&self, row: usize) -> u32 {
        self.referrer.as_ref().and_then(|hosts| hosts.get(row)).copied().unwrap_or(EMPTY)
    }

    fn extra(&self, which: usize, row: usize) -> u32 {
        match self.extras.get(which) {
            Some(Some(column)) => column.get(row).copied().unwrap_or(EMPTY),
            _ => {
                let landing = self.landing.as_ref().and_then(|landing| landing.get(row));
                landing.and_then(|landing| landing.extras.get(which)).copied().unwrap_or(EMPTY)
            }
        }
    }
}
