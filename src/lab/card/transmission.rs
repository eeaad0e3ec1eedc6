//! T=0 and T=1: how a command's octets are taken apart, and how an answer gets back (ETSI TS 102 221, section 7.3.1;
//! ISO/IEC 7816-3, section 12).
//!
//! | case            | T=0: octets     | T=0: answer                       | T=1: octets     | T=1: answer   |
//! |-----------------|-----------------|-----------------------------------|-----------------|---------------|
//! | 1, no data      | header 00       | SW                                | header          | SW            |
//! | 2, answer       | header Le       | data SW, or 6Cxx                  | header Le       | data SW       |
//! | 3, data         | header Lc data  | SW                                | header Lc data  | SW            |
//! | 4, both         | header Lc data  | 61xx, then GET RESPONSE           | … data Le       | data SW       |

use super::{
    VirtualCard, channel,
    command::{self, Answer, Command, Direction, Expected, GET_RESPONSE, known, wrong_le},
    quirks::{Block, Fetched, Header},
};
use crate::wire::apdu::{CommandApdu, StatusWord};

impl VirtualCard {
    /// Accepts or refuses class and instruction; what follows is about the channel that the class names.
    fn accept(&mut self, cla: u8, ins: u8, p2: u8) -> Result<Direction, StatusWord> {
        // 0X, 8X, 4X and CX are the classes of TS 102 221, table 10.3; 2G (A0) and GlobalPlatform have others.
        if !matches!(cla & 0xF0, 0x00 | 0x80 | 0x40 | 0xC0) {
            return Err(StatusWord::UNKNOWN_CLA);
        }
        self.go_to_channel(channel::of_class(cla))?;
        if cla & 0x40 == 0 && cla & 0x0C != 0 {
            return Err(StatusWord(0x6882));
        }
        let (class, direction) = known(ins, p2).ok_or(StatusWord::UNKNOWN_INS)?;
        if cla & 0x80 == class { Ok(direction) } else { Err(StatusWord::UNKNOWN_CLA) }
    }

    pub(super) fn exchange_t0(&mut self, octets: &[u8]) -> Answer {
        let waiting = std::mem::take(&mut self.session.waiting);
        let is_2g = octets.first() == Some(&0xA0) && self.personality.speaks_2g();
        let mode = *self.session.is_2g.get_or_insert(is_2g);
        match (is_2g, mode) {
            (true, true) => self.answer_2g(octets, waiting),
            // The first command has decided, and a SIM knows nothing else.
            (false, true) => Answer::status(StatusWord::UNKNOWN_CLA),
            (true, false) if self.personality.speaks_3g() => Answer::status(StatusWord::UNKNOWN_CLA),
            (true, false) => {
                self.session.is_2g = Some(true);
                self.answer_2g(octets, waiting)
            }
            (false, false) if !self.personality.speaks_3g() => Answer::status(StatusWord::UNKNOWN_CLA),
            (false, false) => self.answer_t0(octets, waiting).unwrap_or_else(Answer::status),
        }
    }

    fn answer_t0(&mut self, octets: &[u8], waiting: Vec<u8>) -> Result<Answer, StatusWord> {
        let with_p3;
        let octets = match octets {
            [cla, ins, p1, p2] if self.quirks.header == Header::FourOctets => {
                with_p3 = [*cla, *ins, *p1, *p2, 0x00];
                &with_p3
            }
            other => other,
        };
        // P3 is part of every T=0 header; without it there is nothing that a card could do.
        let [cla, ins, p1, p2, p3, rest @ ..] = octets else { return Err(StatusWord::WRONG_LENGTH) };
        let direction = self.accept(*cla, *ins, *p2)?;
        let lc = usize::from(*p3);
        let le = if lc == 0 { 256 } else { lc };
        if *ins != command::MANAGE_CHANNEL {
            self.check_block(direction, le)?;
        }
        let (data, expected) = match direction {
            Direction::Out if rest.is_empty() => (&[][..], Some(Expected::Exactly(le))),
            Direction::Out => return Err(StatusWord::WRONG_LENGTH),
            Direction::In => {
                let data = rest.get(..lc).ok_or(StatusWord::WRONG_LENGTH)?;
                // Some programs leave Le behind the data; a reader would not pass it on.
                if rest.len() > lc + usize::from(lc > 0) {
                    return Err(StatusWord::WRONG_LENGTH);
                }
                (data, Some(Expected::Any))
            }
        };
        if *ins == GET_RESPONSE {
            return self.get_response((*p1, *p2), le, waiting);
        }
        let command = Command { ins: *ins, p1: *p1, p2: *p2, data, expected };
        let mut answer = self.perform(&command)?;
        if direction == Direction::In && !answer.data.is_empty() && self.quirks.fetched != Fetched::Never {
            if answer.sw == StatusWord::OK {
                answer.sw = more(answer.data.len());
            }
            self.session.waiting = std::mem::take(&mut answer.data);
        }
        Ok(answer)
    }

