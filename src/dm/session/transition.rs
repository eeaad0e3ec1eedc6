//! The transitions of a session: what each message makes of it (the table in [`super`]).

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};

use crate::wire::syncml::{AlertCode, Chal, Command, Message, Meta, StatusCode};

use super::{
    Action, Incoming, Open, Phase, Session, Step, Stranger,
    chunks::Chunks,
    commands,
    compose::{Composer, VER_DTD, VER_PROTO},
    header::ServerProof,
    inventory::Inventory,
    verify::{self, Verdict},
};
use crate::dm::{AuthScheme, Closing, Event, NonceChange, Refusal, SpentNonce};

/// How many challenges a stranger gets in a session: the answer to missing credentials, or to a nonce that is out of
/// date, and one more.
const CHALLENGES: u8 = 2;

/// How many messages of the device a session may have. The inventory, with its bounds, takes far fewer.
const MESSAGES: u32 = 200;

impl Session {
    /// Takes a message of a peer that has not proved itself.
    pub(super) fn on_stranger(
        mut self,
        stranger: Stranger,
        incoming: &Incoming<'_>,
        composer: Composer<'_>,
    ) -> (Self, Step) {
        if let Some(code) = wrong_version(incoming.message) {
            return (self, Step::only(composer.status_only(code, None)));
        }
        let verdict = verify::stranger(incoming, stranger.nonce.as_deref());
        if aborts(incoming.message) {
            return (self, Step::only(composer.status_only(StatusCode::OK, None)));
        }
        let mut actions = Vec::new();
        let (account, spent) = match verdict {
            Verdict::Right { account, nonce } => (account, nonce),
            Verdict::Missing | Verdict::Wrong => {
                let again = stranger.challenges < CHALLENGES;
                let code = match verdict {
                    Verdict::Missing if again => StatusCode::MISSING_CREDENTIALS,
                    _ => StatusCode::INVALID_CREDENTIALS,
                };
                if matches!(verdict, Verdict::Wrong) || !again {
                    let refusal = if again { Refusal::Challenged } else { Refusal::Ended };
                    actions.push(Action::Tell(self.refused(incoming.now, refusal)));
                }
                let chal = again.then(|| {
                    let nonce = nonce(incoming.fresh);
                    let scheme = verify::scheme_to_ask_for(incoming);
                    let chal = challenge(scheme, &nonce);
                    let challenges = stranger.challenges.saturating_add(1);
                    self.phase = Phase::Stranger(Stranger { challenges, nonce: Some(nonce) });
                    chal
                });
                return (self, Step { reply: composer.status_only(code, chal), actions });
            }
        };

        self.proved = true;
        let id = account.id;
        actions.push(Action::Used(id));
        actions.push(Action::Tell(Event::Authenticated {
            account: id,
            device: self.device.clone(),
            session_id: self.session_id.clone(),
            at: incoming.now,
        }));
        let inventory = Inventory::new(account.inventoried.is_none());
        let open = Box::new(Open {
            account: *account,
            spent,
            proof: ServerProof::new(),
            inventory,
            chunks: Chunks::new(incoming.config.max_object_size),
            owed: Vec::new(),
        });
        self.go_on(open, Credential::Fresh, incoming, composer, actions)
    }

    /// Takes a message under the name of a device that proved itself.
    pub(super) fn on_open(
        self,
        mut open: Box<Open>,
        incoming: &Incoming<'_>,
        composer: Composer<'_>,
    ) -> (Self, Step) {
        let now = incoming.now;
        let id = open.account.id;
        if let Some(code) = wrong_version(incoming.message) {
            let actions = vec![Action::Tell(self.closed(id, now, Closing::Aborted))];
            return (self, Step { reply: composer.status_only(code, None), actions });
        }
        let credential = match verify::known(incoming, &open.account, &open.spent) {
            Verdict::Missing => Credential::None,
            Verdict::Right { account, nonce } => {
                let repeated = nonce != account.client.nonce;
                open.account.client = account.client;
                open.spent = nonce;
                if repeated { Credential::None } else { Credential::Fresh }
            }
            Verdict::Wrong => {
                let actions = vec![
                    Action::Tell(self.refused(now, Refusal::Ended)),
                    Action::Tell(self.closed(id, now, Closing::ClientRefused)),
                ];
                let reply = composer.status_only(StatusCode::INVALID_CREDENTIALS, None);
                return (self, Step { reply, actions });
            }
        };
        self.go_on(open, credential, incoming, composer, Vec::new())
    }

