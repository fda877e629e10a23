//! The weights that a run learnt, from what was published.

use super::Request;
use super::explain_match::Reader;
use super::prepare::Prepared;
use crate::error::Result;
use crate::kinds::dedupe::learnt;
use crate::kinds::dedupe::matching::Model;

/// The weights of a `dedupe` model with a probabilistic rule, by the current release.
///
/// # Errors
/// Project, where the model is none of that kind, has no such rule or was not published.
pub async fn weights(prepared: &Prepared, request: &Request, model: &str) -> Result<Model> {
    let reader = Reader::open(prepared, request, model).await?;
    learnt(&reader.read_all("_weights").await?)
}
