//! The commands that a device may send: Replace of its DevInfo, Results, Alert and Status (OMA DM Protocol 1.2).
//! Everything else is answered 405.

use crate::wire::syncml::{Alert, AlertCode, Command, Item, Meta, Operation, Results, StatusCode, Verb};

use super::{Action, Event, Incoming, Open, chunks::Piece, compose::Composer, inventory::normal};

/// How many Status commands may wait for the next message.
pub(super) const OWED: usize = 1000;

/// 1225: no end of data.
const NO_END_OF_DATA: AlertCode = AlertCode(1225);

/// 1224: client event.
const CLIENT_EVENT: AlertCode = AlertCode(1224);

/// Where a message leaves the package of the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// The package is whole.
    Whole,
    /// More messages of it are to come.
    MoreToCome,
    /// The device gave the session up.
    Aborted,
}

impl Open {
    /// Takes all commands of a message and leaves their Status with the composer.
    pub(super) fn take_commands(
        &mut self,
        incoming: &Incoming<'_>,
        device: &str,
        composer: &mut Composer<'_>,
        actions: &mut Vec<Action>,
    ) -> Taken {
        let mut taken = if incoming.message.is_final { Taken::Whole } else { Taken::MoreToCome };
        for command in &incoming.message.commands {
            let code = match command {
                Command::Status(_) => None,
                Command::Results(results) => self.take_results(results, composer),
                Command::Operation(operation) if operation.verb == Verb::Replace => {
                    Some(self.take_replace(operation, composer))
                }
                Command::Operation(_) | Command::Group(_) | Command::Unsupported(_) => {
                    Some(StatusCode::NOT_ALLOWED)
                }
                Command::Alert(alert) => {
                    if alert.code == AlertCode::SESSION_ABORT {
                        taken = Taken::Aborted;
                    }
                    Some(self.take_alert(alert, incoming, device, actions))
                }
            };
            if let Some(code) = code {
                composer.status(command, code);
            }
        }
        if taken == Taken::Whole && self.chunks.is_waiting() { Taken::MoreToCome } else { taken }
    }

    /// Results are answered only when a chunk was taken or something is wrong.
    fn take_results(&mut self, results: &Results, composer: &mut Composer<'_>) -> Option<StatusCode> {
        let mut answer = None;
        for item in &results.items {
            let Some(uri) = self.inventory.asked_for(results, item) else { continue };
            let (piece, alert) = self.take_item(&uri, item, results.meta.as_ref());
            if let Some(alert) = alert {
                composer.alert(alert);
            }
            match piece {
                Piece::Whole(data, meta) => self.inventory.answered(&uri, data.as_ref(), meta.as_ref()),
                Piece::Chunk => answer = Some(StatusCode::CHUNK_ACCEPTED),
                Piece::Refused(code) => answer = Some(code),
            }
        }
        answer
    }

    /// Replace is there to tell DevInfo, and for nothing else.
    fn take_replace(&mut self, replace: &Operation, composer: &mut Composer<'_>) -> StatusCode {
        let place = |item: &Item| {
            let uri = item.source.as_ref().or(item.target.as_ref()).and_then(|l| normal(&l.uri))?;
            (uri == "./DevInfo" || uri.starts_with("./DevInfo/")).then_some(uri)
        };
        let places: Option<Vec<String>> = replace.items.iter().map(place).collect();
        let Some(places) = places.filter(|p| !p.is_empty()) else { return StatusCode::NOT_ALLOWED };
        let mut answer = StatusCode::OK;
        for (uri, item) in places.iter().zip(&replace.items) {
            let (piece, alert) = self.take_item(uri, item, replace.meta.as_ref());
            if let Some(alert) = alert {
                composer.alert(alert);
            }
            match piece {
                Piece::Whole(data, meta) => self.inventory.told(uri, data.as_ref(), meta.as_ref()),
                Piece::Chunk => answer = StatusCode::CHUNK_ACCEPTED,
                Piece::Refused(code) => answer = code,
            }
        }
        answer
    }

    /// Takes one item, with the alert that is due when it interrupts an object that is not whole.
    fn take_item(&mut self, uri: &str, item: &Item, of_command: Option<&Meta>) -> (Piece, Option<AlertCode>) {
        let alert = self.chunks.interrupted_by(uri).then_some(NO_END_OF_DATA);
        (self.chunks.take(uri, item, item.meta.as_ref().or(of_command)), alert)
    }

    fn take_alert(
        &mut self,
        alert: &Alert,
        incoming: &Incoming<'_>,
        device: &str,
        actions: &mut Vec<Action>,
    ) -> StatusCode {
        match alert.code {
            AlertCode::SERVER_INITIATED
            | AlertCode::CLIENT_INITIATED
            | AlertCode::NEXT_MESSAGE
            | AlertCode::SESSION_ABORT
            | NO_END_OF_DATA => StatusCode::OK,
            CLIENT_EVENT | AlertCode::GENERIC => {
                let kind = alert.items.first().and_then(|i| i.meta.as_ref()).and_then(|m| m.kind.clone());
                actions.push(Action::Tell(Event::Alerted {
                    account: self.account.id,
                    device: device.to_owned(),
                    at: incoming.now,
                    code: alert.code,
                    kind,
                }));
                StatusCode::OK
            }
            _ => StatusCode::NOT_SUPPORTED,
        }
    }
}
