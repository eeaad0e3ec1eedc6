//! A kind of job on a kind of card, and how it is run and settled there.

#![cfg(test)]

use std::cell::RefCell;

use super::{
    document::{document, phone_sees},
    filled::{content, settings_seen},
    kind::{Kind, Scripted},
    script::{self, Work},
    sent::{Counting, Sent},
    target::Target,
    *,
};
use crate::{bootstrap::PayloadKind, wire::usim::SettingsContent};

/// The server of what a card holds before, and of what it is to hold.
pub(in crate::card::tests) const OLD: &str = "acme.dm";
pub(in crate::card::tests) const NEW: &str = "beta.dm";

/// The second administrative key of a card.
const ADM2: KeyRef = KeyRef(0x0B);
/// The value of an administrative key that no file asks for.
pub(super) const OTHER: [u8; 8] = *b"otherkey";

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
    script: Option<Work>,
    policy: KeyPolicy,
    /// Cards that a phone was shown already.
    looked_at: RefCell<Vec<(CardImage, Option<String>)>>,
}

impl Case {
    pub(in crate::card::tests) fn new(kind: Kind, target: Target, payload: PayloadKind) -> Self {
        let mut sample = sample(if kind.begins_bare() { SampleKind::Bare } else { SampleKind::Prepared });
        sample.all_settings = kind.fills().is_some();
        sample.bootstrap_size = if payload == PayloadKind::Cp { 512 } else { 2048 };
        let mut case = Self {
            kind,
            target,
            payload,
            before: from(target.image(sample, adm_ref(kind, target))),
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
            Kind::Fill(_) => {
                case.hold(NEW);
                case.old = None;
            }
            Kind::Refill(file) => {
                case.hold(NEW);
                case.fill(&content(file, OLD));
                case.old = Some(OLD);
            }
            Kind::Script(what) => case.is_scripted(what),
        }
        case
    }

    fn is_scripted(&mut self, what: Scripted) {
        let (target, payload) = (self.target, self.payload);
        let mut work = Work::new(what, target, payload, &self.octets);
        match what {
            Scripted::Tree => self.new = None,
            Scripted::Restore => {
                self.hold(NEW);
                work = work.with_backup_of(&self.before, target, payload);
                self.hold(OLD);
            }
            _ => self.hold(OLD),
        }
        self.before = script::prepare(what, &self.before, target, payload);
        match what {
            Scripted::Erase => self.new = None,
            // Nobody reads a file that is not activated.
            Scripted::Lock => (self.old, self.new) = (None, Some(OLD)),
            _ => {}
        }
        self.script = Some(work);
    }

    /// The card holds a bootstrap already.
    fn hold(&mut self, server: &'static str) {
        self.put(document(self.payload, server), &[]);
        self.old = Some(server);
    }

    /// The card holds settings already, beside the bootstrap.
    fn fill(&mut self, settings: &SettingsContent) {
        self.put(self.octets.clone(), std::slice::from_ref(settings));
    }

    fn put(&mut self, octets: Vec<u8>, settings: &[SettingsContent]) {
        let card = self.before.copy();
        let (keys, writes) = (MemoryKeyJournal::new(), MemoryWriteJournal::new());
        let wanted = [file(self.payload.oid(), octets)];
        let mut reader = InProcess::insert(&card, bay());
        let mut fs = self.files(&mut reader).unwrap();
        let adm = self.adm();
        let plan = plan(&mut fs, &wanted, &PlanOptions { settings, adm: &adm, ..options() }).unwrap();
        apply(&mut fs, &plan, &self.keys(), &KeyGuard::new(&keys, &self.policy), &writes).unwrap();
        self.before = card;
    }

    pub(in crate::card::tests) fn name(&self) -> String {
        format!("{} on {} by {}", self.kind.name(), self.target.name(), self.payload)
    }

