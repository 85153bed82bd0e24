//! Lines of a plain or gzipped text file, with their numbers, and the small parsers all layouts share.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use super::{EPOCH, LogError};
use crate::domain::{ItemId, Micros, SkillId};

/// Opens `path`, unpacking gzip when the file starts like one.
pub(super) fn open(path: &Path) -> Result<Box<dyn BufRead>, LogError> {
    let io = |source| LogError::Io { path: path.to_owned(), source };
    let mut file = BufReader::with_capacity(1 << 16, File::open(path).map_err(io)?);
    let packed = file.fill_buf().map_err(io)?.starts_with(&[0x1f, 0x8b]);
    let reader: Box<dyn Read> = if packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    Ok(Box::new(BufReader::with_capacity(1 << 16, reader)))
}

/// Reads line by line into one buffer.
pub(super) struct Lines {
    pub path: PathBuf,
    reader: Box<dyn BufRead>,
    buffer: Vec<u8>,
    /// Number of the line last read, from 1.
    pub number: u64,
}

impl Lines {
    pub fn open(path: &Path) -> Result<Self, LogError> {
        Ok(Self { path: path.to_owned(), reader: open(path)?, buffer: Vec::new(), number: 0 })
    }

    /// The next line without its end; `None` at the end of the file.
    pub fn next(&mut self) -> Result<Option<&str>, LogError> {
        self.buffer.clear();
        let read = self.reader.read_until(b'\n', &mut self.buffer).map_err(|source| LogError::Io { path: self.path.clone(), source })?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        match std::str::from_utf8(&self.buffer) {
            Ok(text) => Ok(Some(text.trim_end_matches(['\n', '\r']))),
            Err(_) => Err(self.wrong("is not UTF-8")),
        }
    }

    /// The next line, which must be there.
    pub fn expect(&mut self, what: &str) -> Result<String, LogError> {
        match self.next()? {
            Some(line) => Ok(line.to_owned()),
            None => {
                self.number += 1;
                Err(self.wrong(format!("the file ends where {what} should be")))
            }
        }
    }

    /// The next line that is not blank.
    pub fn next_full(&mut self) -> Result<Option<String>, LogError> {
        while let Some(line) = self.next()? {
            if !line.trim().is_empty() {
                return Ok(Some(line.to_owned()));
            }
        }
        Ok(None)
    }

    /// An error about the line last read.
    pub fn wrong(&self, why: impl Into<String>) -> LogError {
        LogError::Line { path: self.path.clone(), line: self.number, why: why.into() }
    }
}

/// Values of a comma-separated line; a comma at its end is no value.
pub(super) fn values(line: &str) -> Vec<&str> {
    let line = line.trim().trim_end_matches(',');
    if line.is_empty() { Vec::new() } else { line.split(',').map(str::trim).collect() }
}

pub(super) fn item(text: &str) -> Result<ItemId, String> {
    ItemId::parse(text).map_err(|error| error.to_string())
}

pub(super) fn skill(text: &str) -> Result<SkillId, String> {
    SkillId::parse(text).map_err(|error| error.to_string())
}

/// `0` or `1` (also `0.0`, `1.0`, `true`, `false`).
pub(super) fn right_or_wrong(text: &str) -> Result<bool, String> {
    match text {
        "1" | "1.0" | "true" | "True" | "TRUE" => Ok(true),
        "0" | "0.0" | "false" | "False" | "FALSE" => Ok(false),
        other => Err(format!("{:?} is neither 0 nor 1", clipped(other))),
    }
}

/// A moment out of a number: below 10^9 seconds after [`EPOCH`], else Unix seconds, milliseconds or microseconds by magnitude.
pub(super) fn moment(number: f64) -> Result<Micros, String> {
    let micros = match number {
        n if !n.is_finite() || n < 0.0 => return Err(format!("{number} is not a time")),
        n if n < 1e9 => return Ok(Micros(EPOCH.0 + (n * 1e6).round() as i64)),
        n if n < 1e11 => n * 1e6,
        n if n < 1e14 => n * 1e3,
        n if n < 1e17 => n,
        _ => return Err(format!("{number} is not a time")),
    };
    Ok(Micros(micros.round() as i64))
}

/// The file's name without folders, `.gz` and extension: it stands for learners that have no name in the file.
pub(super) fn stem(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned()
}

/// At most 40 characters of a text, for messages.
pub(super) fn clipped(text: &str) -> &str {
    text.char_indices().nth(40).map_or(text, |(end, _)| &text[..end])
}
