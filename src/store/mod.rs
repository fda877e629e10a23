//! Locations and tables: reading extracts, staging and publishing.

pub mod publish;
