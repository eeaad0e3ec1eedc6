//! Looking ahead: when there is something to hand out, or to close because its time has run out.

use serde_json::Value;
use sqlx::{Row as _, SqliteConnection};

use super::Failed;
use crate::{bearer::Lane, ident::Timestamp};

/// When there is something to do.
pub(super) struct Ahead {
    /// The first that is to be sent of each lane.
    pub(super) lanes: Vec<Option<Timestamp>>,
    /// The first whose time runs out, of all that wait and of all that wait for receipts.
    pub(super) other: Option<Timestamp>,
}

impl Ahead {
    /// Looks for it in these lanes.
    pub(super) async fn look(tx: &mut SqliteConnection, lanes: &[Lane]) -> Result<Self, Failed> {
        let names: Value = lanes.iter().map(|lane| &*lane.name).collect();
        let rows = sqlx::query(
            "SELECT name.key AS lane,
                    (SELECT min((SELECT min(due_at) FROM delivery WHERE state = 0 AND lane = name.value AND priority = urgency.value))
                     FROM json_each('[0, 1, 2]') AS urgency) AS at
             FROM json_each(?) AS name
             UNION ALL
             SELECT NULL, min(at) FROM (
                 SELECT min(expires_at) AS at FROM delivery WHERE state = 0 AND expires_at IS NOT NULL
                 UNION ALL SELECT min(due_at) FROM delivery WHERE state = 2)",
        );
        let mut ahead = Self { lanes: vec![None; lanes.len()], other: None };
        for row in &rows.bind(names.to_string()).fetch_all(tx).await? {
            let at = row.try_get::<Option<i64>, _>("at")?.map(Timestamp::from_millis);
            let lane =
                row.try_get::<Option<i64>, _>("lane")?.map(|key| usize::try_from(key).unwrap_or(usize::MAX));
            match lane {
                None => ahead.other = at,
                Some(lane) => ahead.lanes.get_mut(lane).into_iter().for_each(|own| *own = at),
            }
        }
        Ok(ahead)
    }

    /// When that is; none when there is nothing.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.lanes.iter().chain([&self.other]).copied().flatten().min()
    }
}
