//! The states of a job and what moves it from one to the next. Pure: the driver brings the event and the time.

use std::{fmt, str::FromStr};

use crate::dm::AccountId;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Accepted, nothing done yet.
    Queued,
    /// The target DM server knows the account.
    Registered,
    /// The payload is built.
    Prepared,
    /// Something may be on its way to the device from here on.
    Delivering,
    /// Read back from the card, or acknowledged by the peer.
    Delivered,
    /// The device told us that it took the account; the target server has not seen it yet.
    ReHomed,
    /// The device's first authenticated session was seen. Final.
    HandedOff,
    /// The peer or the card may or may not have acted.
    Unknown,
    /// Given up. Final.
    Failed,
    /// Its time ran out. Final.
    Expired,
    /// Called off. Final.
    Cancelled,
}

/// What happened to a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The target DM server was told the account.
    AccountRegistered {
        /// Which account, when the server is ours.
        account: AccountId,
    },
    /// The payload was built.
    PayloadBuilt,
    /// The first octet is about to leave.
    DeliveryStarted,
    /// All of it was read back or acknowledged.
    DeliveryConfirmed,
    /// It cannot be told whether it arrived.
    DeliveryUnclear {
        /// Why not.
        reason: Reason,
    },
    /// It did not work, and the device holds nothing half done.
    Failed {
        /// Why.
        reason: Reason,
    },
    /// The network gave up before all of it had arrived, and says so.
    DeliveryExpired {
        /// Which time ran out.
        reason: Reason,
    },
    /// The device told us that it took the account.
    AccountTaken,
    /// The device proved itself to the target server with the account.
    FirstSession {
        /// What the device calls itself.
        device: String,
    },
    /// The job's time ran out.
    TimeUp {
        /// Which time.
        reason: Reason,
    },
    /// Somebody called the job off.
    CalledOff {
        /// Who, and why.
        reason: Reason,
    },
}

/// What an event does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The job goes to this state.
    To(State),
    /// Late news that the state already implies: nothing changes and nothing is recorded.
    Stay,
}

/// An event that cannot happen in this state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a job that is {from} cannot take `{event}`")]
pub struct Illegal {
    /// The state.
    pub from: State,
    /// The event's name.
    pub event: &'static str,
}

/// Why something happened, for people: one line of at most 500 characters. Whoever makes one keeps secrets and
/// subscriber numbers out of it; it is stored and shown.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct Reason(String);

impl State {
    /// True when the job has done its work: what it brings is on the card, or was acknowledged by the peer.
    pub const fn has_delivered(self) -> bool {
        matches!(self, Self::Delivered | Self::HandedOff | Self::ReHomed)
    }

    /// All states, in the order in which a job meets them.
    pub const ALL: [Self; 11] = [
        Self::Queued,
        Self::Registered,
        Self::Prepared,
        Self::Delivering,
        Self::Unknown,
        Self::Delivered,
        Self::ReHomed,
        Self::HandedOff,
        Self::Failed,
        Self::Expired,
        Self::Cancelled,
    ];

