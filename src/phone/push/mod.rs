//! A pushed bootstrap: what the phone asks of it before it reads a single element (OMA ProvBoot 1.1, section 6; OMA DM
//! Security 1.2, section 5.7).
//!
//! | `SEC` | of a provisioning document | of a DM bootstrap message | key                                          |
//! |-------|----------------------------|---------------------------|----------------------------------------------|
//! | 0     | NETWPIN                    | NETWORKID                 | the packed IMSI                              |
//! | 1     | USERPIN                    | USERPIN                   | the digits of the PIN                        |
//! | 2     | USERNETWPIN                | USERPIN_NETWORKID         | packed IMSI and PIN; of a message PIN, colon, packed IMSI |
//! | 3     | USERPINMAC                 | none                      | the first half of the PIN; the second half is the check |
//!
//! That the IMSI is packed for NETWORKID as well is remembered: the text only says "a secret that both know". Where a
//! PIN is asked for, the user has three tries, as devices in the field give.

mod check;
#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::{
    ident::{Pin, counted},
    wire::wsp::{MediaCode, Push, Sec},
};

use super::{BootstrapKind, BootstrapResult, Phone};

use check::Check;

/// How often the user may enter a PIN for one message.
pub const PIN_TRIES: u32 = 3;

/// How a pushed bootstrap proves where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// By what network and phone know: NETWPIN, NETWORKID.
    Network,
    /// By a PIN that the user enters.
    UserPin,
    /// By both: USERNETWPIN, USERPIN_NETWORKID.
    Both,
    /// By a PIN that holds its own check value: USERPINMAC.
    UserPinMac,
}

impl Method {
    /// Its name in a document or in a message.
    pub fn name(self, kind: BootstrapKind) -> &'static str {
        match (self, kind) {
            (Self::Network, BootstrapKind::Cp) => "NETWPIN",
            (Self::Network, BootstrapKind::Dm) => "NETWORKID",
            (Self::UserPin, _) => "USERPIN",
            (Self::Both, BootstrapKind::Cp) => "USERNETWPIN",
            (Self::Both, BootstrapKind::Dm) => "USERPIN_NETWORKID",
            (Self::UserPinMac, _) => "USERPINMAC",
        }
    }

    /// Whether the user must enter a PIN.
    pub fn asks_for_pin(self) -> bool {
        self != Self::Network
    }
}

/// What the phone does with a push that does not prove where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unauthenticated {
    /// It is refused. A new phone does this.
    Refuse,
    /// It is taken, as some phones in the field did until 2019.
    Take,
}

/// What the user is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinRequest {
    /// What wants to be installed.
    pub kind: BootstrapKind,
    /// How it is proved.
    pub method: Method,
    /// How often the user may still try, this time included.
    pub tries_left: u32,
}

/// What became of a push.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "push")]
pub enum PushResult {
    /// It proved where it comes from, and was read.
    Authenticated {
        /// How.
        method: Method,
        /// How many PINs the user entered.
        pins: u32,
        /// What became of the bootstrap.
        bootstrap: BootstrapResult,
    },
    /// It proved nothing, and was read all the same.
    Unauthenticated {
        /// What became of the bootstrap.
        bootstrap: BootstrapResult,
    },
    /// It was not read.
    Refused {
        /// Why.
        reason: PushRefusal,
    },
}

