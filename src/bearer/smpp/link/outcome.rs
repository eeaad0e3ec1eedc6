//! What becomes of dispatches: by answers of the SMSC, by their absence, and by the end of connections.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use super::{Link, grown};
use crate::{
    bearer::{
        DispatchId, Event, Failure, Receipt, Taken,
        smpp::{
            Action, Note, Now, Unanswered, Verdict,
            connection::{Connection, Heard},
            flight::{Flight, Place, Submission},
            receipts::Report,
        },
    },
    wire::smpp::CommandStatus,
};

impl Link {
    pub(super) fn heard(&mut self, at: usize, heard: Vec<Heard>, now: Now) {
        for heard in heard {
            match heard {
                Heard::Bound => self.actions.push(Action::Note(Note::Bound)),
                Heard::Refused(status) => self.refused(at, status, now),
                Heard::Answer { submission, status, message } => {
                    // An operator may know that this SMSC says it of messages.
                    let of_bind = status == CommandStatus::INVALID_BIND_STATUS
                        && self.settings.verdicts.of(status) != Verdict::Permanent;
                    if let Some(connection) = self.connections.get_mut(at).filter(|_| of_bind) {
                        connection.bar();
                    }
                    self.answer(submission, status, message, now)
                }
                Heard::Silent(submission) => self.doubt_all(vec![submission]),
                Heard::Receipt { report, sequence } => self.receipt(at, report, sequence, now),
                Heard::Broken(why) => self.lost(at, why, now),
                Heard::Ended => {
                    self.flush(at);
                    self.actions.push(Action::Close(at));
                    let rest = self.connections.get_mut(at).map(|c| c.lost(now.elapsed, Duration::ZERO));
                    self.doubt_all(rest.unwrap_or_default());
                }
            }
        }
    }

    fn answer(&mut self, submission: Submission, status: CommandStatus, message: Option<String>, now: Now) {
        let Submission { id, piece, left, .. } = submission;
        let flight = self.flights.get_mut(&id).filter(|flight| flight.waits_for(submission));
        let Some(flight) = flight else { return };
        if status.is_ok() {
            self.paused.1 = 0;
            flight.put(piece, Place::Accepted);
            let (done, segments) = (flight.is_done(), flight.in_places(&[Place::Accepted]));
            let of = u8::try_from(flight.places.len()).unwrap_or(u8::MAX);
            // A name is worth keeping only where a receipt will use it.
            if let Some(message) = message.filter(|_| self.settings.receipts) {
                let message = self.message_id(self.settings.response_ids.normalise(&message));
                self.actions.push(Action::Tell(Event::Submitted { id, segment: piece, message, of, left }));
            }
            if done {
                self.close(Event::Sent { id, segments, receipts: self.settings.receipts }, id);
            }
            return;
        }
        let verdict = self.settings.verdicts.of(status);
        let smsc = Arc::clone(&self.settings.name);
        if verdict == Verdict::Permanent {
            let failure = Failure::refused(smsc, piece, status);
            return self.close(Event::Failed { id, failure }, id);
        }
        flight.put(piece, Place::Here);
        let (refusals, rank) = (flight.refused(status, now.elapsed), flight.rank());
        if now.elapsed.saturating_sub(refusals.since) >= self.settings.pace.give_up {
            let failure = Failure::Busy { smsc, tries: refusals.tries, status: refusals.last.0 };
            return self.close(Event::Failed { id, failure }, id);
        }
        if verdict == Verdict::Throttled {
            // A whole window may be refused at once: that is one sign, not many.
            if self.paused.0 <= now.elapsed {
                let pause = grown(self.settings.pace.throttle, self.paused.1);
                self.paused = (now.elapsed + pause, self.paused.1.saturating_add(1));
                self.actions.push(Action::Note(Note::Throttled(status, pause)));
            }
            self.queue.insert(rank, id);
        } else {
            let pause = grown(self.settings.pace.retry, refusals.tries.saturating_sub(1));
            self.put_off(id, now.elapsed + pause);
        }
    }

