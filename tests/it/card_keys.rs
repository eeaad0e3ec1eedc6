//! Keys of cards that nobody types: from a folder, the environment, a sealed table and a PKCS#11 token (SoftHSM), over a real
//! PC/SC service.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
};

use crate::peers::pcscd::Pcscd;

const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/consumer-phone.toml");
const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const CARDS: [(&str, &str, &str); 4] = [
    ("89490200001234567892", "490154203237518", "MARKED-1"),
    ("89490200001234567900", "490154203237526", "MARKED-2"),
    ("89490200001234567918", "490154203237534", "MARKED-3"),
    ("89490200001234567926", "490154203237542", "MARKED-4"),
];
const TOKEN_PIN: &str = "48151623";

/// A station whose keys are all somewhere else.
struct Station {
    pcscd: Pcscd,
}

impl Station {
    fn new(readers: u16) -> Self {
        let station = Self { pcscd: Pcscd::start(readers) };
        let rows: String = CARDS.iter().map(|(iccid, imei, _)| format!("{iccid},{imei}\n")).collect();
        station.write("cards.csv", &format!("iccid,imei\n{rows}"));
        station
    }

    fn write(&self, name: &str, text: &str) {
        let file = self.pcscd.folder().join(name);
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// A token with the key of one card, made by others.
    fn token(&self) {
        fs::create_dir(self.pcscd.folder().join("tokens")).unwrap();
        self.write("softhsm2.conf", "directories.tokendir = tokens\nobjectstore.backend = file\n");
        self.write("key", CARDS[3].2);
        let pins = format!("--so-pin 12345678 --pin {TOKEN_PIN}");
        self.peer(&format!("softhsm2-util --init-token --free --label Keys {pins}"));
        let label = format!("{}:adm1", CARDS[3].0);
        self.peer(&format!(
            "pkcs11-tool --module {MODULE} --token-label Keys --login --pin {TOKEN_PIN} --write-object key --type data \
             --label {label} --private"
        ));
        fs::remove_file(self.pcscd.folder().join("key")).unwrap();
    }

    fn peer(&self, line: &str) {
        let mut command = Command::new("sh");
        command.args(["-c", line]).current_dir(self.pcscd.folder()).env("SOFTHSM2_CONF", "softhsm2.conf");
        let ran = command.output().unwrap();
        assert!(ran.status.success(), "{line}: {ran:?}");
    }

    fn bootgate(&self, args: &[&str]) -> (Option<i32>, String) {
        let mut command = self.pcscd.client(Path::new(env!("CARGO_BIN_EXE_bootgate")));
        command.args(args).env("SOFTHSM2_CONF", "softhsm2.conf").env_remove("BOOTGATE_CONFIG");
        command.env("BOOTGATE_STORE_PATH", self.pcscd.folder().join("store.db"));
        command.env(format!("KEYS_{}_ADM1", CARDS[1].0), CARDS[1].2).env("TOKEN_PIN", TOKEN_PIN);
        let ran = command.stdin(Stdio::null()).output().unwrap();
        let told = String::from_utf8([ran.stdout, ran.stderr].concat()).unwrap();
        assert!(!told.contains("MARKED") && !told.contains(TOKEN_PIN), "{told}");
        (ran.status.code(), told)
    }
}

#[test]
fn each_card_gets_its_key_from_where_it_is() {
    let station = Station::new(4);
    station.token();
    fs::create_dir(station.pcscd.folder().join("keys")).unwrap();
    station.write(&format!("keys/{}.toml", CARDS[0].0), &format!("adm1 = \"{}\"\n", CARDS[0].2));
    station.write("vendor.csv", &format!("iccid,adm1\n{},{}\n", CARDS[2].0, CARDS[2].2));
    let (status, told) = station.bootgate(&["batch", "seal", "vendor.csv", "-o", "sealed.csv"]);
    assert_eq!(status, Some(0), "{told}");
    fs::remove_file(station.pcscd.folder().join("vendor.csv")).unwrap();
    let sealed = fs::read_to_string(station.pcscd.folder().join("sealed.csv")).unwrap();
    assert!(sealed.contains(&format!("{},sealed:", CARDS[2].0)) && !sealed.contains("MARKED"), "{sealed}");

    let cards: Vec<_> = CARDS
        .iter()
        .zip(0..)
        .map(|((iccid, _, adm), bay)| {
            let size = ["--kind", "prepared", "--bootstrap-size", "4096"];
            station.pcscd.insert(bay, &[&size[..], &["--iccid", *iccid, "--adm", *adm]].concat())
        })
        .collect();
    let token = format!("pkcs11:token=Keys?module-path={MODULE}&pin-source=env:TOKEN_PIN");
    let (status, told) = station.bootgate(
        &[
            &["batch", "run", "cards.csv", "--profile", PROFILE, "--as", "cp", "--yes"][..],
            &["--keys", "dir:keys", "--keys", "env:KEYS", "--keys", "csv:sealed.csv", "--keys", &token],
        ]
        .concat(),
    );
    assert_eq!(status, Some(0), "{told}");
    assert!(told.contains("4 of 4 cards good"), "{told}");
    drop(cards);
}

#[test]
fn a_source_that_fails_stops_everything_before_the_first_card() {
    let station = Station::new(1);
    station.token();
    let run = |keys: &str| {
        let job = ["batch", "run", "cards.csv", "--profile", PROFILE, "--as", "cp", "--yes"];
        station.bootgate(&[&job[..], &["--keys", keys]].concat())
    };
    station.write("wrong-pin", "00000000\n");
    let module = format!("?module-path={MODULE}");
    for (keys, status, why) in [
        (
            format!("pkcs11:token=Keys{module}&pin-source=file:wrong-pin"),
            77,
            "its PIN is wrong; it is not tried again",
        ),
        (format!("pkcs11:token=Other{module}"), 69, "no such token is there"),
        ("pkcs11:?module-path=/no/such.so".to_owned(), 69, "cannot be had"),
        (format!("pkcs11:{module}&pin-value={TOKEN_PIN}"), 2, "pin-source=file:FILE"),
        ("dir:nowhere".to_owned(), 2, "cannot read nowhere"),
        ("csv:nothing.csv".to_owned(), 2, "cannot read nothing.csv"),
        ("MARKED-1".to_owned(), 2, "csv:FILE, dir:FOLDER, env:PREFIX or pkcs11:URI"),
    ] {
        let (ended, told) = run(&keys);
        assert_eq!(ended, Some(status), "{keys}: {told}");
        assert!(told.contains(why), "{told}");
    }
    assert!(!station.pcscd.folder().join("cards.results.jsonl").exists());
}

#[test]
fn a_sealed_table_opens_with_its_vault_only() {
    let station = Station::new(1);
    station.write("vendor.csv", &format!("iccid,imei,adm1\n{},{},{}\n", CARDS[0].0, CARDS[0].1, CARDS[0].2));
    let (status, told) = station.bootgate(&["batch", "seal", "vendor.csv", "-o", "sealed.csv"]);
    assert_eq!(status, Some(0), "{told}");
    let (status, told) = station.bootgate(&["batch", "check", "sealed.csv"]);
    assert_eq!(status, Some(0), "{told}");
    let (status, told) = station.bootgate(&["batch", "seal", "vendor.csv", "-o", "sealed.csv"]);
    assert_eq!(status, Some(2), "an output is never replaced: {told}");

    let key = fs::read_dir(station.pcscd.folder()).unwrap().map(|entry| entry.unwrap().path());
    let key = key.filter(|path| path.to_string_lossy().contains("vault-key")).collect::<Vec<_>>();
    assert_eq!(key.len(), 1, "{key:?}");
    fs::remove_file(&key[0]).unwrap();
    let (status, told) = station.bootgate(&["batch", "check", "sealed.csv"]);
    assert_eq!(status, Some(78), "{told}");
    assert!(told.contains("the sealed cell does not open"), "{told}");
}
