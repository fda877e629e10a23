//! Which pairs are compared at all: those that share a block.
//!
//! A rule makes a key of a record, and records with one key form a block. A pair belongs to the
//! first rule that both its records share a block of, so that no pair comes twice.

mod blocks;
mod choose;
mod mask;
mod pairs;
mod rule;

pub use blocks::{Blocks, Prediction, Skipped, predict};
pub use choose::{candidates, choose};
pub use mask::masked;
pub use pairs::{chunks, first_rule, pairs_of};
pub(super) use rule::mix;
pub use rule::{BlockRule, How, Part, soundex};
