//! The whole run on one page: load → resolve → plan → execute → check → publish → document.

mod commands;
mod diff;
mod document;
mod draft;
mod execute;
mod exhibits;
mod explain_match;
mod findings;
mod forecast;
mod layout;
mod outcome;
mod prepare;
mod remember;
mod request;
mod select;
mod turns;
mod watch;
mod weights;
mod work;

use chrono::{DateTime, Utc};

pub use commands::{TablePlan, clean, plans, releases, rollback, selected, withdraw_leftovers, write_docs};
pub use diff::{ReleaseDiff, Sides, TableChange, TableDiff, diff};
pub use draft::draft_contract;
pub use explain_match::{MatchEvidence, MatchExplanation, RuleFinding, explain_match};
pub use findings::Findings;
pub use forecast::{Forecast, forecast};
pub use outcome::{Outcome, OutcomeStatus, TableOutcome, Withheld};
pub use prepare::{Prepared, Session};
pub use request::{Overrides, Request};
pub use watch::{Event, Quiet, Watch};
pub use weights::weights;

use self::prepare::Reads;
use crate::error::Result;
use crate::store::publish::{OnRefusal, Publication, RunRecord, Staged};

/// Tells the time; the command line hands it in, so that nothing below reads the clock.
pub type Clock<'a> = &'a (dyn Fn() -> DateTime<Utc> + Sync);

/// Everything that can be known of a project without reading a row, sources and seeds that no model
/// reads included. What is wrong with it is in `session`, and then there is no result.
pub async fn check(request: &Request, session: &mut Session) -> Result<Prepared> {
    let project = prepare::load(request, session)?;
    prepare::resolve(project, request, session, Reads::All).await
}

/// The project, ready to run: of sources and seeds, only what its models read has to be in order.
pub async fn ready(request: &Request, session: &mut Session) -> Result<Prepared> {
    let project = prepare::load(request, session)?;
    prepare::resolve(project, request, session, Reads::Used).await
}

/// Runs a project: computes the selected models, checks them and publishes them together.
///
/// Nothing is published unless every check of severity `error` holds; with `--keep-going` the
/// tables that do not build on a refused one, or on a model that failed, go out all the same.
pub async fn run(request: &Request, session: &mut Session, clock: Clock<'_>, watch: &dyn Watch) -> Result<Outcome> {
    let started = clock();
    let prepared = ready(request, session).await?;
    let selected = select::models(&prepared.graph, &prepared.project, &request.select, &request.exclude, session)?;
    let target = prepared.target(request)?;
    let mut publication = Publication::open(target.root()?, &request.run_id, watch.steps()).await?;

    let worked = execute::models(&prepared, &selected, &publication, request.keep_going, watch).await;
    let work = match worked {
        Ok(work) => work,
        Err(error) => return Err(withdraw(publication, error).await),
    };
    if let Some(error) = work.ends(&prepared, request.keep_going) {
        let failed = Outcome::failed(&prepared, &work, &target, started, clock(), &error);
        watch.event(&Event::Refused(&failed));
        return Err(withdraw(publication, error).await);
    }
    session.diags.extend_unless_told(work.review(&prepared));

    let on_refusal = if request.keep_going { OnRefusal::KeepGoing } else { OnRefusal::Stop };
    let checked = match Staged::new(work.staged.clone()).accept(work.verdicts(&prepared), on_refusal) {
        Ok(checked) => checked,
        Err(error) => {
            let refused = Outcome::refused(&prepared, &work, &target, started, clock());
            watch.event(&Event::Refused(&refused));
            return Err(withdraw(publication, error).await);
        }
    };
    let record = RunRecord {
        started,
        finished: clock(),
        as_of: request.as_of,
        project: prepared.digest.clone(),
        engine: env!("CARGO_PKG_VERSION").to_string(),
        inputs: prepared.input_records(),
    };
    let published = publication.publish(checked, record, &prepared.dropped_since(&publication)).await?;
    publication.close().await?;
    document::write(&prepared, Some(&published.release), request, &target).await?;
    Ok(Outcome::published(&prepared, &work, &published.release, &target, started, clock()))
}

/// Takes back what was staged; the error that led here is the one to report.
async fn withdraw(publication: Publication, error: crate::error::Error) -> crate::error::Error {
    match publication.close().await {
        Ok(()) => error,
        Err(_) => error.with_hint("what was staged could not be removed; the next run or `marquetry clean` will"),
    }
}
