//! A virtual card: an independent card program after ETSI TS 102 221 and TS 102 222, for rehearsals and tests.
//!
//! It answers APDUs as a card does, T=0 or T=1, on the basic channel and three more, and keeps its files and counters
//! between resets. What it leaves out it refuses as a card would: secure messaging, and the instructions that are not in its
//! list.

mod access;
mod activate;
mod binary;
mod channel;
mod command;
mod create;
mod delete;
mod files;
mod gsm;
mod objects;
mod pin;
mod quirks;
mod record;
mod select;
mod status;
mod transmission;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

pub use quirks::{
    Block, Channels, CreateAgain, CreateDf, EmptyVerify, EndOfFile, Fetched, Header, Paths, Quirks, Template,
};

use channel::Selection;
use command::{Answer, Command};
use files::{Files, NodeId};

use crate::{
    card::Protocol,
    lab::image::{CardImage, Hex, ImageError, Inconsistency, KeyImage, Personality, PukImage, Quirk},
    wire::{apdu::StatusWord, arr::KeyRef},
};

/// A card with power: files and counters that stay, and a session that a reset ends. A clone is a card of its own.
#[derive(Clone)]
pub struct VirtualCard {
    personality: Personality,
    atr: Vec<u8>,
    protocol: Protocol,
    keys: Vec<KeyImage>,
    files: Files,
    quirks: Quirks,
    quirk_names: BTreeSet<Quirk>,
    session: Session,
    changes: u64,
    /// The command at hand is cut off in the middle: only half of it is done.
    tearing: bool,
}

/// What a reset ends.
#[derive(Clone)]
struct Session {
    /// What is selected on the channel of the command at hand.
    here: Selection,
    /// The number of that channel.
    channel: u8,
    /// What is selected on the other channels that are open.
    elsewhere: BTreeMap<u8, Selection>,
    /// Keys that were presented; on which channel makes no difference (remembered; TS 102 221, section 9.5.1).
    verified: BTreeSet<KeyRef>,
    /// T=0: what waits for GET RESPONSE.
    waiting: Vec<u8>,
    /// A data object that comes or goes in several blocks.
    transfer: Option<objects::Transfer>,
    /// Whether the first command was of class A0; none came yet when it is not known.
    is_2g: Option<bool>,
}

impl Session {
    fn fresh(mf: NodeId) -> Self {
        Self {
            here: Selection::fresh(mf),
            channel: 0,
            elsewhere: BTreeMap::new(),
            verified: BTreeSet::new(),
            waiting: Vec::new(),
            transfer: None,
            is_2g: None,
        }
    }
}

impl VirtualCard {
    /// Gives power to a card.
    ///
    /// # Errors
    /// [`ImageError::Inconsistent`].
    pub fn from_image(image: CardImage) -> Result<Self, ImageError> {
        let mut seen = BTreeSet::new();
        for key in &image.keys {
            let puk = key.puk.as_ref();
            let is_puk = puk.is_none_or(|puk| puk.value.0.len() == 8 && puk.tries <= PukImage::MAX);
            if !seen.insert(key.key)
                || key.value.0.len() != 8
                || key.tries > key.max
                || key.max > 15
                || !is_puk
            {
                return Err(Inconsistency::Key(key.key).into());
            }
        }
        let files = Files::from_image(image.mf, image.memory)?;
        let session = Session::fresh(files.mf());
        Ok(Self {
            personality: image.personality,
            atr: image.atr.0,
            protocol: image.protocol,
            keys: image.keys,
            files,
            quirks: Quirks::of(&image.quirks),
            quirk_names: image.quirks,
            session,
            changes: 0,
            tearing: false,
        })
    }

    /// The same card with other manners.
    #[must_use]
    pub fn with_quirks(mut self, quirks: Quirks) -> Self {
        self.quirks = quirks;
        self
    }

