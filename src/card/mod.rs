//! Cards: readers, sessions, files, and bootstrap files as object identifier and octets. It does not know what the
//! octets mean.
//!
//! Everything here blocks: a reader answers when it answers, and no call can be cancelled. Whoever runs an
//! asynchronous program gives each reader a thread of its own.

mod addressing;
mod apply;
mod bay;
mod channel;
mod file_system;
mod gsm;
mod journal;
mod key;
mod locate;
mod objects;
mod observer;
mod path;
mod pcsc;
mod pending;
mod plan;
mod proactive;
mod reader;
mod recover;
mod rights;
pub mod script;
#[cfg(test)]
mod scripted;
mod select;
mod session;
mod settings;
mod transport;
mod view;

pub use addressing::{Addressing, ClassChoice, ClassChoiceError};
pub use apply::{ApplyError, Change, Outcome, Written, apply, apply_for};
pub use bay::{
    Bay, BayConfig, BayEvent, BayName, BayNews, Bays, Contact, Identity, Label, LoneCard, Mark, Stay,
    Surveyed, Work, Worked, survey,
};
pub use channel::{ChannelChoice, ChannelChoiceError};
pub use file_system::{FileError, FileSystem};
pub use journal::{JournalError, KeyJournal, KeyOutcome, KeyState, MemoryKeyJournal};
pub use key::{
    CardRange, Key, KeyError, KeyGuard, KeyId, KeyPermit, KeyPolicy, KeyRing, KeyRingError, KeyRings,
    KeysStopped, Presented,
};
pub use locate::{BOOTSTRAP_OBJECTS, Depth, locate};
pub use observer::{NotTold, Settled, Unobserved, WriteObserver};
pub use path::{FilePath, FilePathError};
pub use pcsc::{Pcsc, PcscCard, Readers};
pub use pending::{
    ChangedKey, ContactWrites, EntryId, HeldEntry, Hold, KeyFate, MemoryWriteJournal, Origin, PendingEntry,
    PendingFormatError, PendingSummary, PendingWrite, WriteJournal, WriteJournalError,
};
pub use plan::{
    Access, Action, AdmKeys, BootstrapFile, CONTENT_FID, Plan, PlanError, PlanOptions, ReadAccess, Right,
    State, Step, plan, plan_erase,
};
pub use reader::{Look, ReaderContext, ReaderError, ReaderInfo, ReaderService, ReaderState};
pub use recover::{
    Looks, Now, RecoverError, Recovered, Standing, StepStanding, StepState, Way, examine, forget, recover,
    settle,
};
pub use rights::{Rights, UnknownRights};
pub use session::{ApduCounts, ApduTrace, Mode, Session};
pub use settings::{FoundSettings, Holds, SettingsOctets, has_settings, settings_file, settings_files};
pub use transport::{CardTransport, Protocol, TransportError};
pub use view::{Application, CardKind, CardView, Content, FoundBy, FoundFile, Listing, Pkcs15, Warning};

#[cfg(test)]
mod tests;
