//! Marquetry: metric models in YAML, governed tables out.
//!
//! ```text
//! load → resolve → plan → execute → check → publish → document
//! ```

pub mod error;
pub mod sample;
