//! Which exit status an error of a room means. One place, so that every noun says the same.

use std::path::Path;

use super::{Exit, Failure, output::name};
use crate::{
    bearer::{PostError, pap_client::PapError, sendsms::SendsmsError},
    bootstrap::{BootstrapError, factory::FactoryError},
    card::{
        ApplyError, FileError, KeyError, KeyRingError, PlanError, ReaderError, RecoverError, TransportError,
        WriteJournalError,
    },
    job::{CardJobError, OfferError},
    lab::{network::NetworkError, rehearsal::RehearsalError},
    phone::End,
    store::BackupFileError,
    wire::pap::StatusCode,
};

/// What an error means for the exit status.
pub(super) trait Meaning {
    /// The exit status.
    fn exit(&self) -> Exit;

    /// What to type, where the room that made the error cannot know.
    fn advice(&self) -> Option<String> {
        None
    }
}

/// The failure that an error of a room is on the command line, with those of its causes that it does not tell itself.
pub(super) fn failure<E: Meaning + std::error::Error>(error: E) -> anyhow::Error {
    Failure::because(error.exit(), told(&error))
}

/// The same, of what stands in a file.
pub(super) fn failure_in<E: Meaning + std::error::Error>(file: &Path, error: E) -> anyhow::Error {
    Failure::because(error.exit(), format!("{}: {}", name(file), told(&error)))
}

fn told<E: Meaning + std::error::Error>(error: &E) -> String {
    let causes = std::iter::successors(error.source(), |e| e.source());
    let message = causes.fold(error.to_string(), |line, cause| {
        let cause = cause.to_string();
        if line.contains(&cause) { line } else { format!("{line}: {cause}") }
    });
    let advice = error.advice().map(|advice| format!("; {advice}")).unwrap_or_default();
    message + &advice
}

impl Meaning for ReaderError {
    fn exit(&self) -> Exit {
        match self {
            Self::Ambiguous { .. } => Exit::Usage,
            _ => Exit::Unavailable,
        }
    }
}

impl Meaning for TransportError {
    fn exit(&self) -> Exit {
        Exit::Unavailable
    }
}

impl Meaning for FileError {
    fn exit(&self) -> Exit {
        match self {
            Self::Transport(error) => error.exit(),
            error if error.is_denied() => Exit::Refused,
            _ => Exit::Failed,
        }
    }
}

impl Meaning for KeyError {
    fn exit(&self) -> Exit {
        match self {
            Self::Transport(error) => error.exit(),
            Self::PinLength | Self::PukLength | Self::PukIsNoKey { .. } | Self::NotPuk { .. } => Exit::Usage,
            // Nobody has refused it: somebody was asked, and said no.
            Self::NotAgreed { .. } => Exit::Failed,
            Self::Journal(_) | Self::AnswerLost { .. } => Exit::Failed,
            _ => Exit::Refused,
        }
    }
}

impl Meaning for PlanError {
    fn exit(&self) -> Exit {
        match self {
            Self::Transport(error) => error.exit(),
            Self::File(error) => error.exit(),
            error if error.is_refusal() => Exit::Refused,
            _ => Exit::Failed,
        }
    }
}

impl Meaning for ApplyError {
    fn exit(&self) -> Exit {
        match self {
            Self::KeyMissing { .. } => Exit::Refused,
            Self::Key(error) => error.exit(),
            Self::Journal(error) => error.exit(),
            Self::NothingWritten { source } => source.exit(),
            // Something was written, or may have been: that is the news, whatever the cause.
            _ => Exit::Failed,
        }
    }

    fn advice(&self) -> Option<String> {
        match self {
            Self::KeyMissing { .. } => {
                Some("give it with --adm @FILE, or name a source that has it with --keys".into())
            }
            _ => None,
        }
    }
}

impl Meaning for crate::card::script::ScriptError {
    fn exit(&self) -> Exit {
        match self {
            Self::Problem(_) => Exit::Config,
            Self::Key { source, .. } => source.exit(),
            Self::KeyMissing { .. } | Self::OtherCard { .. } => Exit::Refused,
            Self::File { source, .. } => source.exit(),
            Self::Transport { source, .. } => source.exit(),
            Self::Journal { source, .. } => source.exit(),
            Self::NoBackup { .. } => Exit::Usage,
            _ => Exit::Failed,
        }
    }
}

impl Meaning for BackupFileError {
    fn exit(&self) -> Exit {
        match self {
            Self::Exists(_) | Self::Read { .. } => Exit::Usage,
            Self::Content { .. } | Self::Sealed { .. } => Exit::Config,
        }
    }
}

