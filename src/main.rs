//! The `parcours` command: see `parcours --help`. All it does lives in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    parcours::cli::main()
}
