//! The `marquetry` program; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    marquetry::cli::main()
}
