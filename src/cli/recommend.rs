//! `parcours recommend`: ask for one learner, as the API would.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{Globals, TenantArg};
use crate::domain::LearnerId;
use crate::recommend::{RecommendationRequest, Recommendations, Scenario};

/// Recommend items to one learner, as `POST /v1/recommendations` would.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    tenant: TenantArg,
    /// What the LMS calls the learner. It ends up in the shell's history: prefer --learner-file where that matters.
    #[arg(long, conflicts_with = "learner_file", required_unless_present = "learner_file")]
    learner: Option<String>,
    /// Read the learner id from this file ("-": standard input).
    #[arg(long, value_name = "FILE")]
    learner_file: Option<PathBuf>,
    /// How many items.
    #[arg(long, default_value_t = 10)]
    count: u32,
    /// A skill, course or module to work towards.
    #[arg(long)]
    goal: Option<String>,
    /// practise, learn, review, next, assess or mixed.
    #[arg(long, default_value = "mixed", value_parser = parse_scenario)]
    scenario: Scenario,
}

fn parse_scenario(text: &str) -> Result<Scenario, String> {
    Scenario::parse(text).ok_or_else(|| "expected practise, learn, review, next, assess or mixed".into())
}

pub async fn run(args: Args, globals: Globals) -> anyhow::Result<()> {
    let learner = match (&args.learner, &args.learner_file) {
        (Some(id), _) => id.clone(),
        (None, Some(file)) => read_id(file)?,
        (None, None) => anyhow::bail!("name a learner with --learner or --learner-file"),
    };
    let learner = LearnerId::parse(learner)?;
    let app = globals.open().await?;
    let subject = app.subject(&args.tenant.tenant, &learner).await?;
    let request = RecommendationRequest { goal_id: args.goal, count: args.count, scenario: args.scenario, ..Default::default() };
    let answer = app.recommend(&subject, request).await?;
    app.close().await;
    globals.print(&answer, || table(&answer))
}

fn read_id(file: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
    } else {
        text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    }
    Ok(text.trim_end_matches(['\r', '\n']).to_string())
}

fn table(answer: &Recommendations) -> String {
    let mut text = match answer.fallback_reason {
        Some(reason) => format!("not fully personal: {}\n", reason.as_str()),
        None => String::new(),
    };
    for (place, item) in answer.items.iter().enumerate() {
        let why = item.reasons.first().and_then(|reason| reason.text.en.as_deref()).unwrap_or_default();
        text += &format!("{:>3}. {:<32} p(correct) {:.2}   {why}\n", place + 1, item.item_id.as_str(), item.p_correct);
    }
    if answer.complete {
        text += "everything asked for is mastered\n";
    }
    text
}
