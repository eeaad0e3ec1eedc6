//! The card commands as somebody at a provisioning station meets them: over a real PC/SC service, on virtual cards that are
//! plugged in and pulled.

use std::{
    path::{Path, PathBuf},
    process::Output,
};

use serde_json::Value;

use crate::peers::pcscd::Pcscd;

const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/consumer-phone.toml");
const IMEI: &str = "490154203237518";
const IMSI: &str = "262011234567890";
const ICCID: &str = "89490200001234567892";
/// ADM1 of the virtual cards, and PIN1: marked, so that they would be seen in any output.
const ADM: &str = "MARKED-A";
const WRONG: &str = "MARKED-K";

/// A station with one reader, a store of its own and key files.
struct Station {
    pcscd: Pcscd,
}

struct Ran {
    exit: i32,
    out: String,
    err: String,
}

impl Ran {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}{}", self.out, self.err))
    }
}

impl Station {
    fn new() -> Self {
        let pcscd = Pcscd::start(1);
        std::fs::write(pcscd.folder().join("adm"), format!("{ADM}\n")).unwrap();
        std::fs::write(pcscd.folder().join("wrong"), format!("{WRONG}\n")).unwrap();
        Self { pcscd }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.pcscd.folder().join(name)
    }

    fn insert(&self, kind: &str) -> crate::peers::Process {
        self.pcscd.insert(0, &["--kind", kind, "--iccid", ICCID, "--adm", ADM, "--bootstrap-size", "4096"])
    }

    /// A prepared SIM, and a policy that allows its key once: it does not tell the counter.
    fn insert_sim(&self) -> crate::peers::Process {
        let policy = "[[card.key-policy]]\niccid = \"8949020\"\nallow = \"once\"\n";
        std::fs::write(self.file("sim.toml"), policy).unwrap();
        self.pcscd.insert(0, &["--kind", "prepared", "--personality", "sim", "--iccid", ICCID, "--adm", ADM])
    }

    /// Runs bootgate. Whatever it says, no key is in it.
    fn run(&self, args: &[&str]) -> Ran {
        let mut command = self.pcscd.client(Path::new(env!("CARGO_BIN_EXE_bootgate")));
        command.args(args).env("BOOTGATE_STORE_PATH", self.file("store.db")).env_remove("BOOTGATE_CONFIG");
        let Output { status, stdout, stderr } = command.env("CARD_PIN", "1234").output().unwrap();
        let text = |octets| String::from_utf8(octets).unwrap();
        let ran = Ran { exit: status.code().unwrap(), out: text(stdout), err: text(stderr) };
        for secret in [ADM, WRONG, IMSI] {
            assert!(
                !ran.out.contains(secret) && !ran.err.contains(secret),
                "{secret} in {}{}",
                ran.out,
                ran.err
            );
        }
        ran
    }

    /// A card action on the one reader, with `-vv`, so that logs are searched for keys too.
    fn card(&self, action: &str, args: &[&str]) -> Ran {
        let all: Vec<&str> =
            ["-vv", "card", action, "-r", "bay 0 00 00"].iter().chain(args).copied().collect();
        self.run(&all)
    }

    fn write(&self, kind: &str, args: &[&str]) -> Ran {
        let all = ["--profile", PROFILE, "--as", kind, "--imei", IMEI, "--imsi", IMSI, "--format", "json"];
        let all: Vec<&str> = all.iter().chain(args).copied().collect();
        self.card("write", &all)
    }

    fn inspect(&self) -> Value {
        let ran = self.card("inspect", &["--format", "json"]);
        assert_eq!(ran.exit, 0, "{}", ran.err);
        ran.json()
    }
}

fn warnings(inspected: &Value) -> Vec<&str> {
    inspected["warnings"].as_array().unwrap().iter().map(|w| w.as_str().unwrap()).collect()
}

