//! A request's body, cut into events: a JSON array, one JSON object, or NDJSON (one object a line).

use serde_json::value::RawValue;

/// One event of the body, not decoded yet.
#[derive(Debug, Clone, Copy)]
pub(super) enum Piece<'a> {
    Json(&'a RawValue),
    /// A line of NDJSON that is no JSON, by its number. It sinks alone.
    Broken {
        line: usize,
    },
}

/// The body as a whole cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    pub line: usize,
    pub column: usize,
    pub why: String,
}

pub(super) fn split(body: &[u8]) -> Result<Vec<Piece<'_>>, Malformed> {
    let text = std::str::from_utf8(body).map_err(|error| {
        let before = &body[..error.valid_up_to()];
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|&&byte| byte != b'\n').count() + 1;
        Malformed { line, column, why: "the body is not UTF-8".into() }
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match text.trim_start().as_bytes().first() {
        None => {
            Err(Malformed { line: 1, column: 1, why: "the body is empty: expected a JSON array of events, or one event a line".into() })
        }
        Some(b'[') => {
            let events: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| malformed(&error))?;
            Ok(events.into_iter().map(Piece::Json).collect())
        }
        Some(_) => lines(text),
    }
}

fn lines(text: &str) -> Result<Vec<Piece<'_>>, Malformed> {
    let whole = match serde_json::from_str::<&RawValue>(text) {
        Ok(one) => return Ok(vec![Piece::Json(one)]),
        Err(error) => malformed(&error),
    };
    let pieces: Vec<Piece> = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| match serde_json::from_str::<&RawValue>(line) {
            Ok(value) => Piece::Json(value),
            Err(_) => Piece::Broken { line: number + 1 },
        })
        .collect();
    // A JSON text cut in the middle, or something else altogether: no line of it is an event.
    if pieces.iter().any(|piece| matches!(piece, Piece::Json(value) if value.get().starts_with('{'))) { Ok(pieces) } else { Err(whole) }
}

/// Position and cause. Syntax errors speak of characters expected, never of the text found.
fn malformed(error: &serde_json::Error) -> Malformed {
    let text = error.to_string();
    let why = text.split(" at line ").next().unwrap_or_default();
    Malformed { line: error.line(), column: error.column(), why: format!("malformed JSON: {why}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_lines_and_one_object_are_all_understood() {
        assert_eq!(split(b" [{\"a\":1}, {\"a\":2}]\n").unwrap().len(), 2);
        assert_eq!(split(b"{\"a\":1}\n\n{\"a\":2}\r\n").unwrap().len(), 2);
        assert_eq!(split(b"{\n  \"a\": 1\n}\n").unwrap().len(), 1);
        assert_eq!(split(b"[]").unwrap().len(), 0);
    }

    #[test]
    fn a_broken_line_sinks_alone() {
        let pieces = split(b"{\"a\":1}\n{\"a\":\n{\"a\":3}\n").unwrap();
        assert!(matches!(pieces[1], Piece::Broken { line: 2 }));
        assert_eq!(pieces.len(), 3);
    }

    #[test]
    fn a_broken_body_is_an_error_with_its_place() {
        let error = split(b"[{\"a\":1},\n {\"a\" 2}]").unwrap_err();
        assert_eq!((error.line, error.column), (2, 7));
        assert!(split(b"").unwrap_err().why.contains("empty"));
        assert!(split(b"{\"a\":").unwrap_err().why.starts_with("malformed JSON"));
        assert_eq!(split(b"[{}\n,\xff]").unwrap_err().line, 2);
    }
}
