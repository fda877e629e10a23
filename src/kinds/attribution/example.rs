//! One conversion of the ledger, worked out in full: its journey, and what each model gives each touch.
//!
//! Which one is shown depends on the published rows alone: of the conversions with three to five touches
//! the one with the smallest id, those of a whole amount before those with a part of a unit, and these
//! before those of nothing; where there is none, the one with the fewest touches but more than one. People
//! are never shown, and neither is any column with a class of personal data.

use std::collections::BTreeMap;

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::functions_aggregate::expr_fn::{min, sum};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, ident, lit, when};

use super::emit::{WEIGHT_SCALE, WEIGHT_UNITS};
use super::example_rows::{Credits, amounts, credits};
use super::inputs::{planned, usable_conversions};
use super::models::{amount_column, weight_column};
use super::resolve::Resolved;
use super::spec::Layout;
use crate::contract::Pii;
use crate::error::{Error, Result};
use crate::kinds::Scope;
use crate::kinds::exhibit::{Answer, Exhibit, ExhibitTable, Exhibitor, decimal, instant, whole};

/// Journeys that are neither trivial nor too long to be followed.
const TOUCHES: (i32, i32) = (3, 5);
/// The most touches that fit a page.
const MOST_TOUCHES: usize = 12;

/// See the module's text.
pub(super) struct WorkedExample {
    resolved: Resolved,
    layout: Layout,
    /// Those that add up.
    pub(super) models: Vec<String>,
    /// Decimals of amounts, where there are amounts that may be shown.
    pub(super) scale: Option<i8>,
    /// Whether ids, instants and channels may be shown.
    pub(super) ids: bool,
    pub(super) instants: bool,
    pub(super) channels: bool,
}

impl WorkedExample {
    pub(super) fn new(layout: Layout, resolved: Resolved) -> Self {
        let p = &resolved.promises;
        let open = |pii: Pii| pii == Pii::None;
        Self {
            layout,
            models: resolved.models.iter().filter(|model| model.adds_up()).map(|model| model.name.clone()).collect(),
            scale: resolved.scale.filter(|_| open(p.amount.pii) && open(p.currency.pii)),
            ids: open(p.conversion.pii),
            instants: open(p.touched_at.pii) && open(p.converted_at.pii),
            channels: open(p.channel.pii),
            resolved,
        }
    }

    fn first(&self) -> &str {
        self.models.first().map_or("", String::as_str)
    }

    /// One row of the ledger for each touch that the first model gives something.
    fn of_first_model(&self, scope: &Scope<'_>) -> Result<LogicalPlanBuilder> {
        let rows = scope.frames.scan(scope.model)?;
        match self.layout {
            Layout::Long => planned(rows.filter(ident("model").eq(lit(self.first())))),
            Layout::Wide => Ok(rows),
        }
    }

    fn amount(&self) -> String {
        match self.layout {
            Layout::Long => "amount".to_string(),
            Layout::Wide => amount_column(self.first()).to_string(),
        }
    }

    /// The conversion that tells most.
    fn choice(&self, scope: &Scope<'_>) -> Result<LogicalPlan> {
        let rows = planned(self.of_first_model(scope)?.filter(ident("journey_length").gt(lit(0))))?;
        let mut totals = vec![min(ident("journey_length")).alias("touches")];
        totals.extend(self.scale.map(|scale| {
            let amount = cast(ident(self.amount()), DataType::Decimal128(38, scale));
            sum(amount).alias("total")
        }));
        let rows = planned(rows.aggregate([ident("conversion_id")], totals))?;
        let few = || ident("touches").between(lit(TOUCHES.0), lit(TOUCHES.1));
        let worth = |least: Expr| few().and(least);
        let mut rank = match self.scale {
            None => when(few(), lit(0)),
            Some(scale) => {
                let total = |scale| cast(ident("total"), DataType::Decimal128(38, scale));
                let positive = || ident("total").gt(lit(ScalarValue::Decimal128(Some(0), 38, scale)));
                let is_whole = total(scale).eq(cast(total(0), DataType::Decimal128(38, scale)));
                let mut rank = when(worth(positive().and(is_whole)), lit(0));
                rank.when(worth(positive()), lit(1)).when(few(), lit(2));
                rank
            }
        };
        let rank = planned(rank.when(ident("touches").gt(lit(1)), lit(3)).otherwise(lit(4)))?;
        // Among journeys of the wished length all are alike.
        let length = planned(when(few(), lit(0)).otherwise(ident("touches")))?;
        let columns = [ident("conversion_id"), rank.alias("rank"), length.alias("length")];
        let order = ["rank", "length", "conversion_id"].map(|name| ident(name).sort(true, false));
        let rows = planned(rows.project(columns).and_then(|rows| rows.sort(order)))?;
        planned(rows.limit(0, Some(1)).and_then(LogicalPlanBuilder::build))
    }

