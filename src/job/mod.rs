//! Jobs: one device, one account, one state machine, one history.
//!
//! A [`Job`] goes through the states of [`State`]; each delivery it tries is an [`Attempt`]; each change of state is
//! an [`Entry`] of its history, which is only ever added to. [`Jobs`] keeps them.

pub mod batch;
mod card;
mod contact;
mod fingerprints;
mod jobs;
mod key_stop;
mod layout;
pub mod push;
mod record;
pub mod request;
mod state;
mod station;
mod target;
mod wanted;
mod watch;

pub use card::{
    CardDone, CardJob, CardJobError, CardRoute, JobWrites, Observer, SettleError, Verdict, abandon, describe,
};
pub use contact::CardContact;
pub use fingerprints::{FingerprintError, Fingerprints};
pub use jobs::{Created, Device, Devices, Filter, Jobs, JobsError};
pub use key_stop::{KeyContact, KeyStop};
pub use layout::Layout;
pub use record::{Attempt, Change, Entry, Job, JobKey, NewJob, Record, Route, UnknownName};
pub use state::{Event, Illegal, Reason, State, Step, UnknownState};
pub use station::{Clerk, HeldFile, Offer, OfferError, ReadBack, Sighting, Station, Waiting};
pub use target::TargetError;
pub use wanted::Wanted;
pub use watch::Watch;
