//! `bootgate card write` of about 1 KB as a whole process, through the PC/SC service (vpcd) onto a prepared card: what it
//! takes beside the card, which is virtual and answers at once.

use std::{path::Path, time::Instant};

use super::{peers::pcscd::Pcscd, verdict::time};

const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/consumer-phone.toml");
const ICCID: &str = "89490200001234567892";
const ADM: &str = "12345678";

/// Prints the figure. It has no target of its own.
pub(crate) fn tell() {
    let pcscd = Pcscd::start(1);
    let size = ["--kind", "prepared", "--bootstrap-size", "4096"];
    let card = pcscd.insert(0, &[&size[..], &["--iccid", ICCID, "--adm", ADM]].concat());
    let reader = Pcscd::reader(0);
    let took = (0..20).map(|_| {
        // Secrets are drawn anew each time, so there is always something to write.
        let mut command = pcscd.client(Path::new(env!("CARGO_BIN_EXE_bootgate")));
        command.args([
            "card",
            "write",
            "-r",
            &reader,
            "--profile",
            PROFILE,
            "--as",
            "cp",
            "--adm",
            "env:ADM",
        ]);
        command.args(["--imei", "490154203237518", "--yes", "--format", "json"]).env("ADM", ADM);
        let began = Instant::now();
        let out = command.output().unwrap();
        let took = began.elapsed().as_nanos() as f64;
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        took
    });
    let took = took.fold(f64::INFINITY, f64::min);
    println!("{:<58} {:>10}", "bootgate card write as a process, over PC/SC", time(took));
    drop(card);
}
