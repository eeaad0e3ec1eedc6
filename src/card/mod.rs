//! Cards: readers, sessions, files, and bootstrap files as object identifier and octets. It does not know what the
//! octets mean.
//!
//! Everything here blocks: a reader answers when it answers, and no call can be cancelled. Whoever runs an
//! asynchronous program gives each reader a thread of its own.

mod journal;
mod key;
mod path;
mod pcsc;
mod proactive;
mod rights;
#[cfg(test)]
mod script;
mod session;
mod transport;
mod uicc;

pub use journal::{JournalError, KeyJournal, KeyOutcome, KeyState, MemoryKeyJournal};
pub use key::{CardRange, Key, KeyError, KeyGuard, KeyPolicy, Presented};
pub use path::FilePath;
pub use pcsc::{PcscCard, ReaderError, ReaderInfo, ReaderState, Readers};
pub use rights::{Rights, UnknownRights};
pub use session::{ApduCounts, ApduTrace, Session};
pub use transport::{CardTransport, Protocol, TransportError};
pub use uicc::{FileError, Uicc};
