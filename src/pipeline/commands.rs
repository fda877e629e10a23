//! What the other commands need of a prepared project: plans, releases, rollback, cleaning.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::prepare::{self, Prepared, Session, Target};
use super::{Clock, Request, document, select};
use crate::engine::{Frame, Frames, SqlForm};
use crate::error::{Error, Result};
use crate::kinds::Scope;
use crate::project::resolve::Model;
use crate::store::publish::{
    Cleaned, Publication, Release, RunRecord, Silent, current_release, release, releases as numbers,
};
use crate::syntax::TableName;

/// The models that `--select` and `--exclude` choose, by index.
pub fn selected(prepared: &Prepared, request: &Request, session: &mut Session) -> Result<BTreeSet<usize>> {
    select::models(&prepared.graph, &prepared.project, &request.select, &request.exclude, session)
}

/// How one table of a model is made.
#[derive(Debug, Clone)]
pub struct TablePlan {
    /// The table.
    pub table: TableName,
    /// Its plan as SQL, for reading only.
    pub sql: SqlForm,
    /// Its plan as the model's kind made it.
    pub logical: String,
    /// What is executed.
    pub physical: String,
}

/// The plan of each table of a model.
pub async fn plans(prepared: &Prepared, wanted: &str) -> Result<Vec<TablePlan>> {
    let model = named(prepared, wanted)?;
    let frames = with_empty_tables(prepared);
    let file = prepared.project.models.get(model.index).ok_or_else(|| Error::internal("a model without a file"))?;
    let scope = Scope {
        model: &model.name,
        place: file.spec.model.place,
        description: "",
        settings: &prepared.graph.settings,
        frames: &frames,
        engine: &prepared.engine,
    };
    let mut plans = Vec::new();
    for output in &model.outputs {
        let plan = model.kind.as_model().plan(&scope, output)?;
        let physical = prepared.engine.state().create_physical_plan(&plan).await?;
        let shown = datafusion::physical_plan::displayable(physical.as_ref()).indent(false).to_string();
        plans.push(TablePlan {
            table: output.table.clone(),
            sql: prepared.engine.sql_text(&plan),
            logical: plan.display_indent().to_string(),
            physical: shown,
        });
    }
    Ok(plans)
}

/// The sources, and every table of a model without its rows.
pub(super) fn with_empty_tables(prepared: &Prepared) -> Frames {
    let mut frames = prepared.frames.clone();
    for output in prepared.graph.models.iter().flat_map(|model| &model.outputs) {
        frames.insert(output.table.clone(), Frame::empty(output.read_schema().into(), output.columns.clone()));
    }
    frames
}

/// The model of that name.
pub(super) fn named<'a>(prepared: &'a Prepared, wanted: &str) -> Result<&'a Model> {
    let models = &prepared.graph.models;
    models.iter().find(|model| model.name.as_str() == wanted).ok_or_else(|| {
        let error = Error::project(format!("there is no model `{wanted}`"));
        match crate::diag::nearest(wanted, models.iter().map(|model| model.name.as_str())) {
            Some(near) => error.with_hint(format!("did you mean `{near}`?")),
            None => error.with_hint("`marquetry ls` shows what there is"),
        }
    })
}

/// The target, for what concerns only what is published: models may be wrong then.
fn target(request: &Request, session: &mut Session) -> Result<Target> {
    let project = prepare::load(request, session)?;
    prepare::target(&project, request)
}

/// The releases of the target, the oldest first.
pub async fn releases(request: &Request, session: &mut Session) -> Result<Vec<Release>> {
    let root = target(request, session)?.root()?;
    let mut all = Vec::new();
    for number in numbers(&root).await? {
        all.push(release(&root, number).await?);
    }
    Ok(all)
}

/// Publishes the tables of an earlier release again, as a new release.
pub async fn rollback(request: &Request, session: &mut Session, to: u64, clock: Clock<'_>) -> Result<Release> {
    let started = clock();
    let root = target(request, session)?.root()?;
    let earlier = release(&root, to).await?;
    let mut publication = Publication::open(root, &request.run_id, Arc::new(Silent)).await?;
    let record = RunRecord { started, finished: clock(), ..earlier.record };
    let published = publication.rollback(to, record).await;
    let closed = publication.close().await;
    let published = published?;
    closed?;
    Ok(published.release)
}

/// Removes what no kept release needs.
pub async fn clean(request: &Request, session: &mut Session, keep: Option<u32>) -> Result<Cleaned> {
    let target = target(request, session)?;
    let keep = keep.unwrap_or(target.keep_releases).max(1);
    let publication = Publication::open(target.root()?, &request.run_id, Arc::new(Silent)).await?;
    let cleaned = publication.clean(keep as usize).await;
    let closed = publication.close().await;
    let cleaned = cleaned?;
    closed?;
    Ok(cleaned)
}

/// Takes back what a stopped run had staged, or brings to an end what it had decided.
pub async fn withdraw_leftovers(request: &Request) -> Result<()> {
    let target = target(request, &mut Session::default())?;
    Publication::open(target.root()?, &format!("tidy-{}", request.run_id), Arc::new(Silent)).await?.close().await
}

/// The data dictionary of what is published; says where it was written.
pub async fn write_docs(prepared: &Prepared, request: &Request) -> Result<String> {
    let target = prepared.target(request)?;
    let release = current_release(&target.root()?).await?;
    document::write(prepared, release.as_ref(), request, &target).await
}
