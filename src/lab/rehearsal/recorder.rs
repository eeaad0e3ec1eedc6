//! Writes down who sent what to whom, and when.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{Party, Sequence, Step};
use crate::{
    bootstrap::Payload,
    card::{ApduTrace, Plan},
    ident::JobId,
    job::{Observer, State, Verdict},
    lab::{
        network::{Direction, Passed},
        random::ScriptClock,
        slot::PhoneSlot,
    },
    phone::{CardPort, PortError},
    profile::Profile,
    wire::apdu::{CommandApdu, instruction},
};

/// How closely the conversation with a card is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Runs of commands of one kind as one step.
    Runs,
    /// Every APDU.
    Apdus,
}

/// What a scripted card and a scripted network take: a T=0 line of 11 bits an octet at 115,200 bit/s, and 20 ms each way.
const OCTET_ON_CARD: Duration = Duration::from_micros(95);
const COMMAND_ON_CARD: Duration = Duration::from_micros(900);
const NETWORK: Duration = Duration::from_millis(20);

/// Writes down steps. Clones write into the same book.
#[derive(Clone)]
pub(super) struct Recorder(Arc<Mutex<Book>>);

struct Book {
    begin: Instant,
    script: Option<Script>,
    detail: Detail,
    sequence: Sequence,
    run: Option<Run>,
    plan: Option<Plan>,
    job: Option<JobId>,
}

/// Scripted time: how far it went, and how much of that the clock was told.
struct Script {
    clock: Arc<ScriptClock>,
    gone: Duration,
    told: Duration,
}

/// Commands of one kind that went to a card one after the other.
struct Run {
    party: Party,
    kind: Kind,
    step: Step,
    names: Vec<(&'static str, usize)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Look,
    Write,
    Key,
    Change,
}

/// Something that went over.
pub(super) enum Exchange {
    /// Between a party and the card.
    Apdu { party: Party, command: &'static str, sent: usize, received: usize, took: Duration },
    /// Between phone and server.
    Message(Passed),
}

impl Recorder {
    pub(super) fn new(script: Option<Arc<ScriptClock>>, detail: Detail) -> Self {
        let script = script.map(|clock| Script { clock, gone: Duration::ZERO, told: Duration::ZERO });
        Self(Arc::new(Mutex::new(Book {
            begin: Instant::now(),
            script,
            detail,
            sequence: Sequence::default(),
            run: None,
            plan: None,
            job: None,
        })))
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A party did something by itself.
    pub(super) fn note(&self, party: Party, what: String) {
        self.book().note(party, what, 0);
    }

    /// Something went over.
    pub(super) fn exchange(&self, exchange: Exchange) {
        self.book().exchange(exchange);
    }

    /// Something went from one party to another, seen at `at`; scripted, it takes `scripted`.
    pub(super) fn hop(
        &self,
        (from, to): (Party, Party),
        what: String,
        octets: usize,
        at: Instant,
        scripted: Duration,
    ) {
        let mut book = self.book();
        let since = at.saturating_duration_since(book.begin);
        let (moment, took) = match book.script {
            Some(_) => book.moment(Duration::ZERO, scripted),
            None => (since, Duration::ZERO),
        };
        book.sequence.steps.push(Step { at: moment, took, from, to, what, octets });
    }

    /// Ends a run of commands.
    pub(super) fn flush(&self) {
        self.book().flush();
    }

    /// The job that the station made.
    pub(super) fn job(&self) -> Option<JobId> {
        self.book().job
    }

    /// The plan that the station made.
    pub(super) fn take_plan(&self) -> Option<Plan> {
        self.book().plan.take()
    }

    /// The steps so far.
    pub(super) fn into_sequence(self) -> Sequence {
        let mut book = self.book();
        book.flush();
        std::mem::take(&mut book.sequence)
    }

    /// Listens at the station.
    pub(super) fn at_station(&self, profile: &Profile) -> AtStation {
        let profile = format!("{} version {}", profile.name, profile.version);
        AtStation { recorder: self.clone(), profile }
    }

    /// Listens between a phone and its card.
    pub(super) fn at_phone<'c>(&self, card: PhoneSlot<'c>) -> AtPhone<'c> {
        AtPhone { recorder: self.clone(), card }
    }
}

impl Book {
    /// The moment of a step that took so long: measured, or as the script has it.
    fn moment(&mut self, measured: Duration, scripted: Duration) -> (Duration, Duration) {
        let Some(script) = &mut self.script else {
            return (self.begin.elapsed().saturating_sub(measured), measured);
        };
        let at = script.gone;
        script.gone += scripted;
        // The clock counts whole milliseconds.
        let whole = Duration::from_millis(u64::try_from(script.gone.as_millis()).unwrap_or(u64::MAX));
        script.clock.advance(whole - script.told);
        script.told = whole;
        (at, scripted)
    }

