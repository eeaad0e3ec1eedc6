//! A real PC/SC service with a virtual card in its reader; OpenSC and libwbxml look at what we left on it.

use std::{path::PathBuf, process::Output};

use serde_json::Value;

use crate::peers::{pcscd::Pcscd, program};

const PHONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/consumer-phone.toml");
const IMEI: &str = "490154203237518";

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

fn must(out: Output) -> String {
    assert!(out.status.success(), "{}\n{}\n{}", out.status, text(&out.stdout), text(&out.stderr));
    text(&out.stdout)
}

/// A key file for the sample card's ADM1.
fn adm(pcscd: &Pcscd) -> String {
    let file = pcscd.folder().join("adm");
    std::fs::write(&file, "12345678\n").unwrap();
    format!("@{}", file.display())
}

/// Writes the consumer phone's profile on the card in bay 0.
fn write(pcscd: &Pcscd, kind: &str, more: &[&str]) -> Output {
    let (reader, adm) = (Pcscd::reader(0), adm(pcscd));
    let args = [
        "card",
        "write",
        "-r",
        &reader,
        "--profile",
        PHONE,
        "--as",
        kind,
        "--imei",
        IMEI,
        "--adm",
        &adm,
        "--yes",
    ];
    pcscd.bootgate(&[&args, more].concat())
}

fn read(pcscd: &Pcscd, kind: &str) -> (PathBuf, Vec<u8>) {
    let file = pcscd.folder().join(format!("read.{kind}"));
    let args = ["card", "read", "-r", &Pcscd::reader(0), "--as", kind, "-o", file.to_str().unwrap()];
    must(pcscd.bootgate(&args));
    let octets = std::fs::read(&file).unwrap();
    (file, octets)
}

#[test]
fn the_whole_rehearsal_runs_through_a_reader() {
    let pcscd = Pcscd::start(1);
    let _card = pcscd.insert(0, &[]);
    for kind in ["cp", "dm"] {
        let out = pcscd.bootgate(&[
            "rehearse",
            "--pcsc",
            &Pcscd::reader(0),
            "--profile",
            PHONE,
            "--as",
            kind,
            "--format",
            "json",
        ]);
        let shown: Value = serde_json::from_str(&must(out)).unwrap();
        assert_eq!(shown["job"]["state"], "handed-off");
        assert_eq!(shown["card"]["reader"], Pcscd::reader(0));
        assert_eq!(shown["session"]["end"]["kind"], "complete");
    }
}

#[test]
fn a_seed_and_a_reader_do_not_go_together() {
    let pcscd = Pcscd::start(1);
    let out = pcscd.bootgate(&["rehearse", "--pcsc", &Pcscd::reader(0), "--seed", "1"]);
    assert_eq!(out.status.code(), Some(2), "{}", text(&out.stderr));
}

#[test]
fn opensc_reads_what_we_wrote() {
    let pcscd = Pcscd::start(1);
    let _card = pcscd.insert(0, &["--opensc"]);
    must(write(&pcscd, "cp", &["--dodf-shape", "opaque"]));
    let (_, ours) = read(&pcscd, "cp");

    let conf = pcscd.folder().join("opensc.conf");
    std::fs::write(
        &conf,
        "app default { enable_default_driver = true; force_card_driver = default; \
         framework pkcs15 { use_file_caching = no; enable_builtin_emulation = no; } }",
    )
    .unwrap();
    let tool = program("pkcs15-tool", "opensc");
    let list = pcscd.client(&tool).env("OPENSC_CONF", &conf).arg("--list-data-objects").output().unwrap();
    let list = must(list);
    assert!(list.contains("2.23.43.5.1"), "{list}");

    let theirs = pcscd.folder().join("theirs");
    let mut read = pcscd.client(&tool);
    read.env("OPENSC_CONF", &conf)
        .args(["--read-data-object", "2.23.43.5.1", "--raw", "--output"])
        .arg(&theirs);
    must(read.output().unwrap());
    let theirs = std::fs::read(&theirs).unwrap();
    // OpenSC gives the file as it is; what follows the document is FF.
    assert_eq!(theirs.get(..ours.len()), Some(ours.as_slice()));
    assert!(theirs[ours.len()..].iter().all(|octet| *octet == 0xFF));
}

#[test]
fn libwbxml_decodes_what_is_on_the_card() {
    let pcscd = Pcscd::start(1);
    let _card = pcscd.insert(0, &["--kind", "prepared"]);
    for (kind, language, wanted) in
        [("cp", "PROV10", ["w7", "acme.dm"]), ("dm", "SYNCML12", ["./DMAcc/acme.dm/ServerID", "acme.dm"])]
    {
        must(write(&pcscd, kind, &[]));
        let (file, _) = read(&pcscd, kind);
        let mut decode = std::process::Command::new(program("wbxml2xml", "libwbxml2-utils"));
        let xml = must(decode.args(["-l", language, "-o", "-"]).arg(&file).output().unwrap());
        for word in wanted {
            assert!(xml.contains(word), "{word} is not in {xml}");
        }
    }
}

#[test]
fn no_reader_and_no_card_are_told_apart() {
    let pcscd = Pcscd::start(1);
    let inspect = |reader: &str| pcscd.bootgate(&["card", "inspect", "-r", reader]);
    for (reader, says) in [("bay 7", "bay 7"), (Pcscd::reader(0).as_str(), "no card")] {
        let out = inspect(reader);
        assert_eq!(out.status.code(), Some(69), "{}", text(&out.stderr));
        assert!(text(&out.stderr).contains(says), "{}", text(&out.stderr));
    }
}

#[test]
fn without_a_service_there_are_no_readers() {
    let bootgate = |args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_bootgate"));
        command.env("PCSCLITE_CSOCK_NAME", "/nonexistent/pcscd.comm").args(args).output().unwrap()
    };
    let out = bootgate(&["card", "list"]);
    assert_eq!(out.status.code(), Some(69), "{}", text(&out.stderr));
    assert!(text(&out.stderr).contains("pcscd"), "{}", text(&out.stderr));
}

#[test]
fn a_card_that_is_pulled_in_mid_write_is_never_called_done() {
    let pcscd = Pcscd::start(1);
    let image = pcscd.folder().join("card.json");
    let image = image.to_str().unwrap();
    must(pcscd.bootgate(&["lab", "card", "--new", image, "--kind", "prepared"]));
    // The third UPDATE BINARY is in the middle of the write.
    let card = pcscd.insert(0, &["--image", image, "--save", "--fault", "pull-in-update=3"]);
    let out = write(&pcscd, "cp", &["--format", "json"]);
    pcscd.pull(0, card);
    assert_eq!(out.status.code(), Some(1), "{}\n{}", text(&out.stdout), text(&out.stderr));
    let said = text(&out.stderr);
    assert!(said.contains("not known") && said.contains("written"), "{said}");
    let jobs: Value =
        serde_json::from_str(&must(pcscd.bootgate(&["job", "list", "--format", "json"]))).unwrap();
    assert!(jobs.to_string().contains("unknown"), "{jobs}");

    // The device saw no half document, and the next write heals the card.
    let _card = pcscd.insert(0, &["--image", image, "--save"]);
    must(write(&pcscd, "cp", &[]));
    assert!(!read(&pcscd, "cp").1.is_empty());
}
