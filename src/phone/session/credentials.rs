//! Credentials both ways: the phone's own, and the check of the server's (OMA DM Security 1.2, section 5.3; SyncML
//! RepPro 1.2, `Cred` and `Chal`).

use std::collections::VecDeque;

use crate::{
    ident::{Random, ServerId, SharedSecret},
    wire::syncml::{
        Chal, Cred, Meta, Status,
        auth::{self, UserDigest},
    },
};

use crate::phone::{
    account::{Account, AppAuth, Level},
    tree::Uri,
    value,
};

use super::{
    StartError,
    outcome::{ClientAuth, Scheme, ServerAuth},
};

/// One name and secret of an account.
struct Credential {
    scheme: Scheme,
    /// `AppAuth/x`.
    at: Uri,
    name: String,
    secret: SharedSecret,
    nonce: Vec<u8>,
}

impl Credential {
    /// The credential in an `AppAuth`, when its type is one of SyncML's own that this phone has, and it is complete.
    fn of(auth: &AppAuth, default_name: Option<&ServerId>) -> Option<Self> {
        Some(Self {
            scheme: Scheme::of_auth_type(&auth.kind)?,
            at: auth.uri.clone(),
            name: auth.name.clone().or_else(|| default_name.map(ServerId::to_string))?,
            secret: auth.secret.clone()?,
            nonce: auth.nonce.clone(),
        })
    }
}

/// A nonce to be kept for the next session, and the `AppAuth` that it belongs to.
pub(super) type NextNonce = (Uri, Vec<u8>);

/// The phone's side.
pub(super) struct ClientSide {
    usable: Vec<Credential>,
    chosen: Option<usize>,
    /// The next message carries `Cred`.
    presenting: bool,
    challenged: Vec<Scheme>,
    next: Option<NextNonce>,
    pub(super) state: ClientAuth,
}

/// What the server's status for our header asks of us.
pub(super) enum Verdict {
    /// Go on.
    Proceed,
    /// Send the package again with new credentials.
    Again,
    /// That was all.
    GiveUp { code: u16 },
}

impl ClientSide {
    /// Chooses by `AAuthPref`; where it names none that the account has, the stronger scheme goes first.
    pub(super) fn new(account: &Account) -> Result<Self, StartError> {
        let of_client: Vec<&AppAuth> = account.auth.iter().filter(|a| a.level == Level::Client).collect();
        let mut usable: Vec<Credential> = of_client.iter().filter_map(|a| Credential::of(a, None)).collect();
        if usable.is_empty() && !of_client.is_empty() {
            return Err(StartError::NoCredentials { level: "CLCRED" });
        }
        let preferred = account.preference.as_deref().and_then(Scheme::of_auth_type);
        usable.sort_by_key(|c| (Some(c.scheme) != preferred, c.scheme != Scheme::Md5));
        let chosen = (!usable.is_empty()).then_some(0);
        let state = if chosen.is_some() { ClientAuth::Unanswered } else { ClientAuth::NotAsked };
        Ok(Self { usable, chosen, presenting: chosen.is_some(), challenged: Vec::new(), next: None, state })
    }

    /// The user name, which stands as `LocName` in Source beside MD5 credentials: they do not show it themselves.
    pub(super) fn user_name(&self) -> Option<String> {
        let chosen = self.chosen.and_then(|n| self.usable.get(n));
        chosen.filter(|c| c.scheme == Scheme::Md5).map(|c| c.name.clone())
    }

    /// `Cred` for the next message.
    pub(super) fn cred(&self) -> Option<Cred> {
        let credential = self.chosen.and_then(|n| self.usable.get(n)).filter(|_| self.presenting)?;
        let data = match credential.scheme {
            Scheme::Basic => auth::basic(&credential.name, &credential.secret),
            Scheme::Md5 => {
                auth::md5(&UserDigest::new(&credential.name, &credential.secret), &credential.nonce)
            }
        };
        Some(Cred { meta: meta(credential.scheme, None), data })
    }

