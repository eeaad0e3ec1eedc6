//! Jobs in SQLite.

use async_trait::async_trait;
use sqlx::{SqliteConnection, sqlite::SqliteRow};

use super::{Store, error::Failed, row::Reading};
use crate::{
    dm::AccountId,
    ident::{Fingerprint, Iccid, Imei, JobId, Timestamp},
    job::{
        Attempt, Change, Created, Entry, Event, Filter, Job, JobKey, Jobs, JobsError, NewJob, Reason, Record,
        Route, State, Step,
    },
};

#[async_trait]
impl Jobs for Store {
    async fn create(&self, id: JobId, new: &NewJob, at: Timestamp) -> Result<Created, JobsError> {
        let created = self.create_job(id, new, at).await.map_err(writing)?;
        match &new.key {
            Some(key) if !created.fresh && !created.job.answers(new) => {
                Err(JobsError::KeyTaken { key: key.clone(), id: created.job.id })
            }
            _ => Ok(created),
        }
    }

    async fn get(&self, id: JobId) -> Result<Option<Record>, JobsError> {
        self.record(id).await.map_err(reading)
    }

    async fn list(&self, filter: &Filter) -> Result<Vec<Job>, JobsError> {
        self.jobs(filter).await.map_err(reading)
    }

    async fn tell(&self, id: JobId, event: &Event, at: Timestamp) -> Result<Step, JobsError> {
        let mut tx = self.begin().await.map_err(|e| writing(e.into()))?;
        let job = one_job(&mut tx, id).await.map_err(writing)?.ok_or(JobsError::NotFound { id })?;
        let last = attempts(&mut tx, id).await.map_err(writing)?.pop();
        let change = job.change(event, last.as_ref(), at);
        let Some(change) = change.map_err(|source| JobsError::Illegal { id, source })? else {
            return Ok(Step::Stay);
        };
        let owner = match change.entry.to {
            State::Delivering => Some(self.owner.token().map_err(writing)?),
            State::Registered | State::Prepared if job.route == Route::Card => {
                Some(self.owner.token().map_err(writing)?)
            }
            _ => None,
        };
        write(&mut tx, id, &change, owner).await.map_err(|e| writing(e.into()))?;
        tx.commit().await.map_err(|e| writing(e.into()))?;
        Ok(Step::To(change.entry.to))
    }

    async fn of_account(&self, account: AccountId) -> Result<Option<JobId>, JobsError> {
        self.job_of(account).await.map_err(reading)
    }

    async fn of_card(&self, iccid: &Iccid) -> Result<Vec<Job>, JobsError> {
        let select = "SELECT * FROM job WHERE iccid = ? ORDER BY id DESC";
        self.jobs_by(select, iccid.digits()).await.map_err(reading)
    }

    async fn of_cards(&self, cards: &[Iccid]) -> Result<Vec<Job>, JobsError> {
        let select = "SELECT * FROM job WHERE iccid IN (SELECT value FROM json_each(?)) ORDER BY id DESC";
        let cards: Vec<_> = cards.iter().map(Iccid::digits).collect();
        self.jobs_by(select, &serde_json::Value::from(cards).to_string()).await.map_err(reading)
    }

    async fn of_imsis(&self, imsis: &[Fingerprint]) -> Result<Vec<Job>, JobsError> {
        let select = "SELECT * FROM job WHERE imsi IN (SELECT value FROM json_each(?)) ORDER BY id DESC";
        let imsis: Vec<_> = imsis.iter().map(ToString::to_string).collect();
        self.jobs_by(select, &serde_json::Value::from(imsis).to_string()).await.map_err(reading)
    }

    async fn of_imeis(&self, imeis: &[Imei]) -> Result<Vec<Job>, JobsError> {
        let select = "SELECT * FROM job WHERE imei IN (SELECT value FROM json_each(?)) ORDER BY id DESC";
        let imeis: Vec<_> = imeis.iter().map(Imei::digits).collect();
        self.jobs_by(select, &serde_json::Value::from(imeis).to_string()).await.map_err(reading)
    }

    async fn of_keys(&self, keys: &[JobKey]) -> Result<Vec<Job>, JobsError> {
        let select = "SELECT * FROM job WHERE key IN (SELECT value FROM json_each(?))";
        let keys: Vec<_> = keys.iter().map(JobKey::as_str).collect();
        self.jobs_by(select, &serde_json::Value::from(keys).to_string()).await.map_err(reading)
    }

