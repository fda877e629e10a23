//! What the rules make of two records that nothing links.
//!
//! ```text
//! records → numbered as in a run → the two: by rule, what they share, how alike they are, what that weighs
//! ```
//!
//! All records are read, not the two alone: how many share a key decides whether it links, and how common a
//! value is what it weighs. No value is shown.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field as ArrowField, Schema, SchemaRef, UInt64Type};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, ident};

use super::columns::Columns;
use super::intake::{Work, WorkRule, misfit, sources};
use super::key_hash::KeyHash;
use super::many_ids;
use super::matching::Model;
use super::pairs::Compared;
use super::plan;
use super::records::Records;
use super::resolve::Resolved;
use super::spec::Dedupe;
use super::terms::{Likely, RuleTest};
use crate::engine::gather::{GatherAlgorithm, GatherAnswer, GatherState, Gathered, gather};
use crate::engine::scratch::Scratch;
use crate::error::{Error, Result};
use crate::kinds::Scope;

/// The plan of a table with a row for each rule that looks at two records, in the rules' order: `position`
/// (BIGINT), `rule` and `finding` (texts). Records are named `<system>:<id>`; `weights` are those that the last
/// run learnt, where its rule learns them.
///
/// # Errors
/// When it runs: data, where one of the records is not among those that are read.
pub fn apart(spec: &Dedupe, scope: &Scope<'_>, pair: [&str; 2], weights: Option<Model>) -> Result<LogicalPlan> {
    let resolved = spec.resolved(scope)?;
    let work = Arc::new(Work::new(&resolved, scope));
    let pair = pair.map(str::to_string);
    let work = Gathered::new(Arc::new(Comparer(Arc::new(Asked { work, pair, weights }))));
    let rows = LogicalPlanBuilder::from(gather(vec![with_parts(&resolved, scope)?], &work, 0)?);
    // Partitions come in any order.
    plan::planned(rows.sort([ident("position").sort(true, false)]).and_then(LogicalPlanBuilder::build))
}

/// The records of a run, and after their columns a number for each part of each key.
fn with_parts(resolved: &Resolved, scope: &Scope<'_>) -> Result<LogicalPlan> {
    let records = LogicalPlanBuilder::from(plan::records(resolved, scope)?);
    let mut columns: Vec<Expr> = records.schema().columns().into_iter().map(Expr::Column).collect();
    let parts = resolved.rules.iter().flat_map(|rule| &rule.keys).enumerate();
    columns.extend(parts.map(|(at, part)| KeyHash::value().call(vec![part.expr.clone()]).alias(format!("$part{at}"))));
    plan::planned(records.project(columns).and_then(LogicalPlanBuilder::build))
}

/// Two records, and what they are compared with.
#[derive(Debug)]
struct Asked {
    work: Arc<Work>,
    pair: [String; 2],
    weights: Option<Model>,
}

#[derive(Debug)]
struct Comparer(Arc<Asked>);

impl GatherAlgorithm for Comparer {
    fn name(&self) -> &'static str {
        "DedupeCompareTwo"
    }

    fn tables(&self) -> Vec<SchemaRef> {
        vec![schema()]
    }

    fn start(&self) -> Box<dyn GatherState> {
        Box::new(Intake {
            asked: Arc::clone(&self.0),
            columns: Columns::new(&self.0.work),
            rows: 0,
            parts: BTreeMap::new(),
        })
    }
}

fn schema() -> SchemaRef {
    let text = |name: &str| ArrowField::new(name, DataType::Utf8, false);
    Arc::new(Schema::new(vec![ArrowField::new("position", DataType::Int64, false), text("rule"), text("finding")]))
}

struct Intake {
    asked: Arc<Asked>,
    columns: Columns,
    rows: usize,
    /// The parts of the keys of rows that are one of the two, by row: a record may come several times.
    parts: BTreeMap<usize, Vec<Option<u64>>>,
}

