//! The `parcours` command: see `parcours --help`. All it does lives in the library.

use std::process::ExitCode;

/// Training makes and drops many large vectors; the system's allocator gives each back to the kernel and takes it again, which
/// costs more than the sums.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Milliseconds that memory is kept before the kernel has it back. At mimalloc's own 10, a fifth of a training was zeroing pages
/// that it had just given up.
const KEEP_MEMORY_MS: std::ffi::c_long = 1_000;
/// `mi_option_purge_delay` in mimalloc's header; the crate has no name for it.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

fn main() -> ExitCode {
    // SAFETY: sets a number that mimalloc reads; `MIMALLOC_PURGE_DELAY` overrides it.
    unsafe { libmimalloc_sys::mi_option_set_default(PURGE_DELAY, KEEP_MEMORY_MS) };
    // Shards train side by side, each on one thread. Candle would give every sum of two tensors to a pool of its own, whose threads
    // spin while they wait: on two cores that doubled the time of a training.
    if std::env::var_os("CANDLE_NUM_THREADS").is_none() {
        // SAFETY: no other thread runs yet.
        unsafe { std::env::set_var("CANDLE_NUM_THREADS", "1") };
    }
    parcours::cli::main()
}
