//! The append-only rights ledger: a file outside the database, so that a restored database can be told what it has forgotten
//! to forget.
//!
//! One JSON object a line: which request, which tenant, the tombstone MAC of the pseudonym (never a raw id, never the
//! pseudonym), what, when, and the hash of the line before. A line counts once it is flushed to disk. A torn last line, left
//! by a power cut, was never acknowledged: the next append drops it.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::hash::{Digest, Hasher};
use crate::domain::{Micros, TenantId};

/// What a learner asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    Erasure,
    /// Fresh consent after an erasure: the next generation is open.
    Reopening,
    OptOut,
    OptIn,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub request: Uuid,
    pub tenant: TenantId,
    /// `Secrets::tombstone` of the pseudonym.
    pub subject: Digest,
    pub right: Right,
    pub at: Micros,
}

#[derive(Serialize, Deserialize)]
struct Line {
    #[serde(flatten)]
    entry: Entry,
    previous: Digest,
}

#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error("rights ledger {path}")]
    Io {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("rights ledger {path}, line {line}: {why}")]
    Damaged { path: PathBuf, line: usize, why: String },
}

/// The ledger file; cheap to clone. Several processes may append: each takes the file's lock.
#[derive(Debug, Clone)]
pub struct Ledger {
    path: PathBuf,
}

fn first_link() -> Digest {
    Hasher::new("parcours 2026 rights-ledger start").finish()
}

fn link(line: &[u8]) -> Digest {
    Hasher::new("parcours 2026 rights-ledger line").part(line).finish()
}

impl Ledger {
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    fn io(&self) -> impl Fn(std::io::Error) -> LedgerError + '_ {
        |source| LedgerError::Io { path: self.path.clone(), source }
    }

    /// Appends one line and flushes it to disk. The same (request, right) again is not written twice.
    pub fn append(&self, entry: &Entry) -> Result<(), LedgerError> {
        let io = self.io();
        let is_new = !self.path.exists();
        if let (true, Some(folder)) = (is_new, self.path.parent()) {
            std::fs::create_dir_all(folder).map_err(&io)?;
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&self.path).map_err(&io)?;
        file.lock().map_err(&io)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(&io)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        if whole < text.len() {
            file.set_len(whole as u64).map_err(&io)?;
        }
        let lines = self.parse(&text[..whole])?;
        if lines.iter().any(|known| known.entry.request == entry.request && known.entry.right == entry.right) {
            return Ok(());
        }
        let previous = text[..whole]
            .strip_suffix(b"\n")
            .map_or_else(first_link, |body| link(body.rsplit(|byte| *byte == b'\n').next().unwrap_or_default()));
        let mut line = serde_json::to_vec(&Line { entry: entry.clone(), previous }).expect("a ledger line is plain JSON");
        line.push(b'\n');
        file.seek(SeekFrom::Start(whole as u64)).map_err(&io)?;
        file.write_all(&line).map_err(&io)?;
        file.sync_all().map_err(&io)?;
        if let (true, Some(folder)) = (is_new, self.path.parent()) {
            // The file's name must survive a power cut, too.
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(&io)?;
        }
        Ok(())
    }

    /// All entries, oldest first, the chain checked. A missing file is an empty ledger.
    pub fn entries(&self) -> Result<Vec<Entry>, LedgerError> {
        let text = match std::fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.io()(error)),
        };
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        Ok(self.parse(&text[..whole])?.into_iter().map(|line| line.entry).collect())
    }

    fn parse(&self, text: &[u8]) -> Result<Vec<Line>, LedgerError> {
        let mut expected = first_link();
        let mut lines = Vec::new();
        for (number, raw) in text.split(|byte| *byte == b'\n').filter(|raw| !raw.is_empty()).enumerate() {
            let damaged = |why: String| LedgerError::Damaged { path: self.path.clone(), line: number + 1, why };
            let line: Line = serde_json::from_slice(raw).map_err(|error| damaged(error.to_string()))?;
            if line.previous != expected {
                return Err(damaged("does not follow the line before".into()));
            }
            expected = link(raw);
            lines.push(line);
        }
        Ok(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(n: u128, right: Right) -> Entry {
        let subject = Hasher::new("parcours 2026 test").number(n as u64).finish();
        Entry { request: Uuid::from_u128(n), tenant: TenantId::default(), subject, right, at: Micros(n as i64) }
    }

    #[test]
    fn lines_come_back_in_order_and_once_each() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::new(folder.path().join("sub/rights.jsonl"));
        assert_eq!(ledger.entries().unwrap(), []);
        let written = [entry(1, Right::Erasure), entry(2, Right::OptOut), entry(2, Right::OptIn)];
        for entry in &written {
            ledger.append(entry).unwrap();
            ledger.append(entry).unwrap();
        }
        assert_eq!(ledger.entries().unwrap(), written);
    }

    #[test]
    fn a_torn_last_line_is_dropped_and_a_changed_one_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::new(folder.path().join("rights.jsonl"));
        ledger.append(&entry(1, Right::Erasure)).unwrap();
        OpenOptions::new().append(true).open(ledger.path()).unwrap().write_all(b"{\"request\":\"00").unwrap();
        assert_eq!(ledger.entries().unwrap().len(), 1);
        ledger.append(&entry(2, Right::Erasure)).unwrap();
        ledger.append(&entry(3, Right::OptOut)).unwrap();
        assert_eq!(ledger.entries().unwrap().len(), 3);

        let text = std::fs::read_to_string(ledger.path()).unwrap();
        let without_second: String = text.lines().enumerate().filter(|(n, _)| *n != 1).map(|(_, line)| format!("{line}\n")).collect();
        std::fs::write(ledger.path(), without_second).unwrap();
        assert!(matches!(ledger.entries(), Err(LedgerError::Damaged { line: 2, .. })));
        assert!(ledger.append(&entry(4, Right::OptOut)).is_err());
    }
}
