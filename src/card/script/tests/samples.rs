//! Plain Annex B scripts.

#![cfg(test)]

use super::*;
use crate::{
    card::TransportError,
    ident::ReaderName,
    lab::image::FileImage,
    wire::{script::tests::SAMPLES, vectors::hex},
};

/// A SIM with PIN1 switched on and EF(LOCI) in its MF, where E3 looks for it.
fn sim() -> CardHandle {
    let mut image = sample(Personality::Sim, SampleKind::Pin).image();
    let rules = image.mf.find(&[Fid::PKCS15, Fid::ODF]).unwrap().security.clone();
    let mut loci = FileImage::new(Fid(0x6F7E), Body::Transparent(vec![0xFF; 11]));
    loci.security = rules;
    if let Body::Directory { files, .. } = &mut image.mf.body {
        files.push(loci);
    }
    from(image)
}

#[test]
fn samples_run_on_a_sim() {
    let report = done(run_on(&sim(), SAMPLES[0], With::default()));
    assert_eq!(report.entries.len(), 6, "RST, four commands, OFF");
    let number = report.entries[4].data.as_ref().unwrap().to_string();
    assert_eq!(number, "98 88 12 01 00 00 40 03 10 F0");

    // The second key is wrong, and the script says so: one try is spent, and no more on any later run.
    let (card, journal) = (sim(), MemoryKeyJournal::new());
    let again = || With { journal: Some(&journal), ..With::default() };
    let report = done(run_on(&card, SAMPLES[1], again()));
    assert_eq!(tries(&card, KeyRef::PIN1), 2);
    let text = shown(&report);
    assert!(text.contains("A0 20 00 01 08 ***") && !text.contains("31 32 33 34"), "{text}");
    let report = run_on(&card, SAMPLES[1], again());
    assert!(matches!(report.stopped, Some(ScriptError::Key { .. })), "{}", shown(&report));
    assert_eq!(tries(&card, KeyRef::PIN1), 2);
}

#[test]
fn a_sample_that_writes_runs_where_the_card_lets_it() {
    // Without a key the card refuses the UPDATE, and the script stops there.
    let card = sim();
    let mut backup = MemoryBackup::default();
    let report = run_on(&card, SAMPLES[2], With { backup: Some(&mut backup), ..With::default() });
    let text = shown(&report);
    assert!(text.contains("4:1: the card answered 9804") && text.contains("expected  (90 00)"), "{text}");
    assert_eq!((at_rest(&card, &[Fid(0x6F7E)]), report.changes), (vec![0xFF; 11], 0));

    // With the key of the card before it, it writes; and what it changed was kept.
    let verified = SAMPLES[2].replace("RST\n", "RST\nCMD A0 20 00 0A 08 31 32 33 34 35 36 37 38 (90 00)\n");
    let policy = [crate::card::CardRange::Iccid("8988211".into())];
    let policy = KeyPolicy::new(2, policy.to_vec());
    let journal = MemoryKeyJournal::new();
    let checked = checked(&verified, &[], Need::Everything);
    let mut reader = InProcess::insert(&card, "bay 0".parse().unwrap());
    let setup = Setup {
        name: "test",
        writes: None,
        keys: Vec::new(),
        guard: KeyGuard::new(&journal, &policy),
        backup: Some(&mut backup),
        restore: None,
        observe: &mut |_| {},
    };
    let report = done(run(Session::new(&mut reader), &checked, setup));
    assert_eq!(at_rest(&card, &[Fid(0x6F7E)])[4..9], [0x00, 0xF1, 0x10, 0x00, 0x01]);
    assert_eq!((report.changes, report.saved), (1, 1));
    let saved = backup.0.of(&"3F00/6F7E".parse().unwrap()).next().unwrap();
    assert_eq!(saved.kept, Kept::Octets { at: 0, octets: vec![0xFF; 11] });
}

/// A card with a toolkit, as E4 expects one.
struct Toolkit {
    reader: ReaderName,
    profile: Vec<u8>,
    responses: Vec<Vec<u8>>,
    waiting: u8,
}

impl CardTransport for Toolkit {
    fn reader(&self) -> &ReaderName {
        &self.reader
    }

