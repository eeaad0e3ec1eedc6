//! Whose pushes the phone reads (WAP-230 WSP: Push-Flag, its bits as gateways in the field send them; that the gateway
//! authenticates initiators on behalf of devices is remembered from the Push architecture, WAP-250).

use crate::wire::wsp::{FieldCode, Push, PushFlag};

use super::InboxRefusal;

/// Whose pushes the phone reads. What a gateway says of an initiator is in the clear and can be forged by whoever reaches
/// the device past that gateway, so none of this takes the place of `SEC` and `MAC`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum PushTrust {
    /// Everybody's, as most phones do.
    #[default]
    Anybody,
    /// Of initiators that the gateway has authenticated: Push-Flag with bit 01.
    Authenticated,
    /// Of these initiators, by their X-Wap-Initiator-URI, when the gateway has authenticated them.
    Initiators(Vec<String>),
}

impl PushTrust {
    /// Whether this push is read.
    pub(super) fn check(&self, push: &Push) -> Result<(), InboxRefusal> {
        let known = match self {
            Self::Anybody => return Ok(()),
            Self::Authenticated => None,
            Self::Initiators(known) => Some(known),
        };
        match push.push_flag() {
            None => return Err(InboxRefusal::Unauthenticated { missing: true }),
            Some(PushFlag(bits)) if bits & PushFlag::INITIATOR_AUTHENTICATED == 0 => {
                return Err(InboxRefusal::Unauthenticated { missing: false });
            }
            Some(_) => {}
        }
        let Some(known) = known else { return Ok(()) };
        let uri = push.field(FieldCode::INITIATOR_URI).and_then(|v| v.as_text()?.as_str());
        match uri {
            Some(uri) if known.iter().any(|k| k == uri) => Ok(()),
            other => Err(InboxRefusal::Initiator { got: other.map(str::to_owned) }),
        }
    }
}
