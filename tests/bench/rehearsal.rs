//! The main job as a whole process, from start to exit status 0. The figure to hold: under a second.

use std::process::Command;

/// `bootgate rehearse --route card`: payload, virtual card, phone, DM session, hand-off.
#[divan::bench(args = ["cp", "dm"], sample_count = 30, sample_size = 1)]
fn rehearse_card(kind: &str) {
    let folder = std::env::temp_dir();
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootgate"));
    let out =
        command.args(["rehearse", "--route", "card", "--as", kind]).current_dir(folder).output().unwrap();
    assert!(out.status.success());
}
