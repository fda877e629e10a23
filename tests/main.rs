//! The one integration binary.

mod connectors;
mod diagnostics;
mod publish;
mod support;
