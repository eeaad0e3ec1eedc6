//! The line between a reader and a virtual card: how long octets take on it, and what goes wrong there.

use std::time::Duration;

use super::{fault::Fault, reader::CardHandle};
use crate::wire::apdu::StatusWord;

/// INS of UPDATE BINARY.
const UPDATE_BINARY: u8 = 0xD6;
/// INS of UPDATE RECORD.
const UPDATE_RECORD: u8 = 0xDC;
/// INS of SET DATA.
const SET_DATA: u8 = 0xDB;

/// A line to a card. As it comes it takes no time, and nothing goes wrong.
#[derive(Debug, Clone, Default)]
pub struct Line {
    faults: Vec<Fault>,
    octets_per_second: Option<u32>,
    sent: usize,
    updates: usize,
    /// UPDATE RECORD and SET DATA too.
    all_updates: usize,
    busy: Duration,
    mute: bool,
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carried {
    /// The card answered.
    Answer(Vec<u8>),
    /// The card carried it out, and its answer is lost.
    Lost,
    /// The card does not answer any more.
    Mute,
    /// The card was pulled.
    Pulled,
    /// The card was pulled, and the reader reports success with no octets.
    PulledUnnoticed,
    /// The card was pulled in the middle of its answer, and the reader reports success with what came.
    PulledWithin(Vec<u8>),
}

impl Line {
    /// The same line with something that will go wrong.
    #[must_use]
    pub fn with_fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// The same line with so many octets a second, whichever way they go. A T=0 line at the rate that every card begins
    /// with (F=372, D=1 at 3.57 MHz, 12 bits an octet) has 800; at F=512, D=32, about 18600.
    #[must_use]
    pub fn with_speed(mut self, octets_per_second: u32) -> Self {
        self.octets_per_second = Some(octets_per_second.max(1));
        self
    }

    /// How many commands were sent.
    pub fn sent(&self) -> usize {
        self.sent
    }

    /// How long octets were under way until now. Whoever wants real time to pass sleeps for what was added.
    pub fn busy(&self) -> Duration {
        self.busy
    }

    /// Whether the card answers to a reset.
    pub fn is_mute(&self) -> bool {
        self.mute || self.has(Fault::Mute)
    }

    /// Lets the card know of those faults that are its own. To be called once, when it is put in.
    pub fn connect(&self, card: &CardHandle) {
        self.faults.iter().for_each(|fault| card.suffer(*fault));
    }

    /// Takes a command to the card and its answer back.
    pub fn carry(&mut self, card: &CardHandle, apdu: &[u8]) -> Carried {
        self.sent += 1;
        let n = self.sent;
        self.mute = self.is_mute() || self.has(Fault::MuteFrom(n));
        if self.mute {
            return Carried::Mute;
        }
        if self.has(Fault::CutBefore(n)) {
            return Carried::Pulled;
        }
        if let [_, UPDATE_BINARY | UPDATE_RECORD | SET_DATA, ..] = apdu {
            self.all_updates += 1;
            if self.has(Fault::TornUpdate(self.all_updates)) {
                match apdu.get(1) {
                    Some(&SET_DATA) => card.tear(apdu),
                    _ => drop(card.exchange(&torn(apdu))),
                }
                return Carried::Pulled;
            }
        }
        if let [_, UPDATE_BINARY | UPDATE_RECORD | SET_DATA, ..] = apdu
            && let Some((sw, done)) = self.said_of_update()
        {
            if done {
                card.exchange(apdu);
            }
            return Carried::Answer(sw.0.to_be_bytes().to_vec());
        }
        let mut answer = card.exchange(apdu);
        // One octet more: on T=0 the card says with one that it will take the data, or that its own follow.
        self.pass(apdu.len() + answer.len() + 1);
        let is_update = apdu.get(1) == Some(&UPDATE_BINARY);
        self.updates += usize::from(is_update);
        if self.has(Fault::CutAfter(n)) || (is_update && self.has(Fault::PullInUpdate(self.updates))) {
            return Carried::Pulled;
        }
        if is_update && self.has(Fault::MuteInUpdate(self.updates)) {
            self.mute = true;
            return Carried::Mute;
        }
        if self.has(Fault::EmptyAnswer(n)) {
            return Carried::PulledUnnoticed;
        }
        if self.has(Fault::AnswerLost(n)) {
            return Carried::Lost;
        }
        if self.has(Fault::MemoryTrouble(n)) {
            return Carried::Answer(vec![0x65, 0x81]);
        }
        if self.has(Fault::HalfAnswer(n)) {
            answer.truncate(answer.len() / 2);
            return Carried::PulledWithin(answer);
        }
        for fault in &self.faults {
            if let Fault::FlippedAnswer(at, octet) = *fault
                && at == n
                && let Some(octet) = octet.checked_sub(1).and_then(|octet| answer.get_mut(octet))
            {
                *octet ^= 0x01;
            }
        }
        Carried::Answer(answer)
    }

