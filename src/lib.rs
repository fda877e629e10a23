//! Marquetry: metric models in YAML, governed tables out.
//!
//! ```text
//! load → resolve → plan → execute → check → publish → document
//! ```

pub mod checks;
pub mod cli;
pub mod contract;
pub mod diag;
pub mod dictionary;
pub mod engine;
pub mod error;
pub mod kinds;
pub mod pipeline;
pub mod project;
pub mod sample;
pub mod store;
pub mod syntax;
pub mod views;
