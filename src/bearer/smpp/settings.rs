//! What an operator says of a link to an SMSC.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use super::{IdForm, Verdicts};
use crate::{ident::SharedSecret, wire::wdp::Width};

/// A link to an SMSC.
#[derive(Debug, Clone)]
pub struct LinkSettings {
    /// What people call it; message ids are unique under this name.
    pub name: Arc<str>,
    /// Who we are.
    pub credentials: Credentials,
    /// Which binds are made.
    pub mode: BindMode,
    /// How many binds (pairs of them with [`BindMode::Pair`]) are held at the same time.
    pub binds: u8,
    /// From which address messages come.
    pub source: Source,
    /// Type and plan of the devices' numbers.
    pub destination: Numbering,
    /// How ports and segments are told.
    pub form: Form,
    /// Of how many bits references are.
    pub reference: Width,
    /// Most segments of a datagram.
    pub segment_limit: u8,
    /// `data_coding` (SMPP 3.4, section 5.2.19): 04 or F5.
    pub data_coding: u8,
    /// The message mode in `esm_class` (SMPP 3.4, section 5.2.12): 0 default, 1 datagram, 2 forward, 3 store and forward.
    pub message_mode: u8,
    /// more_messages_to_send=1 in every segment but the last.
    pub more_messages: bool,
    /// A receipt is asked for every segment.
    pub receipts: bool,
    /// How the SMSC is told when a message is worth nothing any more.
    pub validity: Validity,
    /// How ids are written in submit responses.
    pub response_ids: IdForm,
    /// How ids are written in receipts.
    pub receipt_ids: IdForm,
    /// What statuses mean.
    pub verdicts: Verdicts,
    /// Nothing leaves before whoever feeds the link has said that it is written down: see [`Lane::asks`](crate::bearer::Lane).
    pub write_ahead: bool,
    /// Speed and times.
    pub pace: Pace,
}

impl LinkSettings {
    /// A link by the defaults of `[[ppg.smpp]]`: one transceiver, segments by UDH, at most [`MOST_SEGMENTS`](crate::bearer::MOST_SEGMENTS), a receipt for each.
    pub fn new(name: impl Into<Arc<str>>, credentials: Credentials, source: Source) -> Self {
        Self {
            name: name.into(),
            credentials,
            mode: BindMode::Transceiver,
            binds: 1,
            source,
            destination: Numbering::INTERNATIONAL,
            form: Form::Udh,
            reference: Width::Short,
            segment_limit: crate::bearer::MOST_SEGMENTS,
            data_coding: 0x04,
            message_mode: 0,
            more_messages: false,
            receipts: true,
            validity: Validity::Absolute,
            response_ids: IdForm::Text,
            receipt_ids: IdForm::Text,
            verdicts: Verdicts::default(),
            write_ahead: false,
            pace: Pace::default(),
        }
    }
}

/// How fast a link is, and how long it waits for what.
#[derive(Debug, Clone)]
pub struct Pace {
    /// Submissions without an answer, for each bind.
    pub window: u16,
    /// Short messages a second; none is no limit.
    pub rate: Option<NonZeroU32>,
    /// Dispatches held at the same time.
    pub capacity: usize,
    /// A silent bind is tested after this.
    pub enquire_link: Duration,
    /// How long an answer may take.
    pub response_timeout: Duration,
    /// The pause after the first broken connection, and the longest one.
    pub reconnect: (Duration, Duration),
    /// The pause after the first RTHROTTLED, and the longest one.
    pub throttle: (Duration, Duration),
    /// The pause of a dispatch after its first transient refusal, and the longest one.
    pub retry: (Duration, Duration),
    /// How long a segment that is refused for now is sent again.
    pub give_up: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        let seconds = |least, most| (Duration::from_secs(least), Duration::from_secs(most));
        Self {
            window: 10,
            rate: None,
            capacity: 1_000,
            enquire_link: Duration::from_secs(30),
            response_timeout: Duration::from_secs(30),
            reconnect: seconds(1, 60),
            throttle: seconds(1, 60),
            retry: seconds(5, 300),
            give_up: Duration::from_secs(3_600),
        }
    }
}

/// Which binds are made (SMPP 3.4, section 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BindMode {
    /// One for both directions.
    Transceiver,
    /// A transmitter and a receiver.
    Pair,
}

/// Who we are for the SMSC. The password does not print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    system_id: String,
    password: Option<SharedSecret>,
    system_type: String,
}

/// Text that does not fit a bind. It does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{what} has {got} characters, or some that are not ASCII; expected at most {most} of ASCII (SMPP 3.4, section 5.2)"
)]
pub struct CredentialsError {
    what: &'static str,
    got: usize,
    most: usize,
}