    fn note(&mut self, party: Party, what: String, octets: usize) {
        self.flush();
        let (at, took) = self.moment(Duration::ZERO, Duration::ZERO);
        self.sequence.steps.push(Step { at, took, from: party, to: party, what, octets });
    }

    fn exchange(&mut self, exchange: Exchange) {
        match exchange {
            Exchange::Apdu { party, command, sent, received, took } => {
                let octets = sent + received;
                let line = OCTET_ON_CARD * u32::try_from(octets + 7).unwrap_or(u32::MAX);
                let (at, took) = self.moment(took, COMMAND_ON_CARD + line);
                self.apdu(party, command, octets, at, took);
            }
            Exchange::Message(message) => {
                self.flush();
                let (from, to) = match message.direction {
                    Direction::Up => (Party::Phone, Party::Server),
                    Direction::Down => (Party::Server, Party::Phone),
                };
                let (at, took) = self.moment(message.took, NETWORK);
                let Passed { what, octets, .. } = message;
                self.sequence.steps.push(Step { at, took, from, to, what, octets });
            }
        }
    }

    fn apdu(&mut self, party: Party, command: &'static str, octets: usize, at: Duration, took: Duration) {
        let kind = kind(command);
        let fits = self.run.as_ref().is_some_and(|r| r.party == party && r.kind == kind);
        if self.detail == Detail::Apdus || !fits {
            self.flush();
        }
        let run = self.run.get_or_insert_with(|| Run {
            party,
            kind,
            step: Step {
                at,
                took: Duration::ZERO,
                from: party,
                to: Party::Card,
                what: String::new(),
                octets: 0,
            },
            names: Vec::new(),
        });
        run.step.octets += octets;
        run.step.took += took;
        match run.names.iter_mut().find(|(name, _)| *name == command) {
            Some((_, count)) => *count += 1,
            None => run.names.push((command, 1)),
        }
    }

    fn flush(&mut self) {
        let Some(mut run) = self.run.take() else { return };
        let names = run.names.iter().map(|(name, count)| match count {
            1 => (*name).to_owned(),
            n => format!("{name} ×{n}"),
        });
        run.step.what = names.collect::<Vec<_>>().join(", ");
        self.sequence.steps.push(run.step);
    }
}

/// What a command is for, by its name.
fn kind(command: &str) -> Kind {
    match command {
        "VERIFY" => Kind::Key,
        "UPDATE BINARY" | "UPDATE RECORD" => Kind::Write,
        "CREATE FILE" | "DELETE FILE" | "ACTIVATE FILE" => Kind::Change,
        _ => Kind::Look,
    }
}

/// Listens at the station.
pub(super) struct AtStation {
    recorder: Recorder,
    profile: String,
}

impl Observer for AtStation {
    fn exchanged(&mut self, apdu: &ApduTrace) {
        let ApduTrace { command, sent, received, took, .. } = *apdu;
        self.recorder.exchange(Exchange::Apdu { party: Party::Station, command, sent, received, took });
    }

    fn built(&mut self, payload: &Payload) {
        let what = format!("{}: {}", self.profile, payload.kind.title());
        self.recorder.book().note(Party::Station, what, payload.octets.len());
    }

    fn planned(&mut self, plan: &Plan) -> Verdict {
        let files = match plan.steps.len() {
            1 => "1 file".to_owned(),
            n => format!("{n} files"),
        };
        let mut book = self.recorder.book();
        book.plan = Some(plan.clone());
        book.note(Party::Station, format!("plan for {files}, shown below"), 0);
        Verdict::GoOn
    }

    fn reached(&mut self, job: JobId, state: State) {
        let mut book = self.recorder.book();
        book.job = Some(job);
        book.note(Party::Station, format!("job {state}"), 0);
    }
}

/// Listens between a phone and its card.
pub(super) struct AtPhone<'c> {
    recorder: Recorder,
    card: PhoneSlot<'c>,
}

impl CardPort for AtPhone<'_> {
    fn exchange(&mut self, apdu: &[u8]) -> Result<Vec<u8>, PortError> {
        let begin = Instant::now();
        let answer = self.card.exchange(apdu)?;
        let took = begin.elapsed();
        let command = apdu.get(1).map_or("?", |ins| instruction(*ins));
        let sent = CommandApdu::decode(apdu).map_or(0, |c| c.data().len());
        let received = answer.len().saturating_sub(2);
        self.recorder.exchange(Exchange::Apdu { party: Party::Phone, command, sent, received, took });
        Ok(answer)
    }
}
