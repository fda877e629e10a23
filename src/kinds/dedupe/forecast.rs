//! What the rules would compare: the records that share a key, and the pairs that makes.
//!
//! ```text
//! records → numbered as in a run → by rule: keys → groups → pairs within the guards, groups beyond them
//! ```
//!
//! The same code makes keys and blocks as in a run, so that what is foretold is what a run counts. A
//! group of n records has n (n - 1) / 2 pairs; a pair that several lines bring together is compared once.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field as ArrowField, Schema, SchemaRef};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, ident};

use super::cluster::{CrowdedKey, KeyLinks};
use super::columns::Columns;
use super::comparables::comparables;
use super::intake::Work;
use super::link::sharing;
use super::many_ids;
use super::pairs::blocks;
use super::plan;
use super::records::Records;
use super::resolve::Resolved;
use super::terms::RuleTest;
use crate::engine::gather::{GatherAlgorithm, GatherAnswer, GatherState, Gathered, gather};
use crate::engine::scratch::Scratch;
use crate::error::Result;
use crate::kinds::Scope;

/// Rows in: records. Rows out: one for each rule, of the probabilistic one for each of its block rules.
pub(super) fn forecast(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let work = Gathered::new(Arc::new(Forecaster(Arc::new(Work::new(resolved, scope)))));
    let rows = LogicalPlanBuilder::from(gather(vec![plan::records(resolved, scope)?], &work, 0)?);
    // Partitions come in any order.
    let rows = plan::planned(rows.sort([ident("position").sort(true, false)]))?;
    let shown: Vec<Expr> = schema().fields().iter().skip(1).map(|field| ident(field.name())).collect();
    plan::planned(rows.project(shown).and_then(LogicalPlanBuilder::build))
}

#[derive(Debug)]
struct Forecaster(Arc<Work>);

impl GatherAlgorithm for Forecaster {
    fn name(&self) -> &'static str {
        "DedupeForecast"
    }

    fn tables(&self) -> Vec<SchemaRef> {
        vec![schema()]
    }

    fn start(&self) -> Box<dyn GatherState> {
        Box::new(Intake { columns: Columns::new(&self.0), work: Arc::clone(&self.0) })
    }
}

/// The line's place, texts, then whole numbers.
fn schema() -> SchemaRef {
    let text = |name: &str| ArrowField::new(name, DataType::Utf8, false);
    let number = |name: &str| ArrowField::new(name, DataType::Int64, false);
    let mut columns = vec![number("position"), text("rule"), text("records_share")];
    columns.extend(
        ["groups", "pairs", "most_records", "groups_left_out", "records_left_out", "largest_left_out"].map(number),
    );
    Arc::new(Schema::new(columns))
}

struct Intake {
    work: Arc<Work>,
    columns: Columns,
}

impl GatherState for Intake {
    fn push(&mut self, _: usize, batch: &RecordBatch) -> Result<()> {
        self.columns.push(&self.work, batch)
    }

    fn spill(&mut self, scratch: &Scratch) -> Result<()> {
        self.columns.spill(scratch)
    }

    fn solve(self: Box<Self>) -> Result<Arc<dyn GatherAnswer>> {
        let mut records = self.columns.finish(&self.work)?;
        Ok(Arc::new(Foretold(foretold(&self.work, &mut records)?)))
    }

    fn held_bytes(&self) -> usize {
        self.columns.held_bytes(0)
    }
}

/// One line.
#[derive(Debug, Default)]
struct Line {
    rule: String,
    share: String,
    /// Of at least two records and not too many.
    groups: u64,
    pairs: u64,
    /// The most records that may share a key.
    most: u32,
    groups_left_out: u64,
    records_left_out: u64,
    largest_left_out: u32,
}