    /// Takes the server's status for the header of the message that `cred` was in.
    pub(super) fn on_status(&mut self, status: &Status) -> Verdict {
        let code = status.code.0;
        let chal = status.chal.as_ref().map(|c| &c.meta);
        let nonce = chal.and_then(|m| m.next_nonce.as_deref()).map(nonce_of);
        match code {
            200 | 212 => {
                let credential = self.chosen.and_then(|n| self.usable.get_mut(n)).filter(|_| self.presenting);
                if let Some(credential) = credential {
                    self.state = ClientAuth::Accepted { scheme: credential.scheme };
                    if let Some(nonce) = nonce {
                        credential.nonce = nonce;
                    }
                    if credential.scheme == Scheme::Md5 {
                        self.next = Some((credential.at.clone(), credential.nonce.clone()));
                    }
                    // 212 holds for the session, 200 for this message only.
                    self.presenting = code == 200;
                }
                Verdict::Proceed
            }
            401 | 407 => {
                self.state = ClientAuth::Refused { code };
                let wanted = chal.and_then(|m| m.kind.as_deref()).map_or_else(
                    || self.chosen.and_then(|n| self.usable.get(n)).map(|c| c.scheme),
                    Scheme::of_meta,
                );
                let (Some(_), Some(wanted)) = (chal, wanted) else { return Verdict::GiveUp { code } };
                // One more try for each scheme that the account has; a password does not become right by repetition.
                let at = self.usable.iter().position(|c| c.scheme == wanted);
                let Some(at) = at.filter(|_| !self.challenged.contains(&wanted)) else {
                    return Verdict::GiveUp { code };
                };
                self.challenged.push(wanted);
                if let (Some(credential), Some(nonce)) = (self.usable.get_mut(at), nonce) {
                    credential.nonce = nonce;
                }
                (self.chosen, self.presenting) = (Some(at), true);
                Verdict::Again
            }
            code => Verdict::GiveUp { code },
        }
    }

    /// The nonce to keep for the next session.
    pub(super) fn next_nonce(&self) -> Option<&NextNonce> {
        self.next.as_ref()
    }
}

/// The server's side.
pub(super) struct ServerSide {
    usable: Vec<Credential>,
    /// Set by a challenge: which nonces the server may use now instead of the one in the account.
    nonces: Option<Vec<Vec<u8>>>,
    challenges: u32,
    fresh: VecDeque<Vec<u8>>,
    next: Option<NextNonce>,
    /// A nonce that was sent and that no answer came to yet.
    unconfirmed: Option<NextNonce>,
    pub(super) state: ServerAuth,
}

impl ServerSide {
    /// The most challenges to a server that fails.
    const MAX_CHALLENGES: u32 = 1;
    /// Octets of a nonce: the 128 bits that the security text asks for.
    const NONCE: usize = 16;

    pub(super) fn new(account: &Account, random: &dyn Random) -> Result<Self, StartError> {
        let of_server: Vec<&AppAuth> = account
            .auth
            .iter()
            .filter(|a| a.level == Level::Server)
            // These are checked by whoever carries the messages.
            .filter(|a| !matches!(a.kind.as_str(), "TRANSPORT" | "HTTP-BASIC" | "HTTP-DIGEST"))
            .collect();
        // The server's name is normally its identifier.
        let usable: Vec<Credential> =
            of_server.iter().filter_map(|a| Credential::of(a, Some(&account.server_id))).collect();
        if usable.is_empty() && !of_server.is_empty() {
            return Err(StartError::NoCredentials { level: "SRVCRED" });
        }
        let state = if usable.is_empty() { ServerAuth::NotAsked } else { ServerAuth::Unanswered };
        let fresh = (0..=Self::MAX_CHALLENGES).map(|_| {
            let mut nonce = vec![0; Self::NONCE];
            random.fill(&mut nonce);
            nonce
        });
        let fresh = fresh.collect();
        Ok(Self { usable, nonces: None, challenges: 0, fresh, next: None, unconfirmed: None, state })
    }

