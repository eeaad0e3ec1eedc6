//! XML → WBXML and WBXML → XML against libwbxml2, on this machine and in this run. The figure to hold: ten times its speed,
//! with a string table, which it writes unasked, and without.
//!
//! libwbxml runs as a process of its own (`libwbxml.c`), compiled here, and times itself; both sides are warm, and each
//! conversion makes and frees all that it needs. That both read the same from each document is checked first.

use std::{
    hint::black_box,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use bootgate::wire::{
    Syntax,
    convert::{Layout, wbxml_to_xml, xml_to_wbxml},
    infoset::Vocabulary,
    prov::ProvDoc,
    xml,
};

/// Indented, as `bootgate profile build --xml` writes them.
const DOCUMENTS: [(&str, &str); 3] = [
    ("1 KB", include_str!("../data/bench/1k.xml")),
    ("2.4 KB", include_str!("../data/bench/2k4.xml")),
    ("10 KB", include_str!("../data/bench/10k.xml")),
];

/// How often a batch of about two milliseconds is timed; the median counts.
const ROUNDS: usize = 51;

/// Prints the comparison.
pub(crate) fn compare() {
    let peer = match Peer::compile() {
        Ok(peer) => peer,
        Err(why) => {
            println!(
                "No comparison with libwbxml2: {why}; tests/peers/install bench installs what it needs\n"
            );
            return;
        }
    };
    println!("document  direction                    bootgate   libwbxml2      ratio");
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
        let encoded = time(|| xml_to_wbxml(black_box(text.as_bytes())).unwrap());
        row(name, "XML → WBXML, string table", encoded, peer.time("encode", &source));
        row(name, "XML → WBXML, none", encoded, peer.time("encode-plain", &source));
        for (direction, octets) in [("WBXML → XML, string table", &table), ("WBXML → XML, none", &plain)]
        {
            let decoded = time(|| to_xml(black_box(octets)));
            row(name, direction, decoded, peer.time("decode", &peer.file("wbxml", octets)));
        }
    }
    println!("(bootgate writes no string table; the median of {ROUNDS} batches)\n");
}

fn row(document: &str, direction: &str, ours: f64, theirs: f64) {
    let micro = |ns: f64| format!("{:.2} µs", ns / 1000.0);
    println!(
        "{document:<9} {direction:<26} {:>10} {:>11} {:>9.1}x",
        micro(ours),
        micro(theirs),
        theirs / ours
    );
}

fn to_xml(octets: &[u8]) -> String {
    wbxml_to_xml(octets, Some(Vocabulary::Prov), Layout::Line).unwrap()
}

fn meaning(syntax: Syntax, octets: &[u8]) -> ProvDoc {
    ProvDoc::decode(syntax, octets).unwrap()
}

/// Nanoseconds for one call, measured as the peer measures.
fn time<T>(call: impl Fn() -> T) -> f64 {
    let batch = |n: u32| {
        let began = Instant::now();
        for _ in 0..n {
            black_box(call());
        }
        began.elapsed().as_nanos() as f64 / f64::from(n)
    };
    let each = (2e6 / batch(20)) as u32 + 1;
    let mut times: Vec<f64> = (0..ROUNDS).map(|_| batch(each)).collect();
    times.sort_by(f64::total_cmp);
    times[ROUNDS / 2]
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
        let out = output(command.arg(direction).arg(file).arg(ROUNDS.to_string())).unwrap();
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