    /// What the card says of the UPDATE at hand by a fault, and whether it carries it out.
    fn said_of_update(&self) -> Option<(StatusWord, bool)> {
        self.faults.iter().find_map(|fault| match *fault {
            Fault::UpdateSays(n, sw) if n == self.all_updates => Some((sw, true)),
            Fault::UpdateNotDone(n, sw) if n == self.all_updates => Some((sw, false)),
            _ => None,
        })
    }

    fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    fn pass(&mut self, octets: usize) {
        if let Some(rate) = self.octets_per_second {
            let octets = u32::try_from(octets).unwrap_or(u32::MAX);
            self.busy += Duration::from_secs(1) * octets / rate;
        }
    }
}

/// What is left of an UPDATE that was cut off: half of its octets and one that is erased. Records are written whole by the
/// command, so the rest of theirs is erased too.
fn torn(apdu: &[u8]) -> Vec<u8> {
    let (header, data) = apdu.split_at(apdu.len().min(5));
    let half = data.len() / 2;
    let mut torn = header.to_vec();
    torn.extend(data.iter().take(half));
    let length = if header.get(1) == Some(&UPDATE_RECORD) { data.len() } else { half + 1 };
    torn.resize(5 + length.min(data.len().max(1)), 0xFF);
    if let (Some(lc), Ok(length)) = (torn.get_mut(4), u8::try_from(length)) {
        *lc = length;
    }
    torn
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{lab::reader::tests::handle, wire::vectors::hex};

    #[test]
    fn octets_take_their_time_whichever_way_they_go() {
        let card = handle();
        let mut line = Line::default().with_speed(100);
        // 7 octets there, 2 back, and the one that announces data.
        line.carry(&card, &hex("00A4000C022FE2"));
        assert_eq!(line.busy(), Duration::from_millis(100));
        // 5 there, 10 and 2 back.
        line.carry(&card, &hex("00B000000A"));
        assert_eq!(line.busy(), Duration::from_millis(280));
        let mut fast = Line::default();
        fast.carry(&card, &hex("00B000000A"));
        assert_eq!(fast.busy(), Duration::ZERO);
    }

    #[test]
    fn faults_strike_where_they_should() {
        let read = hex("00B000000A");
        let carried = |fault: Fault| {
            let card = handle();
            let mut line = Line::default().with_fault(fault);
            line.connect(&card);
            let first = line.carry(&card, &hex("00A4000C022FE2"));
            (first, line.carry(&card, &read), line.is_mute())
        };
        let ok = Carried::Answer(vec![0x90, 0x00]);
        let good = Carried::Answer(hex("988812010000400310F09000"));
        assert_eq!(carried(Fault::CutBefore(2)), (ok.clone(), Carried::Pulled, false));
        assert_eq!(carried(Fault::EmptyAnswer(2)), (ok.clone(), Carried::PulledUnnoticed, false));
        assert_eq!(carried(Fault::AnswerLost(1)), (Carried::Lost, good.clone(), false));
        assert_eq!(carried(Fault::MuteFrom(2)), (ok.clone(), Carried::Mute, true));
        assert_eq!(carried(Fault::Mute), (Carried::Mute, Carried::Mute, true));
        let flipped = |answer: &str| (ok.clone(), Carried::Answer(hex(answer)), false);
        assert_eq!(carried(Fault::FlippedAnswer(2, 1)), flipped("998812010000400310F09000"));
        assert_eq!(carried(Fault::FlippedAnswer(2, 11)), flipped("988812010000400310F09100"));
        assert_eq!(carried(Fault::FlippedAnswer(2, 13)), (ok.clone(), good.clone(), false), "there is none");
        let half = Carried::PulledWithin(hex("988812010000"));
        assert_eq!(carried(Fault::HalfAnswer(2)), (ok.clone(), half, false));
        assert_eq!(carried(Fault::PullInUpdate(1)), (ok, good, false));
    }

    #[test]
    fn an_update_is_carried_out_or_not_whatever_the_card_says() {
        for (fault, there) in [("update-says=1:63C1", 0xAA), ("update-not-done=1:6F00", 0xFF)] {
            let card = handle();
            let mut line = Line::default().with_fault(fault.parse().unwrap());
            line.carry(&card, &hex("0020000A083132333435363738"));
            line.carry(&card, &hex("00A4080C047F506431"));
            let said = line.carry(&card, &hex("00D6000001AA"));
            assert_eq!(said, Carried::Answer(hex(&fault[fault.len() - 4..])));
            assert_eq!(card.exchange(&hex("00B0000001")), [there, 0x90, 0x00]);
            assert_eq!(line.carry(&card, &hex("00D6000001BB")), Carried::Answer(hex("9000")), "but once");
        }
    }

    #[test]
    fn faults_of_the_card_reach_the_card() {
        let card = handle();
        let line = Line::default().with_fault(Fault::CounterLow(1)).with_fault(Fault::CounterNotTold);
        Line::default().with_fault(Fault::CounterLow(1)).connect(&card);
        assert_eq!(card.exchange(&hex("0020000A00")), [0x63, 0xC1]);
        line.connect(&card);
        assert_eq!(card.exchange(&hex("0020000A00")), [0x67, 0x00]);
    }
}