    /// Takes the commands of a message whose sender is known, and answers.
    fn go_on(
        mut self,
        mut open: Box<Open>,
        credential: Credential,
        incoming: &Incoming<'_>,
        mut composer: Composer<'_>,
        mut actions: Vec<Action>,
    ) -> (Self, Step) {
        let now = incoming.now;
        let id = open.account.id;
        let rotated =
            matches!((credential, open.account.client.scheme), (Credential::Fresh, AuthScheme::Md5));
        let client = rotated.then(|| {
            let next = nonce(incoming.fresh);
            SpentNonce { held: std::mem::replace(&mut open.account.client.nonce, next.clone()), next }
        });
        let chal = client.as_ref().map(|spent| challenge(AuthScheme::Md5, &spent.next));
        composer.header_status(StatusCode::AUTHENTICATED, chal);

        let answer = open.proof.on(incoming.message, &open.account.server);
        if let Some(nonce) = &answer.nonce {
            open.account.server.nonce.clone_from(nonce);
        }
        if let Some(msg_ref) = answer.repeat {
            open.inventory.ask_again(msg_ref);
        }
        let change = NonceChange { client, server: answer.nonce };
        if change.client.is_some() || change.server.is_some() {
            // First of all: it may turn out that another session was faster.
            actions.insert(0, Action::StoreNonces(id, change));
        }

        if answer.closing.is_none() {
            open.proof.prove(&open.account.server, self.last_out, &mut composer);
        }

        let taken = open.take_commands(incoming, &self.device, &mut composer, &mut actions);
        let waiting = open.owed.len().saturating_add(composer.waiting());
        open.owed = composer.statuses(std::mem::take(&mut open.owed));
        let stuck = !open.owed.is_empty() && open.owed.len() == waiting;
        let exhausted = stuck || self.taken >= MESSAGES || open.owed.len() > commands::OWED;
        let closing = match (taken, answer.closing) {
            (commands::Taken::Aborted, _) => Some(Closing::Aborted),
            (_, Some(closing)) => Some(closing),
            _ if exhausted => Some(Closing::Exhausted),
            _ => None,
        };
        if let Some(closing) = closing {
            if matches!(closing, Closing::ServerRefused | Closing::Exhausted) {
                composer.alert(AlertCode::SESSION_ABORT);
            }
            actions.push(Action::Tell(self.closed(id, now, closing)));
            return (self, Step { reply: composer.last(), actions });
        }

        if !open.owed.is_empty() {
            // The device asks for the rest with Alert 1222, because this message is not Final.
            self.phase = Phase::Open(open);
            return (self, Step { reply: composer.more(), actions });
        }
        if matches!(taken, commands::Taken::MoreToCome) {
            composer.alert(AlertCode::NEXT_MESSAGE);
            self.phase = Phase::Open(open);
            return (self, Step { reply: composer.more(), actions });
        }

        open.inventory.package_ended();
        open.inventory.ask(self.last_out, &mut composer);
        if open.inventory.is_complete() {
            if let Some(nodes) = open.inventory.finish() {
                actions.push(Action::Inventoried(id));
                actions.push(Action::Tell(Event::Inventory {
                    account: id,
                    device: self.device.clone(),
                    at: now,
                    nodes,
                }));
            }
            actions.push(Action::Tell(self.closed(id, now, Closing::Complete)));
        } else {
            self.phase = Phase::Open(open);
        }
        (self, Step { reply: composer.last(), actions })
    }
}

/// Whether a message brought a credential that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Credential {
    /// It did; the nonce in it, if any, is used up.
    Fresh,
    /// None, or one that was counted before.
    None,
}

/// A nonce from 16 random octets: their base64 text, without padding. All 128 bits are in it and no octet that a
/// client might take for the end of a string (inferred: a widespread server keeps its nonces to 7-bit characters).
fn nonce(fresh: [u8; 16]) -> Vec<u8> {
    STANDARD_NO_PAD.encode(fresh).into_bytes()
}

/// `Chal`: the scheme and, for MD5, the nonce of the next credential. `NextNonce` is the base64 text of its octets
/// (OMA DM Security 1.2, section 5.3).
fn challenge(scheme: AuthScheme, nonce: &[u8]) -> Chal {
    let next_nonce = match scheme {
        AuthScheme::Md5 => Some(STANDARD.encode(nonce)),
        AuthScheme::Basic => None,
    };
    let format = Some("b64".to_owned());
    Chal { meta: Meta { format, kind: Some(scheme.as_type().to_owned()), next_nonce, ..Meta::default() } }
}

/// The code that refuses a message of another version.
fn wrong_version(message: &Message) -> Option<StatusCode> {
    if message.header.ver_dtd.trim() != VER_DTD {
        // 505: DTD version not supported.
        return Some(StatusCode(505));
    }
    (message.header.ver_proto.trim() != VER_PROTO).then_some(StatusCode::VERSION_NOT_SUPPORTED)
}

/// Whether the device gives the session up.
fn aborts(message: &Message) -> bool {
    message.commands.iter().any(|c| matches!(c, Command::Alert(a) if a.code == AlertCode::SESSION_ABORT))
}