impl Credentials {
    /// A system id of at most 15 characters, a password of at most 8, a system type of at most 12.
    ///
    /// # Errors
    /// [`CredentialsError`].
    pub fn new(
        system_id: &str,
        password: Option<SharedSecret>,
        system_type: &str,
    ) -> Result<Self, CredentialsError> {
        let password_text = password.as_ref().map_or("", |p| p.expose());
        for (what, text, most) in [
            ("the system id", system_id, 15),
            ("the password", password_text, 8),
            ("the system type", system_type, 12),
        ] {
            let plain = text.bytes().all(|b| (0x20..0x7F).contains(&b));
            if !plain || text.len() > most {
                return Err(CredentialsError { what, got: text.chars().count(), most });
            }
        }
        Ok(Self { system_id: system_id.to_owned(), password, system_type: system_type.to_owned() })
    }

    /// The system id.
    pub fn system_id(&self) -> &str {
        &self.system_id
    }

    /// The password, for the bind alone.
    pub(super) fn password(&self) -> &str {
        self.password.as_ref().map_or("", |p| p.expose())
    }

    /// The system type.
    pub fn system_type(&self) -> &str {
        &self.system_type
    }
}

/// Type of number and numbering plan (SMPP 3.4, sections 5.2.5 and 5.2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbering {
    /// Type of number: 0 unknown, 1 international, 2 national, 3 network specific, 4 subscriber, 5 alphanumeric, 6 abbreviated.
    pub ton: u8,
    /// Numbering plan: 0 unknown, 1 ISDN (E.164).
    pub npi: u8,
}

impl Numbering {
    /// International, E.164: without `+`.
    pub const INTERNATIONAL: Self = Self { ton: 1, npi: 1 };
}

/// A source address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    address: String,
    numbering: Numbering,
}

impl Source {
    /// None: the SMSC fills in what belongs to us.
    pub const NONE: Self = Self { address: String::new(), numbering: Numbering { ton: 0, npi: 0 } };

    /// An address of at most 20 characters. Without numbering it is told from the address: letters are alphanumeric (5/0),
    /// up to 6 digits a short code (3/0), more an international number (1/1), with or without `+`.
    ///
    /// # Errors
    /// [`CredentialsError`].
    pub fn new(address: &str, numbering: Option<Numbering>) -> Result<Self, CredentialsError> {
        let bare = match address.strip_prefix('+') {
            Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => digits,
            _ => address,
        };
        let plain = bare.bytes().all(|b| (0x20..0x7F).contains(&b));
        if !plain || bare.len() > 20 {
            return Err(CredentialsError { what: "the source address", got: bare.chars().count(), most: 20 });
        }
        let guess = if bare.is_empty() {
            Numbering { ton: 0, npi: 0 }
        } else if !bare.bytes().all(|b| b.is_ascii_digit()) {
            Numbering { ton: 5, npi: 0 }
        } else if bare.len() <= 6 {
            Numbering { ton: 3, npi: 0 }
        } else {
            Numbering::INTERNATIONAL
        };
        Ok(Self { address: bare.to_owned(), numbering: numbering.unwrap_or(guess) })
    }

    /// The address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its type and plan.
    pub fn numbering(&self) -> Numbering {
        self.numbering
    }
}

/// How ports and segments are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// By a user data header in every message (3GPP TS 23.040, section 9.2.3.24).
    Udh,
    /// By the parameters source_port, destination_port and sar_* (SMPP 3.4, sections 5.3.2.20 to .24).
    Sar,
    /// By message_payload and the ports: one message, which the SMSC cuts (SMPP 3.4, section 5.3.2.32).
    Payload,
}

/// `validity_period` (SMPP 3.4, section 7.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    /// A time in UTC.
    Absolute,
    /// From now on.
    Relative,
    /// Left to the SMSC.
    Unsaid,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_that_do_not_fit_a_bind_are_refused_without_being_repeated() {
        let secret = |text: &str| Some(text.parse::<SharedSecret>().unwrap());
        assert!(Credentials::new(&"x".repeat(15), secret("12345678"), &"y".repeat(12)).is_ok());
        let error = Credentials::new("us", secret("123456789"), "").unwrap_err().to_string();
        assert!(error.contains("password has 9 characters") && !error.contains("123456789"), "{error}");
        assert!(Credentials::new(&"x".repeat(16), None, "").is_err());
        assert!(Credentials::new("us", None, &"x".repeat(13)).is_err());
        assert!(Credentials::new("üs", None, "").is_err());
        let shown = format!("{:?}", Credentials::new("us", secret("12345678"), "").unwrap());
        assert!(!shown.contains("12345678"), "{shown}");
    }

    #[test]
    fn numbering_is_told_from_the_address() {
        for (address, bare, ton, npi) in [
            ("+491711234567", "491711234567", 1, 1),
            ("491711234567", "491711234567", 1, 1),
            ("9876", "9876", 3, 0),
            ("ACME", "ACME", 5, 0),
            ("", "", 0, 0),
            ("+ACME", "+ACME", 5, 0),
        ] {
            let source = Source::new(address, None).unwrap();
            assert_eq!((source.address(), source.numbering()), (bare, Numbering { ton, npi }), "{address}");
        }
        let given = Numbering { ton: 2, npi: 1 };
        assert_eq!(Source::new("9876", Some(given)).unwrap().numbering(), given);
        assert!(Source::new(&"1".repeat(21), None).is_err());
    }
}
