//! A bearer that writes to files what it would send: to look at pushes, and to try a gateway without a network.

use std::{
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use tokio::sync::mpsc;

use super::{Bearer, Carriage, Closed, Destination, Dispatch, DispatchId, Event, Failure, Refusal};
use crate::wire::wdp::{self, Width};

/// Writes each dispatch to a file of its own, `ID.json`, readable by its owner alone: it holds a number and a payload.
#[derive(Debug)]
pub struct Capture {
    directory: PathBuf,
    events: mpsc::Sender<Event>,
}

impl Capture {
    /// To this directory, which is made when missing.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(directory: &Path, events: mpsc::Sender<Event>) -> std::io::Result<Self> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        Ok(Self { directory: directory.to_owned(), events })
    }
}

#[async_trait::async_trait]
impl Bearer for Capture {
    fn name(&self) -> &str {
        "capture"
    }

    fn admit(&self, dispatch: &Dispatch) -> Result<u8, Refusal> {
        let octets = dispatch.octets.len();
        let segments = match dispatch.carriage {
            Carriage::Datagram(ports) => wdp::count(ports, Width::Short, octets),
            Carriage::Text => dispatch.text().map_or(0, |text| text.count(Width::Short)),
        };
        u8::try_from(segments).map_err(|_| {
            let (route, segments) = (self.name().to_owned(), octets.div_ceil(128));
            Refusal::TooLong { route, octets, segments, most: u8::MAX }
        })
    }

    async fn send(&self, dispatch: Dispatch) -> Result<(), Closed> {
        let id = dispatch.id;
        let segments = self.admit(&dispatch).unwrap_or(u8::MAX);
        let directory = self.directory.clone();
        let written = tokio::task::spawn_blocking(move || write(&directory, &dispatch)).await;
        let event = match written {
            Ok(Ok(())) => Event::Sent { id, segments, receipts: false },
            Ok(Err(error)) => Event::Failed { id, failure: Failure::Network(error.to_string()) },
            Err(_) => return Err(Closed),
        };
        self.events.send(event).await.map_err(|_| Closed)
    }

    /// What was taken is written at once.
    fn withdraw(&self, _: DispatchId) -> bool {
        false
    }
}

/// The file is there whole or not at all.
fn write(directory: &Path, dispatch: &Dispatch) -> std::io::Result<()> {
    let to = match &dispatch.destination {
        Destination::Msisdn(number) => format!("+{}", number.digits()),
        Destination::Ip(address) => address.to_string(),
    };
    let octets: String = dispatch.octets.iter().map(|octet| format!("{octet:02X}")).collect();
    let ports = match dispatch.carriage {
        Carriage::Datagram(ports) => Some([ports.destination(), ports.originator()]),
        Carriage::Text => None,
    };
    let value = serde_json::json!({ "id": dispatch.id.0, "to": to, "ports": ports, "octets": octets });
    let (unfinished, whole) =
        (directory.join(format!("{}.part", dispatch.id)), directory.join(format!("{}.json", dispatch.id)));
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    writeln!(file, "{value}")?;
    std::fs::rename(unfinished, whole)
}
