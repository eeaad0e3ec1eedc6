//! What rules look at: one payload, read, and how it is authenticated on its way.

use crate::{
    bootstrap::{BootstrapError, PayloadKind, build, recognise, resolve},
    ident::Random,
    profile::{Profile, SecurityMethod, Subscriber},
    wire::{
        Syntax,
        prov::{Characteristic, Item, ProvDoc},
        syncml::Message,
        wsp::Presented,
    },
};

/// A payload as the rules look at it.
#[derive(Debug, Clone)]
pub struct Subject {
    pub(super) octets: Vec<u8>,
    pub(super) content: Content,
    pub(super) sec: Sec,
}

#[derive(Debug, Clone)]
pub(super) enum Content {
    /// The version, and the document as one characteristic without a type.
    Cp(Option<String>, Characteristic),
    Dm(Box<Message>),
}

/// How a payload is authenticated on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sec {
    /// Not known, or of no consequence: the payload stands alone, or goes on a card.
    NotSaid,
    /// By a method that is still to be carried out.
    Planned(SecurityMethod),
    /// As a push presents it; none when it has neither SEC nor MAC.
    Pushed(Option<Presented>),
}

impl Subject {
    /// Reads a payload (WBXML).
    ///
    /// # Errors
    /// [`BootstrapError::Unrecognised`] when it is of no kind, [`BootstrapError::Decode`] when it is broken.
    pub fn new(octets: &[u8], sec: Sec) -> Result<Self, BootstrapError> {
        let content = match recognise(octets).ok_or(BootstrapError::Unrecognised)? {
            PayloadKind::Cp => {
                let document = ProvDoc::decode(Syntax::Wbxml, octets)?;
                let items = document.characteristics.into_iter().map(Item::Characteristic).collect();
                Content::Cp(document.version, Characteristic { kind: String::new(), items })
            }
            PayloadKind::Dm => Content::Dm(Box::new(Message::decode(Syntax::Wbxml, octets)?)),
        };
        Ok(Self { octets: octets.to_vec(), content, sec })
    }

    /// The message, when it is a DM bootstrap.
    pub fn message(&self) -> Option<&Message> {
        match &self.content {
            Content::Dm(message) => Some(message),
            Content::Cp(..) => None,
        }
    }

    pub(super) fn root(&self) -> Option<&Characteristic> {
        match &self.content {
            Content::Cp(_, root) => Some(root),
            Content::Dm(_) => None,
        }
    }
}

/// The payloads of a profile, one of each kind that it can become, for a device whose numbers are as long as they may be.
///
/// # Errors
/// [`BootstrapError`] when the profile cannot be built at all.
pub fn subjects(profile: &Profile) -> Result<Vec<Subject>, BootstrapError> {
    let subscriber = Subscriber {
        imsi: "999999999999999".parse().ok(),
        imei: "999999999999994".parse().ok(),
        iccid: "89490200001234567892".parse().ok(),
        msisdn: "999999999999999".parse().ok(),
    };
    let settings = resolve(profile, &subscriber, &Nines)?;
    let sec = profile.security.map_or(Sec::NotSaid, Sec::Planned);
    let mut out = Vec::new();
    for kind in PayloadKind::ALL {
        match build(&settings, kind) {
            Ok(payload) => out.push(Subject::new(&payload.octets, sec.clone())?),
            Err(BootstrapError::NoAccount) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(out)
}

/// Stands for drawn secrets: of a payload that goes nowhere only their length matters.
struct Nines;

impl Random for Nines {
    fn fill(&self, out: &mut [u8]) {
        out.fill(0x99);
    }
}
