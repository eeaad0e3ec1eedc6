//! A kind of job on a kind of card, and how it is run and settled there.

#![cfg(test)]

use std::cell::RefCell;

use super::{target::Target, *};
use crate::{
    bootstrap::{PayloadKind, build, resolve},
    card::script::{Setup, run as run_script},
    lab::{image::Personality, slot::PhoneSlot},
    phone::{BootstrapResult, Phone},
    profile::{Profile, Subscriber},
    wire::script::{Checked, Need, check},
};

/// No more than an account: each octet is written many thousand times.
const PROFILE: &str = r#"
name = "acme-small"
version = 1

[security]
method = "usernetwpin"

[dm]
encoding = "tnds-opaque"

[dm-account]
server-id = "acme.dm"
name = "Acme Device Management"
address = "https://dm.acme.example:443/dm"
client-auth = { type = "DIGEST", name = "{imei}", secret = "generate" }
server-auth = { type = "DIGEST", name = "acme.dm", secret = "generate" }
init = true
"#;

/// What is done to a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::card::tests) enum Kind {
    /// The first bootstrap of a prepared card.
    First,
    /// The first of a card that has no PKCS#15 application: all files are created.
    Tree,
    /// Another bootstrap in the place of one.
    Update,
    /// None any more.
    Erase,
    /// Octets that were read from the card before it was updated are put back.
    Restore,
    /// A script puts another bootstrap into the file.
    Script,
}

/// The server of what a card holds before, and of what it is to hold.
pub(in crate::card::tests) const OLD: &str = "acme.dm";
pub(in crate::card::tests) const NEW: &str = "beta.dm";

/// A kind of job on a kind of card.
pub(in crate::card::tests) struct Case {
    pub(in crate::card::tests) kind: Kind,
    pub(in crate::card::tests) target: Target,
    pub(in crate::card::tests) payload: PayloadKind,
    /// The card before the job.
    pub(in crate::card::tests) before: CardHandle,
    /// What a phone goes by before and afterwards.
    pub(in crate::card::tests) old: Option<&'static str>,
    pub(in crate::card::tests) new: Option<&'static str>,
    octets: Vec<u8>,
    script: Option<Checked>,
    policy: KeyPolicy,
    /// Cards that a phone was shown already.
    looked_at: RefCell<Vec<(CardImage, Option<String>)>>,
}

/// What went over the wire in a run.
#[derive(Debug, Clone, Default)]
pub(in crate::card::tests) struct Sent {
    /// How often the card had changed before the run, then behind each command.
    pub(in crate::card::tests) changes: Vec<u64>,
    /// Octets of each answer.
    pub(in crate::card::tests) answers: Vec<usize>,
    /// Which commands were UPDATEs, counted from 1.
    pub(in crate::card::tests) updates: Vec<usize>,
    /// Which commands were VERIFYs with a key.
    pub(in crate::card::tests) keys: Vec<usize>,
}

impl Sent {
    pub(in crate::card::tests) fn commands(&self) -> usize {
        self.answers.len()
    }
}

/// A reader that counts.
struct Counting {
    inner: InProcess,
    card: CardHandle,
    sent: Sent,
}

impl CardTransport for Counting {
    fn reader(&self) -> &ReaderName {
        self.inner.reader()
    }

    fn atr(&self) -> &[u8] {
        self.inner.atr()
    }

    fn protocol(&self) -> Protocol {
        self.inner.protocol()
    }

    fn exchange(&mut self, apdu: &[u8]) -> Result<Vec<u8>, TransportError> {
        let answer = self.inner.exchange(apdu);
        self.sent.changes.push(self.card.changes());
        self.sent.answers.push(answer.as_ref().map_or(0, Vec::len));
        match apdu {
            [_, 0x20, _, _, _, _, ..] => self.sent.keys.push(self.sent.answers.len()),
            [_, 0xD6 | 0xDC, ..] => self.sent.updates.push(self.sent.answers.len()),
            _ => {}
        }
        answer
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.inner.reset()
    }
}

/// A real document for a server: the phone says which it has taken.
pub(in crate::card::tests) fn document(payload: PayloadKind, server: &str) -> Vec<u8> {
    struct Zero;
    impl crate::ident::Random for Zero {
        fn fill(&self, out: &mut [u8]) {
            out.fill(0x5A);
        }
    }
    let text = PROFILE.replace("acme.dm", server);
    let subscriber = Subscriber {
        imei: Some("490154203237518".parse().unwrap()),
        iccid: Some(iccid()),
        ..Subscriber::default()
    };
    let settings = resolve(&Profile::parse(&text).unwrap(), &subscriber, &Zero).unwrap();
    build(&settings, payload).unwrap().octets
}

