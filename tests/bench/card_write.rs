//! `bootgate card write` of 1 Kbyte as a whole process, through the PC/SC service (vpcd) onto a prepared card: what it takes beside
//! the card, which is virtual and answers at once; and the commands that it sends, which on a real card are worth some ten
//! milliseconds each.

use std::{path::Path, time::Instant};

use serde_json::Value;

use super::{peers::pcscd::Pcscd, verdict::time};

const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/consumer-phone.toml");
const ICCID: &str = "89490200001234567892";
const ADM: &str = "12345678";

/// What is made longer until the bootstrap has 1,024 octets.
const NAME: &str = "name = \"Acme Internet\"";
const OCTETS: usize = 1024;
/// Octets of the bootstrap with the name as it is.
const BEFORE: usize = 927;

/// Prints the figures. They have no target of their own.
pub(crate) fn tell() {
    let pcscd = Pcscd::start(1);
    let padded = format!("name = \"Acme Internet{}\"", ".".repeat(OCTETS - BEFORE));
    let profile = std::fs::read_to_string(PROFILE).unwrap().replace(NAME, &padded);
    std::fs::write(pcscd.folder().join("profile.toml"), profile).unwrap();
    let size = ["--kind", "prepared", "--bootstrap-size", "4096"];
    let card = pcscd.insert(0, &[&size[..], &["--iccid", ICCID, "--adm", ADM]].concat());
    let reader = Pcscd::reader(0);
    let (mut best, mut told) = (f64::INFINITY, Value::Null);
    for _ in 0..20 {
        // Secrets are drawn anew each time, so there is always something to write.
        let mut command = pcscd.client(Path::new(env!("CARGO_BIN_EXE_bootgate")));
        command.args(["card", "write", "-r", &reader, "--profile", "profile.toml", "--as", "cp"]);
        command.args(["--adm", "env:ADM", "--imei", "490154203237518", "--yes", "--format", "json"]);
        let began = Instant::now();
        let out = command.env("ADM", ADM).output().unwrap();
        let took = began.elapsed().as_nanos() as f64;
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        (best, told) = (best.min(took), serde_json::from_slice(&out.stdout).unwrap());
    }
    let (octets, apdus) = (&told["payload_octets"], &told["outcome"]["apdus"]);
    let count = |what: &str| apdus[what].as_u64().unwrap();
    let (reads, writes, others) = (count("reads"), count("writes"), count("others"));
    println!(
        "{:<58} {:>10}",
        format!("bootgate card write as a process, {octets} octets, PC/SC"),
        time(best)
    );
    let all = reads + writes + others;
    println!(
        "  with {all} commands ({reads} reads, {writes} writes, {others} others), the last over a bootstrap that is there"
    );
    drop(card);
}
