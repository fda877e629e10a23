//! Plans into rows: each model in its turn, its tables staged, checked and counted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::datasource::ViewTable;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast};
use datafusion::physical_plan::{ExecutionPlan, execute_stream_partitioned};
use datafusion::prelude::DataFrame;

use super::Prepared;
use super::findings::{Findings, Profiler};
use super::remember;
use super::watch::{Event, Watch};
use crate::checks::{self, CheckResult, Status};
use crate::contract::{Contract, Role};
use crate::diag::Diagnostics;
use crate::dictionary::ColumnProfile;
use crate::engine::{Frame, Frames};
use crate::error::{Context as _, Error, Result};
use crate::kinds::{FactRow, Scope, fact};
use crate::project::resolve::Model;
use crate::project::spec::ModelFile;
use crate::store::publish::{Publication, StagedTable, Verdict, published_tables};
use crate::store::table_of_files;
use crate::syntax::TableName;

/// What the models of a run have made.
#[derive(Debug, Default)]
pub struct Work {
    /// The tables that may be published, in the order in which they were made.
    pub staged: Vec<StagedTable>,
    /// What the checks found, in order.
    pub checks: Vec<CheckResult>,
    /// What each model counted.
    pub facts: BTreeMap<TableName, Vec<FactRow>>,
    /// What the columns of each staged table hold.
    pub profiles: BTreeMap<TableName, Vec<ColumnProfile>>,
}

/// Works out the selected models, each after those that it reads.
pub(super) async fn models(
    prepared: &Prepared,
    selected: &BTreeSet<usize>,
    publication: &Publication,
    watch: &dyn Watch,
) -> Result<Work> {
    let mut runner = Runner { prepared, publication, watch, frames: prepared.frames.clone(), work: Work::default() };
    runner.read_what_is_not_selected(selected).await?;
    let mut turn = 0;
    for model in &prepared.graph.models {
        let file =
            &prepared.project.models.get(model.index).ok_or_else(|| Error::internal("a model without a file"))?.spec;
        let is_step = !file.publish;
        if !selected.contains(&model.index) && !is_step {
            continue;
        }
        turn += 1;
        watch.event(&Event::Model(&model.name, turn, selected.len()));
        runner.model(model, file).await.while_doing(|| format!("model `{}`", model.name))?;
    }
    Ok(runner.work)
}

struct Runner<'a> {
    prepared: &'a Prepared,
    publication: &'a Publication,
    watch: &'a dyn Watch,
    frames: Frames,
    work: Work,
}

impl Runner<'_> {
    /// Tables of models that are not run again are read as they were last published.
    async fn read_what_is_not_selected(&mut self, selected: &BTreeSet<usize>) -> Result<()> {
        let Some(release) = self.publication.current().map(|release| release.number) else { return Ok(()) };
        let others = self.prepared.graph.models.iter().filter(|model| !selected.contains(&model.index));
        let outputs: BTreeMap<&TableName, &Contract> =
            others.flat_map(|model| &model.outputs).map(|output| (&output.table, output)).collect();
        if outputs.is_empty() {
            return Ok(());
        }
        for table in published_tables(self.publication.root(), Some(release)).await? {
            if let Some(contract) = outputs.get(&table.table.name) {
                let provider = table_of_files(&table.urls, table.schema)?;
                self.frames.insert(table.table.name.clone(), Frame { provider, columns: contract.columns.clone() });
            }
        }
        Ok(())
    }

    async fn model(&mut self, model: &Model, file: &ModelFile) -> Result<()> {
        remember::last_published(model, self.publication, &mut self.frames).await?;
        for table in &model.inputs {
            if self.frames.get(table.as_str()).is_none() {
                let message = format!("it reads `{table}`, which is not selected and was not published yet");
                return Err(
                    Error::project(message).with_hint(format!("select it too, as in `--select +{}`", model.name))
                );
            }
        }
        for output in &model.outputs {
            let plan = model.kind.as_model().plan(&self.scope(model, file), output)?;
            let frame = if file.publish { self.stage(plan, output).await? } else { step(plan, output)? };
            self.frames.insert(output.table.clone(), frame);
        }
        let facts = self.facts(model, file).await?;
        self.frames.forget_shared(&model.name);
        if let Some(result) = balance(model, &facts) {
            self.note(result);
        }
        self.work.facts.insert(model.name.clone(), facts);
        for output in &model.outputs {
            let of_table: Vec<_> = model.checks.iter().filter(|check| check.table == output.table).cloned().collect();
            for result in checks::run(&of_table, output, &self.frames, &self.prepared.engine).await? {
                self.note(result);
            }
        }
        Ok(())
    }

    fn note(&mut self, result: CheckResult) {
        self.watch.event(&Event::Checked(&result));
        self.work.checks.push(result);
    }

    fn scope<'a>(&'a self, model: &'a Model, file: &'a ModelFile) -> Scope<'a> {
        Scope {
            model: &model.name,
            place: file.model.place,
            description: file.description.as_ref().map_or("", |text| text.value.trim()),
            settings: &self.prepared.graph.settings,
            frames: &self.frames,
            engine: &self.prepared.engine,
        }
    }

    /// Executes a plan into files; the frame reads them.
    async fn stage(&mut self, plan: LogicalPlan, contract: &Contract) -> Result<Frame> {
        let state = self.prepared.engine.state();
        let physical: Arc<dyn ExecutionPlan> = state.create_physical_plan(&plan).await?;
        let partitions = execute_stream_partitioned(physical, self.prepared.engine.ctx().task_ctx())?;
        let (profiler, partitions) = Profiler::tap(contract, partitions);
        let staged = self.publication.stage(contract, partitions).await?;
        self.work.profiles.insert(staged.name.clone(), profiler.finish()?);
        self.watch.event(&Event::Staged { table: &staged.name, rows: staged.rows });
        let provider = table_of_files(staged.urls(), contract.schema().into())?;
        self.work.staged.push(staged);
        Ok(Frame { provider, columns: contract.columns.clone() })
    }

    async fn facts(&self, model: &Model, file: &ModelFile) -> Result<Vec<FactRow>> {
        let mut rows = Vec::new();
        for plan in model.kind.as_model().facts(&self.scope(model, file))? {
            let batches = DataFrame::new(self.prepared.engine.state(), texts_and_number(plan)?).collect().await?;
            batches.iter().try_for_each(|batch| read_facts(batch, &mut rows))?;
        }
        rows.sort();
        Ok(rows)
    }
}

