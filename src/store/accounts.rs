//! The accounts of devices at the embedded DM server, in SQLite.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;

use super::{Store, error::Failed, row::Reading};
use crate::{
    dm::{
        Account, AccountId, Accounts, AccountsError, AuthScheme, CANDIDATES, NewAccount, NonceChange,
        Register, Stored, StoredCredential,
    },
    ident::Timestamp,
    wire::syncml::auth::UserDigest,
};

#[async_trait]
impl Register for Store {
    async fn register(&self, account: &NewAccount, at: Timestamp) -> Result<AccountId, AccountsError> {
        self.add_account(account, at).await.map_err(writing)
    }

    async fn withdraw(&self, id: AccountId) -> Result<(), AccountsError> {
        self.drop_unused(id).await.map_err(writing)
    }
}

#[async_trait]
impl Accounts for Store {
    async fn candidates(&self, name: Option<&str>, device: &str) -> Result<Vec<Account>, AccountsError> {
        self.find_accounts(name, device).await.map_err(reading)
    }

    async fn store_nonces(&self, id: AccountId, change: &NonceChange) -> Result<Stored, AccountsError> {
        self.change_nonces(id, change).await.map_err(writing)
    }

    async fn used(&self, id: AccountId, at: Timestamp) -> Result<(), AccountsError> {
        self.mark_used(id, at).await.map_err(writing)
    }

    async fn inventoried(&self, id: AccountId, at: Timestamp) -> Result<(), AccountsError> {
        let mark = async {
            let mut tx = self.begin().await?;
            let update = sqlx::query("UPDATE account SET inventoried_at = ? WHERE id = ?");
            update.bind(at.as_millis()).bind(id.number()).execute(&mut *tx).await?;
            Ok(tx.commit().await?)
        };
        mark.await.map_err(writing)
    }
}

impl Store {
    async fn add_account(&self, new: &NewAccount, at: Timestamp) -> Result<AccountId, Failed> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "INSERT INTO account (server_id, device, client_scheme, client_name, client_digest, client_nonce,
                                  server_scheme, server_name, server_digest, server_nonce, created_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(new.server_id.as_str())
        .bind(new.device.as_deref())
        .bind(new.client.scheme.as_type())
        .bind(new.client.name.as_str())
        .bind(new.client.digest.as_stored())
        .bind(new.client.nonce.as_slice())
        .bind(new.server.scheme.as_type())
        .bind(new.server.name.as_str())
        .bind(new.server.digest.as_stored())
        .bind(new.server.nonce.as_slice())
        .bind(at.as_millis())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(AccountId::new(done.last_insert_rowid()))
    }

    async fn find_accounts(&self, name: Option<&str>, device: &str) -> Result<Vec<Account>, Failed> {
        // Two bounded look-ups, so that a name that many devices share costs no more than another.
        let rows = sqlx::query(
            "SELECT * FROM (SELECT * FROM account WHERE device = ?1 ORDER BY id DESC LIMIT ?3)
             UNION
             SELECT * FROM (SELECT * FROM account WHERE client_name = ?2 ORDER BY id DESC LIMIT ?3)",
        )
        .bind(device)
        .bind(name)
        .bind(i64::try_from(CANDIDATES).unwrap_or(i64::MAX))
        .fetch_all(&self.readers)
        .await?;
        let found = rows.iter().map(account).collect::<Result<Vec<_>, _>>()?;
        Ok(choose(found, device))
    }

    async fn change_nonces(&self, id: AccountId, change: &NonceChange) -> Result<Stored, Failed> {
        let (held, next) = change.client.as_ref().map(|c| (c.held.as_slice(), c.next.as_slice())).unzip();
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "UPDATE account SET client_nonce = coalesce(?2, client_nonce), server_nonce = coalesce(?3, server_nonce)
             WHERE id = ?1 AND (?4 IS NULL OR client_nonce = ?4)",
        )
        .bind(id.number())
        .bind(next)
        .bind(change.server.as_deref())
        .bind(held)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(if done.rows_affected() == 1 { Stored::Done } else { Stored::Raced })
    }

    async fn drop_unused(&self, id: AccountId) -> Result<(), Failed> {
        let mut tx = self.begin().await?;
        let drop = sqlx::query("DELETE FROM account WHERE id = ? AND used_at IS NULL").bind(id.number());
        drop.execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    async fn mark_used(&self, id: AccountId, at: Timestamp) -> Result<(), Failed> {
        let mut tx = self.begin().await?;
        let first = sqlx::query("UPDATE account SET used_at = ? WHERE id = ? AND used_at IS NULL");
        let first = first.bind(at.as_millis()).bind(id.number()).execute(&mut *tx).await?;
        if first.rows_affected() == 1 {
            // The accounts that this one replaces: those of the same device, and those that the same card held before.
            // A user name tells nothing, since a profile may give all devices the same.
            let drop_older = sqlx::query(
                "DELETE FROM account
                 WHERE id < ?1 AND server_id = (SELECT server_id FROM account WHERE id = ?1)
                   AND (device = (SELECT device FROM account WHERE id = ?1)
                        OR id IN (SELECT older.account FROM job AS newer JOIN job AS older USING (iccid)
                                  WHERE newer.account = ?1))",
            );
            drop_older.bind(id.number()).execute(&mut *tx).await?;
        }
        Ok(tx.commit().await?)
    }
}

/// The newest first, at most [`CANDIDATES`]; when there are more, those of the device itself stay.
pub(super) fn choose(mut found: Vec<Account>, device: &str) -> Vec<Account> {
    found.sort_by_key(|a| (a.device.as_deref() != Some(device), std::cmp::Reverse(a.id)));
    found.truncate(CANDIDATES);
    found.sort_by_key(|a| std::cmp::Reverse(a.id));
    found
}

fn account(row: &SqliteRow) -> Result<Account, Failed> {
    let r = Reading { table: "account", row };
    Ok(Account {
        id: AccountId::new(r.plain("id")?),
        server_id: r.text("server_id")?,
        device: r.plain("device")?,
        client: credential(&r, ["client_scheme", "client_name", "client_digest", "client_nonce"])?,
        server: credential(&r, ["server_scheme", "server_name", "server_digest", "server_nonce"])?,
        inventoried: r.maybe_time("inventoried_at")?,
    })
}

fn credential(
    r: &Reading<'_>,
    [scheme, name, digest, nonce]: [&'static str; 4],
) -> Result<StoredCredential, Failed> {
    let kind: String = r.plain(scheme)?;
    Ok(StoredCredential {
        scheme: AuthScheme::from_type(&kind).ok_or_else(|| r.corrupt(scheme))?,
        name: r.plain(name)?,
        digest: UserDigest::from_stored(r.plain(digest)?).map_err(|_| r.corrupt(digest))?,
        nonce: r.plain(nonce)?,
        secret: None,
    })
}

fn reading(source: Failed) -> AccountsError {
    AccountsError::Unavailable { doing: "read", source: Box::new(source) }
}

fn writing(source: Failed) -> AccountsError {
    AccountsError::Unavailable { doing: "written", source: Box::new(source) }
}
