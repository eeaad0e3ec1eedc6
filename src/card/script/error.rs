//! Why a script stopped.

use crate::{
    card::{FileError, KeyError, KeyId, NotTold, TransportError, WriteJournalError},
    ident::Iccid,
    wire::script::{Place, Position, Problem},
};

use super::BackupError;

/// Why a script stopped before its end. No message repeats what a card holds: that is in the report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScriptError {
    /// The card answered something else than the script expects.
    #[error("{at}: the card answered {seen}, expected {expected}")]
    Unexpected {
        /// The command.
        at: Position,
        /// Status words, or where the data differ.
        expected: String,
        /// The status word, or what the data are.
        seen: String,
    },
    /// An assertion does not hold.
    #[error("{at}: the assertion does not hold")]
    Assertion {
        /// The assertion.
        at: Position,
    },
    /// Something is wrong that only the run could show.
    #[error("{0}")]
    Problem(Problem),
    /// A key was not presented, or not taken.
    #[error("{at}: {source}")]
    Key {
        /// Where it would have been.
        at: Position,
        /// Why.
        source: KeyError,
    },
    /// A key that the script needs was not given.
    #[error("{at}: key {key} is needed; give it with --set {name}=@FILE, env:NAME or -")]
    KeyMissing {
        /// Where it is presented.
        at: Position,
        /// Which one.
        key: KeyId,
        /// Its name in the script.
        name: String,
    },
    /// A file could not be read or written.
    #[error("{at}: {source}")]
    File {
        /// The statement.
        at: Position,
        /// Why.
        source: FileError,
    },
    /// The card or its reader, before anything was changed by this statement.
    #[error("{at}: {source}")]
    Transport {
        /// The statement.
        at: Position,
        /// Why.
        source: TransportError,
    },
    /// The answer to a command that changes something was lost.
    #[error(
        "{at}: {what} was sent and its answer was lost; whether the card carried it out is not known: {source}"
    )]
    Unknown {
        /// The statement.
        at: Position,
        /// The command.
        what: &'static str,
        /// How the answer was lost.
        source: TransportError,
    },
    /// What will be changed could not be kept.
    #[error(
        "{at}: {what} was not sent, because what it changes cannot be backed up: {why}; --no-backup sends it all the same"
    )]
    NotBackedUp {
        /// The statement.
        at: Position,
        /// The command.
        what: &'static str,
        /// Why.
        why: String,
    },
    /// The backup.
    #[error("{at}: {source}, so nothing was sent")]
    Backup {
        /// The statement.
        at: Position,
        /// Why.
        source: BackupError,
    },
    /// The journal of writes: it cannot be used, or the card has a write that is not settled.
    #[error("{at}: nothing was sent: {source}")]
    Journal {
        /// The statement.
        at: Position,
        /// Why.
        source: WriteJournalError,
    },
    /// The script came to its end, and the journal of writes could not be told.
    #[error(
        "the script came to its end, but its entry in the journal of writes was not closed ({source}): the next contact would \
         take it back; `bootgate card recover --forget` keeps the card as it is"
    )]
    NotClosed {
        /// Why not.
        source: WriteJournalError,
    },
    /// The script came to its end, and that could not be kept.
    #[error(
        "the script came to its end, but {source}; the next contact with the card takes back what it changed"
    )]
    NotTold {
        /// Why not.
        source: NotTold,
    },
    /// The journal of writes and that of keys go by the card's number.
    #[error(
        "{at}: the card does not tell its number, so what the script changes could not be kept for the next contact, nor taken \
         back; nothing was sent"
    )]
    NoNumber {
        /// Where the script begins.
        at: Position,
    },
    /// The script came to its end, and not all that it has done could be seen on the card.
    #[error(
        "the script came to its end, and {changes} of its changes could not be read back: whether the card holds them is not known; \
         a script that cannot do better begins with REM bootgate 1 and says so with EFF updates PATH unread"
    )]
    NotReadBack {
        /// How many.
        changes: u32,
    },
    /// Content that was written reads back as something else.
    #[error("{at}: {file} reads back other octets than were written, from octet {octet} on")]
    Mismatch {
        /// The statement.
        at: Position,
        /// The file.
        file: Place,
        /// The first octet that differs, counted from 0.
        octet: usize,
    },
    /// Content does not fit.
    #[error("{at}: {got} octets do not fit {file}, which has {size}")]
    TooLong {
        /// The statement.
        at: Position,
        /// The file.
        file: Place,
        /// The content.
        got: usize,
        /// The room.
        size: usize,
    },
    /// There is no backup for SAV, or none for RES.
    #[error("{at}: {what} needs a backup; give it with {option}")]
    NoBackup {
        /// The statement.
        at: Position,
        /// The statement's word.
        what: &'static str,
        /// The option.
        option: &'static str,
    },
    /// The backup holds nothing that the script puts back.
    #[error("{at}: the backup holds nothing of the files that the script puts back; nothing was written")]
    NotInBackup {
        /// The first statement that puts something back.
        at: Position,
    },
    /// What the backup holds cannot be put back.
    #[error("{at}: {file} cannot be put back: {why}; nothing was written")]
    NotRestorable {
        /// The statement.
        at: Position,
        /// The file.
        file: Place,
        /// Why.
        why: String,
    },
    /// The backup is of another card.
    #[error("{at}: the backup is of card {}, and this is {}", shown(.backup), shown(.card))]
    OtherCard {
        /// The statement.
        at: Position,
        /// Whose backup it is.
        backup: Option<Iccid>,
        /// The card.
        card: Option<Iccid>,
    },
    /// The card wants more and more.
    #[error("{at}: the card has more than {limit} proactive commands in a row")]
    Proactive {
        /// The statement.
        at: Position,
        /// How many were answered.
        limit: u32,
    },
}

fn shown(iccid: &Option<Iccid>) -> String {
    iccid.as_ref().map_or_else(|| "without a number".into(), ToString::to_string)
}
