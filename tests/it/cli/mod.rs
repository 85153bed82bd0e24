//! The program, as a script sees it.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn parcours(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_parcours")).current_dir(folder).env_clear().args(args).output().expect("the program runs")
}

/// Standard output as the one JSON object it must be.
#[track_caller]
fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

#[test]
fn the_configuration_is_shown_without_its_secrets() {
    let folder = tempfile::tempdir().unwrap();
    for url in ["postgres://ada:hunter2@db.example/parcours", "postgres://db.example/parcours?user=ada&password=hunter2"] {
        for args in [vec!["config", "--database-url", url], vec!["config", "--json", "--database-url", url]] {
            let output = parcours(folder.path(), &args);
            let text = String::from_utf8(output.stdout.clone()).unwrap();
            assert!(output.status.success() && text.contains("db.example"), "{text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
    }
    let shown = json(&parcours(folder.path(), &["config", "--json"]));
    assert!(shown["server"]["address"].is_string(), "{shown}");
}

#[test]
fn a_configuration_that_cannot_be_used_is_named_with_its_own_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("parcours.toml"), "[model]\nshard = 3\n").unwrap();
    let output = parcours(folder.path(), &["config", "--config", "parcours.toml"]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("shard"), "{text}");
}

#[test]
fn a_key_is_made_listed_and_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let made = json(&parcours(folder.path(), &["keys", "create", "--name", "moodle", "--scopes", "ingest,recommend", "--json"]));
    let (id, secret) = (made["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    assert_eq!(made["scopes"], serde_json::json!(["ingest", "recommend"]));
    let listed = parcours(folder.path(), &["keys", "list", "--json"]);
    assert_eq!(json(&listed)["keys"][0]["id"], id);
    assert!(!String::from_utf8_lossy(&listed.stdout).contains(secret));
    json(&parcours(folder.path(), &["keys", "revoke", id, "--json"]));
    assert_eq!(parcours(folder.path(), &["keys", "revoke", id]).status.code(), Some(1));
    let wrong = parcours(folder.path(), &["keys", "create", "--scopes", "everything"]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn training_on_an_empty_database_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let output = parcours(folder.path(), &["train"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("import or send answers first"), "{text}");
}

#[test]
fn a_database_of_another_kind_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let output = parcours(folder.path(), &["--database-url", "mysql://me:secret@host/db", "config"]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains("must start with sqlite: or postgres:"), "{text}");
    assert!(!text.contains("secret"), "{text}");
}

#[test]
fn a_new_key_stands_alone_on_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    let made = parcours(folder.path(), &["keys", "create", "--name", "moodle", "--scopes", "ingest"]);
    let text = String::from_utf8(made.stdout).unwrap();
    assert!(text.starts_with("parcours_") && text.lines().count() == 1, "{text}");
}

#[test]
fn every_command_explains_itself() {
    let folder = tempfile::tempdir().unwrap();
    for command in [
        "demo",
        "serve",
        "import",
        "train",
        "refresh",
        "evaluate",
        "recommend",
        "erase",
        "export",
        "verify-receipt",
        "models",
        "models list",
        "models show",
        "models promote",
        "models rollback",
        "keys",
        "keys create",
        "keys list",
        "keys revoke",
        "simulate",
        "simulate truth",
        "bench train",
        "bench serve",
        "bench ingest",
        "bench erase",
        "config",
        "openapi",
    ] {
        let mut args: Vec<&str> = command.split(' ').collect();
        args.push("--help");
        let output = parcours(folder.path(), &args);
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        for flag in ["--config", "--database-url", "--json"] {
            assert!(text.contains(flag), "{command} does not know {flag}");
        }
    }
}

#[test]
fn the_openapi_document_comes_from_the_command_line_too() {
    let folder = tempfile::tempdir().unwrap();
    let document = json(&parcours(folder.path(), &["openapi", "--json"]));
    assert_eq!(document["openapi"], "3.1.0");
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "describing makes nothing");
}

#[cfg(unix)]
#[test]
fn serving_ends_in_good_order_when_told_to() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;
    let folder = tempfile::tempdir().unwrap();
    let mut service = Command::new(env!("CARGO_BIN_EXE_parcours"))
        .current_dir(folder.path())
        .env_clear()
        .args(["serve", "--address", "127.0.0.1:0", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program runs");
    let mut line = String::new();
    BufReader::new(service.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    let said: Value = serde_json::from_str(&line).expect("one JSON object");
    assert!(said["address"].as_str().is_some_and(|address| !address.ends_with(":0")), "{said}");
    assert!(Command::new("kill").args(["-TERM", &service.id().to_string()]).status().expect("kill").success());
    assert_eq!(service.wait().expect("an end").code(), Some(0));
}
