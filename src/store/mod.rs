//! Locations and tables: reading extracts, staging and publishing.
