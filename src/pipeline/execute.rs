//! Plans into rows: models side by side along the graph, their tables staged, checked and counted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::datasource::ViewTable;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast};
use datafusion::physical_plan::{ExecutionPlan, execute_stream_partitioned};
use futures::StreamExt;
use futures::stream::FuturesUnordered;

use super::Prepared;
use super::exhibits::exhibits;
use super::findings::{Seen, Tap};
use super::layout::Layout;
use super::remember;
use super::turns::{Turns, at_once};
use super::watch::{Event, Watch};
use super::work::{Work, goes_on};
use crate::checks::{self, Check, CheckResult, Known, Status};
use crate::contract::{Contract, read_schema};
use crate::dictionary::ColumnProfile;
use crate::engine::{Frame, Frames, heap};
use crate::error::{Context as _, Error, Result};
use crate::kinds::{Exhibit, FactRow, Scope, fact};
use crate::project::resolve::Model;
use crate::project::spec::ModelFile;
use crate::store::publish::{Publication, StagedTable, published_tables};
use crate::syntax::TableName;

/// Works out the selected models, each after those that it reads, and as many side by side as the
/// limits allow. The first error ends the others, unless the run is to `keep_going` and it is about
/// this one model; then only those that wait for it have no turn.
pub(super) async fn models(
    prepared: &Prepared,
    selected: &BTreeSet<usize>,
    publication: &Publication,
    keep_going: bool,
    watch: &dyn Watch,
) -> Result<Work> {
    let mut frames = prepared.frames.clone();
    read_what_is_not_selected(prepared, selected, publication, &mut frames).await?;
    let jobs = jobs(prepared, selected)?;
    let mut turns = Turns::new(
        &jobs.iter().map(|(at, job)| (*at, job.writes(), job.model.waits_for().collect())).collect::<Vec<_>>(),
    );
    let mut working = FuturesUnordered::new();
    let mut names: Vec<&TableName> = Vec::new();
    let mut work = Work { wanted: jobs.values().flat_map(Job::publishes).cloned().collect(), ..Work::default() };
    let mut made: BTreeMap<usize, Made> = BTreeMap::new();
    let (width, mut started) = (at_once(prepared.engine.limits()), 0);
    loop {
        while working.len() < width
            && let Some(at) = turns.next()
        {
            let job = jobs.get(&at).ok_or_else(|| Error::internal("a turn of no model"))?;
            started += 1;
            watch.event(&Event::Model(&job.model.name, started, jobs.len()));
            names.push(&job.model.name);
            let (frames, made) = (frames.clone(), Made::default());
            let runner = Runner { prepared, publication, frames, made, known: BTreeMap::new() };
            working.push(async move {
                let done = runner.model(job.model, job.file).await;
                (at, job, done.while_doing(|| doing(prepared, job.model)))
            });
        }
        watch.event(&Event::Working { models: &names, done: made.len(), of: jobs.len() });
        let Some((at, job, done)) = working.next().await else { break };
        names.retain(|name| **name != job.model.name);
        let done = match done {
            Ok(done) => done,
            Err(error) => {
                let stop = !keep_going || !goes_on(&error);
                if !stop {
                    watch.event(&Event::Failed(&error));
                }
                work.failed.insert(job.model.name.clone(), error);
                turns.failed(at);
                if !stop {
                    continue;
                }
                publication.halt();
                while working.next().await.is_some() {}
                break;
            }
        };
        done.tell(watch);
        done.frames.iter().for_each(|(table, frame)| frames.insert(table.clone(), frame.clone()));
        turns.done(at);
        made.insert(at, done);
    }
    if work.failed.is_empty() && turns.left() > 0 {
        return Err(Error::internal(format!("{} models wait for each other", turns.left())));
    }
    // In the order of the graph, whichever came to its end first.
    made.into_values().for_each(|made| made.add_to(&mut work));
    Ok(work)
}

/// A model that is to be worked out.
struct Job<'a> {
    model: &'a Model,
    file: &'a ModelFile,
}