impl Meaning for RecoverError {
    fn exit(&self) -> Exit {
        match self {
            Self::OtherCard { .. } | Self::Changed { .. } | Self::Denied { .. } => Exit::Refused,
            Self::NoWayOn => Exit::Usage,
            Self::NoWayBack { .. } | Self::KeyReplaced { .. } => Exit::Refused,
            Self::Apply(error) => error.exit(),
            Self::File(error) => error.exit(),
            Self::Transport(error) => error.exit(),
            Self::Journal(error) => error.exit(),
            _ => Exit::Failed,
        }
    }

    fn advice(&self) -> Option<String> {
        match self {
            Self::Apply(ApplyError::KeyMissing { .. }) => Some("give it with --adm or --pin".into()),
            _ => None,
        }
    }
}

impl Meaning for WriteJournalError {
    fn exit(&self) -> Exit {
        match self {
            Self::Pending { .. } | Self::UnderWay { .. } => Exit::Refused,
            _ => Exit::Failed,
        }
    }
}

impl Meaning for BootstrapError {
    fn exit(&self) -> Exit {
        match self {
            Self::MissingNumber(_) => Exit::Usage,
            Self::NoAccount | Self::NodeName { .. } | Self::Unsuited { .. } => Exit::Config,
            _ => Exit::Failed,
        }
    }

    fn advice(&self) -> Option<String> {
        match self {
            Self::MissingNumber(missing) => Some(format!("give --{}", missing.0)),
            _ => None,
        }
    }
}

impl Meaning for FactoryError {
    fn exit(&self) -> Exit {
        match self {
            Self::Encode(error) => error.exit(),
            Self::OtherRecipient => Exit::Refused,
            _ => Exit::Failed,
        }
    }
}

impl Meaning for KeyRingError {
    fn exit(&self) -> Exit {
        match self {
            Self::Unavailable { .. } => Exit::Unavailable,
            // A key that is not at hand is the same whether no source was named or none has it.
            Self::Refused { .. } | Self::Unknown { .. } => Exit::Refused,
            _ => Exit::Config,
        }
    }
}

impl Meaning for CardJobError {
    fn exit(&self) -> Exit {
        match self {
            Self::Target(_) | Self::Fingerprint(_) => Exit::Config,
            Self::OtherCard { .. } => Exit::Refused,
            Self::Bootstrap(error) => error.exit(),
            Self::KeyRing(error) => error.exit(),
            Self::Transport(error) => error.exit(),
            Self::Plan { source, .. } => source.exit(),
            Self::Interrupted { source, .. } => source.exit(),
            Self::Apply { source, .. } => source.exit(),
            _ => Exit::Failed,
        }
    }

    fn advice(&self) -> Option<String> {
        match self {
            Self::Bootstrap(error) => error.advice(),
            Self::Apply { source, .. } => source.advice(),
            Self::Interrupted { .. } => Some("see `bootgate card recover -r READER`".into()),
            _ => None,
        }
    }
}

impl Meaning for OfferError {
    fn exit(&self) -> Exit {
        match self {
            Self::Bootstrap(error) => error.exit(),
            Self::KeyRing(error) => error.exit(),
            Self::Plan(error) => error.exit(),
            Self::Transport(error) => error.exit(),
            _ => Exit::Usage,
        }
    }
}

impl Meaning for PapError {
    fn exit(&self) -> Exit {
        match self {
            Self::Unfit(_) | Self::Denied { .. } => Exit::Refused,
            Self::Refused { code, .. } if *code == StatusCode::FORBIDDEN => Exit::Refused,
            Self::Post(PostError::Field { .. }) => Exit::Usage,
            error if error.is_transient() => Exit::Unavailable,
            _ => Exit::Failed,
        }
    }
}

impl Meaning for SendsmsError {
    fn exit(&self) -> Exit {
        match self {
            Self::Denied { .. } => Exit::Refused,
            Self::Busy { .. } | Self::Post(PostError::Unreachable { .. }) => Exit::Unavailable,
            Self::Post(PostError::Field { .. }) => Exit::Usage,
            _ => Exit::Failed,
        }
    }
}

impl Meaning for NetworkError {
    fn exit(&self) -> Exit {
        match self {
            Self::Address { .. } => Exit::Usage,
            Self::Unreachable(_) => Exit::Unavailable,
            _ => Exit::Failed,
        }
    }
}

impl Meaning for End {
    fn exit(&self) -> Exit {
        match self {
            Self::Complete => Exit::Ok,
            Self::ClientRefused { .. } | Self::ServerNotAuthenticated => Exit::Refused,
            _ => Exit::Failed,
        }
    }
}

