//! Push jobs: accepted here, and run until only their device can bring them further.

use std::sync::Arc;

use tracing::{error, info};

use super::{App, pin_webhook::PinWebhook, profiles::ProfileDirectory};
use crate::{
    ident::JobId,
    job::{
        JobsError,
        push::{CallOff, PinPost, PushAccepted, PushGateway, PushJob, PushJobError, PushRoute},
        request::{self, RequestError},
    },
};

impl App {
    /// The same with another gateway than ours that takes pushes.
    #[must_use]
    pub fn with_gateway(mut self, gateway: Arc<dyn PushGateway>) -> Self {
        self.gateway = Some(gateway);
        self
    }

    /// The way over the air, as configured.
    ///
    /// # Errors
    /// [`PushJobError::NoGateway`].
    pub fn push_route(&self) -> Result<PushRoute, PushJobError> {
        self.route_over(self.gateway.clone().filter(|g| g.is_there()))
    }

    fn route_over(&self, gateway: Option<Arc<dyn PushGateway>>) -> Result<PushRoute, PushJobError> {
        let pins = PinWebhook::of(&self.config.job).map(|pins| Arc::new(pins) as Arc<dyn PinPost>);
        Ok(PushRoute {
            jobs: Arc::clone(&self.jobs),
            orders: Arc::clone(&self.orders),
            registrar: Arc::clone(&self.registrar),
            server_id: self.config.dm.server_id.clone(),
            gateway: gateway.ok_or(PushJobError::NoGateway)?,
            pins,
            clock: Arc::clone(&self.clock),
            random: Arc::clone(&self.random),
        })
    }

    /// Reads a request for a job: see [`request`]. Reads profiles, so it may block for as long as a file takes.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn read_request(&self, octets: &[u8], creator: &str) -> Result<PushJob, RequestError> {
        let profiles = ProfileDirectory(self.config.api.profiles.clone());
        request::read(octets, &profiles, self.config.job.push_validity, creator)
    }

    /// Accepts a push job, or gives back the one that the same key made before. A fresh one is run from then on; it goes on
    /// when nobody waits for it.
    ///
    /// # Errors
    /// [`PushJobError`]; there is no job then.
    pub async fn push(&self, job: &PushJob) -> Result<PushAccepted, PushJobError> {
        let route = self.push_route()?;
        let accepted = route.accept(job).await?;
        if accepted.fresh {
            run(route, accepted.record.job.id);
        }
        Ok(accepted)
    }

    /// Calls a push job off, as long as nothing of it has left. It needs no way to devices: another process may have that.
    ///
    /// # Errors
    /// [`PushJobError`].
    pub async fn call_off(&self, id: JobId, by: &str) -> Result<CallOff, PushJobError> {
        self.route_over(self.gateway.clone())?.call_off(id, by).await
    }

    /// Goes on with push jobs that processes left behind which are gone. Done when a service starts, and from time to time.
    ///
    /// # Errors
    /// [`JobsError`].
    pub async fn resume_pushes(&self) -> Result<Vec<JobId>, JobsError> {
        let Ok(route) = self.push_route() else { return Ok(Vec::new()) };
        let left = self.orders.take_over().await?;
        for id in &left {
            info!(job.id = %id, "Going on with push job {id}");
            run(route.clone(), *id);
        }
        Ok(left)
    }
}

/// Runs a job on its own.
fn run(route: PushRoute, id: JobId) {
    tokio::spawn(async move {
        if let Err(failed) = route.run(id).await {
            error!(job.id = %id, error = &failed as &dyn std::error::Error, "Push job {id} cannot be run: {failed}");
        }
    });
}
