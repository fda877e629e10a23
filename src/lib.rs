//! Marquetry: metric models in YAML, governed tables out.
//!
//! ```text
//! load → resolve → plan → execute → check → publish → document
//! ```

pub mod checks;
pub mod cli;
pub mod dictionary;
pub mod kinds;
pub mod pipeline;
pub mod project;
pub mod sample;

pub use marquetry_core::{contract, diag, engine, error, store, syntax, views};
