//! The scripts of the table: shipped ones, and small ones for what these do not do.

#![cfg(test)]

use std::fmt::Write as _;

use super::{kind::Scripted, target::Target, *};
use crate::{
    bootstrap::PayloadKind,
    card::script::{CardBackup, MemoryBackup, Report, Setup, run, shipped},
    lab::image::{Personality, SAMPLE_PIN, SAMPLE_PUK},
    wire::{
        fcp::LifeCycle,
        script::{Checked, Need, check},
    },
};

/// The value that `CHG` and `UNB` give to PIN1.
const NEW_PIN: &str = "71727374";
/// Octets of an UPDATE in the script of commands: a document takes some of them.
const BLOCK: usize = 120;

/// A script that is ready to run.
pub(super) struct Work {
    checked: Checked,
    keys: Vec<Key>,
    restore: Option<CardBackup>,
}

impl Work {
    pub(super) fn new(what: Scripted, target: Target, payload: PayloadKind, octets: &[u8]) -> Self {
        let pin = || Key::pin(KeyRef::PIN1, &SAMPLE_PIN.parse().unwrap()).unwrap();
        let puk = || Key::puk(KeyRef::PIN1, &SAMPLE_PUK.parse().unwrap()).unwrap();
        let put = |declared, statement| small(target, payload, octets, declared, ("", statement));
        let new = ("NEW", NEW_PIN);
        let (text, values, second) = match what {
            Scripted::Put => (put("", ""), vec![], None),
            Scripted::Commands => (commands(target, payload, octets), vec![], None),
            Scripted::Restore => (text_of("restore"), vec![], None),
            Scripted::Erase => (text_of("erase"), vec![], None),
            Scripted::Lock => (text_of("lock-for-shipping"), vec![], None),
            Scripted::Tree => (text_of("create-bootstrap-tree"), vec![], None),
            Scripted::Change => {
                let text = put("VAR NEW secret digits\nKEY 01 PIN\n", "CHG 01 ${NEW}\n");
                (text, vec![("PIN", SAMPLE_PIN), new], Some(pin()))
            }
            Scripted::ChangeFirst => {
                let declared = "VAR NEW secret digits\nKEY 01 PIN\n";
                let text = small(target, payload, octets, declared, ("CHG 01 ${NEW}\n", ""));
                (text, vec![("PIN", SAMPLE_PIN), new], Some(pin()))
            }
            Scripted::Unblock => {
                let text = put("VAR NEW secret digits\nPUK 01 PUK\n", "UNB 01 ${NEW}\n");
                (text, vec![("PUK", SAMPLE_PUK), new], Some(puk()))
            }
            Scripted::Enable => (put("KEY 01 PIN\n", "ENA 01\n"), vec![("PIN", SAMPLE_PIN)], Some(pin())),
            Scripted::Disable => (put("KEY 01 PIN\n", "DIS 01\n"), vec![("PIN", SAMPLE_PIN)], Some(pin())),
            Scripted::Refused => (refused(payload, octets), vec![], None),
        };
        let mut given = files_for(what, target, payload);
        given.extend(values.iter().map(|(name, value)| (*name, (*value).to_owned())));
        given.push(("ADM", "12345678".to_owned()));
        let keys = [adm()].into_iter().chain(second).collect();
        Self { checked: sound(&text, given), keys, restore: None }
    }

    /// What `RES` is to put back: what the shipped script keeps of a card now.
    #[must_use]
    pub(super) fn with_backup_of(mut self, card: &CardHandle, target: Target, payload: PayloadKind) -> Self {
        let checked = sound(&text_of("back-up"), files_for(Scripted::Restore, target, payload));
        let (keys, policy, mut backup) = (MemoryKeyJournal::new(), policy(), MemoryBackup::default());
        let setup = Setup {
            name: "back-up",
            writes: None,
            keys: Vec::new(),
            guard: KeyGuard::new(&keys, &policy),
            backup: Some(&mut backup),
            restore: None,
            observe: &mut |_| {},
        };
        let mut reader = InProcess::insert(card, bay());
        let report = run(target.session(&mut reader), &checked, setup);
        assert!(report.stopped.is_none() && report.saved == 3, "{:?}", report.stopped);
        self.restore = Some(backup.0);
        self
    }