    async fn abandoned(&self) -> Result<Vec<JobId>, JobsError> {
        let working = [State::Queued, State::Registered, State::Prepared].map(State::name);
        let rows = sqlx::query(
            "SELECT id, owner FROM job WHERE route <> ?3 AND (state = ?1
             OR (state IN (SELECT value FROM json_each(?2)) AND owner IS NOT NULL))",
        );
        let rows =
            rows.bind(State::Delivering.name()).bind(serde_json::Value::from(working.to_vec()).to_string());
        let rows = rows.bind(Route::Push.to_string());
        let rows = rows.fetch_all(&self.readers).await.map_err(|e| reading(e.into()))?;
        self.owner.sweep();
        let mut gone = Vec::new();
        for row in &rows {
            let reading_row = Reading { table: "job", row };
            let owner: Option<String> = reading_row.plain("owner").map_err(reading)?;
            if !owner.is_some_and(|token| self.owner.lives(&token)) {
                gone.push(reading_row.text("id").map_err(reading)?);
            }
        }
        Ok(gone)
    }

    async fn ping(&self) -> Result<(), JobsError> {
        // A table of ours, not `SELECT 1`, which SQLite answers without looking at the file.
        let asked = sqlx::query("SELECT id FROM job LIMIT 1").fetch_optional(&self.readers).await;
        asked.map(drop).map_err(|e| reading(e.into()))
    }
}

impl Store {
    async fn create_job(&self, id: JobId, new: &NewJob, at: Timestamp) -> Result<Created, Failed> {
        let mut tx = self.begin().await?;
        // A card is in the reader of whoever makes a job for it: the job is worked at from here on.
        let owner = (new.route == Route::Card).then(|| self.owner.token()).transpose()?;
        let created = create(&mut tx, id, new, owner, at).await?;
        tx.commit().await?;
        Ok(created)
    }

    async fn record(&self, id: JobId) -> Result<Option<Record>, Failed> {
        // One transaction, so that state and history belong together.
        let mut tx = self.readers.begin().await?;
        let Some(job) = one_job(&mut tx, id).await? else { return Ok(None) };
        let attempts = attempts(&mut tx, id).await?;
        let rows = sqlx::query("SELECT * FROM entry WHERE job = ? ORDER BY number").bind(id.to_string());
        let history = rows.fetch_all(&mut *tx).await?.iter().map(entry).collect::<Result<_, _>>()?;
        Ok(Some(Record { job, attempts, history }))
    }

    async fn jobs(&self, filter: &Filter) -> Result<Vec<Job>, Failed> {
        let states = filter.states.iter().map(|s| s.name()).collect::<Vec<_>>();
        let rows = sqlx::query(
            "SELECT * FROM job WHERE ?1 = '[]' OR state IN (SELECT value FROM json_each(?1))
             ORDER BY id DESC LIMIT ?2",
        )
        .bind(serde_json::Value::from(states).to_string())
        .bind(filter.limit)
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(job).collect()
    }

    /// The jobs that a statement with one parameter finds.
    async fn jobs_by(&self, select: &'static str, text: &str) -> Result<Vec<Job>, Failed> {
        let rows = sqlx::query(select).bind(text.to_owned()).fetch_all(&self.readers).await?;
        rows.iter().map(job).collect()
    }

    async fn job_of(&self, account: AccountId) -> Result<Option<JobId>, Failed> {
        let found = sqlx::query("SELECT id FROM job WHERE account = ?").bind(account.number());
        let row = found.fetch_optional(&self.readers).await?;
        row.map(|row| Reading { table: "job", row: &row }.text("id")).transpose()
    }
}

