//! Taking in: batches of all inputs → columns, held compactly until everything is there.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type, SchemaRef, TimestampMicrosecondType, UInt64Type};

use chrono_tz::Tz;

use super::answer;
use super::columns::Columns;
use super::fields::Field;
use super::former::FormerRows;
use super::key_hash::KEY_BYTES;
use super::resolve::Resolved;
use super::tables::{Table, schemas};
use super::terms::{Rule, RuleTest};
use crate::engine::gather::{GatherAlgorithm, GatherAnswer, GatherState};
use crate::engine::scratch::Scratch;
use crate::error::{Error, Result};
use crate::kinds::Scope;
use crate::syntax::TableName;

/// What the work reads, in turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    /// See [`super::plan`].
    Records,
    /// The crosswalk of the last release.
    Crosswalk,
    /// The redirects of the last release.
    Redirects,
    /// Ids of releases that were taken back.
    Withdrawn,
    /// Pairs that somebody decided about.
    Decisions,
}

impl Input {
    pub(super) const ALL: [Self; 5] =
        [Self::Records, Self::Crosswalk, Self::Redirects, Self::Withdrawn, Self::Decisions];
}

/// Everything that the work is told before it starts.
#[derive(Debug)]
pub(super) struct Work {
    /// The model's name, in which its ids are.
    pub(super) model: String,
    /// By source: its table, and its system as an index into `systems`.
    pub(super) sources: Vec<(TableName, u16)>,
    /// In the order of their precedence.
    pub(super) systems: Vec<String>,
    pub(super) fields: Vec<Field>,
    /// By field, whether records come with a form of its values in which they are compared.
    pub(super) compared: Vec<bool>,
    /// By field, whether values are counted that are no address or number.
    pub(super) unreadable: Vec<bool>,
    /// Strongest first.
    pub(super) rules: Vec<WorkRule>,
    pub(super) uniques: Vec<String>,
    pub(super) max_records_per_key: u32,
    pub(super) max_ids_per_key: u32,
    pub(super) max_cluster: u32,
    pub(super) max_block: u32,
    pub(super) threads: usize,
    /// Whether it is told where values are from.
    pub(super) provenance: bool,
    /// Whether records come with what they were merged into.
    pub(super) knows_merges: bool,
    /// UTC microseconds.
    pub(super) as_of: i64,
    /// In which months are counted.
    pub(super) zone: Tz,
    schemas: Vec<SchemaRef>,
}

/// A match rule, without its expressions.
#[derive(Debug)]
pub(super) struct WorkRule {
    pub(super) name: String,
    /// What records must share; nothing where the rule finds its own pairs.
    pub(super) shares: Vec<Share>,
    pub(super) test: RuleTest,
}

impl WorkRule {
    fn new(rule: &Rule, fields: &[Field]) -> Self {
        let shares = rule.keys.iter().map(|key| Share::new(&key.text, fields));
        Self { name: rule.name.clone(), shares: shares.collect(), test: rule.test.clone() }
    }

    /// Whether records come with a key for it.
    pub(super) fn keyed(&self) -> bool {
        !self.shares.is_empty()
    }
}

/// One part of a key, as reports show it.
#[derive(Debug)]
pub(super) struct Share {
    /// As written.
    pub(super) text: String,
    /// The field whose value it is; none where it is an expression.
    pub(super) field: Option<usize>,
    /// Whether it is the domain of the field's e-mail address alone.
    pub(super) domain: bool,
}

impl Share {
    fn new(text: &str, fields: &[Field]) -> Self {
        let position = |name: &str| fields.iter().position(|field| field.name.as_str() == name);
        let whole = position(text);
        let domain = || position(text.strip_suffix("_domain")?);
        Self { text: text.to_string(), field: whole.or_else(domain), domain: whole.is_none() }
    }
}

impl Work {
    pub(super) fn new(resolved: &Resolved, scope: &Scope<'_>) -> Self {
        let sources = resolved.sources.iter().map(|source| (source.table.clone(), source.system));
        Self {
            model: scope.model.to_string(),
            sources: sources.collect(),
            systems: resolved.systems.clone(),
            fields: resolved.fields.clone(),
            compared: resolved.compared.iter().map(Option::is_some).collect(),
            unreadable: resolved.unreadable.iter().map(Option::is_some).collect(),
            rules: resolved.rules.iter().map(|rule| WorkRule::new(rule, &resolved.fields)).collect(),
            threads: scope.engine.limits().threads.get(),
            max_block: resolved.max_block,
            provenance: resolved.provenance,
            knows_merges: resolved.knows_merges(),
            uniques: resolved.uniques.iter().map(|unique| unique.text.clone()).collect(),
            max_records_per_key: resolved.max_records_per_key,
            max_ids_per_key: resolved.max_ids_per_key,
            max_cluster: resolved.max_cluster,
            as_of: scope.engine.as_of().timestamp_micros(),
            zone: scope.settings.reporting_timezone,
            schemas: schemas(resolved.id.as_str(), &resolved.fields),
        }
    }