    /// The card on the channel on which it is spoken to.
    fn files<'r>(&self, reader: &'r mut dyn CardTransport) -> Result<FileSystem<'r>, TransportError> {
        let mut session = self.target.session(reader);
        session.use_channel(self.target.channel)?;
        Ok(FileSystem::new(session))
    }

    /// Runs the job; an error is told by what `ApplyError` says, or by none when it was cut before that.
    pub(in crate::card::tests) fn run(
        &self,
        card: &CardHandle,
        fault: Option<Fault>,
        keys: &MemoryKeyJournal,
        writes: &MemoryWriteJournal,
    ) -> (Result<(), Option<ApplyError>>, Sent) {
        let mut reader = Counting::new(card, fault);
        let guard = KeyGuard::new(keys, &self.policy);
        if let Some(script) = &self.script {
            let report = script.run(self.target.session(&mut reader), guard, writes);
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
        let adm = self.adm();
        let options = PlanOptions { adm: &adm, ..options() };
        let planned = match self.kind {
            Kind::Erase => plan_erase(&mut fs, &[self.payload.oid()], &options),
            kind => {
                let settings: Vec<_> = kind.fills().map(|file| content(file, NEW)).into_iter().collect();
                let wanted = [file(self.payload.oid(), self.octets.clone())];
                plan(&mut fs, &wanted, &PlanOptions { settings: &settings, ..options })
            }
        };
        let plan = planned.map_err(|_| None)?;
        apply(&mut fs, &plan, &self.keys(), guard, writes).map(drop).map_err(Some)
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
        let mut reader = Counting::new(card, fault);
        let entry = writes.pending(&iccid()).unwrap().unwrap();
        let guard = KeyGuard::new(keys, &self.policy);
        let result = match self.files(&mut reader) {
            Ok(mut fs) => recover(&mut fs, &entry, way, &self.keys(), &guard, writes, &mut Unobserved),
            Err(error) => Err(error.into()),
        };
        (result, reader.sent)
    }

    /// The keys at hand, as they were before the job.
    fn keys(&self) -> Vec<Key> {
        if let Some(script) = &self.script {
            return script.keys();
        }
        match self.adm_ref() {
            KeyRef::ADM1 => vec![adm()],
            // Another key is at hand, too, which the card has and no file asks for.
            other => vec![
                Key::adm(KeyRef::ADM1, AdmKey::from_octets(OTHER)),
                Key::adm(other, "12345678".parse().unwrap()),
            ],
        }
    }

    /// Which administrative key the files of the card ask for.
    pub(super) fn adm_ref(&self) -> KeyRef {
        adm_ref(self.kind, self.target)
    }

    fn adm(&self) -> AdmKeys {
        AdmKeys::new(&[], &self.keys())
    }

    /// The card has a content, whatever the counter of ADM1. A PIN that the job changes is as it was before, or as the job
    /// makes it.
    pub(super) fn same(&self, card: &CardHandle, wanted: &CardImage, after: &CardImage, at: &str) {
        let mut wanted = wanted.clone();
        if let Some(key) = self.kind.changes_pin() {
            let mut pins = [card.image(), self.before.image(), after.clone()]
                .map(|mut image| image.key_mut(key).unwrap().clone());
            let [now, old, new] = pins.each_mut();
            assert!(now == old || now == new, "{at}: the PIN is neither old nor new");
            wanted.key_mut(key).unwrap().clone_from(now);
        }
        same(card, &wanted, at);
    }

    /// What a phone goes by. Most cuts leave a card as another one did; such a card is not shown again.
    pub(in crate::card::tests) fn seen(&self, card: &CardHandle, at: &str) -> Option<String> {
        let image = card.image();
        let mut looked_at = self.looked_at.borrow_mut();
        if let Some((_, seen)) = looked_at.iter().find(|(shown, _)| *shown == image) {
            return seen.clone();
        }
        let seen = match self.kind.fills() {
            Some(file) => {
                assert_eq!(phone_sees(card, at).as_deref(), Some(NEW), "{at}: the bootstrap stays");
                settings_seen(card, file, at)
            }
            None => phone_sees(card, at),
        };
        looked_at.push((image, seen.clone()));
        seen
    }

    /// A phone goes by the old bootstrap, by none, or by the new one.
    pub(in crate::card::tests) fn sees(&self, card: &CardHandle, at: &str) {
        let seen = self.seen(card, at);
        let may = [None, self.old, self.new];
        assert!(may.contains(&seen.as_deref()), "{at}: the phone goes by {seen:?}");
    }

    /// How many different cards a phone was shown.
    pub(in crate::card::tests) fn cards_seen(&self) -> usize {
        self.looked_at.borrow().len()
    }
}

/// Which administrative key the files of a card ask for: those of a SIM for ADM2, where no script names the key.
fn adm_ref(kind: Kind, target: Target) -> KeyRef {
    let other = target.personality == Personality::Sim && !kind.is_script();
    if other { ADM2 } else { KeyRef::ADM1 }
}

/// The same card without the counters of its keys.
pub(in crate::card::tests) fn same(a: &CardHandle, b: &CardImage, at: &str) {
    let (mut a, mut b) = (a.image(), b.clone());
    for image in [&mut a, &mut b] {
        for key in [KeyRef::ADM1, ADM2] {
            image.key_mut(key).into_iter().for_each(|key| key.tries = 0);
        }
    }
    assert!(a == b, "{at}: the card differs");
}

/// The keys of which a journal knows something in a case.
const KEYS: [KeyId; 4] =
    [KeyId::Key(KeyRef::ADM1), KeyId::Key(ADM2), KeyId::Key(KeyRef::PIN1), KeyId::Puk(KeyRef::PIN1)];

/// What a journal knows of the keys.
pub(super) fn known(journal: &MemoryKeyJournal) -> [KeyState; 4] {
    KEYS.map(|key| journal.state(&iccid(), key).unwrap())
}

/// A journal of keys with the same entries.
pub(in crate::card::tests) fn copy_keys(journal: &MemoryKeyJournal) -> MemoryKeyJournal {
    let copy = MemoryKeyJournal::new();
    for (key, state) in KEYS.into_iter().zip(known(journal)) {
        copy.put_back(&iccid(), key, state).unwrap();
    }
    copy
}