    /// The ledger's rows of one conversion, in its order of touches.
    fn credits(&self, conversion: &ScalarValue, scope: &Scope<'_>) -> Result<LogicalPlan> {
        let of_it = ident("conversion_id").eq(lit(conversion.clone()));
        let rows = planned(scope.frames.scan(scope.model)?.filter(of_it))?;
        let mut columns: Vec<Expr> =
            ["position", "touched_at", "channel", "journey_length", "days_before", "converted_at"].map(ident).to_vec();
        columns.extend(self.scale.map(|_| ident("currency")));
        match self.layout {
            Layout::Long => {
                columns.extend([ident("model"), ident("weight")]);
                columns.extend(self.scale.map(|_| ident("amount")));
            }
            Layout::Wide => {
                columns.extend(self.models.iter().map(|model| ident(weight_column(model).as_str())));
                let amounts = self.models.iter().filter(|_| self.scale.is_some());
                columns.extend(amounts.map(|model| ident(amount_column(model).as_str())));
            }
        }
        planned(rows.project(columns).and_then(|rows| rows.sort([ident("position").sort(true, false)])?.build()))
    }

    /// The conversion's amount as its own table has it.
    fn source(&self, conversion: &ScalarValue, scope: &Scope<'_>) -> Result<LogicalPlan> {
        let of_it = ident("conversion_id").eq(lit(conversion.clone()));
        let rows = planned(usable_conversions(&self.resolved, scope)?.filter(of_it))?;
        planned(rows.project([ident("amount")]).and_then(LogicalPlanBuilder::build))
    }
}

/// The conversion that an answer names.
fn chosen(answer: Option<&Answer>) -> Result<Option<ScalarValue>> {
    let Some(rows) = whole(answer)? else { return Ok(None) };
    let column = rows.column_by_name("conversion_id").ok_or_else(misfit)?;
    Ok(Some(ScalarValue::try_from_array(column, 0)?))
}

pub(super) fn misfit() -> Error {
    Error::internal("a worked example was answered with other columns than it asks for")
}

impl Exhibitor for WorkedExample {
    fn question(&self, scope: &Scope<'_>, answers: &[Answer]) -> Result<Option<LogicalPlan>> {
        let key = chosen(answers.first())?;
        match (answers.len(), &key) {
            (0, _) => self.choice(scope).map(Some),
            (1, Some(key)) => self.credits(key, scope).map(Some),
            (2, Some(key)) if self.scale.is_some() => self.source(key, scope).map(Some),
            _ => Ok(None),
        }
    }

    fn exhibit(&self, answers: &[Answer]) -> Result<Option<Exhibit>> {
        let (Some(key), Some(rows)) = (chosen(answers.first())?, whole(answers.get(1))?) else { return Ok(None) };
        let source = whole(answers.get(2))?;
        let credits = credits(self, self.layout, &rows)?;
        if credits.touches.len() > MOST_TOUCHES {
            return Ok(None);
        }
        let source = match (self.scale, source) {
            (Some(scale), Some(rows)) => amounts(&rows, "amount", scale)?.first().copied(),
            _ => None,
        };
        Ok(Some(self.tell(&key, &credits, source)))
    }
}

impl WorkedExample {
    fn tell(&self, key: &ScalarValue, credits: &Credits, source: Option<i128>) -> Exhibit {
        let mut tables = vec![self.journey(credits)];
        let part = |value: i128| percent(value);
        tables.push(by_model("What share each model gives each touch", credits, &self.models, &credits.weights, part));
        if let Some(scale) = self.scale {
            let caption = format!("What that makes of the amount, in {}", credits.currency);
            let amount = |value: i128| decimal(value, scale);
            tables.push(by_model(&caption, credits, &self.models, &credits.amounts, amount));
        }
        Exhibit {
            title: "A worked example".to_string(),
            text: vec![self.opening(key, credits, source)],
            chart: None,
            tables,
            notes: vec![self.closing(credits, source)],
        }
    }

