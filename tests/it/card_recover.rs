//! Writes that are cut off at a real PC/SC reader: the card is pulled in the middle of an UPDATE, the program is killed
//! (SIGKILL) while it waits for an answer. Another process finds what was begun, and takes it back or goes on.

mod actions;
mod cuts;

use std::path::{Path, PathBuf};

use bootgate::{
    lab::image::{Body, CardImage},
    wire::Fid,
};
use serde_json::Value;

use crate::peers::{Process, pcscd::Pcscd, wait_for};

const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/consumer-phone.toml");
const ICCID: &str = "89490200001234567892";
const ADM: &str = "MARKED-A";

struct Station {
    pcscd: Pcscd,
}

impl Station {
    /// A station with a card that holds nothing yet.
    fn new(kind: &str) -> Self {
        let station = Self { pcscd: Pcscd::start(1) };
        std::fs::write(station.file("adm"), format!("{ADM}\n")).unwrap();
        let new = ["lab", "card", "--new", "card.json", "--kind", kind, "--iccid", ICCID, "--adm", ADM];
        assert!(station.pcscd.bootgate(&new).status.success());
        station
    }

    fn file(&self, name: &str) -> PathBuf {
        self.pcscd.folder().join(name)
    }

    fn image(&self) -> CardImage {
        // It is replaced as a whole.
        CardImage::load(&self.file("card.json")).unwrap()
    }

    fn content(&self) -> Vec<u8> {
        match self.image().mf.find(&[Fid::PKCS15, Fid(0x6431)]).map(|file| file.body.clone()) {
            Some(Body::Transparent(octets)) => octets,
            _ => Vec::new(),
        }
    }

    fn insert(&self, fault: Option<&str>) -> Process {
        let fault = fault.map(|fault| vec!["--fault", fault]).unwrap_or_default();
        self.pcscd.insert(0, &[&["--image", "card.json", "--save"], &fault[..]].concat())
    }

    fn card(&self, action: &str, args: &[&str]) -> (i32, String, String) {
        let all = [&["card", action, "-r", "bay 0 00 00"], args].concat();
        let ran = self.pcscd.bootgate(&all);
        let (out, err) = (String::from_utf8(ran.stdout).unwrap(), String::from_utf8(ran.stderr).unwrap());
        assert!(!out.contains(ADM) && !err.contains(ADM), "{out}{err}");
        (ran.status.code().unwrap(), out, err)
    }

    fn write(&self) -> (i32, String, String) {
        self.card("write", &WRITE)
    }

    fn recover(&self, args: &[&str]) -> (i32, String, String) {
        self.card("recover", &[&["--adm", "@adm"], args].concat())
    }

    fn pending(&self) -> usize {
        let ran = self.pcscd.bootgate(&["card", "recover", "--list", "--format", "json"]);
        let list: Value = serde_json::from_slice(&ran.stdout).unwrap();
        list["cards"].as_array().unwrap().len()
    }
}

const WRITE: [&str; 8] =
    ["--profile", PROFILE, "--as", "cp", "--imei", "490154203237518", "--adm=@adm", "--yes"];

/// Writes until the program is killed while the card does not answer to its `n`-th UPDATE.
fn killed_in_update(station: &Station, n: usize) {
    let mute = station.insert(Some(&format!("mute-in-update={n}")));
    let mut command = station.pcscd.client(Path::new(env!("CARGO_BIN_EXE_bootgate")));
    command.args(["card", "write", "-r", "bay 0 00 00"]).args(WRITE);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut write = Process::start("card write", &mut command);
    // Each UPDATE but the last carries as much as fits.
    wait_for("the UPDATE", || {
        let last = station.content().iter().rposition(|octet| *octet != 0xFF);
        last.is_some_and(|last| last > 255 * (n - 1))
    });
    write.must_live();
    write.kill();
    station.pcscd.pull(0, mute);
}

#[test]
fn a_killed_program_leaves_what_another_takes_back_or_ends() {
    let station = Station::new("prepared");
    let clean = station.image();
    for (n, way) in [(2, "--roll-back"), (3, "--resume")] {
        killed_in_update(&station, n);
        assert!(station.content().iter().any(|octet| *octet != 0xFF), "something was written");
        assert_eq!(station.content().first(), Some(&0xFF), "and nothing leads to it");
        let card = station.insert(None);

        let (exit, out, err) = station.card("inspect", &[]);
        assert_eq!(exit, 0, "{err}");
        assert!(out.contains("steps to this card was interrupted (it began 20"), "{out}");
        let (exit, out, err) = station.recover(&[]);
        assert_eq!(exit, 2, "{out}{err}");
        assert!(out.contains("torn       3F00/7F50/6431") && err.contains("--roll-back"), "{out}{err}");
        let (exit, out, err) = station.recover(&[way, "--dry-run", "--format", "json"]);
        assert_eq!(exit, 0, "{err}");
        let report: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(report["pending"]["keys"], serde_json::json!(["0A"]));
        assert_eq!(report["recovered"], Value::Null);
        assert_eq!(station.card("recover", &[way, "--yes"]).0, 77, "without the key");
        let (exit, out, err) = station.recover(&[way, "--yes"]);
        assert_eq!(exit, 0, "{out}{err}");
        assert_eq!(station.pending(), 0);
        match way {
            "--roll-back" => assert!(station.image() == clean, "the card is as it was, to the octet"),
            _ => {
                let (exit, out, _) = station.card("inspect", &[]);
                assert!(exit == 0 && out.contains("client provisioning document"), "{out}");
                assert!(!out.contains("interrupted"), "{out}");
            }
        }
        let (exit, out, _) = station.recover(&[]);
        assert!(exit == 0 && out.contains("no write to card"), "{out}");
        station.pcscd.pull(0, card);
    }
}

#[test]
fn the_next_write_takes_back_what_was_cut_off() {
    let station = Station::new("bare");
    let clean = station.image();
    for n in 1..=3 {
        let card = station.insert(Some(&format!("pull-in-update={n}")));
        let (exit, out, err) = station.write();
        assert_eq!(exit, 1, "{out}{err}");
        assert_eq!(station.pending(), 1);
        station.pcscd.pull(0, card);
    }
    let _card = station.insert(None);
    let (exit, out, err) = station.write();
    assert_eq!(exit, 0, "{out}{err}");
    assert!(err.contains("the card holds what it held before the interrupted write"), "{err}");
    assert_eq!(station.pending(), 0);
    assert!(station.content().len() > 900);
    // Nothing of the attempts is left: the tree is that of one write.
    assert_eq!(station.image().mf.find(&[Fid::PKCS15]).unwrap().files().len(), 4);
    assert!(station.image() != clean);
}
