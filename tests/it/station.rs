//! The station over a real PC/SC service: it says which card came, what waits for it and what that would change, and writes only
//! when somebody agrees.

use std::{
    io::{Read as _, Write as _},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::{
    batch_torn,
    peers::{pcscd::Pcscd, program, wait_for},
};

const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/consumer-phone.toml");
const ICCID: &str = "89490200001234567892";
const KEY: &str = "MARKED-A";

/// A station that was started, and what it says into a file.
struct Station {
    child: Child,
    says: std::path::PathBuf,
}

impl Station {
    fn start(pcscd: &Pcscd, args: &[&str]) -> Self {
        let says = pcscd.folder().join("says");
        let out = std::fs::File::create(&says).unwrap();
        let mut command = pcscd.client(std::path::Path::new(env!("CARGO_BIN_EXE_bootgate")));
        command.args(["card", "watch", "-r", &Pcscd::reader(0), "--format", "json"]).args(args);
        let child = command.env("ADM", KEY).stdin(Stdio::piped()).stdout(out).stderr(Stdio::piped()).spawn();
        Self { child: child.unwrap(), says }
    }

    fn says(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.says).unwrap();
        assert!(!text.contains(KEY), "{text}");
        // The last line may be half there.
        text.split_inclusive('\n')
            .filter_map(|line| serde_json::from_str(line.strip_suffix('\n')?).ok())
            .collect()
    }

    /// Waits until it says this, and gives it back.
    fn hears(&self, event: &str) -> Value {
        let mut found = None;
        wait_for(event, || {
            found = self.says().into_iter().find(|line| line["event"] == event);
            found.is_some()
        });
        found.unwrap()
    }

    fn answers(&mut self, line: &str) {
        self.child.stdin.as_mut().unwrap().write_all(line.as_bytes()).unwrap();
    }

    /// Waits for its end; its exit status, and what it said on the side.
    fn ends(mut self) -> (Option<i32>, String) {
        let status = self.child.wait().unwrap();
        let mut notes = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut notes).unwrap();
        (status.code(), notes)
    }
}

fn insert(pcscd: &Pcscd) -> crate::peers::Process {
    pcscd.insert(0, &["--kind", "prepared", "--iccid", ICCID, "--adm", KEY, "--bootstrap-size", "4096"])
}

#[test]
fn a_station_says_which_cards_come_until_ctrl_c() {
    let pcscd = Pcscd::start(1);
    let station = Station::start(&pcscd, &[]);
    let card = insert(&pcscd);
    let seen = station.hears("card");
    assert_eq!((seen["iccid"].as_str(), seen["kind"].as_str()), (Some(ICCID), Some("UICC")));
    assert_eq!((&seen["waiting"], seen["bay"].as_str()), (&Value::Null, Some(Pcscd::reader(0).as_str())));
    pcscd.pull(0, card);
    station.hears("out");
    let id = station.child.id().to_string();
    assert!(Command::new(program("kill", "procps")).args(["-INT", &id]).status().unwrap().success());
    let events: Vec<_> = station.says().iter().map(|line| line["event"].clone()).collect();
    assert_eq!(events, ["card", "out"]);
    assert_eq!(station.ends().0, Some(0));
}

#[test]
fn a_station_writes_when_somebody_agrees() {
    let pcscd = Pcscd::start(1);
    let table = format!("iccid,imei,adm1\n{ICCID},490154203237518,{KEY}\n");
    std::fs::write(pcscd.folder().join("cards.csv"), table).unwrap();
    let offer = ["--profile", PROFILE, "--as", "cp", "--table", "cards.csv", "--once"];
    let apply = [&offer[..], &["--apply"]].concat();
    let _card = insert(&pcscd);
    let jobs = || {
        let list = pcscd.bootgate(&["job", "list", "--format", "json"]);
        serde_json::from_slice::<Value>(&list.stdout).unwrap()["jobs"].as_array().unwrap().len()
    };

    // Only what would be.
    let station = Station::start(&pcscd, &offer);
    assert_eq!(station.hears("card")["waiting"]["line"], 2);
    assert!(station.hears("plan")["steps"].as_array().is_some_and(|steps| !steps.is_empty()));
    assert_eq!((station.ends().0, jobs()), (Some(0), 0));

    // Somebody says no.
    let mut station = Station::start(&pcscd, &apply);
    station.hears("plan");
    station.answers("n\n");
    assert!(station.hears("failed")["reason"].as_str().unwrap().contains("not approved"));
    let (status, asked) = station.ends();
    assert_eq!(status, Some(1));
    assert!(asked.contains("write this to the card?"), "{asked}");

    // Somebody says yes.
    let mut station = Station::start(&pcscd, &apply);
    station.hears("plan");
    station.answers("y\n");
    let written = station.hears("written");
    assert_eq!(written["state"], "delivered");
    assert!(written["octets"].as_u64() > Some(100) && written["sha256"].as_str().unwrap().len() == 64);
    assert_eq!(station.ends().0, Some(0));

    // It is done.
    let station = Station::start(&pcscd, &apply);
    let seen = station.hears("card");
    assert!(seen["nothing_because"].as_str().unwrap().contains("already"), "{seen}");
    assert_eq!(seen["files"].as_array().unwrap().len(), 1);
    assert_eq!((station.ends().0, jobs()), (Some(0), 2));
}

