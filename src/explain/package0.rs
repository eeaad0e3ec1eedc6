//! Notifications (OMA DM Notification 1.2).

use crate::wire::package0::Package0;

use super::{
    Found, Options, Problem, notification,
    scribe::{Scribe, Stopped},
};

const DIGEST: &str = "DM Notification 1.2, digest";
const TRIGGER: &str = "DM Notification 1.2, trigger";

pub(super) fn explain(w: &mut Scribe<'_>, options: &Options, found: &mut Found) -> Result<(), Stopped> {
    let base = w.position();
    let octets = w.rest();
    w.take(Package0::DIGEST, "digest", DIGEST)?;
    let digest = w.last();
    w.says("MD5 over the server's credential, nonce and trigger");
    let head = w.take(5, "version, user interaction, initiator, future use", TRIGGER)?;
    let head = head.iter().fold(0u64, |sum, octet| sum << 8 | u64::from(*octet));
    let (version, future) = (head >> 30, head & 0x07FF_FFFF);
    let mode = ["not specified", "background", "informative", "user interaction"];
    let mode = usize::try_from(head >> 28 & 0x03).ok().and_then(|n| mode.get(n)).copied().unwrap_or("");
    let initiator = if head >> 27 & 1 == 0 { "user" } else { "server" };
    w.says(format!(
        "version {}.{} (10 bits), user interaction: {mode} (2 bits), initiator: {initiator} (1 bit), future use {future:X} (27 bits)",
        version / 10,
        version % 10
    ));
    match version {
        11 => {}
        12 => w.odd("the specification says 1.1 (11), and some devices take nothing else"),
        _ => w.wrong(format!("version {version}; expected 11, or 12 as some send")),
    }
    if future != 0 {
        w.odd("the bits for future use are not 0");
    }
    let session = w.pair("session identifier", TRIGGER)?;
    w.says(format!("{session:X}"));
    if session == 0 {
        w.wrong("expected 1 to FFFF");
    }
    let length = usize::from(w.octet("length of the server identifier", TRIGGER)?);
    w.says(format!("{length} octets"));
    let name = w.take(length, "server identifier", TRIGGER)?;
    w.says(String::from_utf8_lossy(name));
    let vendor = w.take_rest("vendor specific", TRIGGER);
    if !vendor.is_empty() {
        w.says(format!("{} octets", vendor.len()));
    }
    let package = Package0::decode(octets);
    if let Ok(package) = &package {
        let report = notification::check(package, octets, options.notification.as_ref());
        if report.digest.is_bad() {
            w.judge(digest, Problem::wrong(report.digest.to_string()));
        }
        found.notification = Some(report);
    }
    w.cross_check(base, package);
    Ok(())
}