    /// The columns of a table.
    pub(super) fn schema(&self, table: Table) -> Result<SchemaRef> {
        self.schemas.get(table as usize).cloned().ok_or_else(misfit)
    }

    /// The system that a source's records are of.
    pub(super) fn system(&self, source: u16) -> u16 {
        self.sources.get(usize::from(source)).map_or(0, |(_, system)| *system)
    }
}

/// The work, as the engine runs it.
#[derive(Debug)]
pub(super) struct Algorithm(pub(super) Arc<Work>);

impl GatherAlgorithm for Algorithm {
    fn name(&self) -> &'static str {
        "Dedupe"
    }

    fn tables(&self) -> Vec<SchemaRef> {
        self.0.schemas.clone()
    }

    fn start(&self) -> Box<dyn GatherState> {
        Box::new(Intake { columns: Columns::new(&self.0), work: Arc::clone(&self.0), known: Known::new() })
    }
}

/// The other inputs: what was published last, and what somebody decided.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) crosswalk: FormerRows,
    pub(super) redirects: Vec<RecordBatch>,
    pub(super) withdrawn: Vec<RecordBatch>,
    pub(super) decisions: Vec<RecordBatch>,
    bytes: usize,
}

impl Known {
    fn new() -> Self {
        Self {
            crosswalk: FormerRows::new(),
            redirects: Vec::new(),
            withdrawn: Vec::new(),
            decisions: Vec::new(),
            bytes: 0,
        }
    }
}

struct Intake {
    work: Arc<Work>,
    columns: Columns,
    known: Known,
}

impl GatherState for Intake {
    fn push(&mut self, input: usize, batch: &RecordBatch) -> Result<()> {
        let input = Input::ALL.get(input).ok_or_else(misfit)?;
        let kept = match input {
            Input::Records => return self.columns.push(&self.work, batch),
            Input::Crosswalk => return self.known.crosswalk.push(batch),
            Input::Redirects => &mut self.known.redirects,
            Input::Withdrawn => &mut self.known.withdrawn,
            Input::Decisions => &mut self.known.decisions,
        };
        self.known.bytes += batch.get_array_memory_size();
        kept.push(batch.clone());
        Ok(())
    }

    fn spill(&mut self, scratch: &Scratch) -> Result<()> {
        self.columns.spill(scratch)?;
        self.known.crosswalk.spill(scratch)
    }

    fn solve(self: Box<Self>) -> Result<Arc<dyn GatherAnswer>> {
        Ok(Arc::new(answer::solve(self.work, self.columns, self.known)?))
    }

    fn held_bytes(&self) -> usize {
        self.columns.held_bytes(self.known.crosswalk.held_bytes()) + self.known.bytes
    }
}

/// Instants as microseconds; `none` where there is none.
pub(super) fn instants(array: &ArrayRef, none: i64, to: &mut Vec<i64>) -> Result<()> {
    let at = array.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(misfit)?;
    match at.nulls() {
        None => to.extend_from_slice(at.values()),
        Some(_) => to.extend(at.iter().map(|at| at.unwrap_or(none))),
    }
    Ok(())
}

/// Hashes of keys; 0 where there is no key.
pub(super) fn keys(array: &ArrayRef, to: &mut Vec<u128>) -> Result<()> {
    let hashes = array.as_fixed_size_binary_opt().filter(|hashes| hashes.value_length() == KEY_BYTES);
    let hashes = hashes.ok_or_else(misfit)?;
    let (bytes, _) = hashes.value_data().as_chunks();
    let keys = bytes.iter().copied().map(u128::from_le_bytes);
    match hashes.nulls() {
        None => to.extend(keys),
        Some(nulls) => to.extend(keys.zip(nulls).map(|(key, known)| if known { key } else { 0 })),
    }
    Ok(())
}

/// Hashes of values; 0 where there is none.
pub(super) fn numbers(array: &ArrayRef, to: &mut Vec<u64>) -> Result<()> {
    let hashes = array.as_primitive_opt::<UInt64Type>().ok_or_else(misfit)?;
    to.extend(hashes.iter().map(|hash| hash.unwrap_or(0)));
    Ok(())
}

/// Numbers of sources.
pub(super) fn sources(array: &ArrayRef, to: &mut Vec<u16>) -> Result<()> {
    let array = cast(array, &DataType::Int32)?;
    let sources = array.as_primitive_opt::<Int32Type>().ok_or_else(misfit)?;
    to.extend(sources.values().iter().map(|source| u16::try_from(*source).unwrap_or(u16::MAX)));
    Ok(())
}

pub(super) fn misfit() -> Error {
    Error::internal("records with other columns than the work reads")
}
