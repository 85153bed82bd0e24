//! `parcours keys`: make, list and revoke API keys.

use clap::Subcommand;
use serde_json::json;
use uuid::Uuid;

use super::{Globals, TenantArg};
use crate::api::auth;
use crate::domain::{Scope, TenantId, key::ApiKey};
use crate::store::{audit, keys, tenants};

/// Create, list and revoke API keys. A key's secret is shown once, when it is made; only its hash is kept.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a key and print its secret, once.
    Create {
        #[command(flatten)]
        tenant: TenantArg,
        /// What the key is for, e.g. "moodle".
        #[arg(long, default_value = "unnamed")]
        name: String,
        /// What it may do: ingest, recommend, train, privacy, admin; several with commas.
        #[arg(long, value_delimiter = ',', required = true, value_parser = parse_scope)]
        scopes: Vec<Scope>,
    },
    /// List keys; secrets are not known.
    List {
        /// Only this tenant's.
        #[arg(long, value_parser = super::parse_tenant)]
        tenant: Option<TenantId>,
    },
    /// Revoke a key: it is refused from now on.
    Revoke {
        /// The key's id, from `keys list`.
        id: Uuid,
    },
}

fn parse_scope(text: &str) -> Result<Scope, String> {
    Scope::parse(text).ok_or_else(|| "expected ingest, recommend, train, privacy or admin".into())
}

pub async fn run(args: Args, globals: Globals) -> anyhow::Result<()> {
    let app = globals.open().await?;
    let now = app.clock.now();
    match args.command {
        Command::Create { tenant, name, scopes } => {
            let minted = auth::mint(&tenant.tenant, &name, scopes, now);
            let mut tx = app.store.write().await?;
            tenants::ensure(&mut tx, &tenant.tenant, now).await?;
            keys::insert(&mut tx, &minted.key, &minted.secret_hash).await?;
            audit::append(&mut tx, &tenant.tenant, &audit_entry(now, "key.create", minted.key.id)).await?;
            tx.commit().await?;
            let mut shown = describe(&minted.key);
            shown["secret"] = json!(minted.secret);
            // The secret alone on standard output: `KEY=$(parcours keys create …)` works.
            eprintln!("This secret is shown once; only its hash is kept.");
            globals.print(&shown, || minted.secret.clone())
        }
        Command::List { tenant } => {
            let found = keys::list(&mut app.store.read().await?, tenant.as_ref()).await?;
            let shown = json!({ "keys": found.iter().map(describe).collect::<Vec<_>>() });
            globals.print(&shown, || table(&found))
        }
        Command::Revoke { id } => {
            let mut tx = app.store.write().await?;
            let key = keys::list(&mut tx, None).await?.into_iter().find(|key| key.id == id);
            let revoked = keys::revoke(&mut tx, id, now).await?;
            let Some(key) = key.filter(|_| revoked) else { anyhow::bail!("there is no live key {id}; see `parcours keys list`") };
            audit::append(&mut tx, &key.tenant, &audit_entry(now, "key.revoke", id)).await?;
            tx.commit().await?;
            globals.print(&json!({ "id": id, "revoked": true }), || format!("revoked {id}"))
        }
    }
}

fn audit_entry(at: crate::domain::Micros, action: &str, id: Uuid) -> audit::AuditEntry {
    audit::AuditEntry { at, actor: "cli".into(), action: action.into(), object: id.to_string() }
}

fn describe(key: &ApiKey) -> serde_json::Value {
    json!({ "id": key.id, "tenant": key.tenant, "name": key.name, "scopes": key.scopes, "created_at": key.created_at, "revoked_at": key.revoked_at })
}

fn table(keys: &[ApiKey]) -> String {
    if keys.is_empty() {
        return "no keys yet; make one with `parcours keys create --scopes ingest,recommend`".into();
    }
    let line = |key: &ApiKey| {
        let scopes: Vec<_> = key.scopes.iter().map(|scope| scope.as_str()).collect();
        let state = if key.revoked_at.is_some() { "revoked" } else { "live" };
        format!("{}  {:<12} {:<8} {:<20} {}", key.id, key.tenant.as_str(), state, key.name, scopes.join(","))
    };
    keys.iter().map(line).collect::<Vec<_>>().join("\n")
}