impl GatherState for Intake {
    fn push(&mut self, _: usize, batch: &RecordBatch) -> Result<()> {
        let Asked { work, pair, .. } = &*self.asked;
        let [from, ids] = [batch.columns().first(), batch.columns().get(1)];
        let (mut of, ids) = (Vec::new(), cast(ids.ok_or_else(misfit)?, &DataType::Utf8)?);
        sources(from.ok_or_else(misfit)?, &mut of)?;
        let ids = ids.as_string_opt::<i32>().ok_or_else(misfit)?;
        for (row, source) in of.into_iter().enumerate().filter(|(row, _)| ids.is_valid(*row)) {
            let system = work.systems.get(usize::from(work.system(source))).map_or("", String::as_str);
            let is = |name: &String| name.split_once(':') == Some((system, ids.value(row)));
            if pair.iter().any(is) {
                self.parts.insert(self.rows + row, parts(work, batch, row)?);
            }
        }
        self.rows += batch.num_rows();
        self.columns.push(work, batch)
    }

    fn spill(&mut self, scratch: &Scratch) -> Result<()> {
        self.columns.spill(scratch)
    }

    fn solve(self: Box<Self>) -> Result<Arc<dyn GatherAnswer>> {
        let records = self.columns.finish(&self.asked.work)?;
        Ok(Arc::new(Findings(Pair::find(&self.asked, &records, &self.parts)?.findings()?)))
    }

    fn held_bytes(&self) -> usize {
        self.columns.held_bytes(0)
    }
}

/// The last columns of a row, one for each part of each key.
fn parts(work: &Work, batch: &RecordBatch, row: usize) -> Result<Vec<Option<u64>>> {
    let count = work.rules.iter().map(|rule| rule.shares.len()).sum::<usize>();
    let first = batch.num_columns().checked_sub(count).ok_or_else(misfit)?;
    let columns = batch.columns().iter().skip(first);
    columns
        .map(|column| {
            let numbers = column.as_primitive_opt::<UInt64Type>().ok_or_else(misfit)?;
            Ok(numbers.is_valid(row).then(|| numbers.value(row)))
        })
        .collect()
}

/// The two among all records.
struct Pair<'a> {
    asked: &'a Asked,
    records: &'a Records,
    ordinals: [u32; 2],
    parts: [&'a [Option<u64>]; 2],
}

impl<'a> Pair<'a> {
    fn find(asked: &'a Asked, records: &'a Records, parts: &'a BTreeMap<usize, Vec<Option<u64>>>) -> Result<Self> {
        let find = |name: &String| {
            records.find(name).ok_or_else(|| {
                Error::data(format!("the record `{name}` was published and is no longer there"))
                    .with_hint("the next run publishes what is there now")
            })
        };
        let [left, right] = &asked.pair;
        let ordinals = [find(left)?, find(right)?];
        let of = |ordinal: u32| parts.get(&(records.row(ordinal) as usize)).map_or(&[][..], Vec::as_slice);
        Ok(Self { asked, records, ordinals, parts: ordinals.map(of) })
    }

    /// A line for each rule that finds something out.
    fn findings(&self) -> Result<Vec<(String, String)>> {
        let work = &self.asked.work;
        let compared = Compared::new(work, self.records)?;
        let mut findings = Vec::new();
        let mut first = 0;
        for (number, rule) in work.rules.iter().enumerate() {
            let shared = self.shared(rule, first);
            first += rule.shares.len();
            let finding = match &rule.test {
                RuleTest::Equal => [shared, self.crowd(number, work.max_records_per_key)?].concat(),
                RuleTest::Similar(tests) => {
                    let [a, b] = self.ordinals;
                    let alike = compared.beside_what_is_asked(work, tests, a, b);
                    [shared, self.crowd(number, work.max_block)?, alike].concat()
                }
                RuleTest::Likely(likely) => self.likely(&compared, likely)?,
                RuleTest::MergedInto => vec!["neither was merged into the other".to_string()],
            };
            findings.push((rule.name.clone(), finding.join("; ")));
        }
        Ok(findings)
    }

