//! What a phone makes of an artefact: taken or refused, why, and its management tree afterwards. The phone is the virtual one,
//! as it comes from the factory; artefacts reach it in the order of the input, so that a second one meets what the first one
//! left.

use std::fmt;

use serde::Serialize;

use super::{Kind, Options, Secrets, Unrecognised, arrange, carried::Carried, kind, scribe::Scribe};
use crate::{
    ident::{Imei, Timestamp, counted},
    phone::{
        AccountSummary, BootstrapKind, BootstrapResult, Identity, Phone, PushResult, SAMPLE_IMEI,
        tree::{Leaf, TreeError},
    },
    wire::{
        Syntax,
        package0::ZeroNonce,
        prov::ProvDoc,
        sms::{Content, Pdu, Tpdu},
        syncml::Message,
        wdp::{Datagram, Limits, Outcome, PUSH_PORT, Reassembly, Segment},
        wsp::{MediaCode, Push},
    },
};

/// What the phone keeps of messages that are not whole: more than an input can hold.
const LIMITS: Limits = Limits { datagrams: 256, octets: 1024 * 1024 };

/// What became of artefacts on the phone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Simulation {
    /// True when the phone took every artefact.
    pub accepted: bool,
    /// The artefacts, in the order in which the phone got them.
    pub steps: Vec<SimulatedStep>,
    /// The accounts on the phone afterwards.
    pub accounts: Vec<AccountSummary>,
    /// The leaves of the phone's management tree afterwards; secrets read `***` unless they are shown.
    pub tree: Vec<Leaf>,
    #[serde(skip)]
    drawing: String,
}

/// What became of one artefact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SimulatedStep {
    /// What it is.
    pub what: String,
    /// Whether the phone took it.
    pub accepted: bool,
    /// How it was taken, or why not.
    pub why: String,
    /// What was odd about it.
    pub remarks: Vec<String>,
}

/// Feeds artefacts to a phone that has the IMSI of `options` and whose user enters the PIN of `options`, three times at the
/// most.
///
/// # Errors
/// [`Unrecognised`] as [`super::explain()`].
pub fn simulate(pieces: &[Vec<u8>], options: &Options) -> Result<Simulation, Unrecognised> {
    let (pieces, kinds) = arrange(pieces, options)?;
    let mut hand = Hand {
        phone: phone(options).map_err(|_| Unrecognised::Nothing)?,
        reassembly: Reassembly::new(LIMITS),
        options,
        messages: 0,
        steps: Vec::new(),
    };
    for (n, (octets, kind)) in pieces.iter().zip(kinds).enumerate() {
        hand.artefact(n + 1, octets, kind);
    }
    let incomplete: Vec<String> = hand
        .reassembly
        .incomplete()
        .map(|(sender, reference)| {
            let missing: Vec<String> =
                hand.reassembly.missing(sender, reference).iter().map(u8::to_string).collect();
            missing.join(", ")
        })
        .collect();
    for missing in incomplete {
        let segments = if missing.contains(',') { "segments" } else { "segment" };
        hand.refuse("short messages", format!("{segments} {missing} never came; the phone goes on waiting"));
    }
    if hand.steps.is_empty() {
        let why = "nothing in it is for a device: no short message, and no content of a push";
        hand.refuse("what is sent", why.into());
    }
    Ok(hand.shown())
}

/// The phone, as it comes from the factory.
fn phone(options: &Options) -> Result<Phone, TreeError> {
    let Ok(imei) = SAMPLE_IMEI.parse::<Imei>() else {
        return Err(TreeError::BadValue { why: "the example IMEI is none" });
    };
    Phone::new(&Identity::virtual_phone(imei, options.imsi.clone()))
}

/// The hand that holds the phone.
struct Hand<'a> {
    phone: Phone,
    reassembly: Reassembly,
    options: &'a Options,
    /// Short messages out of PDUs so far.
    messages: usize,
    steps: Vec<SimulatedStep>,
}

