//! A progress bar on standard error.

use indicatif::{ProgressBar, ProgressStyle};

use crate::learning::train::Progress;

/// Cheap to clone; shows nothing when standard error is no terminal.
#[derive(Clone)]
pub struct Bar(ProgressBar);

const STEPS: u64 = 1000;

impl Bar {
    pub fn new() -> Self {
        let bar = ProgressBar::new(STEPS);
        if let Ok(style) = ProgressStyle::with_template("{elapsed_precise} [{bar:40}] {percent:>3}% {msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        Self(bar)
    }

    pub fn set(&self, fraction: f64, message: &str) {
        self.0.set_position((fraction.clamp(0.0, 1.0) * STEPS as f64) as u64);
        self.0.set_message(message.to_owned());
    }

    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}

impl Default for Bar {
    fn default() -> Self {
        Self::new()
    }
}

impl Progress for Bar {
    fn report(&self, fraction: f64, message: &str) -> bool {
        self.set(fraction, message);
        true
    }
}
