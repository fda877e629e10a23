//! The one integration binary.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used)]

mod cli;
mod clouds;
mod connectors;
mod dedupe;
mod diagnostics;
mod documents;
mod faults;
mod publish;
mod readback;
mod readme;
mod real_input;
mod runs;
mod s3;
mod support;
mod tidy;