    /// The state's name, as it is stored and shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Registered => "registered",
            Self::Prepared => "prepared",
            Self::Delivering => "delivering",
            Self::Delivered => "delivered",
            Self::ReHomed => "re-homed",
            Self::HandedOff => "handed-off",
            Self::Unknown => "unknown",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing leads out of this state.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::HandedOff | Self::Failed | Self::Expired | Self::Cancelled)
    }

    /// What `event` does to a job in this state.
    ///
    /// | from         | `registered` | `built`  | `started`  | `confirmed` | `unclear` | `failed` | `ran-out` | `taken`  | `session`  | `time-up` | `called-off` |
    /// |--------------|--------------|----------|------------|-------------|-----------|----------|-----------|----------|------------|-----------|--------------|
    /// | `queued`     | registered   |          |            |             |           | failed   |           |          |            | expired   | cancelled    |
    /// | `registered` |              | prepared |            |             |           | failed   |           |          |            | expired   | cancelled    |
    /// | `prepared`   |              |          | delivering |             |           | failed   |           |          |            | expired   | cancelled    |
    /// | `delivering` |              |          |            | delivered   | unknown   | failed   | expired   | re-homed | handed-off |           | cancelled    |
    /// | `unknown`    |              |          | delivering | delivered   | =         | failed   | expired   | re-homed | handed-off | expired   | cancelled    |
    /// | `delivered`  |              |          |            | =           |           |          |           | re-homed | handed-off | expired   | cancelled    |
    /// | `re-homed`   |              |          |            | =           | =         | =        | =         | =        | handed-off | expired   | cancelled    |
    /// | `handed-off` |              |          |            | =           | =         | =        | =         | =        | =          |           |              |
    ///
    /// `=` is [`Step::Stay`]; an empty place is [`Illegal`]; `failed`, `expired` and `cancelled` take nothing. A
    /// device may come in while its delivery is not yet confirmed (a phone reads the card before we read it back):
    /// what it proves outweighs what we still wait for. A delivery under way is neither called off nor timed out:
    /// it has to become known first.
    ///
    /// # Errors
    /// [`Illegal`] for an empty place.
    pub fn on(self, event: &Event) -> Result<Step, Illegal> {
        use State as S;
        use Step::{Stay, To};
        let step = match (self, event) {
            (S::Queued, Event::AccountRegistered { .. }) => To(S::Registered),
            (S::Registered, Event::PayloadBuilt) => To(S::Prepared),
            (S::Prepared | S::Unknown, Event::DeliveryStarted) => To(S::Delivering),

            (S::Delivering | S::Unknown, Event::DeliveryConfirmed) => To(S::Delivered),
            (S::Delivered | S::ReHomed | S::HandedOff, Event::DeliveryConfirmed) => Stay,

            (S::Delivering, Event::DeliveryUnclear { .. }) => To(S::Unknown),
            (S::Unknown | S::ReHomed | S::HandedOff, Event::DeliveryUnclear { .. }) => Stay,

            (S::Queued | S::Registered | S::Prepared | S::Delivering | S::Unknown, Event::Failed { .. }) => {
                To(S::Failed)
            }
            (S::Delivering | S::Unknown, Event::DeliveryExpired { .. }) => To(S::Expired),
            (S::ReHomed | S::HandedOff, Event::Failed { .. } | Event::DeliveryExpired { .. }) => Stay,

            (S::Delivering | S::Unknown | S::Delivered, Event::AccountTaken) => To(S::ReHomed),
            (S::ReHomed | S::HandedOff, Event::AccountTaken) => Stay,

            (S::Delivering | S::Unknown | S::Delivered | S::ReHomed, Event::FirstSession { .. }) => {
                To(S::HandedOff)
            }
            (S::HandedOff, Event::FirstSession { .. }) => Stay,

            (
                S::Queued | S::Registered | S::Prepared | S::Unknown | S::Delivered | S::ReHomed,
                Event::TimeUp { .. },
            ) => To(S::Expired),
            (
                S::Queued
                | S::Registered
                | S::Prepared
                // What was on its way was taken back before it left.
                | S::Delivering
                | S::Unknown
                | S::Delivered
                | S::ReHomed,
                Event::CalledOff { .. },
            ) => To(S::Cancelled),

            (
                S::Failed
                | S::Expired
                | S::Cancelled
                | S::Queued
                | S::Registered
                | S::Prepared
                | S::Delivering
                | S::Unknown
                | S::Delivered
                | S::ReHomed
                | S::HandedOff,
                event,
            ) => return Err(Illegal { from: self, event: event.name() }),
        };
        Ok(step)
    }
}

impl Event {
    /// The event's name, as in the table of [`State::on`].
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AccountRegistered { .. } => "registered",
            Self::PayloadBuilt => "built",
            Self::DeliveryStarted => "started",
            Self::DeliveryConfirmed => "confirmed",
            Self::DeliveryUnclear { .. } => "unclear",
            Self::Failed { .. } => "failed",
            Self::DeliveryExpired { .. } => "ran-out",
            Self::AccountTaken => "taken",
            Self::FirstSession { .. } => "session",
            Self::TimeUp { .. } => "time-up",
            Self::CalledOff { .. } => "called-off",
        }
    }

    /// What the history says beside the state.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::DeliveryUnclear { reason }
            | Self::Failed { reason }
            | Self::DeliveryExpired { reason }
            | Self::TimeUp { reason }
            | Self::CalledOff { reason } => Some(reason.clone()),
            Self::AccountRegistered { account } => Some(Reason::new(&format!("account {account}"))),
            Self::FirstSession { device } => Some(Reason::new(&format!("first session of {device}"))),
            Self::PayloadBuilt | Self::DeliveryStarted | Self::DeliveryConfirmed | Self::AccountTaken => None,
        }
    }
}

impl Reason {
    /// Longest reason, in characters.
    pub const LONGEST: usize = 500;

