//! Class A0: what a SIM, an R-UIM and a UICC in 2G mode answer (3GPP TS 51.011, sections 8 and 9). Files, keys and rules
//! are those of the card; only commands, answers and status words differ. T=0 alone.

use super::{
    VirtualCard,
    command::{self, Answer, Command, Expected},
    files::{NodeId, octets},
    quirks::Fetched,
};
use crate::{
    lab::image::{Body, RecordShape},
    wire::{
        Encode, Fid,
        apdu::StatusWord,
        arr::{KeyRef, Operation, SecurityCondition},
        gsm::{ChvStatus, DirectoryKind, DirectoryStatus, EfStatus, SelectResponse, Structure},
    },
};

/// CHV2 of a SIM; a UICC has its PIN2 as 81.
const CHV2: [KeyRef; 2] = [KeyRef(0x02), KeyRef::PIN2];

impl VirtualCard {
    pub(super) fn answer_2g(&mut self, octets: &[u8], waiting: Vec<u8>) -> Answer {
        let takes_key = octets.get(1).is_some_and(|ins| command::takes_key(*ins));
        let mut answer = self.carry_out_2g(octets, waiting).unwrap_or_else(Answer::status);
        answer.sw = in_2g(answer.sw, takes_key);
        answer
    }

    fn carry_out_2g(&mut self, octets: &[u8], waiting: Vec<u8>) -> Result<Answer, StatusWord> {
        let [_, ins, p1, p2, p3, data @ ..] = octets else { return Err(StatusWord::WRONG_LENGTH) };
        let (ins, p1, p2) = (*ins, *p1, *p2);
        let length = usize::from(*p3);
        let expected = Expected::Exactly(if length == 0 { 256 } else { length });
        let outgoing = matches!(
            ins,
            command::STATUS | command::READ_BINARY | command::READ_RECORD | command::GET_RESPONSE
        );
        if data.len() != if outgoing { 0 } else { length } {
            return Err(StatusWord::WRONG_LENGTH);
        }
        let command = Command { ins, p1, p2, data, expected: Some(expected) };
        match ins {
            command::GET_RESPONSE => {
                let Expected::Exactly(le) = expected else { return Err(StatusWord::WRONG_LENGTH) };
                self.get_response((p1, p2), le, waiting)
            }
            command::SELECT => {
                let fid = Fid::from_octets(data).ok_or(StatusWord::WRONG_LENGTH)?;
                if (p1, p2) != (0, 0) || fid == Fid::CURRENT_APPLICATION {
                    return Err(StatusWord::WRONG_PARAMETERS);
                }
                let found = self.locate(0x00, data)?;
                self.enter(found);
                let response = self.response_2g(found);
                if self.quirks.fetched == Fetched::Never {
                    return Ok(Answer::data(response));
                }
                self.session.waiting = response;
                let length = u8::try_from(self.session.waiting.len()).unwrap_or(0);
                Ok(Answer::status(StatusWord(u16::from_be_bytes([0x9F, length]))))
            }
            command::STATUS => {
                let response = self.response_2g(self.session.here.directory);
                command.whole(response.len())?;
                Ok(Answer::data(response))
            }
            // Offsets have no short file identifier in class A0.
            command::READ_BINARY if p1 & 0x80 == 0 => self.read_binary(&command),
            command::UPDATE_BINARY if p1 & 0x80 == 0 => self.update_binary(&command),
            command::READ_RECORD if p2 <= 0x04 => self.read_record(&command),
            command::UPDATE_RECORD if p2 <= 0x04 => self.update_record(&command),
            // There is no empty VERIFY: it wants its eight octets. Nor is there an empty UNBLOCK.
            command::VERIFY if data.is_empty() => Err(StatusWord(0x6708)),
            command::UNBLOCK_PIN if data.is_empty() => Err(StatusWord(0x6710)),
            command::VERIFY => self.verify(&self.of_card(command)),
            command::CHANGE_PIN => self.change_pin(&self.of_card(command)),
            // Only CHV1 goes on and off.
            command::DISABLE_PIN | command::ENABLE_PIN if p2 == KeyRef::PIN1.0 => self.switch_pin(&command),
            // CHV1 is 00 here and 01 everywhere else.
            command::UNBLOCK_PIN if p2 == 0x00 => {
                self.unblock_pin(&Command { p2: KeyRef::PIN1.0, ..command })
            }
            command::UNBLOCK_PIN if p2 == CHV2[0].0 => self.unblock_pin(&self.of_card(command)),
            command::DEACTIVATE if data.is_empty() => self.deactivate(&command),
            command::ACTIVATE if data.is_empty() => self.activate(&command),
            command::TERMINAL_PROFILE => Ok(Answer::done()),
            command::READ_BINARY
            | command::UPDATE_BINARY
            | command::READ_RECORD
            | command::UPDATE_RECORD
            | command::DISABLE_PIN
            | command::ENABLE_PIN
            | command::UNBLOCK_PIN => Err(StatusWord::WRONG_PARAMETERS),
            _ => Err(StatusWord::UNKNOWN_INS),
        }
    }

