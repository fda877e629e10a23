//! The one integration binary.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used)]

mod cli;
mod connectors;
mod diagnostics;
mod documents;
mod faults;
mod publish;
mod readme;
mod support;
mod tidy;