impl Hand<'_> {
    fn artefact(&mut self, number: usize, octets: &[u8], kind: Option<Kind>) {
        match kind {
            Some(Kind::Sms) => match Pdu::decode(octets) {
                Ok(pdu) => self.short_message(number, &pdu),
                Err(error) => self.refuse(&format!("short message {number}"), error.to_string()),
            },
            Some(Kind::Udh) => match Segment::decode(octets) {
                Ok(segment) => self.segment(number, "", segment),
                Err(error) => self.refuse(&format!("user data {number}"), error.to_string()),
            },
            Some(Kind::Wsp) => self.push(octets),
            Some(Kind::Cp) => self.bare(BootstrapKind::Cp, octets),
            Some(Kind::Dm) => self.bare(BootstrapKind::Dm, octets),
            Some(Kind::CpXml) => self.text(BootstrapKind::Cp, octets),
            Some(Kind::DmXml) => self.text(BootstrapKind::Dm, octets),
            Some(Kind::Package0) => self.notification(octets),
            Some(envelope @ (Kind::Http | Kind::Multipart | Kind::Pap | Kind::Smpp)) => {
                self.envelope(envelope, octets);
            }
            Some(other) => {
                let why = "a phone is not sent such a thing; it takes short messages, pushes, bootstraps and \
                           notifications, also out of PAP and SMPP";
                self.refuse(other.title(), why.into());
            }
            None => self.refuse(&format!("artefact {number}"), "not recognised".into()),
        }
    }

    /// What gateways and centres tell each other: the phone gets what is in it for a device, if anything is.
    fn envelope(&mut self, kind: Kind, octets: &[u8]) {
        let mut scribe = Scribe::new(octets, Secrets::Masked);
        for carried in kind::explain(kind, &mut scribe, self.options).carried {
            if matches!(carried, Carried::UserData { .. } | Carried::Message { .. }) {
                self.messages += 1;
            }
            match carried {
                Carried::UserData { route, segment } => self.segment(self.messages, &route, segment),
                Carried::Message { why } => {
                    self.refuse(&format!("short message {}", self.messages), why.into());
                }
                Carried::Content(push) => self.pushed(&push),
                Carried::NoContent { why } => {
                    self.refuse("content of a push", format!("no gateway can push this: {why}"));
                }
            }
        }
    }

    fn short_message(&mut self, number: usize, pdu: &Pdu) {
        let what = format!("short message {number}");
        let sender = match &pdu.tpdu {
            Tpdu::Deliver(deliver) => deliver.originator.text(),
            // What is about to be sent: the phone is at the other end.
            Tpdu::Submit(_) => String::new(),
        };
        let user_data = pdu.tpdu.user_data();
        match (user_data.udh(), user_data.content()) {
            (Some(udh), Content::Octets(data)) => {
                let segment = Segment { udh: udh.clone(), data: data.clone() };
                self.segment(number, &sender, segment);
            }
            (None, _) => {
                self.refuse(&what, "no user data header: the phone shows it to its user as text".into())
            }
            (_, Content::Septets(_)) => {
                self.refuse(&what, "text of 7 bits: a push is octets, with a data coding of 8 bits".into());
            }
        }
    }

    fn segment(&mut self, number: usize, sender: &str, segment: Segment) {
        let now = Timestamp::from_millis(0);
        match self.reassembly.on(sender, segment, now) {
            Outcome::Complete(datagram) => self.datagram(number, &datagram),
            Outcome::Waiting { .. } | Outcome::Repeated => {}
            Outcome::Restarted { dropped, .. } => {
                let why = format!(
                    "the reference was used again; {} of before dropped",
                    counted(dropped, "segment")
                );
                self.refuse(&format!("short message {number}"), why);
            }
        }
    }

    fn datagram(&mut self, number: usize, datagram: &Datagram) {
        match datagram.ports.as_ref().map(|ports| ports.destination()) {
            Some(PUSH_PORT) => self.push(&datagram.data),
            Some(port) => {
                let why = format!("it goes to port {port}; pushes go to {PUSH_PORT}");
                self.refuse(&format!("short message {number}"), why);
            }
            None => {
                let why =
                    format!("no port number: nothing says that it is for the push client at {PUSH_PORT}");
                self.refuse(&format!("short message {number}"), why);
            }
        }
    }

    fn push(&mut self, octets: &[u8]) {
        match Push::decode(octets) {
            Ok(push) => self.pushed(&push),
            Err(error) => self.refuse("push", error.to_string()),
        }
    }

    fn pushed(&mut self, push: &Push) {
        if push.content_type.media().is(MediaCode::SYNCML_NOTIFICATION) {
            return self.notification(&push.body);
        }
        let pin = self.options.pin.clone();
        let result = self.phone.receive_push(push, &mut |_| pin.clone());
        match result {
            PushResult::Authenticated { method, pins, bootstrap } => {
                let is_dm = push.content_type.media().is(MediaCode::SYNCML_DM_WBXML);
                let method = method.name(if is_dm { BootstrapKind::Dm } else { BootstrapKind::Cp });
                let how = match pins {
                    0 => format!("proved by {method}"),
                    1 => format!("proved by {method}, the user entered the PIN"),
                    many => format!("proved by {method}, the user entered a PIN {many} times"),
                };
                self.bootstrap("pushed bootstrap", &how, bootstrap);
            }
            PushResult::Unauthenticated { bootstrap } => {
                self.bootstrap("pushed bootstrap", "nothing proved", bootstrap);
            }
            PushResult::Refused { reason } => {
                let advice = match (self.options.pin.is_some(), self.options.imsi.is_some()) {
                    (false, false) => "; the phone knows no IMSI (--imsi) and its user no PIN (--pin)",
                    (false, true) => "; the user knows no PIN (--pin)",
                    (true, false) => "; the phone knows no IMSI (--imsi)",
                    (true, true) => "",
                };
                self.refuse("pushed bootstrap", format!("{reason}{advice}"));
            }
        }
    }

    /// A bootstrap as XML. Cards and pushes bring the binary form, so the phone gets that.
    fn text(&mut self, kind: BootstrapKind, octets: &[u8]) {
        let binary = match kind {
            BootstrapKind::Cp => ProvDoc::decode(Syntax::Xml, octets)
                .map_err(|e| e.to_string())
                .and_then(|d| d.encode(Syntax::Wbxml).map_err(|e| e.to_string())),
            BootstrapKind::Dm => Message::decode(Syntax::Xml, octets)
                .map_err(|e| e.to_string())
                .and_then(|m| m.encode(Syntax::Wbxml).map_err(|e| e.to_string())),
        };
        match binary {
            Ok(binary) => self.bare(kind, &binary),
            Err(why) => self.refuse("XML", why),
        }
    }

    /// A bootstrap without a push around it, as a card holds it.
    fn bare(&mut self, kind: BootstrapKind, octets: &[u8]) {
        let what = match kind {
            BootstrapKind::Cp => "provisioning document",
            BootstrapKind::Dm => "DM message",
        };
        let result = self.phone.receive(kind, octets);
        self.bootstrap(what, "as from a card, where nothing has to be proved", result);
    }

    fn bootstrap(&mut self, what: &str, how: &str, result: BootstrapResult) {
        let (accepted, why, remarks) = match result {
            BootstrapResult::Accepted { accounts, remarks } => {
                let accounts: Vec<String> = accounts.iter().map(ToString::to_string).collect();
                let set = match accounts.as_slice() {
                    [] => "no account was set".to_owned(),
                    some => format!("account {}", some.join(", ")),
                };
                (true, format!("{how}; {set}"), remarks)
            }
            BootstrapResult::Refused { reason, remarks } => (false, reason.to_string(), remarks),
            BootstrapResult::Unchanged => (true, "the phone has it already".into(), Vec::new()),
            BootstrapResult::Empty | BootstrapResult::NotUsed { .. } => {
                (false, "it holds nothing".into(), Vec::new())
            }
        };
        let remarks = remarks.iter().map(ToString::to_string).collect();
        self.steps.push(SimulatedStep { what: what.to_owned(), accepted, why, remarks });
    }

    fn notification(&mut self, octets: &[u8]) {
        match self.phone.receive_notification(octets, &[ZeroNonce::Octets]) {
            Ok(notified) => {
                let why = format!("server {} gets session {}", notified.server_id, notified.session.0);
                let what = "notification".to_owned();
                self.steps.push(SimulatedStep { what, accepted: true, why, remarks: Vec::new() });
            }
            Err(reason) => self.refuse("notification", reason.to_string()),
        }
    }

    fn refuse(&mut self, what: &str, why: String) {
        self.steps.push(SimulatedStep { what: what.to_owned(), accepted: false, why, remarks: Vec::new() });
    }

    fn shown(self) -> Simulation {
        let shown = self.options.secrets == Secrets::Shown;
        let tree = self.phone.tree();
        let leaves = if shown { tree.exposed_leaves() } else { tree.leaves() };
        let drawing = if shown {
            let line =
                |leaf: &Leaf| format!("{} = {}\n", leaf.uri, leaf.value.as_deref().unwrap_or("(octets)"));
            leaves.iter().map(line).collect()
        } else {
            tree.to_string()
        };
        Simulation {
            accepted: !self.steps.is_empty() && self.steps.iter().all(|step| step.accepted),
            steps: self.steps,
            accounts: self.phone.accounts(),
            tree: leaves,
            drawing,
        }
    }
}

impl fmt::Display for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "On a phone")?;
        for step in &self.steps {
            let verdict = if step.accepted { "accepted" } else { "refused" };
            writeln!(f, "  {}: {verdict}: {}", step.what, step.why)?;
            step.remarks.iter().try_for_each(|remark| writeln!(f, "    {remark}"))?;
        }
        writeln!(f, "\nThe phone's tree afterwards\n{}", self.drawing.trim_end())
    }
}
