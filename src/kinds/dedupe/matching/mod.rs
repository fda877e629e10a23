//! Which pairs of records are compared, and how alike they are.

pub mod blocking;
pub mod compare;
mod dates;
mod defaults;
mod em;
mod kind;
mod level;
mod model;
mod normal;
mod records;
mod score;
pub mod similar;
mod threads;
mod train;
mod weights;

pub use kind::FieldKind;
pub use level::Test;
pub use model::{FieldPlan, Level, Model, ModelField, Trained, VERSION};
pub use records::{Alias, Column, NULL, Records};
pub use score::{ScoredPair, Scorer, Step};
pub use train::TrainOptions;
pub use weights::{probability, threshold};
