//! How the two sides of a DM account prove themselves, between the payloads and the settings: the words of both encodings,
//! and the choice of which way is `client-auth`, which is `server-auth` and which stand beside them.

use crate::{
    ident::{ServerId, SharedSecret},
    profile::{AccountAuthType, AuthPlace, AuthScheme, AuthWay, FurtherAuth},
};

use super::{Credential, DmCredentials};

/// Places, with `AAUTHLEVEL` of a document (absent for HTTP and WSP) and `AAuthLevel` of DMAcc (OMA DM Bootstrap 1.2, the
/// mapping of w7).
const PLACES: [(AuthPlace, Option<&str>, &str); 4] = [
    (AuthPlace::Client, Some("APPSRV"), "CLCRED"),
    (AuthPlace::Server, Some("CLIENT"), "SRVCRED"),
    (AuthPlace::Obex, Some("OBEX"), "OBEX"),
    (AuthPlace::Http, None, "HTTP"),
];

/// `AAUTHLEVEL`.
pub(super) fn document_level(place: AuthPlace) -> Option<&'static str> {
    PLACES.iter().find(|(p, ..)| *p == place).and_then(|(_, level, _)| *level)
}

/// What `AAUTHLEVEL` means.
pub(super) fn of_document_level(level: Option<&str>) -> Option<AuthPlace> {
    PLACES.iter().find(|(_, l, _)| *l == level).map(|(place, ..)| *place)
}

/// `AAuthLevel`.
pub(super) fn tree_level(place: AuthPlace) -> &'static str {
    PLACES.iter().find(|(p, ..)| *p == place).map_or("HTTP", |(.., level)| level)
}

/// What `AAuthLevel` means.
pub(super) fn of_tree_level(level: &str) -> Option<AuthPlace> {
    PLACES.iter().find(|(.., l)| *l == level).map(|(place, ..)| *place)
}

/// `AAuthType`. One type is spelled otherwise than in documents.
pub(super) fn tree_type(kind: AccountAuthType) -> &'static str {
    match kind {
        AccountAuthType::SecureId => TREE_SECURID,
        kind => kind.as_str(),
    }
}

const TREE_SECURID: &str = "SECURID";

/// The ways that a type names, or several with commas between them, and whether all of them are known at that place.
pub(super) fn ways(place: AuthPlace, types: &str) -> (Vec<AuthWay>, bool) {
    let kind = |text: &str| match text {
        TREE_SECURID => Some(AccountAuthType::SecureId),
        text => text.parse().ok(),
    };
    let (mut ways, mut all_known) = (Vec::new(), true);
    for text in types.split(',').map(str::trim).filter(|t| !t.is_empty()) {
        match kind(text).and_then(|kind| AuthWay::new(place, kind)) {
            Some(way) if !ways.contains(&way) => ways.push(way),
            Some(_) => {}
            None => all_known = false,
        }
    }
    (ways, all_known)
}

/// The way of `client-auth` or `server-auth` among several: the strongest that DM servers here speak.
pub(super) fn strongest(ways: &[AuthWay]) -> Option<AuthScheme> {
    ways.iter().filter_map(|way| way.kind().as_str().parse().ok()).max()
}

/// What goes with a way.
#[derive(Clone)]
pub(super) struct Proof {
    pub(super) name: Option<String>,
    pub(super) secret: Option<SharedSecret>,
    pub(super) data: Vec<u8>,
}

/// The ways of an account, as a payload names them one after the other.
#[derive(Default)]
pub(super) struct Proofs {
    client: Option<(AuthScheme, Proof)>,
    server: Option<(AuthScheme, Proof)>,
    further: Vec<FurtherAuth<String>>,
}

impl Proofs {
    /// Adds the ways of one entry. The first of a side with all that `client-auth` or `server-auth` has becomes that.
    /// False when one of the ways stands there already: only one counts.
    pub(super) fn add(&mut self, place: AuthPlace, mut ways: Vec<AuthWay>, proof: Proof) -> bool {
        let mut once = true;
        let main = match place {
            AuthPlace::Client if proof.name.is_some() => Some(&mut self.client),
            // Where it has no name it has that of the server.
            AuthPlace::Server => Some(&mut self.server),
            AuthPlace::Client | AuthPlace::Obex | AuthPlace::Http => None,
        };
        if let (Some(main), Some(scheme), true) = (main, strongest(&ways), proof.secret.is_some())
            && main.is_none()
        {
            ways.retain(|way| way.kind() != scheme.into());
            // One that stood there before lacks what this one has.
            let before = self.further.len();
            self.further.retain(|f| (f.way.place(), f.way.kind()) != (place, scheme.into()));
            once = self.further.len() == before;
            *main = Some((scheme, proof.clone()));
        }
        for way in ways {
            if self.has(way) {
                once = false;
            } else {
                let Proof { name, secret, data } = proof.clone();
                self.further.push(FurtherAuth { way, name, secret, data });
            }
        }
        once
    }

    fn has(&self, way: AuthWay) -> bool {
        let main = match way.place() {
            AuthPlace::Client => &self.client,
            AuthPlace::Server => &self.server,
            AuthPlace::Obex | AuthPlace::Http => &None,
        };
        let is_main = main.as_ref().is_some_and(|(scheme, _)| way.kind() == (*scheme).into());
        is_main || self.further.iter().any(|f| f.way == way)
    }

    /// The name of the server, when it has one of its own.
    pub(super) fn server_name(&self) -> Option<&str> {
        self.server.as_ref().and_then(|(_, proof)| proof.name.as_deref())
    }

    /// The credentials of both sides and all other ways; none when one side has no credentials.
    pub(super) fn finish(self, server_id: &ServerId) -> Option<(DmCredentials, Vec<FurtherAuth<String>>)> {
        let credential = |(scheme, proof): (AuthScheme, Proof)| {
            let name = proof.name.unwrap_or_else(|| server_id.to_string());
            Some(Credential { scheme, name, secret: proof.secret?, nonce: proof.data })
        };
        let credentials =
            DmCredentials { client: credential(self.client?)?, server: credential(self.server?)? };
        Some((credentials, self.further))
    }
}
