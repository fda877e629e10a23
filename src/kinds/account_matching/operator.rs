//! The walk's plumbing: leads sorted by id in, one row for each id out.
//!
//! ```text
//! in    lead id │ texts that are declared      sorted by lead id │ side tables: accounts, crosswalk?, aliases?
//! out   lead_id │ account_id │ tier │ score │ candidates │ decided_by │ matched_on
//! ```
//!
//! Rows of one lead id may come in any order: the one with the least values, in the order of
//! [`LeadText`] and a missing value last, stands for all of them.

use std::cmp::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Int32Array, RecordBatch, StringArray, StringViewArray, UInt32Array,
};
use arrow::compute::kernels::cmp::not_distinct;
use arrow::compute::{concat, partition, take};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::index::{Index, Layout, misfit};
use super::matcher::{Decided, Found, LeadTexts, Matcher, Rules};
use super::resolve::LeadText;
use super::tier::Tier;
use crate::engine::entity::{EntityAlgorithm, EntityState};
use crate::error::Result;

/// Digits of a score, and of those behind the point.
pub(super) const SCORE: (u8, i8) = (7, 6);

/// What the word for a decision by similarity is, and for one by id.
pub(super) const BY_SIMILARITY: &str = "similarity";
pub(super) const BY_ID: &str = "id";

/// Everything a walk is told, for all partitions; the accounts are made ready once.
#[derive(Debug)]
pub(super) struct LeadWalk {
    pub(super) rules: Rules,
    pub(super) layout: Layout,
    /// By [`LeadText`], the column of the leads.
    pub(super) texts: [Option<usize>; LeadText::COUNT],
    /// What preferences are called.
    pub(super) titles: Vec<String>,
    pub(super) lead_id: DataType,
    pub(super) index: Mutex<Option<Arc<Index>>>,
}

impl LeadWalk {
    /// The accounts, and whether they were made ready by this call: it accounts for their memory.
    pub(super) fn index(&self, tables: &[Vec<RecordBatch>]) -> Result<(Arc<Index>, bool)> {
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = index.as_ref() {
            return Ok((Arc::clone(index), false));
        }
        let made = Arc::new(Index::read(&self.layout, tables)?);
        *index = Some(Arc::clone(&made));
        Ok((made, true))
    }

    fn account_id(&self) -> DataType {
        self.layout.accounts.fields().first().map_or(DataType::Null, |id| id.data_type().clone())
    }

    fn state(&self, index: Arc<Index>, held: usize) -> State {
        State {
            decisions: StringArray::from_iter_values(
                [BY_SIMILARITY, BY_ID].into_iter().chain(self.titles.iter().map(String::as_str)),
            ),
            matcher: Matcher::new(self.rules.clone(), index),
            texts: self.texts,
            schema: self.output_schema(),
            last: None,
            held,
        }
    }
}

impl EntityAlgorithm for LeadWalk {
    fn name(&self) -> &'static str {
        "AccountMatching"
    }

    fn output_schema(&self) -> SchemaRef {
        let text = |name: &str| Field::new(name, DataType::Utf8, true);
        Arc::new(Schema::new(vec![
            Field::new("lead_id", self.lead_id.clone(), false),
            Field::new("account_id", self.account_id(), true),
            text("tier"),
            Field::new("score", DataType::Decimal128(SCORE.0, SCORE.1), true),
            Field::new("candidates", DataType::Int32, false),
            text("decided_by"),
            text("matched_on"),
        ]))
    }

    fn start(&self) -> Box<dyn EntityState> {
        // Leads are never walked without accounts; without any, none would match.
        Box::new(self.state(Arc::new(Index::empty(&self.account_id())), 0))
    }

    fn start_with(&self, tables: &[Vec<RecordBatch>]) -> Result<Box<dyn EntityState>> {
        let (index, made) = self.index(tables)?;
        let held = if made { index.held_bytes() } else { 0 };
        Ok(Box::new(self.state(index, held)))
    }
}

struct State {
    matcher: Matcher,
    texts: [Option<usize>; LeadText::COUNT],
    /// The words for decisions: similarity, id, preferences.
    decisions: StringArray,
    schema: SchemaRef,
    /// The lead that the last batch ended with, of which more rows may come.
    last: Option<Last>,
    /// Bytes of the index, where this partition accounts for them.
    held: usize,
}

struct Last {
    /// As an array of one.
    id: ArrayRef,
    texts: [Option<String>; LeadText::COUNT],
}

impl Last {
    fn texts(&self) -> LeadTexts<'_> {
        self.texts.each_ref().map(Option::as_deref)
    }
}

/// The texts of a batch of leads.
struct Rows<'a>([Option<&'a StringViewArray>; LeadText::COUNT]);

impl<'a> Rows<'a> {
    fn read(batch: &'a RecordBatch, places: &[Option<usize>; LeadText::COUNT]) -> Result<Self> {
        let mut columns = [None; LeadText::COUNT];
        for (column, place) in columns.iter_mut().zip(places) {
            let Some(place) = place else { continue };
            *column = Some(batch.columns().get(*place).and_then(|c| c.as_string_view_opt()).ok_or_else(misfit)?);
        }
        Ok(Self(columns))
    }

