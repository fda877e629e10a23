//! Which pairs of records are compared, and how alike they are.
//!
//! ```text
//! columns of text → Records (each value once, in normal form)
//!   block rules, declared or chosen → Blocks → candidate pairs, a chunk at a time
//!     → Model::train (m, u, λ by EM) or a frozen Model
//!       → Scorer: weights in millibits; pairs above a threshold, in order of (a, b)
//! ```
//!
//! Pure: slices in, pairs out; no engine, no files, no clock. Pairs are never held: a chunk of them
//! is compared and all but the few above the threshold are forgotten. Work is cut into chunks by the
//! blocks alone and answers are taken in the order of chunks, so that the number of threads changes
//! nothing. Records are numbered in the order of their keys, so that the order of input changes
//! nothing either.

pub mod blocking;
pub mod compare;
mod dates;
mod defaults;
mod em;
mod explain;
mod kind;
mod level;
mod model;
mod normal;
mod picture;
mod records;
mod score;
mod shares;
pub mod similar;
mod threads;
mod totals;
mod train;
mod weights;

pub use explain::{grouped, measured, signed, words};
pub use kind::FieldKind;
pub use level::Test;
pub use model::{FieldPlan, Level, Model, ModelField, Related, RelatedLevel, Trained, VERSION};
pub use picture::picture;
pub use records::{Alias, Column, NULL, Records};
pub use score::{ScoredPair, Scorer, Step};
pub use train::TrainOptions;
pub use weights::{probability, threshold};

#[cfg(test)]
mod tests;
