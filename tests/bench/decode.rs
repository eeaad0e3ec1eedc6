//! `bootgate decode` as a whole process, from start to exit status 0. The figure to hold: 10 KB in under 20 ms.

use std::process::Command;

use bootgate::wire::{Syntax, prov::ProvDoc};

/// A provisioning document of 10 KB and more as WBXML: the large one of the comparison, its settings several times.
#[divan::bench(sample_count = 50, sample_size = 1)]
fn decode_ten_kilobytes(bencher: divan::Bencher<'_, '_>) {
    let mut document = ProvDoc::decode(Syntax::Xml, include_bytes!("../data/bench/10k.xml")).unwrap();
    let once = document.characteristics.clone();
    while document.encode(Syntax::Wbxml).unwrap().len() < 10 * 1024 {
        document.characteristics.extend_from_slice(&once);
    }
    let folder = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(folder.join("decode.wbxml"), document.encode(Syntax::Wbxml).unwrap()).unwrap();
    bencher.bench(|| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bootgate"));
        let out = command.args(["decode", "decode.wbxml"]).current_dir(&folder).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    });
}