    fn atr(&self) -> &[u8] {
        &[0x3B, 0x00]
    }

    fn protocol(&self) -> Protocol {
        Protocol::T0
    }

    fn exchange(&mut self, apdu: &[u8]) -> Result<Vec<u8>, TransportError> {
        Ok(match apdu {
            [0xA0, 0x10, 0, 0, n, profile @ ..] => {
                assert_eq!(usize::from(*n), profile.len());
                self.profile = profile.to_vec();
                self.waiting = 2;
                vec![0x91, 0x0F]
            }
            // POLL INTERVAL of 30 seconds, twice.
            [0xA0, 0x12, 0, 0, 0x0F] => hex("D00D810301030082028182840201 1E9000".replace(' ', "").as_str()),
            [0xA0, 0x12, 0, 0, 0x10] => {
                hex("D00E810301210182028102 8D030448699000".replace(' ', "").as_str())
            }
            [0xA0, 0x14, 0, 0, _, response @ ..] => {
                self.responses.push(response.to_vec());
                self.waiting = self.waiting.saturating_sub(1);
                if self.waiting > 0 { vec![0x91, 0x0F] } else { vec![0x90, 0x00] }
            }
            [0xA0, 0xC2, ..] => vec![0x91, 0x10],
            _ => vec![0x6E, 0x00],
        })
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        Ok(())
    }
}

#[test]
fn a_sample_with_a_toolkit_fetches_what_the_card_wants() {
    let reader = "bay 0".parse().unwrap();
    let mut card = Toolkit { reader, profile: Vec::new(), responses: Vec::new(), waiting: 0 };
    done(run_in(&mut card, SAMPLES[3], With::default()));
    assert_eq!(card.profile, hex("FFFFFFFF7F0300"));
    let polled = hex("8103010300820282818301008402011E");
    assert_eq!(card.responses, [polled.clone(), polled, hex("810301218082028281830100")]);
}

#[test]
fn expected_and_seen_stand_side_by_side() {
    let script = "RST\nCMD A0 A4 00 00 02 2F E2 (9F XX)\nCMD A0 B0 00 00 0A [98 88 99 XX XX] (90 00, 91 XX)\nCMD A0 A4 00 00 02 3F 00\n";
    let report = run_on(&sim(), script, With::default());
    let text = shown(&report);
    assert!(text.contains("expected  98 88 99 XX XX (90 00, 91 XX)"), "{text}");
    assert!(text.contains("seen      98 88 12 01 00 00 40 03 10 F0 (90 00)"), "{text}");
    assert!(text.contains("differs   at octet 3"), "{text}");
    assert!(
        text.ends_with("3:1: the card answered data that differ at octet 3, expected other data"),
        "{text}"
    );
    assert_eq!(report.entries.len(), 3, "what comes behind is not sent");
    // More than was expected passes, less does not.
    for (expected, passes) in [("[98 88]", true), ("[]", true), ("[XX XX XX XX XX XX XX XX XX XX]", true)] {
        let script = format!("RST\nCMD A0 A4 00 00 02 2F E2\nCMD A0 B0 00 00 0A {expected} (90 00)");
        assert_eq!(run_on(&sim(), &script, With::default()).stopped.is_none(), passes, "{expected}");
    }
    let short = "RST\nCMD A0 A4 00 00 02 2F E2\nCMD A0 B0 00 00 0B [XX XX XX XX XX XX XX XX XX XX XX]";
    assert!(run_on(&sim(), short, With::default()).stopped.is_some());
}

#[test]
fn a_branch_is_taken_by_the_status_word() {
    let script = |fid: &str| {
        format!(
            "REM bootgate 1\nRST\nCMD A0 A4 00 00 02 {fid}\nSWI\n(9F 0X, 9F 1X) :\nOUT \"found\" ${{SW}}\n94 04 :\nOUT \"none\" ${{SW}}\nESW\n"
        )
    };
    for (fid, label, value) in [("2F E2", "found", "9F 0F"), ("6F 99", "none", "94 04")] {
        let report = done(run_on(&sim(), &script(fid), With::default()));
        assert_eq!(report.outputs, [Output { label: label.into(), value: value.into() }]);
    }
}
