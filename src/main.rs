//! The `parcours` command: see `parcours --help`. All it does lives in the library.

use std::process::ExitCode;

/// Training makes and drops many large vectors; the system's allocator gives each back to the kernel and takes it again, which
/// costs more than the sums.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Shards train side by side, each on one thread. Candle would give every sum of two tensors to a pool of its own, whose threads
    // spin while they wait: on two cores that doubled the time of a training.
    if std::env::var_os("CANDLE_NUM_THREADS").is_none() {
        // SAFETY: no other thread runs yet.
        unsafe { std::env::set_var("CANDLE_NUM_THREADS", "1") };
    }
    parcours::cli::main()
}