/// Why a push was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PushRefusal {
    /// It is something else than a bootstrap.
    #[error(
        "the content type is {got}; expected application/vnd.wap.connectivity-wbxml or application/vnd.syncml.dm+wbxml"
    )]
    ContentType {
        /// What it is.
        got: String,
    },
    /// It does not say how it is authenticated.
    #[error("no SEC: whoever sent it proves nothing; this phone takes authenticated bootstraps only")]
    NoSec,
    /// It is authenticated in a way that the phone does not know.
    #[error("SEC is {got}; a bootstrap of this kind knows {expected}")]
    UnknownSec {
        /// What it says.
        got: String,
        /// What it could say.
        expected: &'static str,
    },
    /// There is no check value.
    #[error("{method} needs a MAC and there is none")]
    NoMac {
        /// The method's name.
        method: &'static str,
    },
    /// The check value cannot be one.
    #[error("MAC has {got} characters, or not only hexadecimal digits; expected 40 of them")]
    BadMac {
        /// Its length.
        got: usize,
    },
    /// The phone does not know its IMSI.
    #[error("{method} needs the IMSI, and there is no subscriber identity in this phone")]
    NoImsi {
        /// The method's name.
        method: &'static str,
    },
    /// The check value is not that of this message under the phone's own key.
    #[error("MAC is wrong under {method}: it was made for another IMSI, or the message was changed")]
    WrongMac {
        /// The method's name.
        method: &'static str,
    },
    /// No PIN was right.
    #[error("{method}: none of {tries} PINs fits the message; it is dropped")]
    WrongPin {
        /// The method's name.
        method: &'static str,
        /// How many were entered.
        tries: u32,
    },
    /// The user did not enter a PIN.
    #[error("{method}: the user gave up after {}", counted(*tries, "PIN"))]
    NoPin {
        /// The method's name.
        method: &'static str,
        /// How many were entered before.
        tries: u32,
    },
}

impl Serialize for PushRefusal {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl Phone {
    /// Says what is to be done with pushes that carry no `SEC`.
    #[must_use]
    pub fn with_unauthenticated(mut self, pushes: Unauthenticated) -> Self {
        self.unauthenticated = pushes;
        self
    }

    /// Takes a bootstrap from a push, when its `SEC` and `MAC` prove that it comes from where it should. `user` is asked
    /// for a PIN where the method needs one; none means that the user gives up.
    pub fn receive_push(
        &mut self,
        push: &Push,
        user: &mut dyn FnMut(PinRequest) -> Option<Pin>,
    ) -> PushResult {
        match self.authenticate(push, user) {
            Ok((kind, Some((method, pins)))) => {
                PushResult::Authenticated { method, pins, bootstrap: self.receive(kind, &push.body) }
            }
            Ok((kind, None)) => PushResult::Unauthenticated { bootstrap: self.receive(kind, &push.body) },
            Err(reason) => PushResult::Refused { reason },
        }
    }

    fn authenticate(
        &self,
        push: &Push,
        user: &mut dyn FnMut(PinRequest) -> Option<Pin>,
    ) -> Result<(BootstrapKind, Option<(Method, u32)>), PushRefusal> {
        let kind = kind_of(push)?;
        let Some(check) = Check::of(push, kind, self.imsi.as_ref())? else {
            return match self.unauthenticated {
                Unauthenticated::Refuse => Err(PushRefusal::NoSec),
                Unauthenticated::Take => Ok((kind, None)),
            };
        };
        let method = check.method();
        let name = method.name(kind);
        if !method.asks_for_pin() {
            let right = check.fits(&push.body, None);
            return if right {
                Ok((kind, Some((method, 0))))
            } else {
                Err(PushRefusal::WrongMac { method: name })
            };
        }
        for tries in 0..PIN_TRIES {
            let Some(pin) = user(PinRequest { kind, method, tries_left: PIN_TRIES - tries }) else {
                return Err(PushRefusal::NoPin { method: name, tries });
            };
            if check.fits(&push.body, Some(&pin)) {
                return Ok((kind, Some((method, tries + 1))));
            }
        }
        Err(PushRefusal::WrongPin { method: name, tries: PIN_TRIES })
    }
}

fn kind_of(push: &Push) -> Result<BootstrapKind, PushRefusal> {
    let media = push.content_type.media();
    if media.is(MediaCode::CONNECTIVITY_WBXML) {
        Ok(BootstrapKind::Cp)
    } else if media.is(MediaCode::SYNCML_DM_WBXML) {
        // The XML form is not allowed for bootstraps.
        Ok(BootstrapKind::Dm)
    } else {
        Err(PushRefusal::ContentType { got: media.name().unwrap_or("a type without a name").to_owned() })
    }
}

/// The method that a number names; a message knows no USERPINMAC.
fn method_of(sec: Sec, kind: BootstrapKind) -> Option<Method> {
    match (sec, kind) {
        (Sec::NETWPIN, _) => Some(Method::Network),
        (Sec::USERPIN, _) => Some(Method::UserPin),
        (Sec::USERNETWPIN, _) => Some(Method::Both),
        (Sec::USERPINMAC, BootstrapKind::Cp) => Some(Method::UserPinMac),
        _ => None,
    }
}