    fn texts(&self, row: usize) -> LeadTexts<'a> {
        self.0.map(|column| column.filter(|column| column.is_valid(row)).map(|column| column.value(row)))
    }
}

/// The order of rows of one lead: by each text in turn, a missing one last.
fn compare(left: &LeadTexts<'_>, right: &LeadTexts<'_>) -> Ordering {
    let texts = left.iter().zip(right);
    let different = texts.map(|(left, right)| (left.is_none(), left).cmp(&(right.is_none(), right)));
    different.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

impl EntityState for State {
    fn push(&mut self, batch: &RecordBatch) -> Result<Option<RecordBatch>> {
        if batch.num_rows() == 0 {
            return Ok(None);
        }
        let ids = batch.columns().first().ok_or_else(misfit)?;
        let rows = Rows::read(batch, &self.texts)?;
        let last = self.last.take();
        let pool = match &last {
            Some(last) => concat(&[&last.id, ids])?,
            None => Arc::clone(ids),
        };
        let first = pool.len() - ids.len();
        let mut made = Made::default();
        // The lead at hand: its place in the pool, and its texts.
        let mut current = last.as_ref().map(|last| (0, last.texts()));
        let mut continues = last.is_some() && not_distinct(&pool.slice(0, 1), &ids.slice(0, 1))?.value(0);
        for range in partition(std::slice::from_ref(ids))?.ranges() {
            let at = first + range.start;
            let least = range.map(|row| rows.texts(row)).min_by(compare).ok_or_else(misfit)?;
            current = match current.filter(|_| continues) {
                Some((_, known)) if compare(&known, &least) == Ordering::Less => Some((at, known)),
                Some(_) => Some((at, least)),
                None => {
                    if let Some((at, texts)) = current {
                        made.push(at, self.matcher.find(&texts));
                    }
                    Some((at, least))
                }
            };
            continues = false;
        }
        let out = self.emit(&made, &pool)?;
        self.last = match current {
            Some((at, texts)) => {
                Some(Last { id: own(&pool.slice(at, 1))?, texts: texts.map(|text| text.map(str::to_string)) })
            }
            None => None,
        };
        Ok(out)
    }

    fn finish(&mut self) -> Result<Option<RecordBatch>> {
        let Some(last) = self.last.take() else { return Ok(None) };
        let mut made = Made::default();
        made.push(0, self.matcher.find(&last.texts()));
        self.emit(&made, &last.id)
    }

    fn held_bytes(&self) -> usize {
        self.held + self.matcher.held_bytes()
    }
}

/// Leads that are done: their places in the pool of ids, and what was found.
#[derive(Default)]
struct Made {
    places: Vec<usize>,
    found: Vec<Option<Found>>,
}

impl Made {
    fn push(&mut self, place: usize, found: Option<Found>) {
        self.places.push(place);
        self.found.push(found);
    }
}

impl State {
    fn emit(&self, made: &Made, pool: &ArrayRef) -> Result<Option<RecordBatch>> {
        if made.places.is_empty() {
            return Ok(None);
        }
        let number = |n: usize| u32::try_from(n).map_err(|_| misfit());
        let places = made.places.iter().map(|at| number(*at)).collect::<Result<Vec<u32>>>()?;
        let of = |value: fn(&Found) -> Option<u32>| -> UInt32Array {
            made.found.iter().map(|found| found.as_ref().and_then(value)).collect()
        };
        let tiers: StringArray = Tier::ALL.iter().map(|tier| Some(tier.word())).collect();
        let tier = of(|found| Tier::ALL.iter().zip(0..).find(|(tier, _)| **tier == found.tier).map(|(_, at)| at));
        let decided = of(|found| match found.decided? {
            Decided::Similarity => Some(0),
            Decided::Id => Some(1),
            Decided::Preference(at) => u32::try_from(at + 2).ok(),
        });
        let score: Decimal128Array = made.found.iter().map(|found| Some(i128::from(found.as_ref()?.score))).collect();
        let count = |found: &Option<Found>| found.as_ref().map_or(0, |found| found.candidates);
        let candidates = made.found.iter().map(|found| i32::try_from(count(found)).unwrap_or(i32::MAX));
        let on: StringArray = made.found.iter().map(|found| Some(found.as_ref()?.on.as_str())).collect();
        let columns: Vec<ArrayRef> = vec![
            take(pool, &UInt32Array::from(places), None)?,
            take(&self.matcher.index().ids, &of(|found| Some(found.account)), None)?,
            take(&tiers, &tier, None)?,
            Arc::new(score.with_precision_and_scale(SCORE.0, SCORE.1)?),
            Arc::new(Int32Array::from_iter_values(candidates)),
            take(&self.decisions, &decided, None)?,
            Arc::new(on),
        ];
        Ok(Some(RecordBatch::try_new(Arc::clone(&self.schema), columns)?))
    }
}

/// The same values, without holding on to a batch they were cut from.
fn own(column: &ArrayRef) -> Result<ArrayRef> {
    if let Some(views) = column.as_string_view_opt() {
        return Ok(Arc::new(views.gc()));
    }
    Ok(take(column, &UInt32Array::from_iter_values(0..u32::try_from(column.len()).map_err(|_| misfit())?), None)?)
}
