//! XML → WBXML and WBXML → XML against libwbxml2, on this machine and in this run. The figure to hold: ten times its speed,
//! with a string table, which it writes unasked, and without.
//!
//! libwbxml runs as a process of its own (`libwbxml.c`), compiled here, and times itself; both sides are warm, each
//! conversion makes and frees all that it needs, and the two take turns. That both read the same from each document is
//! checked first.

use std::{
    hint::black_box,
    path::{Path, PathBuf},
    process::Command,
};

use bootgate::wire::{
    Syntax,
    convert::{Layout, wbxml_to_xml, xml_to_wbxml},
    infoset::Vocabulary,
    prov::ProvDoc,
    xml,
};

use super::verdict::{BATCHES, fastest, time, verdict};

/// Indented, as `bootgate profile build --xml` writes them.
const DOCUMENTS: [(&str, &str); 3] = [
    ("1 KB", include_str!("../data/bench/1k.xml")),
    ("2.4 KB", include_str!("../data/bench/2k4.xml")),
    ("10 KB", include_str!("../data/bench/10k.xml")),
];

/// How many times as fast as libwbxml2 is fast enough.
const TARGET: f64 = 10.0;

/// How often the two sides take turns.
const TURNS: usize = 5;

/// Prints the comparison, or tells why there is none.
pub(crate) fn compare() -> Result<(), String> {
    let peer = Peer::compile()?;
    println!("document  direction                    bootgate   libwbxml2      ratio   target");
    for (name, text) in DOCUMENTS {
        let source = peer.file(name, text.as_bytes());
        let (table, plain) = (peer.convert("encode", &source), peer.convert("encode-plain", &source));
        let ours = xml_to_wbxml(text.as_bytes()).unwrap();
        for octets in [&table, &plain, &ours] {
            assert_eq!(meaning(Syntax::Wbxml, octets), meaning(Syntax::Xml, text.as_bytes()), "{name}");
            let theirs = peer.convert("decode", &peer.file("check", octets));
            let ours = to_xml(octets);
            assert_eq!(xml::parse(&theirs).unwrap(), xml::parse(ours.as_bytes()).unwrap(), "{name}");
        }
        let encode = || xml_to_wbxml(black_box(text.as_bytes())).unwrap();
        for (direction, theirs) in
            [("XML → WBXML, string table", "encode"), ("XML → WBXML, none", "encode-plain")]
        {
            row(name, direction, encode, || peer.time(theirs, &source));
        }
        for (direction, octets) in [("WBXML → XML, string table", &table), ("WBXML → XML, none", &plain)]
        {
            let file = peer.file("wbxml", octets);
            row(name, direction, || to_xml(black_box(octets)), || peer.time("decode", &file));
        }
    }
    println!("(bootgate writes no string table; the fastest of {} batches each)\n", TURNS * BATCHES);
    Ok(())
}

fn row<T>(document: &str, direction: &str, ours: impl Fn() -> T, theirs: impl Fn() -> f64) {
    let (mut fast, mut slow) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..TURNS {
        fast = fast.min(fastest(&ours));
        slow = slow.min(theirs());
    }
    let ratio = slow / fast;
    println!(
        "{document:<9} {direction:<26} {:>10} {:>11} {ratio:>9.1}x {TARGET:>7.0}x   {}",
        time(fast),
        time(slow),
        verdict(ratio >= TARGET)
    );
}

fn to_xml(octets: &[u8]) -> String {
    wbxml_to_xml(octets, Some(Vocabulary::Prov), Layout::Line).unwrap()
}

fn meaning(syntax: Syntax, octets: &[u8]) -> ProvDoc {
    ProvDoc::decode(syntax, octets).unwrap()
}

/// The peer, and a folder for it to read from.
struct Peer {
    program: PathBuf,
    folder: PathBuf,
}

impl Peer {
    fn compile() -> Result<Self, String> {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let program = folder.join("libwbxml-peer");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/libwbxml.c");
        let flags = output(Command::new("pkg-config").args(["--cflags", "--libs", "libwbxml2"]))?;
        let flags = String::from_utf8(flags).map_err(|e| e.to_string())?;
        let mut cc = Command::new("cc");
        output(cc.arg("-O2").arg("-o").arg(&program).arg(source).args(flags.split_whitespace()))?;
        Ok(Self { program, folder })
    }

    fn file(&self, name: &str, octets: &[u8]) -> PathBuf {
        let path = self.folder.join(format!("libwbxml-{}", name.replace(' ', "-")));
        std::fs::write(&path, octets).unwrap();
        path
    }

    fn convert(&self, direction: &str, file: &Path) -> Vec<u8> {
        output(Command::new(&self.program).arg(direction).arg(file)).unwrap()
    }

    fn time(&self, direction: &str, file: &Path) -> f64 {
        let mut command = Command::new(&self.program);
        let out = output(command.arg(direction).arg(file).arg(BATCHES.to_string())).unwrap();
        String::from_utf8(out).unwrap().trim().parse().unwrap()
    }
}

/// What a command prints, or why there is nothing.
fn output(command: &mut Command) -> Result<Vec<u8>, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let out = command.output().map_err(|e| format!("{name}: {e}"))?;
    if out.status.success() {
        return Ok(out.stdout);
    }
    let said = String::from_utf8_lossy(&out.stderr);
    Err(format!("{name}: {}", said.lines().next().unwrap_or("no reason given")))
}