    /// The card as it would be without power.
    pub fn image(&self) -> CardImage {
        CardImage {
            personality: self.personality,
            quirks: self.quirk_names.clone(),
            atr: Hex(self.atr.clone()),
            protocol: self.protocol,
            memory: self.files.memory(),
            keys: self.keys.clone(),
            mf: self.files.to_image(),
        }
    }

    /// Answer to reset.
    pub fn atr(&self) -> &[u8] {
        &self.atr
    }

    /// The protocol that it speaks.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// How often something that stays has changed: a file's content, the file tree, a counter.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Ends the session: nothing is selected but the MF, and no key counts as presented.
    pub fn reset(&mut self) {
        self.session = Session::fresh(self.files.mf());
    }

    /// Takes a command as the reader sends it, and answers with data and status word: two octets or more.
    pub fn exchange(&mut self, octets: &[u8]) -> Vec<u8> {
        let answer = match self.protocol {
            Protocol::T0 => self.exchange_t0(octets),
            Protocol::T1 => self.exchange_t1(octets),
        };
        let mut out = answer.data;
        out.extend_from_slice(&answer.sw.0.to_be_bytes());
        out
    }

    /// Carries out a command whose header was accepted.
    fn perform(&mut self, command: &Command<'_>) -> Result<Answer, StatusWord> {
        self.carry_out(command).map_err(|sw| match sw {
            StatusWord::NOT_FOUND => self.quirks.not_found,
            StatusWord::NO_RECORD => self.quirks.no_record,
            other => other,
        })
    }

    fn carry_out(&mut self, command: &Command<'_>) -> Result<Answer, StatusWord> {
        let under_way = self.session.transfer.take();
        match command.ins {
            command::RETRIEVE_DATA => self.retrieve_data(command, under_way),
            command::SET_DATA => self.set_data(command, under_way),
            command::SELECT => self.select(command),
            command::STATUS => self.status(command),
            command::READ_BINARY => self.read_binary(command),
            command::UPDATE_BINARY => self.update_binary(command),
            command::READ_RECORD => self.read_record(command),
            command::UPDATE_RECORD => self.update_record(command),
            command::VERIFY => self.verify(command),
            command::CHANGE_PIN => self.change_pin(command),
            command::DISABLE_PIN | command::ENABLE_PIN => self.switch_pin(command),
            command::UNBLOCK_PIN => self.unblock_pin(command),
            command::ACTIVATE => self.activate(command),
            command::DEACTIVATE => self.deactivate(command),
            command::CREATE => self.create(command),
            command::DELETE => self.delete(command),
            command::MANAGE_CHANNEL => self.manage_channel(command),
            // What a terminal can do changes nothing here.
            command::TERMINAL_CAPABILITY | command::TERMINAL_PROFILE => Ok(Answer::done()),
            _ => Err(StatusWord::UNKNOWN_INS),
        }
    }

    /// Takes a command that changes data objects, and loses power in the middle of it.
    pub(super) fn tear(&mut self, octets: &[u8]) {
        self.tearing = true;
        self.exchange(octets);
        self.tearing = false;
    }

    /// Sets the counter of every key and PUK that has more tries left, for a fault.
    pub(super) fn set_tries(&mut self, tries: u8) {
        for key in &mut self.keys {
            key.tries = key.tries.min(tries);
            if let Some(puk) = &mut key.puk {
                puk.tries = puk.tries.min(tries);
            }
        }
    }

    /// Gives the card a manner of answering that its image does not have, for a fault.
    pub(super) fn set_manner(&mut self, change: impl FnOnce(&mut Quirks)) {
        change(&mut self.quirks);
    }

    fn changed(&mut self) {
        self.changes += 1;
    }

    fn key(&self, key: KeyRef) -> Option<&KeyImage> {
        self.keys.iter().find(|k| k.key == key)
    }
}

impl fmt::Debug for VirtualCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VirtualCard({}, {:?}, {} change(s))", self.protocol, self.image(), self.changes)
    }
}

#[cfg(test)]
mod tests;
