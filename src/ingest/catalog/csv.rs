//! A catalogue as a table: one item a line.

use serde_json::{Map, Value};

use super::CatalogError;
use super::read::{self, Object, Update};

/// Columns and how their cells are read.
const COLUMNS: [(&str, Cell); 12] = [
    ("item_id", Cell::Text),
    ("title_fr", Cell::Text),
    ("title_en", Cell::Text),
    ("skills", Cell::Texts),
    ("kind", Cell::Text),
    ("course", Cell::Text),
    ("module", Cell::Text),
    ("position", Cell::Number),
    ("duration_minutes", Cell::Number),
    ("language", Cell::Text),
    ("tags", Cell::Texts),
    ("state", Cell::Text),
];

#[derive(Clone, Copy)]
enum Cell {
    Text,
    Number,
    /// Separated by `;` or `|`.
    Texts,
}

impl Update {
    /// One item a line, under a header that names `item_id` and any of `title_fr, title_en, skills, kind, course, module,
    /// position, duration_minutes, language, tags, state`; skills and tags are separated by `;` or `|`. A column that is not
    /// there leaves its field alone, an empty cell clears it.
    ///
    /// # Errors
    /// The line and column of what cannot be used.
    pub fn from_csv(body: &[u8]) -> Result<Self, CatalogError> {
        let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
        let first = body.split(|&byte| byte == b'\n').next().unwrap_or_default();
        // Spreadsheets of half of Europe write semicolons; lists are then separated by `|`.
        let delimiter = if first.contains(&b';') && !first.contains(&b',') { b';' } else { b',' };
        let mut table = ::csv::ReaderBuilder::new().delimiter(delimiter).trim(::csv::Trim::All).from_reader(body);
        let malformed = |error: ::csv::Error| CatalogError::Malformed {
            line: error.position().map_or(1, |position| position.line() as usize),
            column: 1,
            why: match error.kind() {
                ::csv::ErrorKind::UnequalLengths { expected_len, len, .. } => format!("{len} cells where the header has {expected_len}"),
                ::csv::ErrorKind::Utf8 { .. } => "not UTF-8".into(),
                _ => "malformed CSV".into(),
            },
        };
        let header = table.headers().map_err(malformed)?.clone();
        let mut columns = Vec::with_capacity(header.len());
        for name in &header {
            let column = COLUMNS.iter().find(|(known, _)| *known == name).ok_or_else(|| CatalogError::Invalid {
                path: "line 1".into(),
                why: format!("unknown column {name:?}; known are {}", COLUMNS.map(|(known, _)| known).join(", ")),
            })?;
            columns.push(*column);
        }
        if !columns.iter().any(|(name, _)| *name == "item_id") {
            return Err(CatalogError::Invalid { path: "line 1".into(), why: "the column item_id is missing".into() });
        }
        let mut update = Self::default();
        let mut seen = std::collections::HashSet::new();
        for record in table.records() {
            let record = record.map_err(malformed)?;
            let path = format!("line {}", record.position().map_or(0, |position| position.line()));
            let fields = fields(&columns, &record, &path)?;
            let item = read::item(&Object { fields: &fields, path: path.clone() })?;
            if !seen.insert(item.id.clone()) {
                return Err(CatalogError::Invalid { path: format!("{path}.item_id"), why: "this id is given twice".into() });
            }
            update.items.push(item);
        }
        Ok(update)
    }
}

/// The line as the JSON object it stands for.
fn fields(columns: &[(&str, Cell)], record: &::csv::StringRecord, path: &str) -> Result<Map<String, Value>, CatalogError> {
    let mut fields = Map::new();
    let mut titles = Map::new();
    for ((name, cell), text) in columns.iter().zip(record) {
        let value = match cell {
            _ if text.is_empty() => Value::Null,
            Cell::Text => Value::from(text),
            Cell::Texts => text.split([';', '|']).map(str::trim).filter(|part| !part.is_empty()).map(Value::from).collect(),
            Cell::Number => serde_json::from_str::<serde_json::Number>(text)
                .map(Value::Number)
                .map_err(|_| CatalogError::Invalid { path: format!("{path}.{name}"), why: "must be a number".into() })?,
        };
        match *name {
            "item_id" => fields.insert("id".into(), value),
            "title_fr" => titles.insert("fr".into(), value),
            "title_en" => titles.insert("en".into(), value),
            other => fields.insert(other.into(), value),
        };
    }
    if !titles.is_empty() {
        fields.insert("titles".into(), Value::Object(titles));
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::super::read::Field;
    use super::*;

    #[test]
    fn a_table_is_read_like_its_json() {
        let table = "item_id,title_fr,skills,duration_minutes,tags\na,Additionner,x; y,2.5,\nb,,,,\n";
        let update = Update::from_csv(table.as_bytes()).unwrap();
        let (a, b) = (&update.items[0], &update.items[1]);
        assert_eq!(a.titles.fr, Field::Set("Additionner".into()));
        assert_eq!(a.titles.en, Field::Absent);
        assert!(matches!(&a.skills, Field::Set(skills) if skills.len() == 2));
        assert_eq!((&a.duration_minutes, &a.tags), (&Field::Set(2.5), &Field::Clear));
        assert_eq!(b.skills, Field::Clear);
        assert_eq!(b.kind, Field::Absent);
    }

    #[test]
    fn errors_name_their_line_and_column() {
        let error = |table: &str| Update::from_csv(table.as_bytes()).unwrap_err().to_string();
        assert_eq!(error("item_id,duration_minutes\na,1\nb,long\n"), "line 3.duration_minutes: must be a number");
        assert_eq!(error("item_id,kind\na,1,2\n"), "line 2, column 1: 3 cells where the header has 2");
        assert!(error("item,kind\na,1\n").starts_with("line 1: unknown column \"item\""));
        assert_eq!(error("kind\nx\n"), "line 1: the column item_id is missing");
    }
}
