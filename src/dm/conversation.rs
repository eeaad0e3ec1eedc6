//! What one device says under one `SessionID`: which session a message belongs to, and answers that are given again.
//!
//! A device may send its last message once more when the answer was lost; it gets the same octets (OMA DM Protocol 1.2,
//! section 6). A device may also begin anew under the same number: many use number 1 always. Anybody can claim to
//! be that device, so what begins anew is a rival at first, and takes the place of an open session only when it
//! has proved itself.
//!
//! | message                                                     | goes to                                   |
//! |-------------------------------------------------------------|-------------------------------------------|
//! | the same octets as the last message of session or rival     | nobody: the same answer                   |
//! | next number of the rival, with Cred                         | the rival                                 |
//! | next number of the session                                  | the session                               |
//! | next number of the rival                                    | the rival                                 |
//! | number 1, or any number when no session is known            | a new rival                               |
//! | any other                                                   | nobody: refused with Status 400           |
//!
//! A message of any number may begin a session that is not known, because the device cannot know that the server
//! forgot it: it is challenged and goes on.

use std::sync::Arc;

use crate::wire::syncml::Message;

use super::session::Session;

/// What the octets of a request are recognised by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fingerprint(pub(super) u64);

/// The session of one device and number, and what may take its place.
#[derive(Default)]
pub(super) struct Conversation {
    current: Option<Kept>,
    rival: Option<Kept>,
}

/// A session with the last answer that was given in it.
struct Kept {
    session: Session,
    last: Option<(Fingerprint, Arc<[u8]>)>,
}

/// Where a message goes.
pub(super) enum Route {
    /// It was answered before, by these octets.
    Again(Arc<[u8]>),
    /// To the session.
    Current,
    /// To what may take its place.
    Rival,
    /// To the session, which refuses it.
    Misplaced,
}

impl Conversation {
    /// Where the message goes.
    pub(super) fn route(&self, message: &Message, msg_id: u32, fingerprint: Fingerprint) -> Route {
        let kept = [&self.current, &self.rival];
        if let Some(octets) = kept.into_iter().flatten().find_map(|k| k.answered(fingerprint)) {
            return Route::Again(octets);
        }
        let expects = |kept: &Option<Kept>| kept.as_ref().is_some_and(|k| k.session.expects(msg_id));
        let unknown = self.current.is_none() && !self.rival.as_ref().is_some_and(|k| k.session.is_ended());
        let rival = expects(&self.rival);
        if rival && message.header.cred.is_some() {
            Route::Rival
        } else if expects(&self.current) {
            Route::Current
        } else if rival || msg_id == 1 || unknown {
            Route::Rival
        } else {
            Route::Misplaced
        }
    }

    /// The session that takes a message on that route, as it is now. A rival that does not expect the message begins
    /// anew; where there is none, it is `fresh`.
    pub(super) fn session(&self, route: &Route, msg_id: u32, fresh: impl FnOnce() -> Session) -> Session {
        let kept = match route {
            Route::Current => self.current.as_ref(),
            Route::Misplaced => self.current.as_ref().or(self.rival.as_ref()),
            Route::Rival | Route::Again(_) => self.rival.as_ref(),
        };
        match kept {
            Some(kept) if matches!(route, Route::Rival) && !kept.session.expects(msg_id) => {
                kept.session.anew()
            }
            Some(kept) => kept.session.clone(),
            None => fresh(),
        }
    }

    /// Keeps what became of the session on that route. Gives back the session whose place was taken.
    pub(super) fn keep(
        &mut self,
        route: &Route,
        session: Session,
        fingerprint: Fingerprint,
        answer: Arc<[u8]>,
    ) -> Option<Session> {
        let last = Some((fingerprint, answer));
        match route {
            Route::Again(_) => None,
            Route::Current => {
                self.current = Some(Kept { session, last });
                None
            }
            Route::Misplaced => {
                // The last answer stays: a misplaced message must not make the device's own be forgotten.
                if let Some(kept) = self.current.as_mut().or(self.rival.as_mut()) {
                    kept.session = session;
                }
                None
            }
            Route::Rival if session.has_proved() => {
                self.rival = None;
                self.current.replace(Kept { session, last }).map(|k| k.session)
            }
            Route::Rival => {
                self.rival = Some(Kept { session, last });
                None
            }
        }
    }

    /// True while a device that proved itself is in a session.
    pub(super) fn is_open(&self) -> bool {
        self.current.as_ref().is_some_and(|k| k.session.is_open())
    }

    /// The session, when nobody will go on with it.
    pub(super) fn into_session(self) -> Option<Session> {
        self.current.map(|k| k.session)
    }
}

impl Kept {
    fn answered(&self, fingerprint: Fingerprint) -> Option<Arc<[u8]>> {
        self.last.as_ref().filter(|(known, _)| *known == fingerprint).map(|(_, answer)| Arc::clone(answer))
    }
}
