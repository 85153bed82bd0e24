//! `parcours verify-receipt`: checks an erasure receipt without any database.

use std::io::Read;
use std::path::PathBuf;

use anyhow::Context;
use serde_json::json;

use super::Globals;
use crate::privacy::{Secrets, receipt};

/// Check an erasure receipt offline: its signature, its proof of absence, and that it agrees with itself.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The receipt, as JSON ("-": standard input).
    #[arg(required_unless_present = "show_key")]
    pub receipt: Option<PathBuf>,
    /// The service's public key (hex), obtained apart from the receipt. Without it the receipt only vouches for itself.
    #[arg(long, value_name = "HEX")]
    pub public_key: Option<String>,
    /// Print this service's public key, to be published beside the privacy notice.
    #[arg(long, conflicts_with_all = ["receipt", "public_key"])]
    pub show_key: bool,
}

pub async fn run(args: Args, globals: Globals) -> anyhow::Result<()> {
    if args.show_key {
        let key = Secrets::load_or_create(&globals.config.storage.secrets)?.signing_key().verifying_key();
        let (hex, fingerprint) = (hex::encode(key.as_bytes()), receipt::fingerprint(&key));
        return globals.print(&json!({"algorithm": "ed25519", "public_key": hex, "fingerprint": fingerprint}), || {
            format!("public key  {hex}\nfingerprint {fingerprint}")
        });
    }
    let file = args.receipt.context("name a receipt")?;
    let mut text = Vec::new();
    if file.as_os_str() == "-" {
        std::io::stdin().read_to_end(&mut text).context("cannot read standard input")?;
    } else {
        text = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
    }
    let receipt = receipt::verify(&text, args.public_key.as_deref())?;
    let shown = json!({"valid": true, "key_was_given": args.public_key.is_some(), "receipt": receipt});
    globals.print(&shown, || {
        let mut lines = vec![
            format!("The receipt of request {} holds.", receipt.request),
            format!("  deleted and unreadable  {}", receipt.unreadable_at.to_rfc3339()),
            format!("  served model clean      {}", receipt.clean_at.to_rfc3339()),
            format!("  rows deleted            {}", receipt.deleted.values().sum::<u64>()),
            format!("  members destroyed       {}", receipt.destroyed.len()),
        ];
        if let Some(new) = &receipt.replacement {
            let weights = new.weights.map_or("none: too little data".into(), |weights| weights.hex());
            lines.push(format!("  replacing member        {weights}"));
            lines.push(format!("  the learner is none of the {} it was trained on", new.absence.count));
        }
        if args.public_key.is_none() {
            lines.push("The signing key came with the receipt; compare it with the service's own: --public-key HEX.".into());
        }
        lines.join("\n")
    })
}