/// A model that is not published is a step of those that read it: a plan under its name.
fn step(plan: LogicalPlan, contract: &Contract) -> Result<Frame> {
    let columns: Vec<Expr> = plan
        .schema()
        .columns()
        .into_iter()
        .zip(&contract.columns)
        .map(|(column, promised)| cast(Expr::Column(column), promised.ty.arrow()).alias(promised.name.as_str()))
        .collect();
    let plan = LogicalPlanBuilder::from(plan).project(columns)?.build()?;
    Ok(Frame { provider: Arc::new(ViewTable::new(plan, None)), columns: contract.columns.clone() })
}

fn texts_and_number(plan: LogicalPlan) -> Result<LogicalPlan> {
    let types = [DataType::Utf8, DataType::Utf8, DataType::Int64];
    let columns = plan.schema().columns();
    let columns: Vec<Expr> = columns
        .into_iter()
        .zip(types)
        .map(|(column, ty)| cast(Expr::Column(column.clone()), ty).alias(column.name))
        .collect();
    Ok(LogicalPlanBuilder::from(plan).project(columns)?.build()?)
}

fn read_facts(batch: &RecordBatch, rows: &mut Vec<FactRow>) -> Result<()> {
    let [facts, items, counts] = batch.columns() else {
        return Err(Error::internal("facts with other columns than fact, item, rows"));
    };
    let (facts, items) = (facts.as_string::<i32>(), items.as_string::<i32>());
    let counts = counts.as_primitive::<Int64Type>();
    for ((fact, item), rows_of) in facts.iter().zip(items).zip(counts) {
        rows.push(FactRow {
            fact: fact.unwrap_or_default().to_string(),
            item: item.unwrap_or_default().to_string(),
            rows: rows_of.unwrap_or(0),
        });
    }
    Ok(())
}

/// That no row was lost: rows in are rows accounted for plus rejects. Only where the kind counts.
fn balance(model: &Model, facts: &[FactRow]) -> Option<CheckResult> {
    let total = |name: &str| facts.iter().filter(|row| row.fact == name).map(|row| row.rows).sum::<i64>();
    facts.iter().find(|row| row.fact == fact::IN)?;
    let (read, used, rejected) = (total(fact::IN), total(fact::OUT), total(fact::REJECTED));
    let off = (read - used - rejected).unsigned_abs();
    Some(CheckResult {
        check: "rows_balance".to_string(),
        table: model.name.clone(),
        columns: Vec::new(),
        status: if off == 0 { Status::Pass } else { Status::Fail },
        failures: off,
        rows: u64::try_from(read).unwrap_or(0),
        sample: Vec::new(),
        message: format!("{read} rows read = {used} used + {rejected} rejected"),
    })
}

impl Work {
    /// Whether each staged table may go out: it passed, and so did everything it is made of.
    pub fn verdicts(&self, prepared: &Prepared) -> Vec<Verdict> {
        let mut refused: BTreeSet<&TableName> = BTreeSet::new();
        for model in &prepared.graph.models {
            let own = |table: &TableName| model.outputs.iter().any(|output| output.table == *table);
            let failed = self.checks.iter().any(|result| result.status == Status::Fail && own(&result.table));
            if failed || model.inputs.iter().any(|table| refused.contains(table)) {
                refused.extend(model.outputs.iter().map(|output| &output.table));
            }
        }
        let verdict = |table: &StagedTable| {
            let findings = serde_json::to_value(self.findings(&table.name)).unwrap_or_default();
            Verdict { table: table.name.clone(), passed: !refused.contains(&table.name), checks: findings }
        };
        self.staged.iter().map(verdict).collect()
    }

    fn findings(&self, table: &TableName) -> Findings {
        Findings {
            checks: self.checks.iter().filter(|result| result.table == *table).cloned().collect(),
            facts: self.facts.get(table).cloned().unwrap_or_default(),
            profile: self.profiles.get(table).cloned().unwrap_or_default(),
        }
    }

    /// What the models have to say about their counts.
    pub fn review(&self, prepared: &Prepared) -> Diagnostics {
        let mut diags = Diagnostics::default();
        for model in &prepared.graph.models {
            if let Some(facts) = self.facts.get(&model.name) {
                model.kind.as_model().review(facts, &mut diags);
            }
        }
        diags
    }

    /// Rows that each model rejected.
    pub fn rejects(&self, prepared: &Prepared, model: &TableName) -> Option<u64> {
        let model = prepared.graph.models.iter().find(|known| known.name == *model)?;
        let table = model.outputs.iter().find(|output| output.role == Role::Rejects)?;
        self.staged.iter().find(|staged| staged.name == table.table).map(|staged| staged.rows)
    }
}
