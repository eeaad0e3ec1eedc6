//! `INI`: TERMINAL PROFILE, then every proactive command is fetched and answered (3GPP TS 51.013, B.2).
//!
//! The annex does not say what the answers are (remembered: "performed successfully", from terminal to card). Class A0 is the
//! annex's own; a script that speaks class 00 gets 80.

use crate::{
    card::Mode,
    ident::counted,
    wire::{
        apdu::{CommandApdu, StatusClass, StatusWord},
        script::{At, Expr, Manner, Position, ProblemKind, Script, Statement},
        tlv,
    },
};

use super::{
    Entry, ScriptError,
    run::{Run, problem},
};

/// The most proactive commands in a row.
const MAX_COMMANDS: u32 = 100;
/// POLL INTERVAL, whose answer repeats the duration (TS 102 223, section 6.8).
const POLL_INTERVAL: u8 = 0x03;

/// The class of a script's first command.
pub(super) fn first_class(script: &Script) -> Option<Mode> {
    script.statements.iter().find_map(|statement| match &statement.value {
        Statement::Command(command) => match command.octets.first().map(|item| &item.value) {
            Some(Expr::Octets(octets)) => {
                let cla = *octets.first()?;
                Some(if cla & 0xF0 == 0xA0 { Mode::TwoG } else { Mode::ThreeG })
            }
            _ => None,
        },
        _ => None,
    })
}

impl Run<'_, '_> {
    pub(super) fn initialise(&mut self, at: Position, profile: &[At<Expr>]) -> Result<(), ScriptError> {
        let profile = self.octets(profile, at)?;
        let got = profile.len();
        let cla = match (self.class.or(self.first_class), self.home) {
            (Some(Mode::ThreeG), Mode::ThreeG) => 0x80,
            _ => 0xA0,
        };
        let command = CommandApdu::new(cla, 0x10, 0x00, 0x00)
            .with_data(profile.expose())
            .map_err(|_| problem(at, ProblemKind::ProfileLength { got }))?;
        let mut sw = self.exchange(at, Manner::Raw, &command, None)?.sw;
        let mut answered = 0;
        while let StatusClass::OkFetch(length) = sw.class() {
            if answered == MAX_COMMANDS {
                return Err(ScriptError::Proactive { at, limit: MAX_COMMANDS });
            }
            answered += 1;
            let fetch = CommandApdu::new(cla, 0x12, 0x00, 0x00).with_le(length);
            let fetched = self.exchange(at, Manner::Raw, &fetch, None)?;
            if !fetched.sw.is_ok() {
                sw = fetched.sw;
                break;
            }
            let response = CommandApdu::new(cla, 0x14, 0x00, 0x00).with_data(&answer(&fetched.data));
            let Ok(response) = response else { break };
            sw = self.exchange(at, Manner::Raw, &response, None)?.sw;
        }
        self.no_answer();
        let note = match (answered, sw.sw1()) {
            (_, 0x6D..=0x6F) => "the card has no toolkit".to_owned(),
            (n, _) => format!("{} answered", counted(n, "proactive command")),
        };
        let mut entry = Entry::new(at.line, "INI").noting(note);
        entry.sent = Some(profile);
        entry.sw = Some(sw);
        self.tell(entry);
        if sw == StatusWord::OK || matches!(sw.sw1(), 0x6D..=0x6F) {
            return Ok(());
        }
        Err(ScriptError::Unexpected { at, expected: "(90 00)".into(), seen: sw.to_string() })
    }
}

/// TERMINAL RESPONSE: the command's own details, from terminal to card, done.
fn answer(command: &[u8]) -> Vec<u8> {
    let parsed = tlv::parse_padded(command).ok();
    let proactive = parsed.and_then(|outer| outer.objects.first()?.children().ok()).unwrap_or_default();
    let object = |tag: u16| proactive.iter().find(|o| o.tag & 0x7F == tag).map(|o| o.value);
    let details = object(0x01).unwrap_or(&[0x01, 0x00, 0x00]);
    let mut out = Vec::new();
    tlv::write(0x81, details, &mut out);
    tlv::write(0x82, &[0x82, 0x81], &mut out);
    tlv::write(0x83, &[0x00], &mut out);
    if let (Some(&POLL_INTERVAL), Some(duration)) = (details.get(1), object(0x04)) {
        tlv::write(0x84, duration, &mut out);
    }
    out
}
