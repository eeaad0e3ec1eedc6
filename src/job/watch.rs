//! Turns a device's first session into the end of its job.

use std::sync::Arc;

use async_trait::async_trait;
use tracing::{error, info, warn};

use super::{Devices, Event, Jobs, JobsError, State, Step};
use crate::{
    handoff::{HandedOff, Inventory, Watcher},
    ident::without_imsi,
};

/// Tells jobs that their device came in.
#[derive(Clone)]
pub struct Watch {
    jobs: Arc<dyn Jobs>,
    devices: Arc<dyn Devices>,
}

impl Watch {
    /// Tells `jobs`, and keeps inventories in `devices`.
    pub fn new(jobs: Arc<dyn Jobs>, devices: Arc<dyn Devices>) -> Self {
        Self { jobs, devices }
    }

    async fn tell(&self, news: &HandedOff) -> Result<(), JobsError> {
        // An account without a job was put there by other means; nothing waits for it.
        let Some(id) = self.jobs.of_account(news.account).await? else { return Ok(()) };
        let device = without_imsi(&news.device);
        let event = Event::FirstSession { device: device.clone().into_owned() };
        match self.jobs.tell(id, &event, news.at).await {
            Ok(Step::To(State::HandedOff)) => {
                info!(job.id = %id, dm.device = %device, "Job {id} is handed off: first session of {device:?}");
                Ok(())
            }
            Ok(_) => Ok(()),
            // For example a device whose job was called off after the card was written.
            Err(JobsError::Illegal { source, .. }) => {
                warn!(job.id = %id, job.state = %source.from, dm.device = %device,
                    "{device:?} came in although its job {id} is {}", source.from);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl Watcher for Watch {
    async fn handed_off(&self, news: HandedOff) {
        if let Err(error) = self.tell(&news).await {
            // The device's next session says it again.
            let device = without_imsi(&news.device);
            error!(error = &error as &dyn std::error::Error, dm.device = %device,
                "The first session of {device:?} could not be recorded");
        }
    }

    async fn inventory(&self, inventory: Inventory) {
        let Inventory { device, at, nodes } = inventory;
        if let Err(error) = self.devices.keep_inventory(&device, &nodes, at).await {
            let device = without_imsi(&device);
            error!(error = &error as &dyn std::error::Error, dm.device = %device,
                "The inventory of {device:?} could not be kept");
        }
    }
}