/// Keeps a job that `owner` works at, or finds the one that the same key made before.
pub(super) async fn create(
    conn: &mut SqliteConnection,
    id: JobId,
    new: &NewJob,
    owner: Option<String>,
    at: Timestamp,
) -> Result<Created, Failed> {
    if let Some(key) = &new.key {
        let found = sqlx::query("SELECT * FROM job WHERE key = ?").bind(key.as_str());
        if let Some(row) = found.fetch_optional(&mut *conn).await? {
            return Ok(Created { job: job(&row)?, fresh: false });
        }
    }
    let record = Record::accepted(Job::accepted(id, new, at));
    let job = record.job;
    sqlx::query(
        "INSERT INTO job (id, key, state, profile, version, server_id, route, payload, imei, iccid, imsi, asked,
         octets, owner, created_at, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(id.to_string())
    .bind(job.key.as_ref().map(|k| k.as_str().to_owned()))
    .bind(job.state.name())
    .bind(job.profile.as_str())
    .bind(job.profile_version)
    .bind(job.server_id.as_str())
    .bind(job.route.to_string())
    .bind(job.payload.to_string())
    .bind(job.imei.as_ref().map(|i| i.digits().to_owned()))
    .bind(job.iccid.as_ref().map(|i| i.digits().to_owned()))
    .bind(job.imsi.map(|i| i.to_string()))
    .bind(job.asked.map(|a| a.to_string()))
    .bind(job.octets.map(|o| o.to_string()))
    .bind(owner)
    .bind(at.as_millis())
    .bind(at.as_millis())
    .execute(&mut *conn)
    .await?;
    for entry in &record.history {
        append(&mut *conn, id, entry).await?;
    }
    Ok(Created { job, fresh: true })
}

async fn one_job(conn: &mut SqliteConnection, id: JobId) -> Result<Option<Job>, Failed> {
    let found = sqlx::query("SELECT * FROM job WHERE id = ?").bind(id.to_string());
    found.fetch_optional(conn).await?.map(|row| job(&row)).transpose()
}

async fn attempts(conn: &mut SqliteConnection, id: JobId) -> Result<Vec<Attempt>, Failed> {
    let found = sqlx::query("SELECT * FROM attempt WHERE job = ? ORDER BY number").bind(id.to_string());
    found.fetch_all(conn).await?.iter().map(attempt).collect()
}

async fn write(
    conn: &mut SqliteConnection,
    id: JobId,
    change: &Change,
    owner: Option<String>,
) -> Result<(), sqlx::Error> {
    let Change { entry, attempt, account } = change;
    sqlx::query("UPDATE job SET state = ?, reason = ?, account = ?, owner = ?, changed_at = ? WHERE id = ?")
        .bind(entry.to.name())
        .bind(entry.reason.as_ref().map(|r| r.as_str().to_owned()))
        .bind(account.map(AccountId::number))
        .bind(owner)
        .bind(entry.at.as_millis())
        .bind(id.to_string())
        .execute(&mut *conn)
        .await?;
    if let Some(attempt) = attempt {
        sqlx::query(
            "INSERT INTO attempt (job, number, route, payload, started_at, ended_at, outcome)
             VALUES (?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (job, number) DO UPDATE SET ended_at = excluded.ended_at, outcome = excluded.outcome",
        )
        .bind(id.to_string())
        .bind(attempt.number)
        .bind(attempt.route.to_string())
        .bind(attempt.payload.to_string())
        .bind(attempt.started_at.as_millis())
        .bind(attempt.ended_at.map(Timestamp::as_millis))
        .bind(attempt.outcome.map(State::name))
        .execute(&mut *conn)
        .await?;
    }
    append(conn, id, entry).await
}

async fn append(conn: &mut SqliteConnection, id: JobId, entry: &Entry) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO entry (job, number, at, from_state, to_state, reason)
         SELECT ?1, 1 + count(*), ?2, ?3, ?4, ?5 FROM entry WHERE job = ?1",
    )
    .bind(id.to_string())
    .bind(entry.at.as_millis())
    .bind(entry.from.map(State::name))
    .bind(entry.to.name())
    .bind(entry.reason.as_ref().map(|r| r.as_str().to_owned()))
    .execute(conn)
    .await
    .map(drop)
}

fn job(row: &SqliteRow) -> Result<Job, Failed> {
    let r = Reading { table: "job", row };
    // A card may state an ICCID without a right check digit, so it is read back as a card's.
    let iccid: Option<String> = r.plain("iccid")?;
    let iccid = iccid.map(|digits| Iccid::from_card(&digits).map_err(|_| r.corrupt("iccid"))).transpose()?;
    Ok(Job {
        id: r.text("id")?,
        key: r.maybe("key")?,
        state: r.text("state")?,
        reason: r.plain::<Option<String>>("reason")?.map(|text| Reason::new(&text)),
        profile: r.text("profile")?,
        profile_version: r.plain("version")?,
        server_id: r.text("server_id")?,
        route: r.text("route")?,
        payload: r.text("payload")?,
        imei: r.maybe("imei")?,
        iccid,
        imsi: r.maybe("imsi")?,
        asked: r.maybe("asked")?,
        octets: r.maybe("octets")?,
        overwritten_at: r.maybe_time("overwritten_at")?,
        account: r.plain::<Option<i64>>("account")?.map(AccountId::new),
        created_at: r.time("created_at")?,
        changed_at: r.time("changed_at")?,
    })
}

fn attempt(row: &SqliteRow) -> Result<Attempt, Failed> {
    let r = Reading { table: "attempt", row };
    Ok(Attempt {
        number: r.plain("number")?,
        route: r.text("route")?,
        payload: r.text("payload")?,
        started_at: r.time("started_at")?,
        ended_at: r.maybe_time("ended_at")?,
        outcome: r.maybe("outcome")?,
    })
}

fn entry(row: &SqliteRow) -> Result<Entry, Failed> {
    let r = Reading { table: "entry", row };
    Ok(Entry {
        at: r.time("at")?,
        from: r.maybe("from_state")?,
        to: r.text("to_state")?,
        reason: r.plain::<Option<String>>("reason")?.map(|text| Reason::new(&text)),
    })
}

pub(super) fn reading(source: Failed) -> JobsError {
    JobsError::Unavailable { doing: "read", source: Box::new(source) }
}

pub(super) fn writing(source: Failed) -> JobsError {
    JobsError::Unavailable { doing: "written", source: Box::new(source) }
}
