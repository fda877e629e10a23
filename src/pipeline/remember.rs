//! What a model published last, for a kind that goes on from it, and what it had published in releases that
//! were taken back since.

use crate::engine::{Frame, Frames};
use crate::error::Result;
use crate::project::resolve::Model;
use crate::store::publish::{
    Change, Publication, PublishedTable, Release, TargetRoot, published_tables, release, releases,
};

/// Puts the tables that the model's kind remembers into the frames, as the current release has them, and as
/// releases have them that a rollback went behind.
pub(super) async fn last_published(model: &Model, publication: &Publication, frames: &mut Frames) -> Result<()> {
    let endings = model.kind.as_model().remembers();
    let Some(current) = publication.current().filter(|_| !endings.is_empty()) else { return Ok(()) };
    let names: Vec<String> = endings.iter().map(|ending| model.name.with_suffix(ending).to_string()).collect();
    let root = publication.root();
    for table in tables(root, current.number, &names).await? {
        frames.insert_published(table.table.name.clone(), frame(table)?);
    }
    for number in withdrawn(root, current, &names).await? {
        for table in tables(root, number, &names).await? {
            frames.insert_withdrawn(table.table.name.clone(), frame(table)?);
        }
    }
    Ok(())
}

async fn tables(root: &TargetRoot, number: u64, names: &[String]) -> Result<Vec<PublishedTable>> {
    let mut tables = published_tables(root, Some(number)).await?;
    tables.retain(|table| names.iter().any(|name| name == table.table.name.as_str()));
    Ok(tables)
}

fn frame(table: PublishedTable) -> Result<Frame> {
    let schema = table.schema.clone();
    Ok(Frame { provider: table.rows(schema)?, columns: Vec::new() })
}

/// The releases that the tables of the current one do not know of, the newest first, each content once: those
/// between the run that made the tables and now. There are none unless a release was taken back, and only
/// those are known that `clean` has left.
async fn withdrawn(root: &TargetRoot, current: &Release, names: &[String]) -> Result<Vec<u64>> {
    if made(current, names) {
        return Ok(Vec::new());
    }
    let kept = releases(root).await?;
    let origin = origin(root, current, &kept, names).await?;
    let digests = |release: &Release| -> Vec<Option<String>> {
        names.iter().map(|name| release.table(name).map(|table| table.digest.clone())).collect()
    };
    let (mut seen, mut withdrawn) = (vec![digests(current)], Vec::new());
    for number in kept.into_iter().rev().filter(|number| (origin + 1..current.number).contains(number)) {
        let content = digests(&release(root, number).await?);
        if !seen.contains(&content) {
            seen.push(content);
            withdrawn.push(number);
        }
    }
    Ok(withdrawn)
}

/// Whether the run of a release worked the tables out itself.
fn made(release: &Release, names: &[String]) -> bool {
    let own = |name: &String| release.table(name).is_some_and(|table| table.change != Change::Carried);
    release.rollback_of.is_none() && names.iter().all(own)
}

/// The release whose run made the tables that a release has, or the oldest of which that is known.
async fn origin(root: &TargetRoot, current: &Release, kept: &[u64], names: &[String]) -> Result<u64> {
    let mut at = current.clone();
    while !made(&at, names) {
        let before = at.rollback_of.unwrap_or(at.number.saturating_sub(1));
        let Some(before) = kept.iter().rev().find(|number| **number <= before) else { return Ok(0) };
        at = release(root, *before).await?;
    }
    Ok(at.number)
}