impl<'a> Job<'a> {
    fn writes(&self) -> Vec<&'a TableName> {
        self.model.outputs.iter().map(|output| &output.table).collect()
    }

    /// The tables that go out; of a step, none do.
    fn publishes(&self) -> Vec<&'a TableName> {
        if self.file.publish { self.writes() } else { Vec::new() }
    }
}

/// A model with the line where it says how it is made. Steps that are not published are worked out
/// with the model that reads them, so that what went wrong may be theirs.
fn doing(prepared: &Prepared, model: &Model) -> String {
    let file = |model: &Model| prepared.project.models.get(model.index);
    let named = |model: &Model| {
        let place = file(model).and_then(|file| file.spec.kinds().first().map(|(_, place)| *place));
        let line = place.and_then(|place| prepared.line_of(place));
        format!("`{}`{}", model.name, line.map_or_else(String::new, |line| format!(" ({line})")))
    };
    let mut wanted: BTreeSet<&TableName> = model.inputs.iter().collect();
    let mut steps = Vec::new();
    // Models stand after all that they read.
    for other in prepared.graph.models.iter().rev().filter(|other| file(other).is_some_and(|file| !file.spec.publish)) {
        if other.outputs.iter().any(|output| wanted.contains(&output.table)) {
            wanted.extend(&other.inputs);
            steps.push(named(other));
        }
    }
    let made_of = if steps.is_empty() { String::new() } else { format!(", made of {}", steps.join(", ")) };
    format!("model {}{made_of}", named(model))
}

/// The selected models and the steps that are no tables, by their position in the graph's order.
fn jobs<'a>(prepared: &'a Prepared, selected: &BTreeSet<usize>) -> Result<BTreeMap<usize, Job<'a>>> {
    let mut jobs = BTreeMap::new();
    for (at, model) in prepared.graph.models.iter().enumerate() {
        let file = prepared.project.models.get(model.index);
        let file = &file.ok_or_else(|| Error::internal("a model without a file"))?.spec;
        if selected.contains(&model.index) || !file.publish {
            jobs.insert(at, Job { model, file });
        }
    }
    Ok(jobs)
}

/// Tables of models that are not run again are read as they were last published.
async fn read_what_is_not_selected(
    prepared: &Prepared,
    selected: &BTreeSet<usize>,
    publication: &Publication,
    frames: &mut Frames,
) -> Result<()> {
    let Some(release) = publication.current().map(|release| release.number) else { return Ok(()) };
    let others = prepared.graph.models.iter().filter(|model| !selected.contains(&model.index));
    let outputs: BTreeMap<&TableName, &Contract> =
        others.flat_map(|model| &model.outputs).map(|output| (&output.table, output)).collect();
    if outputs.is_empty() {
        return Ok(());
    }
    for table in published_tables(publication.root(), Some(release)).await? {
        let name = table.table.name.clone();
        if let Some(contract) = outputs.get(&name) {
            let schema = read_schema(&table.schema).into();
            frames.insert(name, Frame { provider: table.rows(schema)?, columns: contract.columns.clone() });
        }
    }
    Ok(())
}

/// What one model has made.
#[derive(Default)]
struct Made {
    name: Option<TableName>,
    frames: Vec<(TableName, Frame)>,
    staged: Vec<StagedTable>,
    checks: Vec<CheckResult>,
    facts: Vec<FactRow>,
    profiles: BTreeMap<TableName, Vec<ColumnProfile>>,
    exhibits: Vec<Exhibit>,
}

impl Made {
    fn add_to(self, work: &mut Work) {
        work.staged.extend(self.staged);
        work.checks.extend(self.checks);
        if let Some(name) = self.name {
            work.exhibits.insert(name.clone(), self.exhibits);
            work.facts.insert(name, self.facts);
        }
        work.profiles.extend(self.profiles);
    }

    fn tell(&self, watch: &dyn Watch) {
        for table in &self.staged {
            watch.event(&Event::Staged { table: &table.name, rows: table.rows });
        }
        self.checks.iter().for_each(|result| watch.event(&Event::Checked(result)));
    }
}

/// Works out one model; its frames are those that were there when its turn came, and its own.
struct Runner<'a> {
    prepared: &'a Prepared,
    publication: &'a Publication,
    frames: Frames,
    made: Made,
    /// What was seen of the model's tables on their way to the files.
    known: BTreeMap<TableName, Known>,
}

