//! `bootgate decode` as a whole process, from start to exit status 0. The figure to hold: 10 KB in under 20 ms.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use bootgate::wire::{Syntax, prov::ProvDoc};

use super::verdict::at_most;

/// Prints the figure beside its target.
pub(crate) fn judge() {
    let folder = document();
    let took = (0..30).map(|_| {
        let began = Instant::now();
        decode(&folder);
        began.elapsed().as_nanos() as f64
    });
    at_most("bootgate decode of 10 KB as a process", took.fold(f64::INFINITY, f64::min), 20e6);
}

#[divan::bench(sample_count = 50, sample_size = 1)]
fn decode_ten_kilobytes(bencher: divan::Bencher<'_, '_>) {
    let folder = document();
    bencher.bench(|| decode(&folder));
}

/// Writes a provisioning document of 10 KB and more as WBXML, the large one of the comparison with its settings several
/// times, and gives its folder.
fn document() -> PathBuf {
    let mut document = ProvDoc::decode(Syntax::Xml, include_bytes!("../data/bench/10k.xml")).unwrap();
    let once = document.characteristics.clone();
    while document.encode(Syntax::Wbxml).unwrap().len() < 10 * 1024 {
        document.characteristics.extend_from_slice(&once);
    }
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(folder.join("decode.wbxml"), document.encode(Syntax::Wbxml).unwrap()).unwrap();
    folder
}

fn decode(folder: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootgate"));
    let out = command.args(["decode", "decode.wbxml"]).current_dir(folder).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}