/// The table of a station is checked as that of a batch is: against itself, and against what was done before.
#[test]
fn the_table_of_a_station_is_checked_before_the_first_card() {
    const OTHER: &str = "89490200001234567900";
    const IMSI: &str = "262011234567890";
    let pcscd = Pcscd::start(1);
    let table = |rows: &str| std::fs::write(pcscd.folder().join("cards.csv"), rows).unwrap();
    let offer = ["--profile", PROFILE, "--as", "cp", "--table", "cards.csv", "--once"];
    let refused = |more: &[&str]| {
        let reader = Pcscd::reader(0);
        let args = [&["card", "watch", "-r", &reader], &offer[..], more].concat();
        let ran = pcscd.bootgate(&args);
        let said = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(78), "{said}");
        assert!(said.contains("cards.csv has errors") || said.contains("cards.csv: its rows"), "{said}");
        said
    };

    // Against itself: the same card, subscriber and key twice.
    let row = |iccid: &str, imei: &str, imsi: &str| format!("{iccid},{imei},{imsi},{KEY}\n");
    let (first, second) = (row(ICCID, "490154203237518", IMSI), row(OTHER, "490154203237526", IMSI));
    table(&format!("iccid,imei,imsi,adm1\n{first}{first}"));
    let said = refused(&[]);
    assert!(
        said.contains("cards.csv:3: error: iccid: ") && said.contains("cards.csv:3: error: imsi: "),
        "{said}"
    );
    assert!(said.contains("line 2") && !said.contains(IMSI), "{said}");
    // Rows of no card in particular are for batches.
    table(&format!("imei,adm1\n490154203237518,{KEY}\n"));
    assert!(refused(&[]).contains("batch run"));

    // Against what was done: the card has it, and its subscriber is not given to another card.
    let card = insert(&pcscd);
    table(&format!("iccid,imei,imsi,adm1\n{first}"));
    let station = Station::start(&pcscd, &[&offer[..], &["--apply", "--yes"]].concat());
    let job = station.hears("written")["job"].as_str().unwrap().to_owned();
    assert_eq!(station.ends().0, Some(0));
    let station = Station::start(&pcscd, &offer);
    assert!(station.hears("card")["nothing_because"].as_str().unwrap().contains(&job));
    let (status, notes) = station.ends();
    assert!(status == Some(0) && notes.contains(&job), "{notes}");
    table(&format!("iccid,imei,imsi,adm1\n{second}"));
    let said = refused(&[]);
    assert!(
        said.contains("cards.csv:2: error: imsi: ") && said.contains(&job) && said.contains(ICCID),
        "{said}"
    );
    pcscd.pull(0, card);
    let _other = pcscd.insert(0, &["--kind", "prepared", "--iccid", OTHER, "--adm", KEY]);
    let station = Station::start(&pcscd, &[&offer[..], &["--reissue"]].concat());
    assert_eq!(station.hears("card")["waiting"]["line"], 2);
    let (status, notes) = station.ends();
    assert!(status == Some(0) && notes.contains(ICCID), "{notes}");
}

/// The tries that PIN1 has left. Nothing is presented for that.
fn pin_tries(pcscd: &Pcscd) -> Value {
    let args = ["change-pin", "-r", &Pcscd::reader(0), "--pin", "@pin", "--new-pin", "@pin", "--dry-run"];
    let told = pcscd.bootgate(&[&["card"], &args[..], &["--format", "json"]].concat());
    serde_json::from_slice::<Value>(&told.stdout).unwrap_or_else(|_| panic!("{told:?}"))["tries_left"].take()
}

