//! A real PC/SC service with a virtual card in its reader; OpenSC, pcsc-tools and libwbxml look at what we left on it.

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

/// The octets that a text begins with, as words of two digits.
fn octets(text: &str) -> Vec<u8> {
    let words = text.split_whitespace();
    words.filter(|word| word.len() == 2).map_while(|word| u8::from_str_radix(word, 16).ok()).collect()
}

/// Commands that read the bootstrap file in pieces of 128 octets.
fn reads(length: usize) -> Vec<String> {
    let mut commands = vec!["00 A4 00 0C 02 7F 50".to_owned(), "00 A4 00 0C 02 64 31".to_owned()];
    let more =
        (0..length.div_ceil(128)).map(|block| format!("00 B0 {:02X} {:02X} 80", block / 2, block % 2 * 128));
    commands.extend(more);
    commands
}

#[test]
fn scriptor_reads_what_we_wrote() {
    let pcscd = Pcscd::start(1);
    let _card = pcscd.insert(0, &["--kind", "prepared"]);
    must(write(&pcscd, "cp", &[]));
    let (_, ours) = read(&pcscd, "cp");
    let script = pcscd.folder().join("read.scriptor");
    let commands = reads(ours.len());
    std::fs::write(&script, format!("reset\n{}\n", commands.join("\n"))).unwrap();
    let tool = program("scriptor", "pcsc-tools");
    let out = must(pcscd.client(&tool).args(["-r", &Pcscd::reader(0)]).arg(&script).output().unwrap());
    // Each answer begins with `<`, goes on in lines of 16 octets, and ends with the status word, a colon and its meaning.
    let mut theirs = Vec::new();
    for answer in out.split("\n< ").skip(1).filter(|answer| !answer.starts_with("OK")) {
        let octets = octets(answer.split(" : ").next().unwrap_or(""));
        let (data, sw) = octets.split_at(octets.len() - 2);
        assert_eq!(sw, [0x90, 0x00], "{out}");
        theirs.extend_from_slice(data);
    }
    assert_eq!(theirs.get(..ours.len()), Some(ours.as_slice()), "{out}");
    assert!(theirs[ours.len()..].iter().all(|octet| *octet == 0xFF));
}

#[test]
fn opensc_tool_reads_what_we_wrote() {
    let pcscd = Pcscd::start(1);
    let _card = pcscd.insert(0, &["--kind", "prepared"]);
    must(write(&pcscd, "cp", &[]));
    let (_, ours) = read(&pcscd, "cp");
    let conf = pcscd.folder().join("opensc.conf");
    std::fs::write(&conf, "app default { enable_default_driver = true; force_card_driver = default; }")
        .unwrap();
    let mut tool = pcscd.client(&program("opensc-tool", "opensc"));
    tool.env("OPENSC_CONF", &conf).args(["--reader", "0"]);
    for command in reads(ours.len()) {
        tool.args(["--send-apdu", &command.replace(' ', ":")]);
    }
    let out = must(tool.output().unwrap());
    assert_eq!(out.matches("(SW1=0x90, SW2=0x00)").count(), reads(ours.len()).len(), "{out}");
    // Lines of 16 octets, then the same as characters.
    let mut theirs = Vec::new();
    for answer in out.split("SW2=0x00)").skip(1) {
        for row in answer.lines().filter(|row| !row.contains("Sending") && !row.contains("Received")) {
            theirs.extend(octets(row.get(..48).unwrap_or(row)));
        }
    }
    assert_eq!(theirs.get(..ours.len()), Some(ours.as_slice()), "{out}");
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