    fn receipt(&mut self, at: usize, report: Report, sequence: u32, now: Now) {
        let Some(life) = self.lives.get(at).copied() else { return };
        let receipt = Receipt {
            message: self.message_id(self.settings.receipt_ids.normalise(&report.id)),
            state: report.state,
            network_error: report.network_error,
            at: now.clock,
            taken: Taken::default(),
        };
        self.actions.push(Action::Receipt(receipt, Unanswered { connection: at, life, sequence }));
    }

    fn refused(&mut self, at: usize, status: CommandStatus, now: Now) {
        self.actions.push(Action::Note(Note::Refused(status)));
        // Wrong credentials do not get right by trying: an SMSC may bar an account for that.
        let hopeless = matches!(status, CommandStatus::INVALID_PASSWORD | CommandStatus::INVALID_SYSTEM_ID);
        let pause = hopeless.then_some(self.settings.pace.reconnect.1);
        self.end(at, pause, now);
    }

    pub(super) fn lost(&mut self, at: usize, why: &'static str, now: Now) {
        self.actions.push(Action::Note(Note::Broken(why)));
        self.end(at, None, now);
    }

    /// Closes a connection, to open it again after a pause.
    fn end(&mut self, at: usize, pause: Option<Duration>, now: Now) {
        self.flush(at);
        self.actions.push(Action::Close(at));
        let Some(failures) = self.connections.get(at).map(Connection::failures) else { return };
        let pause = self.jittered(pause.unwrap_or_else(|| grown(self.settings.pace.reconnect, failures)));
        let lost = self.connections.get_mut(at).map(|c| c.lost(now.elapsed, pause)).unwrap_or_default();
        if let Some(life) = self.lives.get_mut(at) {
            *life += 1;
        }
        self.doubt_all(lost);
    }

    fn doubt_all(&mut self, lost: Vec<Submission>) {
        for submission in &lost {
            let flight = self.flights.get_mut(&submission.id);
            if let Some(flight) = flight.filter(|flight| flight.waits_for(*submission)) {
                flight.put(submission.piece, Place::InDoubt);
            }
        }
        for id in lost.iter().map(|submission| submission.id).collect::<BTreeSet<_>>() {
            self.in_doubt(id);
        }
    }

    /// Closes a flight of which a segment is in doubt.
    fn in_doubt(&mut self, id: DispatchId) {
        let Some(flight) = self.flights.get(&id).filter(|f| f.in_places(&[Place::InDoubt]) > 0) else {
            return;
        };
        let segments = u8::try_from(flight.places.len()).unwrap_or(u8::MAX);
        let here = flight.in_places(&[Place::Here]);
        let event = if here > 0 {
            let failure = Failure::Incomplete {
                smsc: Arc::clone(&self.settings.name),
                sent: segments.saturating_sub(here),
                segments,
            };
            Event::Failed { id, failure }
        } else {
            Event::Unclear { id, in_doubt: flight.in_places(&[Place::InDoubt, Place::Sent]), segments }
        };
        self.close(event, id);
    }

    pub(super) fn close(&mut self, event: Event, id: DispatchId) {
        if self.remove(id).is_some() {
            self.actions.push(Action::Tell(event));
        }
    }

    pub(super) fn remove(&mut self, id: DispatchId) -> Option<Flight> {
        let flight = self.flights.remove(&id)?;
        self.queue.remove(&flight.rank());
        self.unasked.remove(&flight.rank());
        self.leaving -= usize::from(flight.counts);
        if let Some(expires) = flight.dispatch.expires {
            self.expiry.remove(&(expires, id));
        }
        if flight.refusals.is_some() || flight.pieces.is_empty() {
            self.later.retain(|(_, other)| *other != id);
        }
        if let Some(reference) = flight.reference {
            self.references.give_back(&flight.dispatch.destination, reference);
        }
        Some(flight)
    }
}
