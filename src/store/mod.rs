//! Locations and tables: reading extracts, staging and publishing.

mod aws_profile;
mod cloud;
mod env;
mod location;

pub use env::Env;
pub use location::Location;
pub mod publish;
