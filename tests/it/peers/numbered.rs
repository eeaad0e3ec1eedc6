//! Virtual readers that tell serial numbers and are numbered by pcscd as readers of one make are: in the order in which they come.

use std::{path::Path, process::Command};

use super::{
    pcscd::{DRIVER, PORT},
    program,
};

/// What pcscd's `reader.conf` says of the readers in these bays, in that order: they are called `bay 00 00`, `bay 01 00` and so on.
pub fn conf(folder: &Path, bays: &[u16]) -> String {
    let driver = driver(folder);
    let reader = |bay: &u16| {
        let port = PORT + 2 * bay;
        let own = folder.join(format!("vpcd-port-{port}.so"));
        if !own.exists() {
            std::fs::copy(DRIVER, &own).unwrap();
        }
        format!(
            "FRIENDLYNAME \"bay\"\nDEVICENAME /dev/null:{port}\nLIBPATH {}\nCHANNELID {port}\n\n",
            driver.display()
        )
    };
    bays.iter().map(reader).collect()
}

/// The serial number of the reader in a bay.
pub fn serial(bay: u16) -> String {
    format!("SN{}", PORT + 2 * bay)
}

/// The driver, built by the C compiler that also links these tests.
fn driver(folder: &Path) -> std::path::PathBuf {
    let built = folder.join("numbered.so");
    if !built.exists() {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/peers/numbered.c");
        let mut cc = Command::new(program("cc", "gcc"));
        cc.args(["-shared", "-fPIC", "-Wall", "-I/usr/include/PCSC", source, "-ldl", "-o"]).arg(&built);
        let done = cc.arg(format!("-DFOLDER=\"{}\"", folder.display())).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "package libpcsclite-dev has the headers: {said}");
    }
    built
}