    fn opening(&self, key: &ScalarValue, credits: &Credits, source: Option<i128>) -> String {
        let which = if self.ids { format!("Conversion `{key}`") } else { "A conversion".to_string() };
        let when = match credits.converted_at.filter(|_| self.instants) {
            Some(at) => format!(" of {} UTC", instant(at, "%Y-%m-%d %H:%M")),
            None => String::new(),
        };
        let worth = match (self.scale, source) {
            (Some(scale), Some(amount)) => format!(", worth {} {},", decimal(amount, scale), credits.currency),
            _ => String::new(),
        };
        let touches = match credits.length {
            1 => "one touch".to_string(),
            length => format!("{length} touches"),
        };
        let missing = usize::try_from(credits.length).unwrap_or(0).saturating_sub(credits.touches.len());
        let missing = match missing {
            0 => String::new(),
            missing => format!(", of which {missing} got nothing by any model and are not in the table"),
        };
        format!("{which}{when}{worth} had a journey of {touches}{missing}. These are its published rows.")
    }

    fn journey(&self, credits: &Credits) -> ExhibitTable {
        let mut columns = vec![("Touch".to_string(), false)];
        columns.extend(self.instants.then(|| ("When (UTC)".to_string(), false)));
        columns.extend(self.instants.then(|| ("Days before".to_string(), true)));
        columns.extend(self.channels.then(|| ("Channel".to_string(), false)));
        let mut table = ExhibitTable::new("The journey", columns);
        for (position, touch) in &credits.touches {
            let mut row = vec![format!("Touch {position}")];
            if self.instants {
                row.push(touch.at.map_or_else(String::new, |at| instant(at, "%Y-%m-%d %H:%M")));
                row.push(touch.days_before.map_or_else(String::new, |days| format!("{days:.1}")));
            }
            row.extend(self.channels.then(|| touch.channel.clone()));
            table.rows.push(row);
        }
        table
    }

    /// That it closes, said only where it does.
    fn closing(&self, credits: &Credits, source: Option<i128>) -> String {
        let whole_credit = credits.weights.values().all(|shares| shares.values().sum::<i128>() == WEIGHT_UNITS.into());
        let rounded = "Shares are shown to a hundredth of a percent and published with 15 decimals";
        if !whole_credit || credits.weights.len() != self.models.len() {
            return format!("{rounded}.");
        }
        let (Some(scale), Some(amount)) = (self.scale, source) else {
            return format!("{rounded}: under every model they add up to exactly 100 %.");
        };
        if credits.amounts.values().any(|shares| shares.values().sum::<i128>() != amount) {
            return format!("{rounded}.");
        }
        format!(
            "Under every model the amounts add up to exactly {} {}, the conversion's amount in its source: the difference is {}. \
             {rounded}: they add up to exactly 100 %.",
            decimal(amount, scale),
            credits.currency,
            decimal(0, scale)
        )
    }
}

/// A line for each model, with its sum at the end.
fn by_model(
    caption: &str,
    credits: &Credits,
    models: &[String],
    values: &BTreeMap<String, BTreeMap<i32, i128>>,
    show: impl Fn(i128) -> String,
) -> ExhibitTable {
    let touches = credits.touches.keys().map(|position| (format!("Touch {position}"), true));
    let columns = std::iter::once(("Model".to_string(), false)).chain(touches);
    let mut table = ExhibitTable::new(caption, columns.chain(std::iter::once(("Sum".to_string(), true))));
    for model in models {
        let Some(shares) = values.get(model) else { continue };
        let of = |position: &i32| show(shares.get(position).copied().unwrap_or(0));
        let mut row = vec![format!("`{model}`")];
        row.extend(credits.touches.keys().map(of));
        row.push(show(shares.values().sum()));
        table.rows.push(row);
    }
    table
}

/// A weight in percent, rounded half up to two decimals; something is never said to be nothing.
fn percent(weight: i128) -> String {
    let hundredth = 10i128.pow(u32::try_from(WEIGHT_SCALE).unwrap_or(0)) / 10_000;
    match (weight + hundredth / 2) / hundredth {
        0 if weight > 0 => "< 0.01 %".to_string(),
        hundredths => format!("{} %", decimal(hundredths, 2)),
    }
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn shares_are_rounded_to_a_hundredth_of_a_percent() {
        let texts = [333_333_333_333_333, 1_000_000_000_000_000, 0, 1, 49_999_999_999, 50_000_000_000].map(percent);
        assert_eq!(texts, ["33.33 %", "100.00 %", "0.00 %", "< 0.01 %", "< 0.01 %", "0.01 %"]);
    }
}
