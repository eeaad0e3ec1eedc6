//! The terms that attributes take: closed sets, the push id, the quality of service.

use std::{fmt, str::FromStr};

/// A word that is none of its set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a {what}; expected one of {expected}")]
pub struct UnknownTerm {
    what: &'static str,
    expected: &'static str,
}

/// A closed set of words. Letter case does not count when reading: gateways in the field differ.
macro_rules! terms {
    ($(#[$doc:meta])* $name:ident, $what:literal, $expected:literal { $($(#[$word_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$word_doc])* $variant,)+
        }

        impl $name {
            /// All of them, in the order of the specification.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word for it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl FromStr for $name {
            type Err = UnknownTerm;

            fn from_str(text: &str) -> Result<Self, UnknownTerm> {
                let found = Self::ALL.iter().find(|t| t.as_str().eq_ignore_ascii_case(text.trim()));
                found.copied().ok_or(UnknownTerm { what: $what, expected: $expected })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.as_str())
            }
        }
    };
}

terms! {
    /// Where a push is (`message-state`).
    MessageState, "message state", "rejected, pending, delivered, undeliverable, expired, aborted, timeout, cancelled, unknown" {
        /// The gateway did not accept it.
        Rejected = "rejected",
        /// It is being processed.
        Pending = "pending",
        /// The device has it.
        Delivered = "delivered",
        /// It cannot be delivered.
        Undeliverable = "undeliverable",
        /// Its time ran out.
        Expired = "expired",
        /// The device aborted.
        Aborted = "aborted",
        /// The delivery process ran out of time.
        Timeout = "timeout",
        /// The initiator cancelled it.
        Cancelled = "cancelled",
        /// The gateway does not know.
        Unknown = "unknown",
    }
}

terms! {
    /// `priority` of a push.
    Priority, "priority", "high, medium, low" {
        /// Before others.
        High = "high",
        /// The default.
        Medium = "medium",
        /// After others.
        Low = "low",
    }
}

terms! {
    /// `delivery-method` of a push.
    DeliveryMethod, "delivery method", "confirmed, preferconfirmed, unconfirmed, notspecified" {
        /// The device must confirm.
        Confirmed = "confirmed",
        /// The device should confirm, where it can.
        PreferConfirmed = "preferconfirmed",
        /// No confirmation is asked for.
        Unconfirmed = "unconfirmed",
        /// The gateway chooses. The default.
        NotSpecified = "notspecified",
    }
}

terms! {
    /// `replace-method`: what happens when the push to be replaced was delivered already.
    ReplaceMethod, "replace method", "all, pending-only" {
        /// The new one goes to all. The default.
        All = "all",
        /// The new one goes where the old one is still pending (from one source).
        PendingOnly = "pending-only",
    }
}

/// The initiator's name for a push, unique for that initiator.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct PushId(String);

/// A push id that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a push id has 1 to {} characters and no control characters", PushId::MAX)]
pub struct PushIdError;

impl PushId {
    /// The most characters. One gateway in the field takes 40.
    pub const MAX: usize = 255;

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PushId {
    type Err = PushIdError;

    fn from_str(text: &str) -> Result<Self, PushIdError> {
        let length = text.chars().count();
        if (1..=Self::MAX).contains(&length) && !text.chars().any(char::is_control) {
            Ok(Self(text.to_owned()))
        } else {
            Err(PushIdError)
        }
    }
}

impl fmt::Display for PushId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `quality-of-service`: how a push should travel, or did.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct QualityOfService {
    /// How urgent it is.
    pub priority: Priority,
    /// Whether the device confirms.
    pub delivery_method: DeliveryMethod,
    /// A network, for example `GSM`.
    pub network: Option<String>,
    /// True when it must be that network.
    pub network_required: bool,
    /// A bearer, for example `SMS`.
    pub bearer: Option<String>,
    /// True when it must be that bearer.
    pub bearer_required: bool,
}

impl Default for QualityOfService {
    fn default() -> Self {
        Self {
            priority: Priority::Medium,
            delivery_method: DeliveryMethod::NotSpecified,
            network: None,
            network_required: false,
            bearer: None,
            bearer_required: false,
        }
    }
}