    /// Refuses an answer of 256 octets on a card, or behind a reader, that cannot count so far.
    fn check_block(&self, direction: Direction, le: usize) -> Result<(), StatusWord> {
        let too_long = direction == Direction::Out && le > 255 && self.quirks.block == Block::UpTo255;
        if too_long { Err(StatusWord::WRONG_LENGTH) } else { Ok(()) }
    }

    /// Hands out what waits. Too long a request is corrected by 6Cxx and leaves it waiting; too short a one is answered
    /// in part.
    pub(super) fn get_response(
        &mut self,
        parameters: (u8, u8),
        le: usize,
        waiting: Vec<u8>,
    ) -> Result<Answer, StatusWord> {
        if waiting.is_empty() {
            return Err(StatusWord::CONDITIONS);
        }
        if parameters != (0, 0) {
            return Err(StatusWord::WRONG_PARAMETERS);
        }
        if le > waiting.len() {
            let sw = wrong_le(waiting.len());
            self.session.waiting = waiting;
            return Err(sw);
        }
        let mut data = waiting;
        self.session.waiting = data.split_off(le);
        let left = self.session.waiting.len();
        Ok(if left == 0 { Answer::data(data) } else { Answer { data, sw: more(left) } })
    }

    pub(super) fn exchange_t1(&mut self, octets: &[u8]) -> Answer {
        self.answer_t1(octets).unwrap_or_else(Answer::status)
    }

    fn answer_t1(&mut self, octets: &[u8]) -> Result<Answer, StatusWord> {
        let apdu = CommandApdu::decode(octets).map_err(|_| StatusWord::WRONG_LENGTH)?;
        let direction = self.accept(apdu.cla(), apdu.ins(), apdu.p2())?;
        let waiting = std::mem::take(&mut self.session.waiting);
        if apdu.ins() == GET_RESPONSE {
            if self.quirks.fetched != Fetched::Always {
                return Err(StatusWord::UNKNOWN_INS);
            }
            let le = apdu.le().map_or(256, |le| if le == 0 { 256 } else { usize::from(le) });
            return self.get_response((apdu.p1(), apdu.p2()), le.min(waiting.len()), waiting);
        }
        // MANAGE CHANNEL alone comes with an answer or without.
        let needs_le = apdu.ins() != command::MANAGE_CHANNEL;
        if direction == Direction::Out && (!apdu.data().is_empty() || (needs_le && apdu.le().is_none())) {
            return Err(StatusWord::WRONG_LENGTH);
        }
        let expected = apdu.le().map(|le| match le {
            0 => Expected::Any,
            n => Expected::Exactly(usize::from(n)),
        });
        if let Some(Expected::Any) = expected.filter(|_| needs_le) {
            self.check_block(direction, 256)?;
        }
        let (ins, p1, p2) = (apdu.ins(), apdu.p1(), apdu.p2());
        let mut answer = self.perform(&Command { ins, p1, p2, data: apdu.data(), expected })?;
        if direction == Direction::In {
            match expected {
                None => answer.data.clear(),
                Some(Expected::Exactly(n)) if n < answer.data.len() => {
                    return Err(wrong_le(answer.data.len()));
                }
                Some(_) => {}
            }
            if self.quirks.fetched == Fetched::Always && !answer.data.is_empty() {
                if answer.sw == StatusWord::OK {
                    answer.sw = more(answer.data.len());
                }
                self.session.waiting = std::mem::take(&mut answer.data);
            }
        }
        Ok(answer)
    }
}

/// 61xx: so many octets wait; 256 and more is 00.
fn more(waiting: usize) -> StatusWord {
    StatusWord(u16::from_be_bytes([0x61, u8::try_from(waiting).unwrap_or(0)]))
}
