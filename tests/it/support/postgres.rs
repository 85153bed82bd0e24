//! A throw-away Postgres cluster: one for the whole test process, a fresh database for each test.
//!
//! It listens on a socket in a temporary folder, so it meets no other cluster. A watchdog holds the reading end of a pipe this
//! process never writes to: when the process ends, however it ends, the pipe closes, and the watchdog stops the cluster and
//! removes the folder.

use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::{AssertSqlSafe, Connection, PgConnection};

struct Cluster {
    sockets: PathBuf,
    /// Kept open for as long as this process lives.
    _lifeline: ChildStdin,
}

static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
static DATABASES: AtomicUsize = AtomicUsize::new(0);

/// The URL of a new, empty database. `None`, with a line saying so, where Postgres is not installed; in CI that is a failure.
pub async fn database() -> Option<String> {
    let cluster = tokio::task::spawn_blocking(|| CLUSTER.get_or_init(Cluster::start)).await.expect("the cluster starts");
    let cluster = cluster.as_ref()?;
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let mut admin = PgConnection::connect(&cluster.url("postgres")).await.expect("the cluster answers");
    sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut admin).await.expect("a database is created");
    admin.close().await.expect("the connection closes");
    Some(cluster.url(&name))
}

impl Cluster {
    fn start() -> Option<Self> {
        let Some(bin) = binaries() else {
            assert!(std::env::var_os("CI").is_none(), "Postgres is not installed (/usr/lib/postgresql/*/bin/initdb)");
            eprintln!("SKIPPED: Postgres is not installed (apt-get install postgresql); its half of the store's tests does not run");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("parcours-pg-").tempdir().expect("a temporary folder").keep();
        let user = unprivileged();
        if let Some((uid, gid)) = user {
            chown(&folder, Some(uid), Some(gid)).expect("the folder is handed over");
        }
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).expect("the folder is private");
        let data = folder.join("data");
        let command = |program: &str| {
            let mut command = Command::new(bin.join(program));
            command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).env("LC_ALL", "C.UTF-8");
            if let Some((uid, gid)) = user {
                command.uid(uid).gid(gid);
            }
            command
        };
        let run = |what: &str, command: &mut Command| {
            let status = command.status().unwrap_or_else(|error| panic!("{what}: {error}"));
            let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
            assert!(status.success(), "{what} failed: {status}\n{log}");
        };
        run(
            "initdb",
            command("initdb").arg("-D").arg(&data).args([
                "-U",
                "postgres",
                "--auth=trust",
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
            ]),
        );
        // Nothing here outlives the tests: no fsync.
        let settings = format!(
            "-k {} -c listen_addresses='' -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200",
            folder.display()
        );
        run(
            "pg_ctl start",
            command("pg_ctl").arg("-D").arg(&data).arg("-l").arg(folder.join("log")).args(["-w", "-o", &settings, "start"]),
        );

        let mut watchdog = Command::new("sh");
        watchdog
            .arg("-c")
            .arg(r#"cat >/dev/null; "$0" -D "$1/data" -m immediate stop; rm -rf "$1""#)
            .arg(bin.join("pg_ctl"))
            .arg(&folder)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C reaches the tests, not whoever cleans up after them.
            .process_group(0);
        if let Some((uid, gid)) = user {
            watchdog.uid(uid).gid(gid);
        }
        let lifeline = watchdog.spawn().expect("the watchdog starts").stdin.take().expect("its standard input is a pipe");
        Some(Self { sockets: folder, _lifeline: lifeline })
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://postgres@localhost/{database}?host={}", self.sockets.display())
    }
}

/// Where Debian keeps the newest installed version.
fn binaries() -> Option<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let bin = entry.path().join("bin");
            Some((entry.file_name().to_str()?.parse().ok()?, bin)).filter(|(_, bin)| bin.join("initdb").is_file())
        })
        .collect();
    found.sort();
    found.pop().map(|(_, bin)| bin)
}

/// Postgres refuses to run as root: then the package's own user runs it.
fn unprivileged() -> Option<(u32, u32)> {
    let id = |flag: &str, user: Option<&str>| -> Option<u32> {
        let output = Command::new("id").arg(flag).args(user).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    if id("-u", None) != Some(0) {
        return None;
    }
    let ids = id("-u", Some("postgres")).zip(id("-g", Some("postgres")));
    Some(ids.expect("the package's user `postgres` exists"))
}
