//! `parcours bench train`: how fast one thread trains, and how far that is from the machine's best.

use anyhow::Context;
use serde::Serialize;

use super::Globals;
use crate::learning::bench::{TrainingSpeed, shard, training_speed};

/// Training speed: one member on one thread, on a made-up shard.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Learners in the shard, with 90 answers each.
    #[arg(long, default_value_t = 300)]
    pub learners: usize,
    /// Epochs to run.
    #[arg(long, default_value_t = 2)]
    pub epochs: usize,
}

#[derive(Debug, Serialize)]
struct Report {
    #[serde(flatten)]
    speed: TrainingSpeed,
    /// Of this process, all threads.
    cpu_seconds: f64,
    /// Most memory ever held.
    rss_mib: f64,
}

pub async fn run(args: Args, globals: Globals) -> anyhow::Result<()> {
    let mut config = globals.config.training.clone();
    config.max_epochs = args.epochs.max(1);
    let speed = tokio::task::spawn_blocking(move || training_speed(&shard(args.learners), &config)).await??;
    let report = Report { speed, cpu_seconds: cpu_seconds()?, rss_mib: peak_rss_mib()? };
    globals.print(&report, || {
        format!(
            "{:.0} answers/s on one thread; {:.1} of {:.1} GFLOP/s; {:.1} CPU seconds, {:.0} MiB",
            report.speed.events_per_second, report.speed.gflops, report.speed.gemm_peak_gflops, report.cpu_seconds, report.rss_mib
        )
    })
}

/// User and system time of this process. Linux counts it in hundredths of a second.
fn cpu_seconds() -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").context("CPU time is read from /proc (Linux)")?;
    // The second field is the program's name in parentheses, and may hold spaces.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |place: usize| fields.get(place).and_then(|field| field.parse::<f64>().ok()).context("/proc/self/stat has another layout");
    Ok((ticks(11)? + ticks(12)?) / 100.0)
}

fn peak_rss_mib() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status").context("memory is read from /proc (Linux)")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("/proc/self/status has no VmHWM")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse().context("VmHWM is no number")?;
    Ok(kib / 1024.0)
}