#[test]
fn no_pin_goes_before_somebody_agrees() {
    let pcscd = Pcscd::start(1);
    for (name, text) in [("pin", "1234"), ("wrong", "0000")] {
        std::fs::write(pcscd.folder().join(name), text).unwrap();
    }
    let offer = [
        "--profile",
        PROFILE,
        "--as",
        "cp",
        "--imei",
        "490154203237518",
        "--adm",
        "env:ADM",
        "--once",
        "--pin",
    ];
    let card = ["--kind", "pin", "--iccid", ICCID, "--adm", KEY, "--bootstrap-size", "4096"];
    let _card = pcscd.insert(0, &card);

    // Nobody is asked where nothing is written: what is behind the PIN stays unknown.
    let station = Station::start(&pcscd, &[&offer[..], &["@wrong"]].concat());
    let told = station.hears("failed");
    assert!(told["reason"].as_str().unwrap().contains("PIN"), "{told}");
    assert_eq!((station.ends().0, pin_tries(&pcscd)), (Some(77), 3.into()));

    // Somebody is asked, and says no.
    let mut station = Station::start(&pcscd, &[&offer[..], &["@wrong", "--apply"]].concat());
    station.answers("n\n");
    station.hears("failed");
    let (status, asked) = station.ends();
    assert!(status == Some(1) && asked.contains("without PIN 01 (PIN1); present it?"), "{status:?} {asked}");
    assert!(!asked.contains("write this"), "{asked}");
    assert_eq!(pin_tries(&pcscd), 3);

    // Somebody agrees to the PIN, and then to what it shows.
    let mut station = Station::start(&pcscd, &[&offer[..], &["@pin", "--apply"]].concat());
    station.answers("y\n");
    station.hears("plan");
    station.answers("y\n");
    assert_eq!(station.hears("written")["state"], "delivered");
    assert_eq!((station.ends().0, pin_tries(&pcscd)), (Some(0), 3.into()));
}

/// Also where somebody agrees to each plan: the next card may be of the same wrong lot.
#[test]
fn the_first_refused_key_ends_a_station_unless_it_is_to_go_on() {
    const OTHER: &str = "89490200001234567900";
    let pcscd = Pcscd::start(1);
    let rows = [(ICCID, "490154203237518", "MARKED-B"), (OTHER, "356938035643809", KEY)];
    let rows = rows.map(|(iccid, imei, key)| format!("{iccid},{imei},{key}\n"));
    std::fs::write(pcscd.folder().join("cards.csv"), format!("iccid,imei,adm1\n{}", rows.concat())).unwrap();
    let offer = ["--profile", PROFILE, "--as", "cp", "--table", "cards.csv", "--apply"];

    let card = insert(&pcscd);
    let mut station = Station::start(&pcscd, &offer);
    station.hears("plan");
    station.answers("y\n");
    assert!(station.hears("failed")["reason"].as_str().unwrap().contains("refused key 0A"));
    let (status, notes) = station.ends();
    assert!(status == Some(77) && notes.contains("ends the station (--go-on"), "{status:?} {notes}");
    pcscd.pull(0, card);

    // It was refused before, and goes to the card no more; the next card gets its own.
    let station = Station::start(&pcscd, &[&offer[..], &["--yes", "--go-on"]].concat());
    let card = insert(&pcscd);
    assert!(station.hears("failed")["reason"].as_str().unwrap().contains("clear-refusal"));
    pcscd.pull(0, card);
    let good = ["--kind", "prepared", "--iccid", OTHER, "--adm", KEY, "--bootstrap-size", "4096"];
    let _card = pcscd.insert(0, &good);
    assert_eq!(station.hears("written")["state"], "delivered");
    let id = station.child.id().to_string();
    assert!(Command::new(program("kill", "procps")).args(["-INT", &id]).status().unwrap().success());
    assert_eq!(station.ends().0, Some(0));
}

/// A card that was pulled in the middle of an UPDATE says so when it comes again, and is whole afterwards.
#[test]
fn a_torn_card_is_settled_at_the_station() {
    let pcscd = batch_torn::station(1, &[]);
    let offer =
        ["--profile", PROFILE, "--as", "cp", "--imei", "490154203237518", "--adm", "env:ADM", "--once"];
    let apply = [&offer[..], &["--apply", "--yes"]].concat();
    let torn = batch_torn::insert(&pcscd, &["--fault", "pull-in-update=2"]);
    let station = Station::start(&pcscd, &apply);
    let failed = station.hears("failed");
    assert!(failed["reason"].as_str().unwrap().contains("what is on the card is not known"), "{failed}");
    assert_eq!(station.ends().0, Some(1));
    pcscd.pull(0, torn);
    assert_eq!((batch_torn::pending(&pcscd), batch_torn::content(&pcscd)[0]), (1, 0xFF));

    // Only looked at, it stays as it is.
    let _card = batch_torn::insert(&pcscd, &[]);
    let station = Station::start(&pcscd, &offer);
    let seen = station.hears("card");
    assert_eq!(
        (seen["interrupted"]["steps"].as_u64(), seen["interrupted"]["card"].as_str()),
        (Some(2), Some(ICCID))
    );
    assert_eq!((station.ends().0, batch_torn::pending(&pcscd)), (Some(0), 1));

    let station = Station::start(&pcscd, &apply);
    let written = station.hears("written");
    assert_eq!(written["state"], "delivered");
    assert_eq!((station.ends().0, batch_torn::pending(&pcscd)), (Some(0), 0));
    let octets = usize::try_from(written["octets"].as_u64().unwrap()).unwrap();
    let file = batch_torn::content(&pcscd);
    assert!(file[..octets].last() == Some(&0x01) && file[octets..].iter().all(|octet| *octet == 0xFF));
}
