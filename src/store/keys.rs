//! The journal of presented keys, in SQLite.

use std::sync::Arc;

use sqlx::SqliteConnection;

use super::{Store, blocking::Blocking, error::Failed, row::Reading};
use crate::{
    card::{JournalError, KeyId, KeyJournal, KeyOutcome, KeyState},
    ident::{Clock, Iccid, Timestamp},
};

/// The journal for code that blocks. It may be asked from any thread, also from one that runs asynchronous tasks
/// (which it then holds up).
#[derive(Clone)]
pub struct Keys {
    blocking: Blocking,
    clock: Arc<dyn Clock>,
}

impl Keys {
    /// The journal in the file of `store`.
    pub fn new(store: &Store, clock: Arc<dyn Clock>) -> Self {
        Self { blocking: Blocking::new(store, "key journal"), clock }
    }

    fn transaction<T: Send>(
        &self,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, Failed> + Send,
    ) -> Result<T, JournalError> {
        self.blocking.transaction(work).map_err(JournalError::new)
    }
}

impl KeyJournal for Keys {
    fn state(&self, card: &Iccid, key: KeyId) -> Result<KeyState, JournalError> {
        // Under the write lock, too: what another process is writing now must be waited for.
        self.transaction(async |tx| read(tx, card, key).await)
    }

    fn presenting(
        &self,
        card: &Iccid,
        key: KeyId,
        known: KeyState,
        tries: Option<u8>,
    ) -> Result<(), JournalError> {
        let now = self.clock.now();
        let noted = self.transaction(async |tx| {
            let still = read(tx, card, key).await? == known;
            if still {
                write(tx, card, key, KeyState::Unanswered { tries }, now).await?;
            }
            Ok(still)
        });
        if noted? { Ok(()) } else { Err(JournalError::overtaken()) }
    }

    fn put_back(&self, card: &Iccid, key: KeyId, known: KeyState) -> Result<(), JournalError> {
        let now = self.clock.now();
        self.transaction(async |tx| match known {
            KeyState::Clear => {
                let forget = sqlx::query("DELETE FROM presented_key WHERE iccid = ? AND key_ref = ?");
                forget.bind(card.digits()).bind(key.number()).execute(tx).await?;
                Ok(())
            }
            known => write(tx, card, key, known, now).await,
        })
    }

    fn outcome(&self, card: &Iccid, key: KeyId, outcome: KeyOutcome) -> Result<(), JournalError> {
        let now = self.clock.now();
        self.transaction(async |tx| {
            let state = read(tx, card, key).await?.after(outcome);
            write(tx, card, key, state, now).await
        })
    }

    fn clear(&self, card: &Iccid) -> Result<Vec<(KeyId, KeyState)>, JournalError> {
        self.transaction(async |tx| {
            let forget = sqlx::query("DELETE FROM presented_key WHERE iccid = ? RETURNING *");
            let rows = forget.bind(card.digits()).fetch_all(tx).await?;
            let forgotten = rows.iter().map(|row| {
                let r = Reading { table: "presented_key", row };
                let key = KeyId::from_number(r.plain("key_ref")?).ok_or_else(|| r.corrupt("key_ref"))?;
                Ok((key, state(&r)?))
            });
            let mut forgotten = forgotten.collect::<Result<Vec<_>, Failed>>()?;
            forgotten.sort_by_key(|(key, _)| *key);
            Ok(forgotten)
        })
    }
}

async fn write(
    conn: &mut SqliteConnection,
    card: &Iccid,
    key: KeyId,
    state: KeyState,
    now: Timestamp,
) -> Result<(), Failed> {
    sqlx::query(
        "INSERT OR REPLACE INTO presented_key (iccid, key_ref, state, tries, changed_at) VALUES (?, ?, ?, ?, ?)",
    )
    .bind(card.digits())
    .bind(key.number())
    .bind(name(state))
    .bind(state.tries())
    .bind(now.as_millis())
    .execute(conn)
    .await?;
    Ok(())
}

async fn read(conn: &mut SqliteConnection, card: &Iccid, key: KeyId) -> Result<KeyState, Failed> {
    let found = sqlx::query("SELECT * FROM presented_key WHERE iccid = ? AND key_ref = ?");
    let row = found.bind(card.digits()).bind(key.number()).fetch_optional(conn).await?;
    row.map_or(Ok(KeyState::Clear), |row| state(&Reading { table: "presented_key", row: &row }))
}

/// The name under which a state is stored; [`KeyState::Clear`] is the absence of a row and never written.
fn name(state: KeyState) -> &'static str {
    match state {
        KeyState::Clear => "clear",
        KeyState::Unanswered { .. } => "unanswered",
        KeyState::Accepted { .. } => "accepted",
        KeyState::Refused { .. } => "refused",
    }
}

fn state(r: &Reading<'_>) -> Result<KeyState, Failed> {
    let (name, tries): (String, Option<u8>) = (r.plain("state")?, r.plain("tries")?);
    match name.as_str() {
        "clear" => Ok(KeyState::Clear),
        "unanswered" => Ok(KeyState::Unanswered { tries }),
        "accepted" => Ok(KeyState::Accepted { tries }),
        "refused" => Ok(KeyState::Refused { tries }),
        _ => Err(r.corrupt("state")),
    }
}
