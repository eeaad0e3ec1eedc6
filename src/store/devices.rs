//! What devices say they are, in SQLite.

use async_trait::async_trait;

use super::{
    Store,
    error::Failed,
    jobs::{reading, writing},
    row::Reading,
};
use crate::{
    ident::Timestamp,
    job::{Device, Devices, JobsError},
};

#[async_trait]
impl Devices for Store {
    async fn keep_inventory(
        &self,
        device: &str,
        nodes: &[(String, String)],
        at: Timestamp,
    ) -> Result<(), JobsError> {
        self.write_inventory(device, nodes, at).await.map_err(writing)
    }

    async fn device(&self, device: &str) -> Result<Option<Device>, JobsError> {
        self.read_device(device).await.map_err(reading)
    }
}

impl Store {
    async fn write_inventory(
        &self,
        device: &str,
        nodes: &[(String, String)],
        at: Timestamp,
    ) -> Result<(), Failed> {
        let mut tx = self.begin().await?;
        sqlx::query("INSERT INTO device (name, seen_at) VALUES (?, ?) ON CONFLICT DO UPDATE SET seen_at = excluded.seen_at")
            .bind(device)
            .bind(at.as_millis())
            .execute(&mut *tx)
            .await?;
        sqlx::query("DELETE FROM device_node WHERE device = ?").bind(device).execute(&mut *tx).await?;
        // A device that states a node twice is taken at its last word.
        let insert = "INSERT OR REPLACE INTO device_node (device, uri, value) VALUES (?, ?, ?)";
        for (uri, value) in nodes {
            sqlx::query(insert).bind(device).bind(uri).bind(value).execute(&mut *tx).await?;
        }
        Ok(tx.commit().await?)
    }

    async fn read_device(&self, device: &str) -> Result<Option<Device>, Failed> {
        let mut tx = self.readers.begin().await?;
        let found = sqlx::query("SELECT seen_at FROM device WHERE name = ?").bind(device);
        let Some(row) = found.fetch_optional(&mut *tx).await? else { return Ok(None) };
        let seen_at = Reading { table: "device", row: &row }.time("seen_at")?;
        let nodes = sqlx::query_as("SELECT uri, value FROM device_node WHERE device = ? ORDER BY uri");
        let nodes = nodes.bind(device).fetch_all(&mut *tx).await?;
        Ok(Some(Device { device: device.to_owned(), seen_at, nodes }))
    }
}