#[test]
fn a_sim_is_read_written_and_read_back() {
    let station = Station::new();
    let _card = station.insert_sim();
    let (adm, config) = (format!("@{}", station.file("adm").display()), station.file("sim.toml"));
    let write = [
        "card",
        "write",
        "-r",
        "bay 0 00 00",
        "--profile",
        PROFILE,
        "--as",
        "cp",
        "--imei",
        IMEI,
        "--adm",
        &adm,
        "--yes",
    ];
    let refused = station.run(&write);
    assert_eq!(refused.exit, 77, "{}{}", refused.out, refused.err);
    assert!(refused.err.contains("cannot be asked"), "{}", refused.err);
    // Somebody attests it of another card, which is no leave for this one.
    let other = station.run(&[&write[..], &["--allow-once", "89490200001234567900"]].concat());
    assert_eq!(other.exit, 77, "{}{}", other.out, other.err);
    let allowed = [&["--config", config.to_str().unwrap()][..], &write].concat();
    let written = station.run(&allowed);
    assert_eq!(written.exit, 0, "{}{}", written.out, written.err);
    let seen = station.run(&["card", "inspect", "-r", "bay 0 00 00", "--format", "json"]).json();
    assert_eq!(seen["iccid"], ICCID);
    assert_eq!(seen["mode"], "2G");
    assert_eq!(seen["pkcs15"]["directory"], "3F00/7F50");
    assert!(seen["files"][0]["used"].as_u64().unwrap() > 100, "{seen}");
}

#[test]
fn a_key_is_presented_once_to_a_card_that_somebody_attests() {
    let station = Station::new();
    let _card = station.insert_sim();
    let attested = ["--adm", "@adm", "--yes", "--allow-once", ICCID];
    let written = station.write("cp", &attested);
    assert_eq!(written.exit, 0, "{}{}", written.out, written.err);
    // Once is once, whoever attests it again: the next one is for a person who clears the card.
    let again = station.card("erase", &attested);
    assert!(again.exit == 77 && again.err.contains("clear-refusal"), "{}", again.err);
    assert_eq!(station.run(&["card", "clear-refusal", "--iccid", ICCID]).exit, 0);
    let erased = station.card("erase", &attested);
    assert_eq!(erased.exit, 0, "{}", erased.err);
}

