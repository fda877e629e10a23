//! Integration tests.

mod connectors;