    pub(super) fn keys(&self) -> Vec<Key> {
        self.keys.clone()
    }

    pub(super) fn run(
        &self,
        session: Session<'_>,
        guard: KeyGuard<'_>,
        writes: &MemoryWriteJournal,
    ) -> Report {
        let setup = Setup {
            name: "test",
            writes: Some(writes),
            keys: self.keys.clone(),
            guard,
            backup: None,
            restore: self.restore.as_ref(),
            observe: &mut |_| {},
        };
        run(session, &self.checked, setup)
    }
}

/// Makes a prepared card one that the script has something to do on.
pub(super) fn prepare(what: Scripted, card: &CardHandle, target: Target, payload: PayloadKind) -> CardHandle {
    let mut image = card.image();
    let pin = image.key_mut(KeyRef::PIN1).unwrap();
    match what {
        Scripted::Change | Scripted::ChangeFirst | Scripted::Disable => pin.enabled = true,
        Scripted::Unblock => (pin.enabled, pin.tries) = (true, 0),
        Scripted::Lock => {
            let (home, content): (_, Fid) = (directory(target), content(payload).parse().unwrap());
            for fid in [Fid::ODF, Fid::DODF, content] {
                change(&mut image, &[home, fid], |file| file.life_cycle = LifeCycle::DEACTIVATED);
            }
        }
        _ => {}
    }
    from(image)
}

fn directory(target: Target) -> Fid {
    if target.personality == Personality::Token { Fid::PKCS15_GENERIC } else { Fid::PKCS15 }
}

/// The PKCS#15 directory as scripts name it.
fn home(target: Target) -> &'static str {
    if target.is_named_by_aid() { "A000000063504B43532D3135" } else { "3F00/7F50" }
}

fn content(payload: PayloadKind) -> &'static str {
    if payload == PayloadKind::Cp { "6431" } else { "6432" }
}

/// A script that comes with this program.
fn text_of(name: &str) -> String {
    shipped(name).unwrap().text.to_owned()
}

/// The files of a card, for the variables of a script that comes with this program.
fn files_for(what: Scripted, target: Target, payload: PayloadKind) -> Vec<(&'static str, String)> {
    let home = match what {
        // Its commands select by path, so files are named from the MF.
        Scripted::Lock => format!("3F00/{}", directory(target)),
        _ => home(target).to_owned(),
    };
    let (odf, dodf) = (("ODF", format!("{home}/5031")), ("DODF", format!("{home}/6430")));
    let file = ("FILE", format!("{home}/{}", content(payload)));
    match what {
        Scripted::Erase => vec![file],
        Scripted::Restore | Scripted::Lock => vec![odf, dodf, file],
        _ => vec![],
    }
}

fn sound(text: &str, given: Vec<(&str, String)>) -> Checked {
    let given = given.into_iter().map(|(name, value)| (name.to_owned(), value.into()));
    let checked = check(text.as_bytes(), &given.collect(), Need::Everything);
    assert!(checked.is_sound(), "{:?} in\n{text}", checked.problems);
    checked
}

/// A script that puts octets into the file of a prepared card, and does something to a key before that or behind it.
fn small(
    target: Target,
    payload: PayloadKind,
    octets: &[u8],
    declared: &str,
    (before, behind): (&str, &str),
) -> String {
    let home = home(target);
    let effect = if before.is_empty() && behind.is_empty() { "" } else { "EFF keys 01\n" };
    format!(
        "REM bootgate 1\nREM Puts a bootstrap into a file.\nVAR FILE path {home}/{}\nKEY 0A ADM\n{declared}{effect}\
         EFF updates ${{FILE}} by 0A\nRST\nVER 0A\n{before}PUT ${{FILE}} {}\n{behind}OFF\n",
        content(payload),
        lines(octets)
    )
}

