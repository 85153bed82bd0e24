//! Which of a learner's events may be used, as a value: the same rule as the SQL of a usable event, for events on their way in.

use std::collections::HashMap;

use sqlx::AssertSqlSafe;

use super::{About, Result, Tx, bulk};
use crate::domain::{Micros, Pseudonym, TenantId};
use crate::with_tx;

/// What limits the use of one learner's events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    opted_out: bool,
    /// From (inclusive) until (exclusive; `None`: still open).
    opt_outs: Vec<(Micros, Option<Micros>)>,
}

impl Limits {
    /// True when an event of that moment may be used.
    pub fn allow(&self, occurred_at: Micros) -> bool {
        !self.opted_out && !self.opt_outs.iter().any(|(from, until)| occurred_at >= *from && until.is_none_or(|until| occurred_at < until))
    }
}

/// Limits of those of `learners` that have any; mostly none has.
pub async fn of(tx: &mut Tx, tenant: &TenantId, learners: &[Pseudonym]) -> Result<HashMap<Pseudonym, Limits>> {
    let mut limits: HashMap<Pseudonym, Limits> = HashMap::new();
    for piece in bulk::pieces(learners, 8) {
        let asked = bulk::tuples(tx.backend(), piece.len(), 1);
        let tenant_mark = bulk::mark(tx.backend(), piece.len());
        let opted_out = format!(
            "WITH asked(learner) AS (VALUES {asked}) SELECT l.learner FROM asked CROSS JOIN learners l
             WHERE l.tenant_id = {tenant_mark} AND l.learner = asked.learner AND l.consent <> 'personalised'"
        );
        let intervals = format!(
            "WITH asked(learner) AS (VALUES {asked}) SELECT o.learner, o.from_at, o.until_at FROM asked CROSS JOIN opt_outs o
             WHERE o.tenant_id = {tenant_mark} AND o.learner = asked.learner"
        );
        let opted_out: Vec<(Pseudonym,)> = with_tx!(&mut *tx, |conn| {
            let mut query = sqlx::query_as(AssertSqlSafe(opted_out));
            for learner in piece {
                query = query.bind(learner);
            }
            query.bind(tenant).fetch_all(conn).await
        })
        .about("learners")?;
        for (learner,) in opted_out {
            limits.entry(learner).or_default().opted_out = true;
        }
        let intervals: Vec<(Pseudonym, Micros, Option<Micros>)> = with_tx!(&mut *tx, |conn| {
            let mut query = sqlx::query_as(AssertSqlSafe(intervals));
            for learner in piece {
                query = query.bind(learner);
            }
            query.bind(tenant).fetch_all(conn).await
        })
        .about("opt_outs")?;
        for (learner, from, until) in intervals {
            limits.entry(learner).or_default().opt_outs.push((from, until));
        }
    }
    Ok(limits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opt_out_covers_its_beginning_and_not_its_end() {
        let limits = Limits { opted_out: false, opt_outs: vec![(Micros(10), Some(Micros(20))), (Micros(50), None)] };
        let allowed: Vec<bool> = [9, 10, 19, 20, 49, 50, 99].into_iter().map(|time| limits.allow(Micros(time))).collect();
        assert_eq!(allowed, [true, false, false, true, true, false, false]);
        assert!(!Limits { opted_out: true, opt_outs: Vec::new() }.allow(Micros(1)));
    }
}
