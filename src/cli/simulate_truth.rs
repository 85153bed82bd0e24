//! `parcours simulate truth`: the learner model judged by what simulated learners truly know.

use anyhow::bail;

use super::Globals;
use super::bar::Bar;
use crate::simulate::truth::study::Training;
use crate::simulate::truth::{Questions, Report, judge};

/// Train on simulated learners, and judge the model by what the others truly know.
///
/// Every fifth learner is held out. Reported are: the AUC of mastery against true mastery at the end of each held-out learner's
/// events; the log loss of what is foreseen 1, 7 and 30 days later, beside a half-life regression and the truth itself; what
/// response times, attempt numbers, hints and views are worth; and, if asked, what more and smaller shards cost.
/// The same flags give the same figures. Nothing is written and no database is opened. docs/truth.md explains the figures.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How many learners, held-out ones included.
    #[arg(long, default_value_t = 2_000, value_name = "N")]
    pub learners: usize,
    /// Members of the ensemble, one a shard.
    #[arg(long, default_value_t = 1)]
    pub shards: u16,
    /// Seed of everything random: course, learners, training.
    #[arg(long, default_value_t = 7, value_name = "S")]
    pub seed: u64,
    /// Repeat the ablation with this many seeds, counted up from --seed; 0 leaves it out.
    #[arg(long, default_value_t = 3, value_name = "N")]
    pub seeds: usize,
    /// Also train with 1, 2, 4, 8 and 16 shards and judge each on the same held-out learners.
    #[arg(long)]
    pub sharding: bool,
    /// Members trained side by side [default: one a core].
    #[arg(long)]
    pub threads: Option<usize>,
}

pub async fn run(args: Args, globals: Globals) -> anyhow::Result<()> {
    let config = globals.config.training.clone();
    config.check().map_err(|error| anyhow::anyhow!("training: {error}"))?;
    if !(1..=64).contains(&args.shards) {
        bail!("--shards must be 1 to 64");
    }
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let training = Training { config, threads: args.threads.filter(|threads| *threads > 0).unwrap_or_else(cores) };
    let questions =
        Questions { learners: args.learners, shards: args.shards, seed: args.seed, ablation_seeds: args.seeds, sharding: args.sharding };
    let report = tokio::task::spawn_blocking(move || {
        let bar = Bar::new();
        let report = judge(&questions, &training, &bar);
        bar.finish();
        report
    })
    .await??;
    globals.print(&report, || text(&report))
}

fn text(report: &Report) -> String {
    let shown = |value: Option<f64>| value.map_or("undefined".into(), |value| format!("{value:.4}"));
    let mut lines = vec![format!(
        "{} learners, {} of them held out; {} members; seed {}",
        report.learners, report.held_out, report.members, report.seed
    )];
    for (name, of) in [("all skills", &report.mastery_auc.all), ("practised skills", &report.mastery_auc.practised)] {
        lines.push(format!(
            "mastery, {name}: AUC {} (share right: {}); within a skill {} ({})",
            shown(of.auc),
            shown(of.share_right_auc),
            shown(of.auc_within_skills),
            shown(of.share_right_auc_within_skills)
        ));
    }
    for recall in &report.recall_log_loss {
        lines.push(format!(
            "after {} days: log loss {:.4}, by skill alone {:.4}; half-life regression {:.4}, with guess and slip {:.4}; item's rate {:.4}; truth {:.4}",
            recall.delay_days,
            recall.predict.log_loss,
            recall.recall.log_loss,
            recall.half_life.log_loss,
            recall.half_life_guessing.log_loss,
            recall.item_rate.log_loss,
            recall.truth.log_loss
        ));
    }
    for row in &report.ablation {
        lines.push(format!(
            "{}: AUC {:.4} ± {:.4}, log loss {:.4} ± {:.4}",
            row.variant, row.auc.mean, row.auc.spread, row.log_loss.mean, row.log_loss.spread
        ));
    }
    for row in &report.sharding {
        lines.push(format!(
            "{} shards, {:.0} learners each: AUC {}, log loss {:.4}, calibration error {:.4}",
            row.shards,
            row.learners_a_shard,
            shown(row.auc),
            row.log_loss,
            row.ece
        ));
    }
    lines.join("\n")
}
