//! What several test modules need.

pub mod azurite;
pub mod cli;
pub mod gcs;
pub mod process;
pub mod s3;