/// What a phone goes by that is switched on with the card as it is: the server, or none.
pub(in crate::card::tests) fn phone_sees(card: &CardHandle) -> Option<String> {
    let identity = crate::lab::rehearsal::identity(&"490154203237518".parse().unwrap());
    let mut phone = Phone::new(&identity).unwrap();
    let card = card.copy();
    let mut reader = InProcess::insert(&card, bay());
    let mut slot = PhoneSlot::insert(&mut reader).unwrap();
    let report = phone.power_on(Some(&mut slot));
    let accepted = report.files.iter().find_map(|file| match &file.result {
        BootstrapResult::Accepted { accounts, .. } => {
            accounts.first().map(|server| server.as_str().to_owned())
        }
        BootstrapResult::Empty => None,
        // The first octet is FF while the rest is written: this phone looks at what stands behind it, and takes nothing.
        BootstrapResult::Refused { reason, .. }
            if reason.to_string().contains("FF; expected 01, 02 or 03") =>
        {
            None
        }
        other => panic!("the phone was shown something half done: {other:?}\n{report}"),
    });
    assert!(report.accounts.len() <= 1, "{report}");
    accepted
}

impl Case {
    pub(in crate::card::tests) fn new(kind: Kind, target: Target, payload: PayloadKind) -> Self {
        let mut sample = sample(if kind == Kind::Tree { SampleKind::Bare } else { SampleKind::Prepared });
        sample.bootstrap_size = if payload == PayloadKind::Cp { 512 } else { 2048 };
        let mut case = Self {
            kind,
            target,
            payload,
            before: from(target.image(sample)),
            old: None,
            new: Some(NEW),
            octets: document(payload, NEW),
            script: None,
            policy: allowed_once(),
            looked_at: RefCell::default(),
        };
        match kind {
            Kind::First | Kind::Tree => {}
            Kind::Update => case.hold(OLD),
            Kind::Erase => {
                case.hold(OLD);
                case.new = None;
            }
            Kind::Restore => {
                // What the card held once, as it was read from it, over what it holds now.
                case.hold(NEW);
                let saved = found(&case.before, payload.oid());
                case.hold(OLD);
                case.octets = saved;
            }
            Kind::Script => {
                case.hold(OLD);
                case.script = Some(script(target, payload, &case.octets));
            }
        }
        case
    }

    /// The card holds a bootstrap already.
    fn hold(&mut self, server: &'static str) {
        let card = self.before.copy();
        let (keys, writes) = (MemoryKeyJournal::new(), MemoryWriteJournal::new());
        let wanted = [file(self.payload.oid(), document(self.payload, server))];
        let mut reader = InProcess::insert(&card, bay());
        let mut fs = self.files(&mut reader).unwrap();
        let plan = plan(&mut fs, &wanted, &options()).unwrap();
        apply(&mut fs, &plan, &[adm()], &KeyGuard::new(&keys, &self.policy), &writes).unwrap();
        self.before = card;
        self.old = Some(server);
    }

    pub(in crate::card::tests) fn name(&self) -> String {
        format!("{:?} on {} by {}", self.kind, self.target.name(), self.payload)
    }