    /// A reason from text: control characters become spaces, what is too long is cut and ends in `…`.
    pub fn new(text: &str) -> Self {
        let clean = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c });
        let mut line = clean.clone().take(Self::LONGEST).collect::<String>();
        if clean.count() > Self::LONGEST {
            line.pop();
            line.push('…');
        }
        Self(line)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl serde::Serialize for State {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.name())
    }
}

/// A text that is no state's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a state; expected one of {}", State::ALL.map(State::name).join(", "))]
pub struct UnknownState {
    /// The text.
    pub text: String,
}

impl FromStr for State {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        let found = Self::ALL.into_iter().find(|state| state.name() == text);
        found.ok_or_else(|| UnknownState { text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn events() -> Vec<Event> {
        let reason = || Reason::new("because");
        vec![
            Event::AccountRegistered { account: AccountId::new(1) },
            Event::PayloadBuilt,
            Event::DeliveryStarted,
            Event::DeliveryConfirmed,
            Event::DeliveryUnclear { reason: reason() },
            Event::Failed { reason: reason() },
            Event::DeliveryExpired { reason: reason() },
            Event::AccountTaken,
            Event::FirstSession { device: "IMEI:490154203237518".into() },
            Event::TimeUp { reason: reason() },
            Event::CalledOff { reason: reason() },
        ]
    }

    /// The table in the documentation of [`State::on`], read from this file, is what the code does.
    #[test]
    fn the_table_in_the_documentation_is_true() {
        let rows = include_str!("state.rs")
            .lines()
            .filter_map(|line| line.trim().strip_prefix("/// | "))
            .map(|row| row.trim_end_matches('|').split('|').map(str::trim).collect::<Vec<_>>())
            .collect::<Vec<_>>();
        let head = rows.iter().find(|row| row[0] == "from").unwrap();
        let mut seen = 0;
        for state in State::ALL {
            let row = rows.iter().find(|row| row[0] == format!("`{state}`"));
            for event in events() {
                let column = head.iter().position(|h| *h == format!("`{}`", event.name())).unwrap();
                let expected = row.map_or("", |row| row[column]);
                let got = match state.on(&event) {
                    Ok(Step::To(to)) => to.name(),
                    Ok(Step::Stay) => "=",
                    Err(_) => "",
                };
                assert_eq!(got, expected, "{state} on {}", event.name());
                seen += 1;
            }
        }
        assert_eq!(seen, 121);
    }

    proptest! {
        #[test]
        fn no_sequence_leaves_a_final_state_or_skips_a_step(picks in prop::collection::vec(0usize..11, 0..60)) {
            let events = events();
            let mut state = State::Queued;
            let mut past = vec![state];
            for pick in picks {
                let Ok(Step::To(next)) = state.on(&events[pick]) else { continue };
                prop_assert!(!state.is_final(), "{state} was left for {next}");
                prop_assert_ne!(state, next, "a step leads somewhere else");
                // Nothing counts as arrived that was never on its way, and nothing as handed off without a session.
                let arrived = [State::Delivered, State::ReHomed, State::HandedOff, State::Unknown];
                prop_assert!(!arrived.contains(&next) || past.contains(&State::Delivering));
                prop_assert_eq!(next == State::HandedOff, matches!(events[pick], Event::FirstSession { .. }));
                for (needs, first) in [
                    (State::Delivering, State::Prepared),
                    (State::Prepared, State::Registered),
                    (State::Registered, State::Queued),
                ] {
                    prop_assert!(next != needs || past.contains(&first));
                }
                state = next;
                past.push(state);
            }
        }

        #[test]
        fn a_reason_is_one_bounded_line(text in any::<String>()) {
            let reason = Reason::new(&text);
            prop_assert!(reason.as_str().chars().count() <= Reason::LONGEST);
            prop_assert!(!reason.as_str().chars().any(char::is_control));
        }
    }

    #[test]
    fn every_state_that_is_not_final_can_reach_an_end() {
        for state in State::ALL {
            let ways = events().iter().filter(|e| matches!(state.on(e), Ok(Step::To(_)))).count();
            assert_eq!(ways == 0, state.is_final(), "{state}");
        }
    }

    #[test]
    fn names_read_back() {
        for state in State::ALL {
            assert_eq!(state.name().parse(), Ok(state));
        }
        assert!("handed_off".parse::<State>().unwrap_err().to_string().contains("handed-off"));
    }

    #[test]
    fn a_long_reason_is_cut() {
        let reason = Reason::new(&format!("a\nb{}", "x".repeat(1000)));
        assert!(reason.as_str().starts_with("a b") && reason.as_str().ends_with('…'));
        assert_eq!(reason.as_str().chars().count(), 500);
    }
}
