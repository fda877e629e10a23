//! `marquetry compile MODEL`: the plan of each of its tables, as SQL where SQL can say it, and what its kind
//! foretells of a run.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::args::{Args, Compile, Shape};
use super::done;
use super::run::prepare;
use super::ui::Ui;
use crate::engine::SqlForm;
use crate::error::Result;
use crate::kinds::exhibit::decimal;
use crate::pipeline::{self, Forecast, TablePlan};

/// Prints what makes each table that the model writes: SQL for reading, the logical and the physical plan;
/// then, where the kind foretells something, what a run would have to do.
pub async fn compile(args: &Args, compile: &Compile, ui: &Ui) -> Result<ExitCode> {
    let (prepared, _) = prepare(args, ui).await?;
    for plan in pipeline::plans(&prepared, &compile.model).await? {
        match args.output {
            Shape::Text => ui.print(&text(&plan)),
            Shape::Json => ui.print_json(&json!({
                "table": plan.table,
                "sql": if let SqlForm::Sql(sql) = &plan.sql { Some(sql) } else { None },
                "logical_plan": plan.logical,
                "physical_plan": plan.physical,
            })),
        }
    }
    if let Some(forecast) = pipeline::forecast(&prepared, &compile.model).await? {
        match args.output {
            Shape::Text => ui.print(&foretold(&compile.model, &forecast)),
            Shape::Json => ui.print_json(&json!({ "model": compile.model, "forecast": objects(&forecast) })),
        }
    }
    done()
}

/// A table of text: columns as wide as their widest value, numbers at the right with their thousands set apart.
fn foretold(model: &str, forecast: &Forecast) -> String {
    let shown = |value: &Value| match value {
        Value::Number(number) => number.as_i64().map_or_else(|| number.to_string(), |n| decimal(n.into(), 0)),
        Value::String(text) => text.clone(),
        _ => String::new(),
    };
    let rows: Vec<Vec<String>> = forecast.rows.iter().map(|row| row.iter().map(shown).collect()).collect();
    let head: Vec<String> = forecast.columns.iter().map(|name| name.replace('_', " ")).collect();
    let width = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at)).chain(head.get(at));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let numeric = |at: usize| forecast.rows.iter().any(|row| row.get(at).is_some_and(Value::is_number));
    let line = |cells: &Vec<String>| {
        let padded = cells.iter().enumerate().map(|(at, cell)| match (numeric(at), width(at)) {
            (true, width) => format!("{cell:>width$}"),
            (false, width) => format!("{cell:<width$}"),
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_string()
    };
    let lines = std::iter::once(&head).chain(&rows).map(line);
    let title = format!("-- {model}: what a run would compare, by the rows as they are now");
    std::iter::once(title).chain(lines).collect::<Vec<_>>().join("\n")
}

fn objects(forecast: &Forecast) -> Vec<Value> {
    let object = |row: &Vec<Value>| -> Value { forecast.columns.iter().cloned().zip(row.iter().cloned()).collect() };
    forecast.rows.iter().map(object).collect()
}

fn text(plan: &TablePlan) -> String {
    let TablePlan { table, sql, logical, physical } = plan;
    let sql = match sql {
        SqlForm::Sql(sql) => format!("-- {table}: as SQL, for reading only; what runs is the plan below\n{sql};"),
        SqlForm::Operators(names) => {
            format!("-- {table}: SQL cannot say what {} does; the plan below can", names.join(", "))
        }
        SqlForm::Unsaid => format!("-- {table}: SQL cannot say all of the plan below"),
    };
    format!("{sql}\n\n-- {table}: logical plan\n{logical}\n\n-- {table}: physical plan\n{physical}")
}
