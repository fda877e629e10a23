//! The project: files as written → names → graph → contracts, every mistake of a stage at once.

mod column_spec;
mod env;
pub mod graph;
pub mod load;
pub mod names;
pub mod resolve;
pub mod schema;
pub mod spec;