impl Meaning for RehearsalError {
    fn exit(&self) -> Exit {
        match self {
            Self::Reader(error) => error.exit(),
            Self::Card(error) => error.exit(),
            Self::Plan(error) => error.exit(),
            Self::Apply(error) => error.exit(),
            Self::NoAccount | Self::NotAccepted { .. } => Exit::Config,
            Self::NotTaken { .. } => Exit::Refused,
            Self::Settings(_) => Exit::Unavailable,
            Self::Network(error) => error.exit(),
            _ => Exit::Failed,
        }
    }

    fn advice(&self) -> Option<String> {
        match self {
            Self::Card(error) => error.advice(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        card::{FilePath, script::ScriptError},
        ident::JobId,
        wire::{apdu::StatusWord, arr::KeyRef, script::Position},
    };

    /// The contract: 1 failed, or somebody said no; 2 the command line; 69 not there; 77 refused; 78 what stands in a file is wrong.
    #[test]
    fn refusals_of_cards_and_batches_have_the_status_of_the_contract() {
        let reader = || "bay 0".parse().unwrap();
        let gone = || TransportError::CardGone { reader: reader() };
        let file = || FilePath::mf();
        let card = || "89490200001234567892".parse::<crate::ident::Iccid>().unwrap();
        let refused = |sw| FileError::Refused { doing: "SELECT", file: file(), sw: StatusWord(sw) };
        let (adm, at) = (KeyRef::ADM1, Position { line: 1, column: 1 });
        let ring = || ("table x".to_owned(), "why".to_owned());
        let job: JobId = "01KDVDNA04RXRBJDG62H16804Y".parse().unwrap();
        let blocked = || KeyError::Blocked { card: card(), key: adm.into() };
        let (known, asked) = (Vec::new(), "bay".to_owned());
        let unknown = KeyRingError::Unknown { card: card(), key: adm.into(), places: Vec::new() };
        let unusable = KeyRingError::Unusable { ring: ring().0, why: ring().1 };
        let content = BackupFileError::Content { path: "x".into(), why: ring().1 };
        let statuses: &[(&dyn Meaning, Exit)] = &[
            // Readers and cards that are not there.
            (&ReaderError::NoService, Exit::Unavailable),
            (&ReaderError::UnknownReader { asked: asked.clone(), known: known.clone() }, Exit::Unavailable),
            (&ReaderError::Ambiguous { asked, known }, Exit::Usage),
            (&PlanError::Transport(TransportError::Mute { reader: reader() }), Exit::Unavailable),
            (&PlanError::Transport(gone()), Exit::Unavailable),
            (&ApplyError::NothingWritten { source: gone().into() }, Exit::Unavailable),
            // Keys and rights.
            (&ApplyError::KeyMissing { key: adm, places: Vec::new() }, Exit::Refused),
            (&unknown, Exit::Refused),
            (&ApplyError::Key(blocked()), Exit::Refused),
            (&ScriptError::Key { at, source: blocked() }, Exit::Refused),
            (&PlanError::NeedsPin { file: file() }, Exit::Refused),
            (&ApplyError::NothingWritten { source: refused(0x6982) }, Exit::Refused),
            (&KeyError::AnswerLost { key: adm.into(), source: gone() }, Exit::Failed),
            (&KeyError::PinLength, Exit::Usage),
            // Cards that are others.
            (&CardJobError::OtherCard { meant: card(), found: card() }, Exit::Refused),
            (&RecoverError::OtherCard { meant: card(), found: card() }, Exit::Refused),
            (&ScriptError::OtherCard { at, backup: None, card: None }, Exit::Refused),
            (&WriteJournalError::Pending { card: card() }, Exit::Refused),
            // Cards that are not suited.
            (&PlanError::NoMemory { free: 1, needed: 2 }, Exit::Failed),
            (&PlanError::NothingToErase, Exit::Failed),
            (&refused(0x6A82), Exit::Failed),
            (&ApplyError::Partial { written: vec![], source: refused(0x6982) }, Exit::Failed),
            // Somebody said no.
            (&KeyError::NotAgreed { card: card(), key: adm.into() }, Exit::Failed),
            (&CardJobError::CalledOff { id: job }, Exit::Failed),
            // The command line, and what stands in files.
            (&ScriptError::NoBackup { at, what: "RES", option: "--restore FILE" }, Exit::Usage),
            (&BackupFileError::Exists("x".into()), Exit::Usage),
            (&RecoverError::NoWayOn, Exit::Usage),
            (&content, Exit::Config),
            (&unusable, Exit::Config),
            (&BootstrapError::NoAccount, Exit::Config),
        ];
        for (at, (error, exit)) in statuses.iter().enumerate() {
            assert_eq!(error.exit(), *exit, "the one with number {at}");
        }
    }
}
