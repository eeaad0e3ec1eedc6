//! How the server proves itself to the device, and what the device's Status of the header makes of it
//! (OMA DM Security 1.2, section 5.3).

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::wire::syncml::{Chal, Command, Cred, Message, Meta, StatusCode, auth};

use super::{AuthScheme, Closing, compose::Composer};
use crate::dm::StoredCredential;

/// How often credentials are sent again after the device refused them with a new nonce. The first refusal is the usual
/// consequence of a nonce that is out of date.
const REFUSALS: u8 = 2;

/// The longest nonce that is taken from a device, in octets.
const LONGEST_NONCE: usize = 128;

/// Where the server stands with the device.
#[derive(Clone)]
pub(super) struct ServerProof {
    /// The device said 212: no more credentials in this session.
    accepted: bool,
    /// Our message that carried credentials last.
    sent_in: Option<u32>,
    refusals: u8,
}

/// What the device's Status of our header asks for.
pub(super) struct Answer {
    /// The nonce that the device wants in the next credential.
    pub(super) nonce: Option<Vec<u8>>,
    /// Our message that the device refused as a whole: its commands have to be sent again.
    pub(super) repeat: Option<u32>,
    /// The session cannot go on.
    pub(super) closing: Option<Closing>,
}

impl ServerProof {
    pub(super) fn new() -> Self {
        Self { accepted: false, sent_in: None, refusals: 0 }
    }

    /// Takes the Status of our header, if the message has one.
    pub(super) fn on(&mut self, message: &Message, server: &StoredCredential) -> Answer {
        let mut answer = Answer { nonce: None, repeat: None, closing: None };
        let status = message.commands.iter().find_map(|c| match c {
            Command::Status(s) if s.cmd_ref.trim() == "0" => Some(s),
            _ => None,
        });
        let Some(status) = status else { return answer };
        let challenge = status.chal.as_ref().and_then(|chal| challenge(chal, server.scheme));
        match status.code {
            StatusCode(212) => {
                self.accepted = true;
                answer.nonce = challenge.flatten();
            }
            // 200 holds for this message only: credentials come again with the next, with the nonce given now.
            StatusCode(..300) => answer.nonce = challenge.flatten(),
            StatusCode::INVALID_CREDENTIALS | StatusCode::MISSING_CREDENTIALS => {
                let about = status.msg_ref.trim().parse().ok();
                self.accepted = false;
                if about.is_some() && about == self.sent_in {
                    self.refusals = self.refusals.saturating_add(1);
                    if self.refusals > REFUSALS || challenge.is_none() {
                        answer.closing = Some(Closing::ServerRefused);
                    }
                }
                answer.repeat = about;
                answer.nonce = challenge.flatten();
            }
            StatusCode(_) => answer.closing = Some(Closing::Aborted),
        }
        answer
    }

    /// Puts credentials into our message, unless the device accepted us for the whole session.
    pub(super) fn prove(&mut self, server: &StoredCredential, msg_id: u32, composer: &mut Composer<'_>) {
        if self.accepted {
            return;
        }
        let data = match (server.scheme, &server.secret) {
            (AuthScheme::Md5, _) => auth::md5(&server.digest, &server.nonce),
            (AuthScheme::Basic, Some(secret)) => auth::basic(&server.name, secret),
            // Nothing to present: the device says whether it goes on without.
            (AuthScheme::Basic, None) => return,
        };
        let kind = Some(server.scheme.as_type().to_owned());
        let meta = Meta { format: Some("b64".to_owned()), kind, ..Meta::default() };
        composer.prove(Cred { meta, data }, &server.name);
        self.sent_in = Some(msg_id);
    }
}

/// The nonce of a challenge for `scheme`; `None` when the challenge is for another scheme (then there is nothing to
/// answer it with) or is malformed. Basic has no nonce.
fn challenge(chal: &Chal, scheme: AuthScheme) -> Option<Option<Vec<u8>>> {
    if let Some(kind) = &chal.meta.kind
        && AuthScheme::from_type(kind.trim()) != Some(scheme)
    {
        return None;
    }
    match scheme {
        AuthScheme::Basic => Some(None),
        AuthScheme::Md5 => {
            let nonce = STANDARD.decode(chal.meta.next_nonce.as_deref()?.trim()).ok()?;
            (nonce.len() <= LONGEST_NONCE).then_some(Some(nonce))
        }
    }
}
