//! Every truncation of every shared vector is read or refused, by its own decoder and by the explanation, and nothing
//! panics. The vectors are counted.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{number, targets};

/// Above this many octets an explanation is tried on every so many cuts only, unless there is time for all.
const ALL_CUTS: usize = 60;

/// A vector: its name, the decoders that it is for, and the kind as which it is explained.
struct Vector {
    name: String,
    targets: &'static [&'static str],
    kind: Option<&'static str>,
    octets: Vec<u8>,
}

/// The folder of the vectors, or none, said on the test's output, when it was not given.
fn folder() -> Option<PathBuf> {
    let root = std::env::var_os("BOOTGATE_VECTORS").map(PathBuf::from);
    if root.is_none() {
        let _ = writeln!(
            std::io::stderr(),
            "BOOTGATE_VECTORS not given: truncations of the shared vectors not run"
        );
    }
    root
}

fn files(folder: &Path, ending: &str) -> Vec<(String, Vec<u8>)> {
    let paths = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    let mut paths: Vec<PathBuf> = paths.filter(|p| p.extension().is_some_and(|e| e == ending)).collect();
    paths.sort();
    let named =
        |p: PathBuf| (p.file_stem().unwrap().to_string_lossy().into_owned(), std::fs::read(p).unwrap());
    paths.into_iter().map(named).collect()
}

/// Every string that stands under one of the keys, however deep.
fn strings(value: &Value, keys: &[&str], out: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, inner) in fields {
                match inner.as_str() {
                    Some(text) if keys.contains(&key.as_str()) => out.push(text.to_owned()),
                    _ => strings(inner, keys, out),
                }
            }
        }
        Value::Array(entries) => entries.iter().for_each(|e| strings(e, keys, out)),
        _ => {}
    }
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> =
        text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16).unwrap()).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}

fn provisioning(root: &Path) -> Vec<Vector> {
    let mut out = Vec::new();
    for (folder, targets, kind) in
        [("cp", &["wbxml", "prov", "import"][..], "cp"), ("dm", &["wbxml", "syncml", "import"][..], "dm")]
    {
        for (name, octets) in files(&root.join(folder), "wbxml") {
            out.push(Vector { name, targets, kind: Some(kind), octets });
        }
    }
    out
}

fn texts(root: &Path) -> Vec<Vector> {
    let mut out = Vec::new();
    for (folder, targets) in [("cp", &["xml", "prov"][..]), ("dm", &["xml", "syncml"][..])] {
        for (name, octets) in files(&root.join(folder), "xml") {
            out.push(Vector { name, targets, kind: None, octets });
        }
    }
    out
}

/// Notifications among the DM vectors, and the pushes.
fn pushes(root: &Path) -> Vec<Vector> {
    let mut out = Vec::new();
    for (name, text) in
        files(&root.join("dm"), "json").into_iter().filter(|(name, _)| name.starts_with("pkg0-"))
    {
        let mut found = Vec::new();
        strings(&serde_json::from_slice(&text).unwrap(), &["message_hex"], &mut found);
        let vector = |digits: String| Vector {
            name: name.clone(),
            targets: &["package0"],
            kind: Some("package0"),
            octets: hex(&digits),
        };
        out.extend(found.into_iter().map(vector));
    }
    for (name, text) in files(&root.join("push"), "json") {
        let case: Value = serde_json::from_slice(&text).unwrap();
        let (targets, kind): (&[&str], _) = match case["kind"].as_str().unwrap() {
            "wsp" => (&["wsp", "import"], "wsp"),
            "udh-segments" => (&["wdp"], "udh"),
            "tpdu-deliver" => (&["sms"], "sms"),
            "cp-doc" => (&["wbxml", "prov", "import"], "cp"),
            "wbxml-doc" => (&["wbxml"], "wbxml"),
            "smpp-session" => (&["smpp"], "smpp"),
            "pap-http" => (&["pap"], "http"),
            other => panic!("{name}: {other}"),
        };
        let lines = std::fs::read_to_string(root.join("push").join(format!("{name}.hex"))).unwrap();
        for line in lines.lines().filter(|l| !l.trim().is_empty()) {
            out.push(Vector { name: name.clone(), targets, kind: Some(kind), octets: hex(line) });
        }
    }
    out
}

fn card(root: &Path) -> Vec<Vector> {
    let mut out = Vec::new();
    for (name, text) in files(&root.join("card"), "json") {
        let mut found = Vec::new();
        strings(&serde_json::from_slice(&text).unwrap(), &["hex", "c", "r"], &mut found);
        let kind = match name.as_str() {
            "dir" => Some("dir"),
            "fcp" => Some("fcp"),
            "odf-dodf" => Some("dodf"),
            "read-flow" => Some("apdu"),
            "sw-2g-select" => Some("response"),
            _ => None,
        };
        let vector =
            |digits: String| Vector { name: name.clone(), targets: &["card"], kind, octets: hex(&digits) };
        out.extend(found.into_iter().map(vector));
    }
    out
}

/// Gives how many cuts were made.
fn cut(vectors: &[Vector]) -> usize {
    let there_is_time = number("BOOTGATE_FUZZ_SECONDS").is_some();
    let kinds: Vec<&str> = bootgate::explain::Kind::all().map(bootgate::explain::Kind::word).collect();
    let mut cuts = 0;
    for vector in vectors {
        let octets = &vector.octets;
        let step = if there_is_time { 1 } else { 1 + octets.len() / ALL_CUTS };
        for end in 0..octets.len() {
            let part = &octets[..end];
            for target in vector.targets {
                // A segment stands behind its length, where they come one after the other.
                if *target == "wdp" {
                    targets::run(target, &[&[u8::try_from(end).unwrap()], part].concat());
                } else {
                    targets::run(target, part);
                }
            }
            cuts += 1;
            if end % step != 0 || vector.kind.is_none() && !vector.targets.contains(&"card") {
                continue;
            }
            // Found out, and by the kind's own number: the first octet says which.
            targets::run("explain", &[&[0], part].concat());
            if let Some(kind) = vector.kind {
                let at = kinds
                    .iter()
                    .position(|k| *k == kind)
                    .unwrap_or_else(|| panic!("{}: {kind}", vector.name));
                targets::run("explain", &[&[u8::try_from(at + 2).unwrap()], part].concat());
            }
        }
    }
    cuts
}

#[test]
fn of_provisioning_documents_and_messages() {
    let Some(root) = folder() else { return };
    let vectors = provisioning(&root);
    assert_eq!(vectors.len(), 25 + 24);
    assert_eq!(cut(&vectors), 5968 + 13416);
}

#[test]
fn of_the_same_as_xml() {
    let Some(root) = folder() else { return };
    let vectors = texts(&root);
    assert_eq!(vectors.len(), 24 + 30);
    assert_eq!(cut(&vectors), 30_704 + 53_529);
}

#[test]
fn of_pushes_and_notifications() {
    let Some(root) = folder() else { return };
    let vectors = pushes(&root);
    // Notifications, pushes, segments, messages, documents, PDUs, HTTP messages.
    assert_eq!(vectors.len(), 4 + 3 + 24 + 2 + 3 + 3 + 38 + 8);
    assert!(cut(&vectors) > 4000);
}

#[test]
fn of_what_cards_hold() {
    let Some(root) = folder() else { return };
    let vectors = card(&root);
    assert_eq!(vectors.len(), 7 + 12 + 7 + 19 + 8 + 6 + 21 + 9 + 64 + 17);
    assert!(cut(&vectors) > 3000);
}
