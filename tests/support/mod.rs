//! What several test modules need.

pub mod s3;
pub mod cli;
