//! One entity's way through the stages, visit by visit.
//!
//! Shown is the entity with the smallest id among those with three to six visits. Its id is not shown,
//! instants are shown as their days, and no column with a class of personal data is.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, ident, lit};

use super::plan::planned;
use super::resolve::Resolved;
use crate::contract::Pii;
use crate::error::{Error, Result};
use crate::kinds::Scope;
use crate::kinds::exhibit::{Answer, Exhibit, ExhibitTable, Exhibitor, instant, whole};
use crate::kinds::typing::instant_type;

/// Visits of a way that is neither trivial nor too long to be followed.
const VISITS: (i64, i64) = (3, 6);
const DAY_MICROS: i64 = 86_400_000_000;

/// See the module's text.
pub(super) struct OneWay {
    who: String,
}

impl OneWay {
    /// Nothing where stages or their instants are personal.
    pub(super) fn of(who: &str, resolved: &Resolved) -> Option<Self> {
        let open = resolved.stage.pii == Pii::None && resolved.at.pii == Pii::None;
        open.then(|| Self { who: who.to_string() })
    }
}

impl Exhibitor for OneWay {
    fn question(&self, scope: &Scope<'_>, answers: &[Answer]) -> Result<Option<LogicalPlan>> {
        match answers {
            [] => {
                let rows = scope.frames.scan(&scope.model.with_suffix("_entities"))?;
                let rows = planned(rows.filter(ident("visits").between(lit(VISITS.0), lit(VISITS.1))))?;
                let rows = planned(rows.project([ident("entity_id")]))?;
                let rows = planned(rows.sort([ident("entity_id").sort(true, false)]))?;
                planned(rows.limit(0, Some(1)).and_then(LogicalPlanBuilder::build)).map(Some)
            }
            [first] => {
                let Some(entity) = whole(Some(first))? else { return Ok(None) };
                let entity = ScalarValue::try_from_array(entity.column_by_name("entity_id").ok_or_else(misfit)?, 0)?;
                let rows = planned(scope.frames.scan(scope.model)?.filter(ident("entity_id").eq(lit(entity))))?;
                let columns = ["visit_seq", "stage", "entered_at", "exited_at", "transition", "inferred_by"];
                let rows = planned(rows.project(columns.map(ident)))?;
                let rows = planned(rows.sort([ident("visit_seq").sort(true, false)]))?;
                planned(rows.build()).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn exhibit(&self, answers: &[Answer]) -> Result<Option<Exhibit>> {
        let Some(rows) = whole(answers.get(1))? else { return Ok(None) };
        let who = &self.who;
        Ok(Some(Exhibit {
            title: "A worked example".to_string(),
            text: vec![format!("One {who}'s way through the stages: these are its published rows, a line a visit.")],
            chart: None,
            tables: vec![visits(&rows)?],
            notes: vec![
                "A visit ends when the next one begins, so that its days are those between the two; the last one lasts on."
                    .to_string(),
            ],
        }))
    }
}

fn visits(rows: &RecordBatch) -> Result<ExhibitTable> {
    let heads = [("Stage", false), ("Entered (UTC)", false), ("Left (UTC)", false), ("Days there", true)];
    let heads = heads.into_iter().chain([("How it came about", false), ("Inferred by", false)]);
    let mut table = ExhibitTable::new("The visits", heads.map(|(head, numeric)| (head.to_string(), numeric)));
    let [stages, transitions, inferred] = ["stage", "transition", "inferred_by"].map(|name| texts(rows, name));
    let (stages, transitions, inferred) = (stages?, transitions?, inferred?);
    let (entered, left) = (instants(rows, "entered_at")?, instants(rows, "exited_at")?);
    let day = |at: Option<i64>| at.map_or_else(|| "still there".to_string(), |at| instant(at, "%Y-%m-%d"));
    for row in 0..rows.num_rows() {
        let of = |column: &[String]| column.get(row).cloned().unwrap_or_default();
        let (from, to) = (entered.get(row).copied().flatten(), left.get(row).copied().flatten());
        let days = from.zip(to).map(|(from, to)| to.saturating_sub(from));
        let code = |word: String| if word.is_empty() { word } else { format!("`{word}`") };
        table.rows.push(vec![
            code(of(&stages)),
            day(from),
            day(to),
            days.map_or_else(String::new, tenths_of_days),
            code(of(&transitions)),
            code(of(&inferred)),
        ]);
    }
    Ok(table)
}

/// Days with one decimal, rounded half up in whole numbers.
fn tenths_of_days(micros: i64) -> String {
    let tenths = (i128::from(micros) * 10 + i128::from(DAY_MICROS / 2)) / i128::from(DAY_MICROS);
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn texts(rows: &RecordBatch, name: &str) -> Result<Vec<String>> {
    let texts = cast(rows.column_by_name(name).ok_or_else(misfit)?, &DataType::Utf8)?;
    let texts = texts.as_string_opt::<i32>().ok_or_else(misfit)?;
    Ok((0..texts.len())
        .map(|row| if texts.is_valid(row) { texts.value(row).to_string() } else { String::new() })
        .collect())
}

fn instants(rows: &RecordBatch, name: &str) -> Result<Vec<Option<i64>>> {
    let at = cast(rows.column_by_name(name).ok_or_else(misfit)?, &instant_type())?;
    Ok(at.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(misfit)?.iter().collect())
}

fn misfit() -> Error {
    Error::internal("a worked example was answered with other columns than it asks for")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_rounded_to_a_tenth() {
        let hours = |hours: i64| hours * 3_600_000_000;
        let texts = [0, hours(24), hours(36), hours(1), hours(2), hours(24 * 400)].map(tenths_of_days);
        assert_eq!(texts, ["0.0", "1.0", "1.5", "0.0", "0.1", "400.0"]);
    }
}