/// A script that puts octets into a file, and expects that the card refuses what could not be taken back.
fn refused(payload: PayloadKind, octets: &[u8]) -> String {
    let file = content(payload);
    let enter = "APD 00 A4 00 0C 02 3F 00 (90 00)\nAPD 00 A4 00 0C 02 7F 50 (90 00)\n";
    let delete = "APD 00 E4 00 00 02 6F FF (6A 82)\n";
    format!(
        "REM bootgate 1\nREM Is refused.\nKEY 0A ADM\nEFF updates 3F00/7F50/{file} by 0A\nEFF creates 3F00/7F50/{file} by 0A\n\
         EFF destroys 3F00/7F50/6FFF by 0A\nRST\nVER 0A\n{enter}{delete}PUT 3F00/7F50/{file} {}\n{enter}\
         APD 00 E0 00 00 lv(tlv(62, 82 02 41 21 83 02 {file} 8A 01 05 8B 03 2F 06 02 80 02 00 20 88 00)) (6A 89)\n{delete}OFF\n",
        lines(octets)
    )
}

/// A script that puts octets into the file by commands: the first octet FF, the rest, the first octet. Where there are such, it
/// writes a record and creates a file too.
fn commands(target: Target, payload: PayloadKind, octets: &[u8]) -> String {
    let (by_aid, has_class_a0) = (target.is_named_by_aid(), target.personality.speaks_2g());
    let home = home(target);
    let file = content(payload);
    let mut text = format!(
        "REM bootgate 1\nREM Writes a bootstrap by commands.\nKEY 0A ADM\nEFF updates {home}/{file} 3F00/2F00 by 0A\n\
         EFF creates {home}/6440 by 0A\nRST\nVER 0A\n"
    );
    let on_channel = target.channel == ChannelChoice::Logical;
    if on_channel {
        text += "CMD 00 70 00 00 01 [01] (90 00)\n";
    }
    let class = match (has_class_a0, on_channel) {
        (true, _) => "A0",
        (false, true) => "01",
        (false, false) => "00",
    };
    let (select, selected) = match (has_class_a0, by_aid) {
        (true, _) => ("CMD A0 A4 00 00 02 7F 50 (9F XX)".to_owned(), "(9F XX)"),
        (false, false) => (format!("CMD {class} A4 00 0C 02 7F 50 (90 00)"), "(90 00)"),
        (false, true) => {
            (format!("CMD {class} A4 04 0C 0C A0 00 00 00 63 50 4B 43 53 2D 31 35 (90 00)"), "(90 00)")
        }
    };
    let p2 = if has_class_a0 { "00" } else { "0C" };
    let _ = writeln!(text, "{select}\nCMD {class} A4 00 {p2} 02 {file} {selected}");
    let mut put = |at: usize, octets: &[u8]| {
        let (place, length, octets) = (format!("{at:04X}"), octets.len(), lines(octets));
        let _ = writeln!(text, "CMD {class} D6 {place} {length:02X} {octets}(90 00)");
        let _ = writeln!(text, "CMD {class} B0 {place} {length:02X} [{octets}] (90 00)");
    };
    put(0, &[0xFF]);
    octets[1..].chunks(BLOCK).enumerate().for_each(|(n, block)| put(1 + n * BLOCK, block));
    put(0, &octets[..1]);
    if !has_class_a0 {
        let record = "61 07 4F 05 A0 00 00 00 01";
        let _ = writeln!(
            text,
            "CMD {class} A4 00 0C 02 3F 00 (90 00)\nCMD {class} A4 00 0C 02 2F 00 (90 00)\n\
             CMD {class} DC 04 04 30 pad({record}, 48) (90 00)\nCMD {class} B2 04 04 30 [{record}] (90 00)"
        );
    }
    if target.personality == Personality::Uicc {
        let _ = writeln!(
            text,
            "CMD {class} A4 00 0C 02 3F 00 (90 00)\n{select}\n\
             CMD {class} E0 00 00 lv(tlv(62, 82 02 41 21 83 02 64 40 8A 01 05 8B 03 2F 06 02 80 02 00 20 88 00)) (90 00)"
        );
    }
    if on_channel {
        text += "CMD 00 70 80 01 00 (90 00)\n";
    }
    text + "OFF\n"
}

/// Octets as a script has them, 16 in a line.
fn lines(octets: &[u8]) -> String {
    let line = |octets: &[u8]| octets.iter().map(|octet| format!("{octet:02X} ")).collect::<String>();
    octets.chunks(16).map(line).collect::<Vec<_>>().join("\\\n ")
}