    /// The card on the channel on which it is spoken to.
    fn files<'r>(&self, reader: &'r mut dyn CardTransport) -> Result<FileSystem<'r>, TransportError> {
        let mut session = self.session(reader);
        session.use_channel(self.target.channel)?;
        Ok(FileSystem::new(session))
    }

    /// The card in the class in which it is spoken to: the UICC of two classes in 2G mode.
    fn session<'r>(&self, reader: &'r mut dyn CardTransport) -> Session<'r> {
        let mut session = Session::new(reader);
        if self.target.personality == Personality::Uicc2g {
            session.set_mode(Mode::TwoG);
        }
        session
    }

    fn reader(&self, card: &CardHandle, fault: Option<Fault>) -> Counting {
        let mut inner = InProcess::insert(card, bay());
        if let Some(fault) = fault {
            inner = inner.with_fault(fault);
        }
        let sent = Sent { changes: vec![card.changes()], ..Sent::default() };
        Counting { inner, card: card.clone(), sent }
    }

    /// Runs the job; an error is told by what `ApplyError` says, or by none when it was cut before that.
    pub(in crate::card::tests) fn run(
        &self,
        card: &CardHandle,
        fault: Option<Fault>,
        keys: &MemoryKeyJournal,
        writes: &MemoryWriteJournal,
    ) -> (Result<(), Option<ApplyError>>, Sent) {
        let mut reader = self.reader(card, fault);
        let guard = KeyGuard::new(keys, &self.policy);
        if let Some(script) = &self.script {
            let setup = Setup {
                name: "test",
                writes: Some(writes),
                keys: vec![adm()],
                guard,
                backup: None,
                restore: None,
                observe: &mut |_| {},
            };
            let report = run_script(self.session(&mut reader), script, setup);
            return (report.stopped.map_or(Ok(()), |_| Err(None)), reader.sent);
        }
        let ended = self.write(&mut reader, &guard, writes);
        (ended, reader.sent)
    }

    fn write(
        &self,
        reader: &mut Counting,
        guard: &KeyGuard<'_>,
        writes: &MemoryWriteJournal,
    ) -> Result<(), Option<ApplyError>> {
        let mut fs = self.files(reader).map_err(|_| None)?;
        let planned = match self.kind {
            Kind::Erase => plan_erase(&mut fs, &[self.payload.oid()], &options()),
            _ => plan(&mut fs, &[file(self.payload.oid(), self.octets.clone())], &options()),
        };
        let plan = planned.map_err(|_| None)?;
        apply(&mut fs, &plan, &[adm()], guard, writes).map(drop).map_err(Some)
    }

    /// Goes one way, perhaps cut off in turn.
    pub(in crate::card::tests) fn go(
        &self,
        card: &CardHandle,
        fault: Option<Fault>,
        way: Way,
        keys: &MemoryKeyJournal,
        writes: &MemoryWriteJournal,
    ) -> (Result<Recovered, RecoverError>, Sent) {
        let mut reader = self.reader(card, fault);
        let entry = writes.pending(&iccid()).unwrap().unwrap();
        let guard = KeyGuard::new(keys, &self.policy);
        let result = match self.files(&mut reader) {
            Ok(mut fs) => recover(&mut fs, &entry, way, &[adm()], &guard, writes, &mut Unobserved),
            Err(error) => Err(error.into()),
        };
        (result, reader.sent)
    }

    /// What a phone goes by. Most cuts leave a card as another one did; such a card is not shown again.
    pub(in crate::card::tests) fn seen(&self, card: &CardHandle) -> Option<String> {
        let image = card.image();
        let mut looked_at = self.looked_at.borrow_mut();
        if let Some((_, seen)) = looked_at.iter().find(|(known, _)| *known == image) {
            return seen.clone();
        }
        let seen = phone_sees(card);
        looked_at.push((image, seen.clone()));
        seen
    }

    /// A phone goes by the old bootstrap, by none, or by the new one.
    pub(in crate::card::tests) fn sees(&self, card: &CardHandle, at: &str) {
        let seen = self.seen(card);
        let may = [None, self.old, self.new];
        assert!(may.contains(&seen.as_deref()), "{at}: the phone goes by {seen:?}");
    }

    /// How many different cards a phone was shown.
    pub(in crate::card::tests) fn cards_seen(&self) -> usize {
        self.looked_at.borrow().len()
    }
}

/// A script that puts octets into the file of a prepared card.
fn script(target: Target, payload: PayloadKind, octets: &[u8]) -> Checked {
    let directory = if target.is_named_by_aid() { "A000000063504B43532D3135" } else { "3F00/7F50" };
    let file = if payload == PayloadKind::Cp { "6431" } else { "6432" };
    let octets: Vec<String> =
        octets.chunks(16).map(|line| line.iter().map(|octet| format!("{octet:02X} ")).collect()).collect();
    let text = format!(
        "REM bootgate 1\nREM Puts a bootstrap into a file.\nVAR FILE path {directory}/{file}\nKEY 0A ADM\nEFF updates ${{FILE}} by 0A\n\
         RST\nVER 0A\nPUT ${{FILE}} {}\nOFF\n",
        octets.join("\\\n ")
    );
    let given = [("ADM".to_owned(), zeroize::Zeroizing::new("12345678".to_owned()))].into();
    let checked = check(text.as_bytes(), &given, Need::Everything);
    assert!(checked.is_sound(), "{:?}", checked.problems);
    checked
}

/// The same card without the counters of its keys.
pub(in crate::card::tests) fn same(a: &CardHandle, b: &CardImage, at: &str) {
    let (mut a, mut b) = (a.image(), b.clone());
    for image in [&mut a, &mut b] {
        image.key_mut(KeyRef::ADM1).unwrap().tries = 0;
    }
    assert!(a == b, "{at}: the card differs");
}

/// A journal of keys with the same entries.
pub(in crate::card::tests) fn copy_keys(journal: &MemoryKeyJournal) -> MemoryKeyJournal {
    let copy = MemoryKeyJournal::new();
    let state = journal.state(&iccid(), KeyRef::ADM1.into()).unwrap();
    copy.put_back(&iccid(), KeyRef::ADM1.into(), state).unwrap();
    copy
}
