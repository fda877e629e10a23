//! What a model published last, for a kind that goes on from it.

use crate::engine::{Frame, Frames};
use crate::error::Result;
use crate::project::resolve::Model;
use crate::store::publish::{Publication, published_tables};
use crate::store::table_of_files;

/// Puts the tables that the model's kind remembers into the frames, as the current release has them.
pub(super) async fn last_published(model: &Model, publication: &Publication, frames: &mut Frames) -> Result<()> {
    let endings = model.kind.as_model().remembers();
    let Some(release) = publication.current().map(|release| release.number).filter(|_| !endings.is_empty()) else {
        return Ok(());
    };
    let wanted = |table: &str| endings.iter().any(|ending| model.name.with_suffix(ending).as_str() == table);
    for table in published_tables(publication.root(), Some(release)).await? {
        if wanted(table.table.name.as_str()) {
            let provider = table_of_files(&table.urls, table.schema)?;
            frames.insert_published(table.table.name, Frame { provider, columns: Vec::new() });
        }
    }
    Ok(())
}