impl Runner<'_> {
    async fn model(mut self, model: &Model, file: &ModelFile) -> Result<Made> {
        // What plans of it kept that were made without rows.
        self.frames.forget_shared(&model.name);
        remember::last_published(model, self.publication, &mut self.frames).await?;
        for table in model.waits_for() {
            if self.frames.get(table.as_str()).is_none() {
                let message = format!("it reads `{table}`, which is not selected and was not published yet");
                return Err(
                    Error::project(message).with_hint(format!("select it too, as in `--select +{}`", model.name))
                );
            }
        }
        for output in &model.outputs {
            let plan = model.kind.as_model().plan(&self.scope(model, file), output)?;
            let frame = if file.publish { self.stage(plan, output, &model.checks).await? } else { step(plan, output)? };
            self.frames.insert(output.table.clone(), frame.clone());
            self.made.frames.push((output.table.clone(), frame));
        }
        let (facts, exhibits, checks) = self.publication.unless_halted(self.look(model, file)).await?;
        Ok(Made { name: Some(model.name.clone()), facts, exhibits, checks, ..self.made })
    }

    /// What the model counted, what it shows, and what its checks say of its tables.
    async fn look(&self, model: &Model, file: &ModelFile) -> Result<(Vec<FactRow>, Vec<Exhibit>, Vec<CheckResult>)> {
        let facts = self.facts(model, file).await?;
        // Nobody reads a page with rows of a step that has none.
        let shown = if file.publish { exhibits(model, &self.scope(model, file)).await? } else { Vec::new() };
        self.frames.forget_shared(&model.name);
        let mut results: Vec<CheckResult> = balance(model, &facts).into_iter().collect();
        for output in &model.outputs {
            let of_table: Vec<_> = model.checks.iter().filter(|check| check.table == output.table).cloned().collect();
            let nothing = Known::default();
            let known = self.known.get(&output.table).unwrap_or(&nothing);
            results.extend(checks::run(&of_table, output, known, &self.frames, &self.prepared.engine).await?);
        }
        Ok((facts, shown, results))
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
    async fn stage(&mut self, plan: LogicalPlan, contract: &Contract, checks: &[Check]) -> Result<Frame> {
        let state = self.prepared.engine.state();
        let physical: Arc<dyn ExecutionPlan> = state.create_physical_plan(&plan).await?;
        let layout = Layout::of(physical.as_ref(), contract);
        let partitions = execute_stream_partitioned(physical, self.prepared.engine.ctx().task_ctx())?;
        let (tap, partitions) = Tap::new(contract, checks, &self.prepared.engine, partitions);
        let staged = self.publication.stage(contract, partitions).await?;
        let Seen { profile, known, texts } = tap.finish(staged.rows)?;
        heap::give_back();
        self.made.profiles.insert(staged.name.clone(), profile);
        self.known.insert(staged.name.clone(), known);
        self.frames.insert_counted(staged.name.clone(), texts);
        let frame = layout.frame(&staged, contract, self.prepared.engine.limits())?;
        self.made.staged.push(staged);
        Ok(frame)
    }

    async fn facts(&self, model: &Model, file: &ModelFile) -> Result<Vec<FactRow>> {
        let mut rows = Vec::new();
        for plan in model.kind.as_model().facts(&self.scope(model, file))? {
            let batches = self.prepared.engine.collect(texts_and_number(plan)?).await?;
            batches.iter().try_for_each(|batch| read_facts(batch, &mut rows))?;
        }
        rows.sort();
        Ok(rows)
    }
}

/// A model that is not published is a step of those that read it: a plan under its name, with the types in which
/// its table would be read.
pub(super) fn step(plan: LogicalPlan, contract: &Contract) -> Result<Frame> {
    let columns: Vec<Expr> = plan
        .schema()
        .columns()
        .into_iter()
        .zip(&contract.columns)
        .map(|(column, promised)| cast(Expr::Column(column), promised.ty.reading()).alias(promised.name.as_str()))
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
        newest: None,
    })
}
