//! `batch run --scan` over a real PC/SC service: nothing is written to a card before the number on its print was scanned, and
//! nothing to one that says another number.

use std::{
    io::Write as _,
    process::{Child, Command, Stdio},
};

use bootgate::{
    lab::image::{Body, CardImage},
    wire::Fid,
};

use crate::{
    batch_over_pcsc::{ADM, CARDS, batch, ended, results, table},
    peers::{Process, pcscd::Pcscd, program, wait_for},
};

/// A batch that asks for the number on each card, and what it says on the side.
struct Scanning {
    pcscd: Pcscd,
    run: Child,
}

impl Scanning {
    fn start() -> Self {
        let pcscd = Pcscd::start(1);
        table(&pcscd, &[ADM, ADM]);
        for (name, iccid) in ["first.json", "second.json"].iter().zip(CARDS) {
            let new = ["lab", "card", "--new", name, "--kind", "prepared", "--iccid", iccid, "--adm", ADM];
            assert!(pcscd.bootgate(&new).status.success());
        }
        let notes = std::fs::File::create(pcscd.folder().join("notes")).unwrap();
        let run = batch(&pcscd, &["--scan", "-r", &Pcscd::reader(0)])
            .stdin(Stdio::piped())
            .stderr(notes)
            .spawn()
            .unwrap();
        Self { pcscd, run }
    }

    /// Puts a card in, and waits until `asked` cards in all were asked for their numbers.
    fn insert(&self, image: &str, asked: usize) -> Process {
        let card = self.pcscd.insert(0, &["--image", image, "--save"]);
        self.hears("bay 0 00 00: scan the number on the card", asked);
        card
    }

    fn hears(&self, what: &str, times: usize) {
        let notes = self.pcscd.folder().join("notes");
        wait_for(what, || std::fs::read_to_string(&notes).unwrap().matches(what).count() == times);
    }

    fn scans(&mut self, line: &str) {
        writeln!(self.run.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    fn image(&self, name: &str) -> CardImage {
        CardImage::load(&self.pcscd.folder().join(name)).unwrap()
    }

    /// Octets of the bootstrap of a card at rest.
    fn written(&self, name: &str) -> usize {
        match &self.image(name).mf.find(&[Fid::PKCS15, Fid(0x6431)]).unwrap().body {
            Body::Transparent(octets) => {
                octets.iter().rposition(|octet| *octet != 0xFF).map_or(0, |at| at + 1)
            }
            _ => panic!("not transparent"),
        }
    }

    fn jobs(&self) -> usize {
        let list = self.pcscd.bootgate(&["job", "list", "--format", "json"]);
        let list: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap();
        list["jobs"].as_array().unwrap().len()
    }
}

/// Nobody scans: nothing can ever be written, so nothing is waited for.
#[test]
fn a_batch_without_a_scanner_ends() {
    let pcscd = Pcscd::start(1);
    table(&pcscd, &[ADM, ADM]);
    let ran = batch(&pcscd, &["--scan", "-r", &Pcscd::reader(0)]).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(ran.status.code() == Some(1) && said.contains("standard input, where --scan takes"), "{said}");
    assert!(results(&pcscd).is_empty());
}

#[test]
fn a_card_is_written_when_its_own_number_was_scanned() {
    let mut batch = Scanning::start();
    let clean = batch.image("first.json");
    let card = batch.insert("first.json", 1);
    // What is no number is passed over, and nothing happens before there is one.
    batch.scans("box 12");
    batch.hears("what was scanned is no card number", 1);
    assert!(batch.image("first.json") == clean && results(&batch.pcscd).is_empty());

    // The number of the other card of the table.
    batch.scans(CARDS[1]);
    ended(&batch.pcscd, 1);
    let told = &results(&batch.pcscd)[0];
    assert_eq!((told["ending"].as_str(), told["bin"].as_str()), (Some("skipped"), Some("bad")));
    assert_eq!(told["iccid"], CARDS[0]);
    assert_eq!(
        told["reason"].as_str().unwrap(),
        format!("{} was scanned, and the card is {}: nothing was written", CARDS[1], CARDS[0])
    );
    batch.pcscd.pull(0, card);
    assert!(batch.image("first.json") == clean, "the card is as it was, its counters included");
    assert_eq!(batch.jobs(), 0);

    // Its own.
    let card = batch.insert("first.json", 2);
    batch.scans(CARDS[0]);
    ended(&batch.pcscd, 2);
    let told = &results(&batch.pcscd)[1];
    assert_eq!((told["ending"].as_str(), told["line"].as_u64()), (Some("done"), Some(2)));
    batch.pcscd.pull(0, card);
    assert_eq!(Some(batch.written("first.json") as u64), told["octets"].as_u64());

    // Some scan first, and put the card in then.
    batch.scans(CARDS[1]);
    let _card = batch.insert("second.json", 3);
    assert_eq!(batch.run.wait().unwrap().code(), Some(0));
    let last = &results(&batch.pcscd)[2];
    assert_eq!((last["ending"].as_str(), last["iccid"].as_str()), (Some("done"), Some(CARDS[1])));
    assert_eq!(Some(batch.written("second.json") as u64), last["octets"].as_u64());
}

/// A card that waits for its number keeps nobody from ending the batch, or from taking it out.
#[test]
fn a_card_that_waits_for_its_number_may_go_and_the_batch_may_end() {
    let mut batch = Scanning::start();
    let clean = batch.image("first.json");
    let card = batch.insert("first.json", 1);
    batch.pcscd.pull(0, card);
    // What is scanned from now on is for the next card.
    let card = batch.insert("second.json", 2);
    batch.scans(CARDS[1]);
    ended(&batch.pcscd, 1);
    assert_eq!(
        (&results(&batch.pcscd)[0]["ending"], batch.image("first.json") == clean),
        (&"done".into(), true)
    );
    batch.pcscd.pull(0, card);

    let _card = batch.insert("first.json", 3);
    let id = batch.run.id().to_string();
    assert!(Command::new(program("kill", "procps")).args(["-INT", &id]).status().unwrap().success());
    assert_eq!(batch.run.wait().unwrap().code(), Some(1), "a row is still to come");
    assert!(batch.image("first.json") == clean && results(&batch.pcscd).len() == 1);
}
