//! The asking half of the measurement: a closed loop of clients over loopback, in a process of its own.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::world::learner_id;

/// What to ask. Travels over standard input: a key has no place on a command line.
#[derive(Debug, Serialize, Deserialize)]
pub struct Plan {
    pub url: String,
    pub key: String,
    pub learners: usize,
    pub clients: usize,
    /// 0: every learner once; otherwise random learners for so long.
    pub seconds: u64,
    pub seed: u64,
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Asked {
    pub answers: usize,
    pub seconds: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
}

impl Asked {
    pub fn per_second(&self) -> f64 {
        self.answers as f64 / self.seconds
    }
}

/// Runs `plan` in a child process.
pub async fn elsewhere(plan: &Plan) -> anyhow::Result<Asked> {
    let plan = serde_json::to_vec(plan)?;
    let output = tokio::task::spawn_blocking(move || -> anyhow::Result<std::process::Output> {
        let program = std::env::current_exe().context("cannot find this program")?;
        let mut child = Command::new(program)
            .args(["bench", "serve", "--ask"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the asking process")?;
        // Taken out, so that it is closed when all is written.
        child.stdin.take().context("the asking process has no input")?.write_all(&plan)?;
        Ok(child.wait_with_output()?)
    });
    let output = output.await??;
    anyhow::ensure!(output.status.success(), "the asking process failed");
    serde_json::from_slice(&output.stdout).context("the asking process said something else")
}

/// The child: plan on standard input, outcome on standard output.
pub async fn ask() -> anyhow::Result<()> {
    let plan: Plan = serde_json::from_reader(std::io::stdin().lock()).context("expected a plan on standard input")?;
    let client = reqwest::Client::builder().no_proxy().tcp_nodelay(true).build()?;
    let plan = std::sync::Arc::new(plan);
    let start = Instant::now();
    let clients: Vec<_> = (0..plan.clients).map(|number| tokio::spawn(one_client(client.clone(), plan.clone(), number))).collect();
    let mut waits = Vec::new();
    for client in clients {
        waits.extend(client.await??);
    }
    let seconds = start.elapsed().as_secs_f64();
    anyhow::ensure!(!waits.is_empty(), "nothing was answered");
    waits.sort_unstable();
    let wait_ms = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    let asked = Asked { answers: waits.len(), seconds, p50_ms: wait_ms(0.5), p99_ms: wait_ms(0.99) };
    println!("{}", serde_json::to_string(&asked)?);
    Ok(())
}

/// Asks, waits for the whole answer, asks again.
async fn one_client(client: reqwest::Client, plan: std::sync::Arc<Plan>, number: usize) -> anyhow::Result<Vec<Duration>> {
    let mut rng = ChaCha8Rng::seed_from_u64(plan.seed ^ (number as u64) << 32);
    let deadline = Instant::now() + Duration::from_secs(plan.seconds);
    let mut next = number;
    let mut waits = Vec::new();
    loop {
        let learner = if plan.seconds == 0 {
            if next >= plan.learners {
                return Ok(waits);
            }
            let mine = next;
            next += plan.clients;
            mine
        } else {
            if Instant::now() >= deadline {
                return Ok(waits);
            }
            rng.random_range(0..plan.learners)
        };
        let body = serde_json::json!({ "learner_id": learner_id(learner), "count": 10 });
        let start = Instant::now();
        let answer = client.post(&plan.url).bearer_auth(&plan.key).json(&body).send().await?;
        let status = answer.status();
        let text = answer.bytes().await?;
        anyhow::ensure!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&text));
        waits.push(start.elapsed());
    }
}
