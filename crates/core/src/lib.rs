//! What every kind of model stands on: words for mistakes, the language, contracts, the engine, the store.
//!
//! A crate of its own so that it is compiled while the rest is still being read, and so that a change to
//! a kind compiles neither.

pub mod contract;
pub mod diag;
pub mod engine;
pub mod error;
pub mod store;
pub mod syntax;
pub mod views;
