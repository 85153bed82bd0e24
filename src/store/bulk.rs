//! Many rows in one statement.

use super::Backend;

/// Bound values in one statement: SQLite takes 32,766, Postgres 65,535; beyond a few thousand neither gets faster.
const VALUES: usize = 8_192;

/// Cuts `rows` into pieces of a power of two, so that a handful of statements are prepared once and found again in the
/// connection's cache, whatever the size of the batch.
pub(super) fn pieces<T>(rows: &[T], columns: usize) -> impl Iterator<Item = &[T]> {
    let largest = (VALUES / columns).max(1);
    let mut rest = rows;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let size = 1 << rest.len().min(largest).ilog2();
        let (piece, tail) = rest.split_at(size);
        rest = tail;
        Some(piece)
    })
}

/// `(a, b), (a, b), …` for `rows` rows of `columns` bound values.
///
/// SQLite looks a `$7` up by name, one after the other, when it prepares and again when it binds: with thousands of
/// values that costs more than the insert. So there the values are anonymous.
pub(super) fn tuples(backend: Backend, rows: usize, columns: usize) -> String {
    let mut text = String::with_capacity(rows * columns * 6);
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns {
            if column > 0 {
                text.push(',');
            }
            match backend {
                Backend::Sqlite => text.push('?'),
                Backend::Postgres => {
                    text.push('$');
                    text.push_str(&(row * columns + column + 1).to_string());
                }
            }
        }
        text.push(')');
    }
    text
}

/// A bound value after `before` others: what all rows share is bound once, behind the rows.
pub(super) fn mark(backend: Backend, before: usize) -> String {
    match backend {
        Backend::Sqlite => "?".to_owned(),
        Backend::Postgres => format!("${}", before + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_hold_every_row_once_and_in_order() {
        for n in [0usize, 1, 2, 3, 511, 512, 513, 5_000] {
            let rows: Vec<usize> = (0..n).collect();
            let cut: Vec<&[usize]> = pieces(&rows, 15).collect();
            assert_eq!(cut.concat(), rows);
            assert!(cut.iter().all(|piece| piece.len().is_power_of_two() && piece.len() * 15 <= VALUES));
        }
    }

    #[test]
    fn tuples_number_values_across_rows_for_postgres_alone() {
        assert_eq!(tuples(Backend::Postgres, 2, 2), "($1,$2), ($3,$4)");
        assert_eq!(tuples(Backend::Sqlite, 2, 2), "(?,?), (?,?)");
        assert_eq!((mark(Backend::Postgres, 4).as_str(), mark(Backend::Sqlite, 4).as_str()), ("$5", "?"));
    }
}
