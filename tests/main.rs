//! The one integration binary.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used)]

mod connectors;
mod diagnostics;
mod publish;
mod support;
