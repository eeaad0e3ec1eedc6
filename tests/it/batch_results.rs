//! The files of results of a batch as a process leaves them: killed (SIGKILL), started again with the same line, with a key that
//! signs them or without it, and beside files of others.

use std::process::{Command, Stdio};

use crate::{
    batch_over_pcsc::{ADM, CARDS, batch, ended, results, table},
    peers::pcscd::Pcscd,
};

/// What a run that is killed leaves of its table is made whole by the next, which is given the same line.
#[test]
fn a_batch_that_is_killed_goes_on_with_its_table() {
    let pcscd = Pcscd::start(2);
    table(&pcscd, &[ADM, ADM]);
    let insert = |bay: u16| {
        pcscd.insert(bay, &["--kind", "prepared", "--iccid", CARDS[usize::from(bay)], "--adm", ADM])
    };
    let csv = pcscd.folder().join("cards.out.csv");
    let start = || batch(&pcscd, &["--csv", "cards.out.csv"]);
    let _first = insert(0);
    let mut run = start().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    ended(&pcscd, 1);
    assert!(run.try_wait().unwrap().is_none());
    run.kill().unwrap();
    run.wait().unwrap();
    // It was killed in the middle of its line.
    let left = std::fs::read(&csv).unwrap();
    std::fs::write(&csv, &left[..left.len() / 2]).unwrap();

    let _second = insert(1);
    let ran = start().output().unwrap();
    let said = String::from_utf8(ran.stdout).unwrap();
    assert_eq!(ran.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&ran.stderr));
    let mut table = csv::Reader::from_path(&csv).unwrap();
    let of_table = |row: csv::StringRecord| [&row[0], &row[3], &row[4], &row[10]].map(str::to_owned);
    let rows: Vec<_> = table.records().map(|row| of_table(row.unwrap())).collect();
    let of_lines: Vec<_> = results(&pcscd)
        .iter()
        .map(|line| {
            ["at", "iccid", "ending", "sha256"].map(|name| line[name].as_str().unwrap_or_default().to_owned())
        })
        .collect();
    assert_eq!(rows, of_lines);
    assert!(
        CARDS[..2].iter().all(|card| rows.iter().any(|row| row[1] == *card && row[2] == "done")),
        "{rows:?}"
    );
}

/// A run over one row; no card is in the reader.
fn refused(pcscd: &Pcscd, args: &[&str]) -> (Option<i32>, String) {
    table(pcscd, &[ADM]);
    let ran = batch(pcscd, args).output().unwrap();
    (ran.status.code(), String::from_utf8(ran.stderr).unwrap())
}

#[test]
fn signed_results_are_not_gone_on_with_unsigned() {
    let pcscd = Pcscd::start(1);
    for (file, args, option) in
        [("cards.results.jsonl", &[][..], "--results"), ("out.csv", &["--csv", "out.csv"][..], "--csv")]
    {
        // As a run that was ended before its first result has left it.
        let sign = "openssl genpkey -algorithm ed25519 -out station.pem && : > FILE && sha256sum FILE > FILE.sha256 && \
             openssl pkeyutl -sign -rawin -inkey station.pem -in FILE.sha256 -out FILE.sha256.sig";
        let sign = sign.replace("FILE", file);
        assert!(
            Command::new("sh").args(["-c", &sign]).current_dir(pcscd.folder()).status().unwrap().success()
        );
        let (exit, said) = refused(&pcscd, args);
        assert_eq!(exit, Some(77), "{said}");
        assert!(said.contains(file) && said.contains("--sign-key") && said.contains(option), "{said}");
        assert_eq!(std::fs::read(pcscd.folder().join(file)).unwrap(), b"");
        std::fs::remove_file(pcscd.folder().join(format!("{file}.sha256.sig"))).unwrap();
    }
}

#[test]
fn a_table_of_somebody_else_is_left_as_it_is() {
    let pcscd = Pcscd::start(1);
    let file = pcscd.folder().join("out.csv");
    std::fs::write(&file, "iccid,adm1\n").unwrap();
    let (exit, said) = refused(&pcscd, &["--csv", "out.csv"]);
    assert_eq!(exit, Some(2), "{said}");
    assert!(said.contains("out.csv is there already and was left as it is"), "{said}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "iccid,adm1\n");
    let (exit, said) = refused(&pcscd, &["--results", "one", "--csv", "one"]);
    assert!(exit == Some(2) && said.contains("lines of results"), "{said}");
}
