//! Locations and tables: reading extracts, staging and publishing.

mod aws_profile;
mod cell;
mod cloud;
mod draft;
mod drift;
mod durable;
mod env;
mod exact_cast;
mod extract;
mod files;
mod footer;
mod freshness;
mod location;
mod named_source;
mod pattern;
mod pii;
pub mod publish;
mod scan;
mod seed;
mod tables;
mod widen;

pub use draft::{draft, review};
pub use durable::DurableFiles;
pub use env::Env;
pub use extract::{Extract, FileFacts, Wanted, open_all};
pub use files::write_files;
pub use freshness::{check_freshness, within};
pub use location::Location;
pub use seed::Seed;
pub use tables::{path_of, table_of_files};
