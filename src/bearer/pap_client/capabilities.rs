//! What a Push Proxy Gateway can do, so that nothing is handed to one that would lose it.
//!
//! PAP has no way to ask. A gateway that cuts, drops or ignores something answers 1001 all the same, so what each can do is
//! known before: by the program that it is, or as the operator says.

use std::{fmt, str::FromStr};

use crate::wire::pap::{DeliveryMethod, PushMessage};

use super::Content;

/// What a gateway can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Parameters of the content type reach the device, and with them `SEC` and `MAC`.
    pub keeps_authentication: bool,
    /// It answers status queries.
    pub status_query: bool,
    /// It cancels.
    pub cancel: bool,
    /// It takes the place of one push with another.
    pub replace: bool,
    /// It tells the result to `ppg-notify-requested-to`.
    pub result_notification: bool,
    /// Each address of a push gets it.
    pub several_addresses: bool,
    /// It sends what has a `deliver-after-timestamp` when its time has come.
    pub deliver_after: bool,
    /// A delivery method that asks for a confirmation does no harm.
    pub confirmed: bool,
    /// The most short messages of one push; what is longer it may cut. None where it says so itself.
    pub most_segments: Option<u8>,
}

/// The programs whose capabilities are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GatewayKind {
    /// It is not known which: all that the standard says is expected, but the authentication is not trusted to it.
    #[default]
    Standard,
    /// Ours.
    Bootgate,
    /// Kannel's wapbox. It drops parameters, cuts after ten short messages, serves the last of several addresses, and takes
    /// `deliver-after` and `confirmed` without ever sending (all seen with 1.4.5).
    Kannel,
}

/// A push that a gateway would not carry as it is meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// `SEC` and `MAC` would be lost.
    #[error(
        "the gateway {gateway} does not keep SEC and MAC, or is not known to, so the device would get a bootstrap that nothing \
         authenticates; send it by SMPP, or by sendsms where the gateway is Kannel (protocol = \"sendsms\"), or say that the \
         gateway keeps them (keeps-authentication)"
    )]
    Authentication {
        /// The gateway.
        gateway: String,
    },
    /// It would be cut.
    #[error(
        "{octets} octets take up to {segments} short messages, and the gateway {gateway} sends {most} and cuts what is longer; \
         make the document smaller, or raise the gateway's limit and say so (most-segments)"
    )]
    TooLong {
        /// The gateway.
        gateway: String,
        /// Octets of the push, at most.
        octets: usize,
        /// Short messages that it takes, at most.
        segments: usize,
        /// What the gateway sends.
        most: u8,
    },
    /// Something that the gateway cannot do, or takes and does not do.
    #[error("the gateway {gateway} {what}; {instead}")]
    Missing {
        /// The gateway.
        gateway: String,
        /// What it does instead.
        what: &'static str,
        /// What to do.
        instead: &'static str,
    },
}

impl Capabilities {
    /// All that the standard has.
    const ALL: Self = Self {
        keeps_authentication: true,
        status_query: true,
        cancel: true,
        replace: true,
        result_notification: true,
        several_addresses: true,
        deliver_after: true,
        confirmed: true,
        most_segments: None,
    };

    /// What a gateway of that kind can do.
    pub const fn of(kind: GatewayKind) -> Self {
        match kind {
            GatewayKind::Standard => Self { keeps_authentication: false, ..Self::ALL },
            GatewayKind::Bootgate => Self::ALL,
            GatewayKind::Kannel => Self {
                keeps_authentication: false,
                status_query: false,
                cancel: false,
                replace: false,
                result_notification: false,
                several_addresses: false,
                deliver_after: false,
                confirmed: false,
                most_segments: Some(10),
            },
        }
    }

    /// Whether a push arrives as it is meant.
    pub(super) fn admit(&self, gateway: &str, push: &PushMessage, content: &Content) -> Result<(), Unfit> {
        if content.is_authenticated() && !self.keeps_authentication {
            return Err(Unfit::Authentication { gateway: gateway.to_owned() });
        }
        let missing = |what, instead| Unfit::Missing { gateway: gateway.to_owned(), what, instead };
        if push.addresses.len() > 1 && !self.several_addresses {
            let what = "serves one address of several and says nothing of the others";
            return Err(missing(what, "send to one at a time"));
        }
        if push.deliver_after.is_some() && !self.deliver_after {
            return Err(missing("takes deliver-after and then never sends", "send when the time has come"));
        }
        if push.replace.is_some() && !self.replace {
            return Err(missing("does not replace pushes", "send without it"));
        }
        let method = push.quality_of_service.as_ref().map(|q| q.delivery_method);
        let confirmed = matches!(method, Some(DeliveryMethod::Confirmed | DeliveryMethod::PreferConfirmed));
        if confirmed && !self.confirmed {
            let what = "takes a confirmed push and then sends nothing to that number";
            return Err(missing(what, "leave the delivery method out, or use unconfirmed"));
        }
        let octets = content.push_octets();
        let segments = if octets <= 133 { 1 } else { octets.div_ceil(128) };
        match self.most_segments {
            Some(most) if segments > usize::from(most) => {
                Err(Unfit::TooLong { gateway: gateway.to_owned(), octets, segments, most })
            }
            _ => Ok(()),
        }
    }

    /// Whether it can be asked where a push is.
    pub(super) fn admit_query(&self, gateway: &str) -> Result<(), Unfit> {
        let missing = |what, instead| Unfit::Missing { gateway: gateway.to_owned(), what, instead };
        if self.status_query {
            Ok(())
        } else {
            Err(missing("does not tell where a push is", "see its own logs"))
        }
    }

    /// Whether it can be asked to cancel.
    pub(super) fn admit_cancel(&self, gateway: &str) -> Result<(), Unfit> {
        let missing = |what, instead| Unfit::Missing { gateway: gateway.to_owned(), what, instead };
        if self.cancel { Ok(()) } else { Err(missing("does not cancel", "the push goes out")) }
    }
}

impl GatewayKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Standard, Self::Bootgate, Self::Kannel];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Bootgate => "bootgate",
            Self::Kannel => "kannel",
        }
    }
}

impl fmt::Display for GatewayKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no kind of gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a kind of gateway; expected standard, bootgate or kannel")]
pub struct UnknownGatewayKind;

impl FromStr for GatewayKind {
    type Err = UnknownGatewayKind;

    fn from_str(text: &str) -> Result<Self, UnknownGatewayKind> {
        Self::ALL.into_iter().find(|k| k.as_str() == text).ok_or(UnknownGatewayKind)
    }
}
