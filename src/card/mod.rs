//! Cards: readers, sessions, files, and bootstrap files as object identifier and octets. It does not know what the
//! octets mean.
//!
//! Everything here blocks: a reader answers when it answers, and no call can be cancelled. Whoever runs an
//! asynchronous program gives each reader a thread of its own.

mod journal;
mod key;
mod pcsc;
mod proactive;
#[cfg(test)]
mod script;
mod session;
mod transport;

pub use journal::{JournalError, KeyJournal, KeyOutcome, KeyState, MemoryKeyJournal};
pub use key::{CardRange, Key, KeyError, KeyGuard, KeyPolicy, Presented};
pub use pcsc::{PcscCard, ReaderError, ReaderInfo, ReaderState, Readers};
pub use session::{ApduCounts, ApduTrace, Session};
pub use transport::{CardTransport, Protocol, TransportError};