#[test]
fn a_bare_card_becomes_a_bootstrap_card_and_empty_again() {
    let station = Station::new();
    let _card = station.insert("bare");
    let list = station.run(&["card", "list"]);
    assert!(list.out.contains("bay 0 00 00  card, ATR 3B"), "{}", list.out);
    assert_eq!(station.inspect()["pkcs15"], Value::Null);

    // A plan changes nothing and says what would be made.
    let plan = station.card("plan", &["--profile", PROFILE, "--as", "cp", "--imei", IMEI, "--imsi", IMSI]);
    assert_eq!(plan.exit, 0, "{}", plan.err);
    for part in
        ["create    3F00/7F50  DF(PKCS#15)", "3F00/7F50/6431", "EF(DIR), record 2", "Key needed: 0A (ADM1)."]
    {
        assert!(plan.out.contains(part), "{part} in {}", plan.out);
    }
    assert_eq!(station.inspect()["pkcs15"], Value::Null);

    // Without consent nothing happens, and no job is made.
    let unasked = station.write("cp", &["--adm", "@adm"]);
    assert_eq!(unasked.exit, 2, "{}", unasked.err);
    assert!(unasked.err.contains("--yes"));
    let dry = station.write("cp", &["--adm", "@adm", "--dry-run", "--yes"]);
    assert_eq!((dry.exit, station.inspect()["pkcs15"].clone()), (0, Value::Null), "{}", dry.err);
    let none = station.run(&["job", "list"]);
    assert!(none.exit == 1 && none.err.contains("there is no database"), "{}", none.err);

    let written = station.write("cp", &["--adm", "@adm", "--yes"]);
    assert_eq!(written.exit, 0, "{}", written.err);
    let written = written.json();
    assert_eq!((&written["state"], &written["outcome"]["result"]), (&"delivered".into(), &"written".into()));
    let job = station.run(&["job", "show", written["job"].as_str().unwrap()]);
    assert!(job.out.contains("delivered") && job.out.contains(ICCID), "{}", job.out);

    let seen = station.inspect();
    assert_eq!((&seen["iccid"], &seen["pkcs15"]["found_by"]), (&ICCID.into(), &"EF(DIR)".into()));
    let file = &seen["files"][0];
    assert_eq!(
        (&file["kind"], &file["has_secrets"], &file["shape"]),
        (&"cp".into(), &true.into(), &"oidDO".into())
    );
    assert_eq!(file["used"], written["payload_octets"]);
    let lines = file["lines"].to_string();
    assert!(lines.contains("acme.dm") && lines.contains("***"), "{lines}");
    assert!(warnings(&seen).iter().any(|w| w.contains("without a PIN")), "{seen}");

    // The octets, in a file that only its owner reads, and in words.
    let read = station.card("read", &["--as", "cp", "-o", "boot.wbxml"]);
    assert_eq!(read.exit, 0, "{}", read.err);
    let octets = std::fs::read(station.file("boot.wbxml")).unwrap();
    assert_eq!(Value::from(octets.len()), written["payload_octets"]);
    assert_eq!((octets[0], octets[octets.len() - 1]), (0x03, 0x01));
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(station.file("boot.wbxml")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    let hex: String = octets.iter().map(|o| format!("{o:02X}")).collect();
    assert_eq!(station.card("read", &["--hex"]).out.trim(), hex);
    assert!(station.card("read", &[]).out.contains("APPLICATION"));
    assert_eq!(station.card("read", &["--as", "dm"]).exit, 1);

    // The other kind beside it, then both erased.
    let dm = station.write("dm", &["--adm", "@adm", "--yes"]);
    assert_eq!(dm.exit, 0, "{}", dm.err);
    assert_eq!(station.inspect()["files"].as_array().unwrap().len(), 2);
    assert_eq!(station.card("erase", &["--adm", "@adm"]).exit, 2);
    let erased = station.card("erase", &["--adm", "@adm", "--yes"]);
    assert_eq!(erased.exit, 0, "{}", erased.err);
    assert!(erased.out.contains("ok: erased and read back"), "{}", erased.out);
    let seen = station.inspect();
    assert!(seen["files"].as_array().unwrap().iter().all(|f| f["used"] == 0), "{seen}");
    assert_eq!(warnings(&seen), Vec::<&str>::new());
}

/// The message in each of its forms goes on the card, and a phone takes what is then read from there.
#[test]
fn a_message_in_every_form_is_written_and_taken() {
    let station = Station::new();
    // As XML within the message it needs most room.
    let size = ["--kind", "prepared", "--iccid", ICCID, "--adm", ADM, "--bootstrap-size", "16384"];
    let _card = station.pcscd.insert(0, &size);
    let shipped = std::fs::read_to_string(PROFILE).unwrap();
    for encoding in ["plain", "tnds-opaque", "tnds-inline", "tnds-xml"] {
        let path = station.file("profile.toml");
        std::fs::write(&path, format!("{shipped}\n[dm]\nencoding = \"{encoding}\"\n")).unwrap();
        let profile = ["--profile", path.to_str().unwrap(), "--as", "dm", "--imei", IMEI, "--imsi", IMSI];
        let written = station.card("write", &[&profile[..], &["--adm", "@adm", "--yes"]].concat());
        assert_eq!(written.exit, 0, "{encoding}: {}", written.err);
        let read = station.file(&format!("{encoding}.wbxml"));
        let read = read.to_str().unwrap();
        assert_eq!(station.card("read", &["--as", "dm", "--output", read]).exit, 0, "{encoding}");
        let taken = station.run(&["decode", "--simulate", read]);
        assert_eq!(taken.exit, 0, "{encoding}: {}{}", taken.out, taken.err);
        assert!(
            taken.out.contains("accepted: ") && taken.out.contains("ServerID = acme.dm"),
            "{encoding}: {}",
            taken.out
        );
    }
}

#[test]
fn keys_are_spent_with_care() {
    let station = Station::new();
    let _card = station.insert("prepared");
    let missing = station.write("cp", &["--yes"]);
    assert_eq!(missing.exit, 77, "{}", missing.err);
    assert!(missing.err.contains("0A (ADM1)"), "{}", missing.err);

    let wrong = station.write("cp", &["--adm", "@wrong", "--yes"]);
    assert_eq!(wrong.exit, 77, "{}", wrong.err);
    assert!(wrong.err.contains("63C2"), "{}", wrong.err);
    // A program is told as well: which card, what became of it, and why.
    let told = wrong.json();
    assert_eq!(
        (&told["ok"], &told["state"], &told["iccid"]),
        (&false.into(), &"failed".into(), &ICCID.into())
    );
    assert!(told["exit"] == 77 && told["job"].is_string(), "{told}");
    assert!(told["reason"].as_str().unwrap().contains("63C2"), "{told}");
    // The right one is not tried any more: a person must look first.
    let right = station.write("cp", &["--adm", "@adm", "--yes"]);
    assert_eq!(right.exit, 77);
    assert!(right.err.contains("clear-refusal") && right.err.contains(ICCID), "{}", right.err);
    let cleared = station.run(&["card", "clear-refusal", "--iccid", ICCID]);
    assert!(cleared.out.contains("key 0A, was: refused"), "{}", cleared.out);
    assert_eq!(station.write("cp", &["--adm", "@adm", "--yes"]).exit, 0);
    let cleared = station.run(&["card", "clear-refusal", "-r", "bay 0 00 00", "--format", "json"]).json();
    assert_eq!((&cleared["card"], &cleared["keys"][0]["was"]), (&ICCID.into(), &"accepted".into()));
    // Every job that did not get there says why.
    let jobs = station.run(&["job", "list", "--format", "json"]).json();
    let states: Vec<_> = jobs["jobs"].as_array().unwrap().iter().map(|j| j["state"].clone()).collect();
    assert_eq!(states, ["delivered", "failed", "failed", "failed"]);
    assert!(!station.run(&["job", "list"]).out.contains(IMSI));
}

#[test]
fn a_card_behind_its_pin_needs_it() {
    let station = Station::new();
    let _card = station.insert("pin");
    let read = station.card("read", &[]);
    assert_eq!(read.exit, 77, "{}", read.err);
    assert_eq!(station.write("dm", &["--adm", "@adm", "--yes"]).exit, 77);
    let written = station.write("dm", &["--adm", "@adm", "--pin", "env:CARD_PIN", "--yes"]);
    assert_eq!(written.exit, 0, "{}", written.err);
    let seen = station.card("inspect", &["--pin", "env:CARD_PIN", "--format", "json"]).json();
    let dm = seen["files"].as_array().unwrap().iter().find(|f| f["oid"] == "2.23.43.7.1").unwrap();
    assert_eq!((&dm["kind"], &dm["read_access"]), (&"dm".into(), &"01 (PIN1)".into()));
    assert!(dm["has_secrets"] == true && !warnings(&seen).iter().any(|w| w.contains("without a PIN")));
}

#[test]
fn what_is_not_there_and_what_is_not_allowed() {
    let station = Station::new();
    let empty = station.card("inspect", &[]);
    assert_eq!(empty.exit, 69);
    assert!(empty.err.contains("no card; put one in"), "{}", empty.err);
    let unknown = station.run(&["card", "inspect", "-r", "bay 7"]);
    assert_eq!(unknown.exit, 69);
    assert!(unknown.err.contains("bay 0 00 00"), "{}", unknown.err);
    let ambiguous = station.run(&["card", "inspect", "-r", "bay 0"]);
    assert!(ambiguous.exit == 2 && ambiguous.err.contains("more than one"), "{}", ambiguous.err);

    let card = station.insert("closed");
    let closed = station.write("cp", &["--adm", "@adm", "--yes"]);
    assert_eq!(closed.exit, 77, "{}", closed.err);
    assert!(closed.err.contains("nothing was sent"), "{}", closed.err);
    let other = station.write("cp", &["--adm", "@adm", "--yes", "--iccid", "8988211000000430010"]);
    assert!(other.exit != 0 && other.err.contains(ICCID), "{}", other.err);
    let literal = station.write("cp", &["--adm", WRONG.to_lowercase().as_str(), "--yes"]);
    assert_eq!(literal.exit, 2, "a key never stands on the command line");
    assert_eq!(station.card("erase", &["--yes"]).exit, 1, "there is nothing to erase");
    drop(card);

    // No service at all.
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_bootgate"));
    command.args(["card", "list"]).env("PCSCLITE_CSOCK_NAME", station.file("no-such-socket"));
    let out = command.output().unwrap();
    assert_eq!(out.status.code(), Some(69));
    assert!(String::from_utf8_lossy(&out.stderr).contains("pcscd"));
}

#[test]
fn a_file_too_small_says_both_sizes() {
    let station = Station::new();
    let _card = station.pcscd.insert(0, &["--kind", "prepared", "--adm", ADM, "--bootstrap-size", "100"]);
    let small = station.write("cp", &["--adm", "@adm", "--yes"]);
    assert_eq!(small.exit, 1, "{}", small.err);
    assert!(small.err.contains("room for 100 octets") && small.err.contains("are needed"), "{}", small.err);
}
