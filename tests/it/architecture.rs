//! The house's plan, kept true: imports run downhill, and each heavy library has its home.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms from the ground up. A room may import from the rooms before it, never from those after it.
const ROOMS: &[&str] = &[
    "domain",
    "config",
    "telemetry",
    "store",
    "privacy",
    "ingest",
    "learning",
    "recommend",
    "app",
    "jobs",
    "simulate",
    "api",
    "console",
    "server",
    "cli",
];

/// Library and the rooms that may name it.
const HOMES: &[(&str, &[&str])] = &[
    ("axum", &["api", "console", "server", "cli"]),
    ("sqlx", &["store"]),
    ("polars", &["ingest", "learning", "cli"]),
    ("candle_core", &["learning"]),
    ("candle_nn", &["learning"]),
    ("linfa", &["learning"]),
    ("ndarray", &["learning", "simulate"]),
];

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("src is readable") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// (room, file, text without comment lines) of every source file.
fn rooms() -> Vec<(String, PathBuf, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    files.sort();
    files
        .into_iter()
        .filter_map(|file| {
            let inside = file.strip_prefix(&src).expect("below src");
            let room = inside.components().next()?.as_os_str().to_str()?.trim_end_matches(".rs").to_string();
            let text = fs::read_to_string(&file).expect("utf-8");
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
            (room != "lib" && room != "main").then_some((room, file, code))
        })
        .collect()
}

/// Top-level modules named as `crate::x`, grouped imports included.
fn imported(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (start, _) in code.match_indices("crate::") {
        let rest = &code[start + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut name = String::new();
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => name.clear(),
                    ':' if depth == 0 && !name.is_empty() => {
                        found.insert(std::mem::take(&mut name));
                    }
                    c if depth == 0 && (c.is_alphanumeric() || c == '_') => name.push(c),
                    _ => {}
                }
            }
        } else {
            found.insert(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    found
}

#[test]
fn imports_run_downhill() {
    let rank = |room: &str| ROOMS.iter().position(|known| *known == room);
    let mut climbs = Vec::new();
    for (room, file, code) in rooms() {
        let own = rank(&room).unwrap_or_else(|| panic!("{room} is not in the plan: add it to ROOMS and to ARCHITECTURE.md"));
        for other in imported(&code) {
            if rank(&other).is_some_and(|other| other > own) {
                climbs.push(format!("{} imports {other}", file.display()));
            }
        }
    }
    assert!(climbs.is_empty(), "imports that climb:\n{}", climbs.join("\n"));
}

#[test]
fn each_heavy_library_has_its_home() {
    let mut strays = Vec::new();
    for (room, file, code) in rooms() {
        for (library, homes) in HOMES {
            let named = code.contains(&format!("{library}::")) || code.contains(&format!("use {library};"));
            if named && !homes.contains(&room.as_str()) {
                strays.push(format!("{} names {library}", file.display()));
            }
        }
    }
    assert!(strays.is_empty(), "libraries outside their home:\n{}", strays.join("\n"));
}

#[test]
fn files_can_be_read_in_one_sitting() {
    let long: Vec<_> = rooms()
        .into_iter()
        .filter_map(|(_, file, _)| {
            let lines = fs::read_to_string(&file).expect("utf-8").lines().count();
            (lines > 500).then(|| format!("{}: {lines} lines", file.display()))
        })
        .collect();
    assert!(long.is_empty(), "files that have outgrown their room:\n{}", long.join("\n"));
}