    /// Which parts of a rule's key, from that one on, are the same.
    fn shared(&self, rule: &WorkRule, first: usize) -> Vec<String> {
        let [left, right] = &self.asked.pair;
        let [lefts, rights] = self.parts;
        let word = |(at, share): (usize, &super::intake::Share)| {
            let text = &share.text;
            match (lefts.get(first + at).copied().flatten(), rights.get(first + at).copied().flatten()) {
                (Some(a), Some(b)) if a == b => format!("{text} is the same"),
                (Some(_), Some(_)) => format!("{text} differs"),
                (None, Some(_)) => format!("{left} has no {text} to compare"),
                (Some(_), None) => format!("{right} has no {text} to compare"),
                (None, None) => format!("neither has {text} to compare"),
            }
        };
        rule.shares.iter().enumerate().map(word).collect()
    }

    /// How many records share the key of a rule, where the two do and these are too many.
    fn crowd(&self, rule: usize, most: u32) -> Result<Vec<String>> {
        let Some(keys) = self.records.keys.get(rule) else { return Ok(Vec::new()) };
        let shared = match keys.at(&self.ordinals.map(|ordinal| self.records.row(ordinal)))?.as_slice() {
            [left, right] if left == right && *left != 0 => *left,
            _ => return Ok(Vec::new()),
        };
        let keys = keys.all()?;
        let sharing = (0u32..).zip(self.records.keys_of(&keys)).filter(|(_, key)| *key == shared);
        let sharing: Vec<u32> = sharing.map(|(record, _)| record).collect();
        if sharing.len() > most as usize {
            return Ok(vec![format!("{} records share that, more than the {most} that may", sharing.len())]);
        }
        Ok(self.many_ids(rule, &sharing).into_iter().collect())
    }

    /// Of how many people the records are that share the key of an exact rule, where these are too many.
    fn many_ids(&self, rule: usize, sharing: &[u32]) -> Option<String> {
        let work = &self.asked.work;
        work.rules.get(rule).filter(|rule| matches!(rule.test, RuleTest::Equal))?;
        let uniques: Vec<&[u64]> = self.records.uniques.iter().map(Vec::as_slice).collect();
        let found = many_ids::found(sharing, &uniques, work.max_ids_per_key)?;
        let unique = work.uniques.get(usize::from(found.unique)).map_or("", String::as_str);
        let (records, values, most) = (sharing.len(), found.values, work.max_ids_per_key);
        Some(format!(
            "the {records} records that share that have {values} different values of `{unique}`, more than the {most} that may"
        ))
    }

    /// Whether the two are compared at all, and what that weighs.
    fn likely(&self, compared: &Compared, likely: &Likely) -> Result<Vec<String>> {
        let [a, b] = self.ordinals;
        let mut lines: Vec<String> = compared.not_compared(&self.asked.work, likely, a, b)?.into_iter().collect();
        match likely.weights.as_ref().or(self.asked.weights.as_ref()) {
            Some(model) => {
                lines.push(compared.weighed(model, a, b)?);
                lines.push(format!("held for the same from {}, for review from {}", likely.merge, likely.review));
            }
            None => lines.push("no run has learnt yet what findings weigh".to_string()),
        }
        Ok(lines)
    }
}

struct Findings(Vec<(String, String)>);

impl GatherAnswer for Findings {
    fn rows(&self, _: usize) -> usize {
        self.0.len()
    }

    fn batch(&self, _: usize, rows: Range<usize>) -> Result<RecordBatch> {
        let positions = Int64Array::from_iter_values(rows.clone().map(|at| at as i64));
        let lines = self.0.get(rows).unwrap_or_default();
        let rules = StringArray::from_iter_values(lines.iter().map(|(rule, _)| rule));
        let findings = StringArray::from_iter_values(lines.iter().map(|(_, finding)| finding));
        let columns: Vec<ArrayRef> = vec![Arc::new(positions), Arc::new(rules), Arc::new(findings)];
        Ok(RecordBatch::try_new(schema(), columns)?)
    }

    fn held_bytes(&self) -> usize {
        self.0.iter().map(|(rule, finding)| rule.capacity() + finding.capacity()).sum()
    }
}