    /// A command about CHV2, on a card that keeps it under another number.
    fn of_card<'a>(&self, command: Command<'a>) -> Command<'a> {
        match self.keys.iter().find(|key| CHV2.contains(&key.key)) {
            Some(key) if command.p2 == CHV2[0].0 => Command { p2: key.key.0, ..command },
            _ => command,
        }
    }

    fn response_2g(&self, id: NodeId) -> Vec<u8> {
        let file = self.files.file(id);
        if matches!(file.body, Body::Directory { .. }) {
            let chv = |keys: &[KeyRef]| {
                let key = self.keys.iter().find(|k| keys.contains(&k.key));
                ChvStatus(key.map_or(0, |key| 0x80 | (key.tries & 0x0F)))
            };
            let unblock = |keys: &[KeyRef]| {
                let puk = self.keys.iter().find(|k| keys.contains(&k.key)).and_then(|key| key.puk.as_ref());
                ChvStatus(puk.map_or(0, |puk| 0x80 | (puk.tries & 0x0F)))
            };
            let children = self.files.children(id);
            let count =
                |wanted: bool| children.iter().filter(|c| self.files.is_directory(**c) == wanted).count();
            let off = self.key(KeyRef::PIN1).is_some_and(|pin| !pin.enabled);
            return SelectResponse::Directory(DirectoryStatus {
                free_memory: u16::try_from(self.files.free(id)).unwrap_or(u16::MAX),
                fid: file.fid,
                kind: if id == self.files.mf() { DirectoryKind::Mf } else { DirectoryKind::Df },
                characteristics: 0x01 | if off { 0x80 } else { 0 },
                child_dfs: u8::try_from(count(true)).unwrap_or(u8::MAX),
                child_efs: u8::try_from(count(false)).unwrap_or(u8::MAX),
                codes: u8::try_from(self.keys.len() + 2).unwrap_or(u8::MAX),
                chv1: chv(&[KeyRef::PIN1]),
                unblock1: unblock(&[KeyRef::PIN1]),
                chv2: chv(&CHV2),
                unblock2: unblock(&CHV2),
                rest: Vec::new(),
            })
            .to_octets();
        }
        let level = |operation| self.level(id, operation);
        SelectResponse::Ef(EfStatus {
            size: u16::try_from(octets(&file.body)).unwrap_or(u16::MAX),
            fid: file.fid,
            access: [
                level(Operation::Read) << 4 | level(Operation::Update),
                0xFF,
                level(Operation::Activate) << 4 | level(Operation::Deactivate),
            ],
            status: u8::from(file.life_cycle.is_activated()),
            structure: match &file.body {
                Body::Records { shape: RecordShape::LinearFixed, length, .. } => {
                    Structure::LinearFixed(*length)
                }
                Body::Records { shape: RecordShape::Cyclic, length, .. } => Structure::Cyclic(*length),
                Body::Transparent(_) | Body::Objects { .. } | Body::Directory { .. } => {
                    Structure::Transparent
                }
            },
            rest: Vec::new(),
        })
        .to_octets()
    }

    /// Half an octet of access conditions. Levels 4 to E are the keys of the same number.
    fn level(&self, file: NodeId, operation: Operation) -> u8 {
        match self.rules(file).and_then(|rules| rules.condition(operation).cloned()) {
            Some(SecurityCondition::Always) => 0x0,
            Some(SecurityCondition::Key { key: KeyRef::PIN1, .. }) => 0x1,
            Some(SecurityCondition::Key { key, .. }) if CHV2.contains(&key) => 0x2,
            Some(SecurityCondition::Key { key: KeyRef(n @ 0x04..=0x0E), .. }) => n,
            _ => 0xF,
        }
    }
}

/// The status word of class A0 that says the same (card sheet, section 5.5).
fn in_2g(sw: StatusWord, takes_key: bool) -> StatusWord {
    StatusWord(match (sw.0, sw.0.to_be_bytes()) {
        (_, [0x61, n]) => u16::from_be_bytes([0x9F, n]),
        (_, [0x6C, n]) => u16::from_be_bytes([0x67, n]),
        (0x63C0 | 0x6983, _) => 0x9840,
        (_, [0x63, n]) if n & 0xF0 == 0xC0 => 0x9804,
        (0x6982 | 0x6900, _) => 0x9804,
        (0x6984 | 0x6985, _) if takes_key => 0x9808,
        (0x6984, _) => 0x9810,
        (0x6A88, _) if takes_key => 0x9802,
        (0x6A82 | 0x6A88, _) => 0x9404,
        (0x6986, _) => 0x9400,
        (0x6981, _) => 0x9408,
        (0x6A83 | 0x6B00, _) => 0x9402,
        (0x6A86 | 0x6A87, _) => 0x6B00,
        (0x6985, _) => 0x6F00,
        (other, _) => other,
    })
}
