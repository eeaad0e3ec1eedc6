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
        Exit::Unavailable
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
            Self::Refused { .. } => Exit::Refused,
            _ => Exit::Config,
        }
    }
}

impl Meaning for CardJobError {
    fn exit(&self) -> Exit {
        match self {
            Self::Target(_) | Self::Fingerprint(_) => Exit::Config,
            Self::OtherCard { .. } | Self::CalledOff { .. } => Exit::Refused,
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
        card::FilePath,
        wire::{apdu::StatusWord, arr::KeyRef},
    };

    #[test]
    fn exit_statuses_say_whose_turn_it_is() {
        let gone = || TransportError::CardGone { reader: "bay 0".parse().unwrap() };
        let file = FilePath::mf();
        let card = || "89490200001234567892".parse().unwrap();
        let refused = |sw| FileError::Refused { doing: "SELECT", file: file.clone(), sw: StatusWord(sw) };
        let mute = TransportError::Mute { reader: "bay 0".parse().unwrap() };
        assert_eq!(PlanError::Transport(mute).exit(), Exit::Unavailable);
        assert_eq!(PlanError::Transport(gone()).exit(), Exit::Unavailable);
        assert_eq!(PlanError::NeedsPin { file: file.clone() }.exit(), Exit::Refused);
        assert_eq!(PlanError::NoMemory { free: 1, needed: 2 }.exit(), Exit::Failed);
        assert_eq!(ApplyError::KeyMissing { key: KeyRef::ADM1, places: Vec::new() }.exit(), Exit::Refused);
        let blocked = KeyError::Blocked { card: card(), key: KeyRef::ADM1.into() };
        assert_eq!(ApplyError::Key(blocked).exit(), Exit::Refused);
        let lost = KeyError::AnswerLost { key: KeyRef::ADM1.into(), source: gone() };
        assert_eq!(ApplyError::Key(lost).exit(), Exit::Failed);
        let before = ApplyError::NothingWritten { source: gone().into() };
        assert_eq!(before.exit(), Exit::Unavailable);
        let denied = ApplyError::NothingWritten { source: refused(0x6982) };
        assert_eq!(denied.exit(), Exit::Refused);
        let partial = ApplyError::Partial { written: vec![], source: refused(0x6982) };
        assert_eq!(partial.exit(), Exit::Failed);
    }
}
