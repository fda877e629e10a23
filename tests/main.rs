//! The one integration binary.

mod publish;
mod support;
//! Integration tests.

mod connectors;
