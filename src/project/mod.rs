//! p
pub mod spec;