    /// True when the server's commands may be executed.
    pub(super) fn is_trusted(&self) -> bool {
        matches!(self.state, ServerAuth::NotAsked | ServerAuth::Authenticated { .. })
    }

    /// Looks at the credentials of a message from the server; what the server proved once holds for the session.
    /// True when it proved itself just now.
    pub(super) fn on_message(&mut self, cred: Option<&Cred>) -> bool {
        // An answer came, so the server has what was sent before it.
        if let Some(confirmed) = self.unconfirmed.take() {
            self.next = Some(confirmed);
        }
        if self.is_trusted() {
            return false;
        }
        let Some(cred) = cred else {
            self.state = ServerAuth::Missing;
            return false;
        };
        let said = cred.meta.kind.as_deref().and_then(Scheme::of_meta);
        let presented = cred.data.trim();
        for credential in self.usable.iter().filter(|c| Some(c.scheme) == said) {
            let Credential { scheme, at, name, secret, nonce } = credential;
            let proof = match scheme {
                Scheme::Basic => auth::split_basic(presented)
                    .and_then(|(user, password)| {
                        Some(user == *name && password.parse::<SharedSecret>().ok()? == *secret)
                    })
                    .unwrap_or(false)
                    .then(Vec::new),
                Scheme::Md5 => {
                    let digest = UserDigest::new(name, secret);
                    let nonces = self.nonces.as_deref().unwrap_or(std::slice::from_ref(nonce));
                    nonces.iter().find(|nonce| auth::verify_md5(&digest, nonce, presented)).cloned()
                }
            };
            if let Some(nonce) = proof {
                self.state = ServerAuth::Authenticated { scheme: *scheme };
                if *scheme == Scheme::Md5 {
                    self.next = Some((at.clone(), nonce));
                }
                return true;
            }
        }
        self.state = ServerAuth::Wrong;
        false
    }

    /// `Chal` for a server that failed; none when it had its chance.
    pub(super) fn challenge(&mut self) -> Option<Chal> {
        if self.challenges >= Self::MAX_CHALLENGES {
            return None;
        }
        let first = self.usable.first()?;
        self.challenges += 1;
        if first.scheme == Scheme::Basic {
            return Some(Chal { meta: meta(Scheme::Basic, None) });
        }
        let nonce = self.fresh.pop_front()?;
        let chal = Chal { meta: meta(Scheme::Md5, Some(&nonce)) };
        let mut nonces = vec![nonce];
        if self.state == ServerAuth::Missing {
            // Nothing was proved with the nonce of the account yet, so it is as fresh as it was.
            nonces.extend(self.usable.iter().filter(|c| c.scheme == Scheme::Md5).map(|c| c.nonce.clone()));
        }
        self.nonces = Some(nonces);
        Some(chal)
    }

    /// `Chal` with the nonce for the next session, for a server that proved itself just now.
    pub(super) fn renew(&mut self) -> Option<Chal> {
        let (at, _) = self.next.clone()?;
        let nonce = self.fresh.pop_front()?;
        let chal = Chal { meta: meta(Scheme::Md5, Some(&nonce)) };
        self.unconfirmed = Some((at, nonce));
        Some(chal)
    }

    /// The nonce to keep for the next session; there is none while the server has not proved itself.
    pub(super) fn next_nonce(&self) -> Option<&NextNonce> {
        self.next.as_ref()
    }
}

fn meta(scheme: Scheme, nonce: Option<&[u8]>) -> Meta {
    Meta {
        format: Some("b64".to_owned()),
        kind: Some(scheme.as_str().to_owned()),
        next_nonce: nonce.map(value::base64_text),
        ..Meta::default()
    }
}

/// The octets of `NextNonce`: base64 by its format; text that is not base64 is the nonce as it stands.
fn nonce_of(text: &str) -> Vec<u8> {
    value::base64_octets(text.as_bytes()).unwrap_or_else(|| text.as_bytes().to_vec())
}
