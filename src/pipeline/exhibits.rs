//! What models show of the tables they have just made.

use crate::error::Result;
use crate::kinds::{Exhibit, Scope};
use crate::project::resolve::Model;

/// Asks a model's exhibitors their questions and keeps what they make of the answers.
pub(super) async fn exhibits(model: &Model, scope: &Scope<'_>) -> Result<Vec<Exhibit>> {
    let mut shown = Vec::new();
    for exhibitor in model.kind.as_model().exhibitors(scope)? {
        let mut answers = Vec::new();
        while let Some(question) = exhibitor.question(scope, &answers)? {
            answers.push(scope.engine.collect(question).await?);
        }
        shown.extend(exhibitor.exhibit(&answers)?);
    }
    Ok(shown)
}
