//! What is done to a card.

#![cfg(test)]

use crate::wire::arr::KeyRef;

/// What is done to a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::card::tests) enum Kind {
    /// The first bootstrap of a prepared card.
    First,
    /// The first of a card that has no PKCS#15 application: all files are created.
    Tree,
    /// Another bootstrap in the place of one.
    Update,
    /// None any more.
    Erase,
    /// Octets that were read from the card before it was updated are put back.
    Restore,
    /// A settings file of the USIM is filled beside a bootstrap that stays: first, then in the place of other settings.
    Fill(Filled),
    /// See there.
    Refill(Filled),
    /// What a script does.
    Script(Scripted),
}

/// A settings file of the USIM, by how it is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::card::tests) enum Filled {
    /// EF(ACL), of octets.
    Octets,
    /// EF(MMSUP), of records.
    Records,
    /// EF(IMSConfigData), of data objects; one of them takes three blocks.
    Objects,
}

/// What a script does to a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::card::tests) enum Scripted {
    /// `PUT`: another bootstrap into the file.
    Put,
    /// `CMD`: the same by commands as octets, and a record and a file besides where the card has such.
    Commands,
    /// The shipped `restore`, with what the shipped `back-up` has kept.
    Restore,
    /// The shipped `erase`.
    Erase,
    /// The shipped `create-bootstrap-tree`.
    Tree,
    /// The shipped `lock-for-shipping`, of a card whose files are not activated yet.
    Lock,
    /// `PUT`, then `CHG`.
    Change,
    /// `CHG`, then `PUT`: a PIN is changed before anything else is in the journal.
    ChangeFirst,
    /// `PUT`, then `UNB` of a PIN that is blocked.
    Unblock,
    /// `PUT`, then `ENA`.
    Enable,
    /// `PUT`, then `DIS`.
    Disable,
    /// `DELETE FILE` that the card refuses, `PUT`, `CREATE FILE` and `DELETE FILE` that it refuses.
    Refused,
}

impl Kind {
    /// The name in the table.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Tree => "tree",
            Self::Update => "update",
            Self::Erase => "erase",
            Self::Restore => "restore",
            Self::Fill(Filled::Octets) => "set-oct",
            Self::Fill(Filled::Records) => "set-rec",
            Self::Fill(Filled::Objects) => "set-obj",
            Self::Refill(Filled::Octets) => "upd-oct",
            Self::Refill(Filled::Records) => "upd-rec",
            Self::Refill(Filled::Objects) => "upd-obj",
            Self::Script(script) => match script {
                Scripted::Put => "scr-put",
                Scripted::Commands => "scr-cmd",
                Scripted::Restore => "scr-res",
                Scripted::Erase => "scr-erase",
                Scripted::Tree => "scr-tree",
                Scripted::Lock => "scr-lock",
                Scripted::Change => "scr-chg",
                Scripted::ChangeFirst => "scr-chg1",
                Scripted::Unblock => "scr-unb",
                Scripted::Enable => "scr-ena",
                Scripted::Disable => "scr-dis",
                Scripted::Refused => "scr-ref",
            },
        }
    }

    /// The settings file that is filled.
    pub(super) fn fills(self) -> Option<Filled> {
        match self {
            Self::Fill(file) | Self::Refill(file) => Some(file),
            _ => None,
        }
    }

    pub(super) fn is_script(self) -> bool {
        matches!(self, Self::Script(_))
    }

    /// Whether the card has no PKCS#15 application before.
    pub(super) fn begins_bare(self) -> bool {
        matches!(self, Self::Tree | Self::Script(Scripted::Tree))
    }

    /// Whether it sends what cannot be taken back, and the card refuses that.
    pub(super) fn is_refused(self) -> bool {
        self == Self::Script(Scripted::Refused)
    }

    /// The PIN that it changes.
    pub(super) fn changes_pin(self) -> Option<KeyRef> {
        use Scripted::{Change, ChangeFirst, Disable, Enable, Unblock};
        matches!(self, Self::Script(Change | ChangeFirst | Unblock | Enable | Disable))
            .then_some(KeyRef::PIN1)
    }
}
