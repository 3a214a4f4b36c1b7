//! The `nightbill` program: parse, run, exit code.

use std::process::ExitCode;

/// Settling allocates many small things on many threads, for which mimalloc is much faster than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    nightbill::cli::run(std::env::args_os())
}
