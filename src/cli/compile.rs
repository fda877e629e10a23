//! `marquetry compile MODEL`: the plan of each of its tables, as SQL where SQL can say it.

use std::process::ExitCode;

use serde_json::json;

use super::args::{Args, Compile, Shape};
use super::done;
use super::run::prepare;
use super::ui::Ui;
use crate::engine::SqlForm;
use crate::error::Result;
use crate::pipeline::{self, TablePlan};

/// Prints what makes each table that the model writes: SQL for reading, the logical and the physical plan.
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
    done()
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
