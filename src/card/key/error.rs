//! Why a key was not presented, or not taken.

use super::{KeyId, KeysStopped, counter::told};
use crate::{
    card::{JournalError, KeyState, TransportError, rights::has_puk},
    ident::{Iccid, tries},
    wire::{apdu::StatusWord, arr::KeyRef},
};

/// Why a key was not presented, or not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The key was refused before, and nobody has cleared that.
    #[error(
        "key {key} was refused by card {card} before; find out why, then run \
         `bootgate card clear-refusal --iccid {card}`"
    )]
    Quarantined {
        /// The card.
        card: Iccid,
        /// The key.
        key: KeyId,
    },
    /// The counter is lower than allowed.
    #[error(
        "key {key} of card {card} has {} left, fewer than the {floor} that are asked for; it was not presented",
        tries(*.left)
    )]
    TooFewTries {
        /// The card.
        card: Iccid,
        /// The key.
        key: KeyId,
        /// What the counter shows.
        left: u8,
        /// What it must show.
        floor: u8,
    },
    /// The card does not tell the counter.
    #[error(
        "card {card} does not tell how many tries key {key} has left ({}); it was not presented. \
         If such cards are known, allow them by [[card.key-policy]] in the configuration, or this one with --allow-once {card}",
        told(*.sw)
    )]
    UnknownCounter {
        /// The card.
        card: Iccid,
        /// The key.
        key: KeyId,
        /// What the card said; none when there is no way to ask.
        sw: Option<StatusWord>,
    },
    /// The card does not know the command here, so it did not look at the key.
    #[error(
        "card {card} does not know {command} in this class ({sw}), so key {key} was not looked at; it is not the kind of card that \
         this is for"
    )]
    NoInstruction {
        /// The card.
        card: Iccid,
        /// The key.
        key: KeyId,
        /// The command.
        command: &'static str,
        /// What the card said.
        sw: StatusWord,
    },
    /// A card without counter that had its one presentation.
    #[error(
        "card {card} does not tell how many tries key {key} has left, and had the one presentation that the \
         policy allows ({state}); to allow another, run `bootgate card clear-refusal --iccid {card}`"
    )]
    AllowanceUsed {
        /// The card.
        card: Iccid,
        /// The key.
        key: KeyId,
        /// What is known of that presentation.
        state: KeyState,
    },
    /// The counter fell since a presentation whose answer was lost.
    #[error(
        "key {key} was presented to card {card} before and the answer was lost; its counter fell from {before} to \
         {left}, so it was refused. Find out why, then run `bootgate card clear-refusal --iccid {card}`"
    )]
    LostAndRefused {
        /// The card.
        card: Iccid,
        /// The key.
        key: KeyId,
        /// The counter before that presentation.
        before: u8,
        /// The counter now.
        left: u8,
    },
    /// The counter is lower than before the last presentation, which the card accepted: someone tried a wrong key since.
    #[error(
        "key {key} of card {card} had {} left before it was last accepted and has {left} now: somebody \
         presented a wrong key since; it was not presented. Find out who, then run \
         `bootgate card clear-refusal --iccid {card}`",
        tries(*.before)
    )]
    CounterFell {
        /// The card.
        card: Iccid,
        /// The key.
        key: KeyId,
        /// The counter before the accepted presentation.
        before: u8,
        /// The counter now.
        left: u8,
    },
    /// The key was sent with a command that may have changed it, or to a card that did not tell its counter, and the answer was
    /// lost; or the script that was to change it did not come to its end.
    #[error(
        "key {key} of card {card}: the answer to a command that may have changed or counted it was lost, or the script that was to \
         change it was cut off, and its counter does not tell what became of it; it was not presented. Find out which value the card \
         takes, then run `bootgate card clear-refusal --iccid {card}`"
    )]
    InDoubt {
        /// The card.
        card: Iccid,
        /// The key.
        key: KeyId,
    },
    /// No try is left.
    #[error("key {key} of card {card} is blocked: it has no try left{}", way_out(*.key))]
    Blocked {
        /// The card.
        card: Iccid,
        /// The key.
        key: KeyId,
    },
    /// A PIN that is off cannot be changed.
    #[error("key {key} is switched off, and a PIN that is off cannot be changed; switch it on first")]
    SwitchedOff {
        /// The PIN.
        key: KeyId,
    },
    /// Somebody stopped all keys.
    #[error("{0}; no key was presented")]
    Stopped(#[from] KeysStopped),
    /// Somebody was asked, and did not agree.
    #[error("nobody agreed to present key {key} to card {card}, so it was not")]
    NotAgreed {
        /// The card.
        card: Iccid,
        /// The key.
        key: KeyId,
    },
    /// The card has no such key.
    #[error("the card has no key {key}; name the right one with --adm-ref")]
    NoSuchKey {
        /// The key.
        key: KeyId,
    },
    /// The card refused the key.
    #[error(
        "card {card} refused key {key} ({sw}; {}); it will not be presented to this card again. Find out why, then run \
         `bootgate card clear-refusal --iccid {card}`",
        after(*.left)
    )]
    Wrong {
        /// The card.
        card: Iccid,
        /// The key.
        key: KeyId,
        /// What the card said.
        sw: StatusWord,
        /// The tries that are left, where the card tells.
        left: Option<u8>,
    },
    /// The answer to the key was lost.
    #[error("key {key} was presented and the answer was lost; whether the card counted a try is not known")]
    AnswerLost {
        /// The key.
        key: KeyId,
        /// How.
        source: TransportError,
    },
    /// The ICCID could not be read, so there is nothing to keep a journal under.
    #[error("the card's ICCID cannot be read, so no key is presented to it")]
    NoIccid,
    /// A PIN of more than 8 digits does not fit a card.
    #[error("a card's PIN has 4 to 8 digits")]
    PinLength,
    /// A PUK of another length.
    #[error("a PUK has 8 digits")]
    PukLength,
    /// A PUK was given where a PIN or an administrative key is presented.
    #[error("the PUK of {pin} opens no file; it gives the PIN a new value: `bootgate card unblock`")]
    PukIsNoKey {
        /// Its PIN.
        pin: KeyRef,
    },
    /// A PIN is unblocked by its PUK and by no other key.
    #[error("key {key} is no PUK, and only a PUK unblocks a PIN")]
    NotPuk {
        /// What was given.
        key: KeyId,
    },
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The reader, before the key was sent.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// The tries that a refusal left, in words.
fn after(left: Option<u8>) -> String {
    match left {
        Some(0) => "no try is left".to_owned(),
        Some(1) => "1 try is left".to_owned(),
        Some(left) => format!("{} are left", tries(left)),
        None => "the card does not tell how many tries are left".to_owned(),
    }
}

/// What gives a blocked key its tries back.
fn way_out(key: KeyId) -> &'static str {
    match key {
        KeyId::Key(pin) if has_puk(pin) => "; `bootgate card unblock` gives it a new value by its PUK",
        _ => ", and nothing gives it one",
    }
}