/// Every rule's groups; the records' keys are used up.
fn foretold(work: &Work, records: &mut Records) -> Result<Vec<Line>> {
    let keys = std::mem::take(&mut records.keys);
    let compared = comparables(work, records)?;
    let mut lines = Vec::new();
    for (rule, keys) in work.rules.iter().zip(keys) {
        let share: Vec<&str> = rule.shares.iter().map(|share| share.text.as_str()).collect();
        let line = Line { rule: rule.name.clone(), share: share.join(", "), ..Line::default() };
        match &rule.test {
            RuleTest::Equal => {
                let mut links = sharing(records, keys, work.max_records_per_key)?;
                let unique_ids: Vec<&[u64]> = records.uniques.iter().map(Vec::as_slice).collect();
                let many_ids = many_ids::leave_out(&mut links, &unique_ids, work.max_ids_per_key);
                let many_ids = many_ids.into_iter().map(|(key, _)| key);
                lines.push(line.of_keys(links, many_ids, work.max_records_per_key));
            }
            // One pair a merged record, whatever the data.
            RuleTest::MergedInto => {}
            RuleTest::Similar(_) => {
                lines.push(line.of_keys(sharing(records, keys, work.max_block)?, std::iter::empty(), work.max_block));
            }
            RuleTest::Likely(likely) => {
                let Some(compared) = compared.as_ref().filter(|compared| compared.len() > 1) else { continue };
                lines.extend(blocks(work, compared, likely)?.into_iter().map(|blocks| Line {
                    rule: rule.name.clone(),
                    share: blocks.rule.to_string(),
                    groups: blocks.count() as u64,
                    pairs: blocks.pairs,
                    most: work.max_block,
                    groups_left_out: blocks.skipped_blocks,
                    records_left_out: blocks.skipped_records,
                    largest_left_out: blocks.skipped.first().map_or(0, |block| block.records),
                }));
            }
        }
    }
    Ok(lines)
}

impl Line {
    fn of_keys(self, links: KeyLinks, many_ids: impl Iterator<Item = CrowdedKey>, most: u32) -> Self {
        let left_out: Vec<u32> = links.crowded.iter().copied().chain(many_ids).map(|key| key.records).collect();
        let sizes = || links.groups().map(|group| group.len() as u64);
        Self {
            groups: sizes().count() as u64,
            pairs: sizes().map(|size| size * (size - 1) / 2).sum(),
            most,
            groups_left_out: left_out.len() as u64,
            records_left_out: left_out.iter().map(|records| u64::from(*records)).sum(),
            largest_left_out: left_out.into_iter().max().unwrap_or(0),
            ..self
        }
    }
}

struct Foretold(Vec<Line>);

impl GatherAnswer for Foretold {
    fn rows(&self, _: usize) -> usize {
        self.0.len()
    }

    fn batch(&self, _: usize, rows: Range<usize>) -> Result<RecordBatch> {
        let positions = Int64Array::from_iter_values(rows.clone().map(|at| at as i64));
        let lines = self.0.get(rows).unwrap_or_default();
        let text =
            |of: fn(&Line) -> &str| -> ArrayRef { Arc::new(StringArray::from_iter_values(lines.iter().map(of))) };
        let number = |of: fn(&Line) -> u64| -> ArrayRef {
            let count = |line: &Line| i64::try_from(of(line)).unwrap_or(i64::MAX);
            Arc::new(Int64Array::from_iter_values(lines.iter().map(count)))
        };
        let columns = vec![
            Arc::new(positions) as ArrayRef,
            text(|line| &line.rule),
            text(|line| &line.share),
            number(|line| line.groups),
            number(|line| line.pairs),
            number(|line| u64::from(line.most)),
            number(|line| line.groups_left_out),
            number(|line| line.records_left_out),
            number(|line| u64::from(line.largest_left_out)),
        ];
        Ok(RecordBatch::try_new(schema(), columns)?)
    }

    fn held_bytes(&self) -> usize {
        self.0.len() * size_of::<Line>()
    }
}
