//! The one integration binary.

mod connectors;
mod publish;
mod support;
