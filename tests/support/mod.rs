//! What several test modules need.

pub mod cli;
pub mod s3;
