//! `parcours bench train`: how fast one thread trains, how far that is from the machine's best, and how both go with the log's length.

use anyhow::Context;
use serde::Serialize;

use super::{Globals, measure};
use crate::learning::bench::{COUNTING, TrainingSpeed, gemm_peak, training_speed};

/// Training speed: members trained on one thread, on made-up shards of learners with 90 answers each.
///
/// A log longer than a shard is trained shard by shard; each is made, trained and dropped before the next, so memory follows the
/// shard and not the log. `--answers 10000,100000,1000000,10000000` shows how time and memory go with its length.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Answers in the log; several lengths are measured one after the other, the first is reported at the top level.
    #[arg(long, value_delimiter = ',', default_values_t = [27_000])]
    pub answers: Vec<usize>,
    /// Most answers in one shard.
    #[arg(long, default_value_t = 1_250_000)]
    pub largest_shard: usize,
    /// Epochs to run.
    #[arg(long, default_value_t = 2)]
    pub epochs: usize,
}

#[derive(Debug, Serialize)]
struct Length {
    #[serde(flatten)]
    speed: TrainingSpeed,
    cpu_seconds: f64,
    /// Most memory held until then.
    rss_mib: f64,
}

#[derive(Debug, Serialize)]
struct Report {
    events_per_second: f64,
    /// Of this process, all threads.
    cpu_seconds: f64,
    gflops: f64,
    gemm_peak_gflops: f64,
    /// Most memory ever held.
    rss_mib: f64,
    counting: &'static str,
    width: usize,
    lengths: Vec<Length>,
}

pub async fn run(args: Args, globals: Globals) -> anyhow::Result<()> {
    let mut config = globals.config.training.clone();
    config.max_epochs = args.epochs.max(1);
    let measure = move || -> anyhow::Result<Report> {
        let mut lengths = Vec::new();
        for answers in &args.answers {
            let before = measure::cpu_seconds();
            let speed = training_speed(*answers, args.largest_shard, &config)?;
            eprintln!("{} answers in {} shards: {:.1} s", speed.answers, speed.shards, speed.seconds);
            lengths.push(Length { speed, cpu_seconds: measure::cpu_seconds() - before, rss_mib: peak_rss_mib()? });
        }
        let first = lengths.first().context("--answers names no length")?.speed;
        Ok(Report {
            events_per_second: first.events_per_second,
            cpu_seconds: measure::cpu_seconds(),
            gflops: first.gflops,
            gemm_peak_gflops: gemm_peak(),
            rss_mib: peak_rss_mib()?,
            counting: COUNTING,
            width: config.width,
            lengths,
        })
    };
    let report = tokio::task::spawn_blocking(measure).await??;
    globals.print(&report, || {
        let line = |length: &Length| {
            let Length { speed, cpu_seconds, rss_mib } = length;
            format!(
                "{:>10} answers, {:>2} shards: {:>8.1} s, {:>7.0} answers/s, {:.1} CPU seconds, {:.0} MiB",
                speed.answers, speed.shards, speed.seconds, speed.events_per_second, cpu_seconds, rss_mib
            )
        };
        let lines: Vec<String> = report.lengths.iter().map(line).collect();
        format!("{}\n{:.1} of {:.1} GFLOP/s on one thread ({})", lines.join("\n"), report.gflops, report.gemm_peak_gflops, report.counting)
    })
}

fn peak_rss_mib() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status").context("memory is read from /proc (Linux)")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("/proc/self/status has no VmHWM")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse().context("VmHWM is no number")?;
    Ok(kib / 1024.0)
}
