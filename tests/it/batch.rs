//! A table is checked before the first card is touched: all that is wrong with it, at its line, and nothing of what it holds.

use std::{path::Path, process::Command, sync::Arc};

use bootgate::{
    bootstrap::PayloadKind,
    dm::AccountId,
    ident::{FingerprintKey, JobId, Random, Timestamp},
    job::{
        Event, NewJob, Reason, Route,
        batch::{Columns, Keepers, Problem, Report},
    },
    profile::Profile,
    store::Memory,
};
use serde_json::Value;

use super::program::bootgate_in;

const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/consumer-phone.toml");
const ADM: &str = "MARKED01";

fn batch(folder: &Path, table: &str, args: &[&str]) -> (i32, String) {
    std::fs::write(folder.join("cards.csv"), table).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootgate"));
    command.args(["batch", "check", "cards.csv"]).args(args).current_dir(folder);
    command.env_remove("BOOTGATE_CONFIG").env("BOOTGATE_STORE_PATH", folder.join("store.db"));
    let ran = command.env("BOOTGATE_LOG", "trace").output().unwrap();
    let (out, err) = (String::from_utf8(ran.stdout).unwrap(), String::from_utf8(ran.stderr).unwrap());
    for secret in [ADM, "262011234567890"] {
        assert!(!out.contains(secret) && !err.contains(secret), "{out}{err}");
    }
    (ran.status.code().unwrap(), out)
}

#[test]
fn a_good_table_passes_and_says_how_rows_find_their_cards() {
    let folder = tempfile::tempdir().unwrap();
    let table = format!("iccid,imsi,imei,adm1\n89490200001234567892,262011234567890,490154203237518,{ADM}\n");
    let (exit, out) = batch(folder.path(), &table, &["--profile", PROFILE]);
    assert_eq!(exit, 0, "{out}");
    assert!(
        out.starts_with("cards.csv: 1 row without errors, found by ICCID\n0 errors, 0 warnings"),
        "{out}"
    );
}

/// Each card would fail otherwise, one after the other.
#[test]
fn a_profile_for_another_dm_server_is_refused_before_the_first_card() {
    const IOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/iot-module.toml");
    let folder = tempfile::tempdir().unwrap();
    let table = format!("iccid,imei,adm1\n89490200001234567892,490154203237518,{ADM}\n");
    let (exit, out) = batch(folder.path(), &table, &["--profile", IOT]);
    assert_eq!(exit, 78, "{out}");
    assert!(out.contains("is for server `acme.iot`, and the DM server here is `acme.dm`"), "{out}");
    for last in ["--dry-run", "--yes"] {
        let ran =
            bootgate_in(folder.path(), &["batch", "run", "cards.csv", "--profile", IOT, "--as", "dm", last]);
        assert!(ran.exit == 78 && ran.out.contains("is for server `acme.iot`"), "{last}: {}", ran.shown());
    }
    assert!(!folder.path().join("cards.results.jsonl").exists());
}

/// What is wrong with the command line is told before anybody is asked and before a reader is: none is here, and no result is made.
#[test]
fn files_and_commands_of_a_run_are_looked_at_first() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("cards.csv", "iccid,imei\n89490200001234567892,490154203237518\n");
    for name in ["there.csv", "hook", "signed.jsonl", "signed.jsonl.sha256.sig"] {
        write(name, "x\n");
    }
    for (more, exit, says) in [
        (&["--csv", "there.csv"][..], 2, "there.csv is there already and was left as it is"),
        (&["--csv", "none/out.csv"], 2, "there is no folder none"),
        (&["--csv", "cards.results.jsonl"], 2, "is where the lines of results go"),
        (&["--results", "none/out.jsonl"], 2, "there is no folder none"),
        (&["--results", "signed.jsonl"], 77, "give --sign-key"),
        (&["--sign-key", "@none.pem"], 2, "none.pem"),
        (&["--hook", "./hook"], 2, "chmod +x"),
        (&["--hook", "./none"], 2, "there is no such program"),
        (&["--hook", "sh -c true"], 2, "without a shell"),
    ] {
        let run = ["batch", "run", "cards.csv", "--profile", PROFILE, "--as", "cp", "--yes"];
        let ran = bootgate_in(folder.path(), &[&run, more].concat());
        assert!(ran.exit == exit && ran.err.contains(says), "{more:?}: {}", ran.shown());
        assert!(!folder.path().join("cards.results.jsonl").exists(), "{more:?}");
    }
}

#[test]
fn results_without_a_signature_are_called_so() {
    let folder = tempfile::tempdir().unwrap();
    let line = r#"{"line":2,"iccid":"89490200001234567892","ending":"done"}"#;
    std::fs::write(folder.path().join("r.jsonl"), format!("{line}\n")).unwrap();
    let key = "openssl genpkey -algorithm ed25519 | openssl pkey -pubout -out station.pub";
    assert!(Command::new("sh").args(["-c", key]).current_dir(folder.path()).status().unwrap().success());
    let verify = ["batch", "verify", "r.jsonl", "--public-key", "station.pub"];
    let ran = bootgate_in(folder.path(), &verify);
    assert_eq!(ran.exit, 1, "{}", ran.shown());
    assert!(
        ran.out.contains("r.jsonl: not signed, 1 result") && ran.out.contains("--sign-key"),
        "{}",
        ran.out
    );
    assert!(!ran.out.contains("as it was signed"), "{}", ran.out);
    let json = bootgate_in(folder.path(), &[&verify[..], &["--format", "json"]].concat());
    assert!(json.out.contains("\"signature\": \"missing\""), "{}", json.out);
}

/// Which row went to which card is known to the store where that was done: another one must not give the first row away again.
#[test]
fn rows_without_cards_are_given_away_by_one_store() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.csv"), format!("imei,adm1\n490154203237518,{ADM}\n")).unwrap();
    std::fs::write(folder.path().join("t.results.jsonl"), "{}\n").unwrap();
    let ran =
        bootgate_in(folder.path(), &["batch", "run", "t.csv", "--profile", PROFILE, "--as", "cp", "--yes"]);
    assert_eq!(ran.exit, 78, "{}", ran.shown());
    assert!(
        ran.err.contains("rows that were given away would be given again")
            && ran.err.contains("another station"),
        "{}",
        ran.err
    );
}

#[test]
fn everything_wrong_is_told_with_its_line_as_text_and_json() {
    let folder = tempfile::tempdir().unwrap();
    let columns = "ignore = [\"Box\"]\n[columns]\niccid = \"Serial\"\n";
    std::fs::write(folder.path().join("columns.toml"), columns).unwrap();
    let table = format!(
        "Serial;Box;imsi;adm1\n89490200001234567891;1;262011234567890;{ADM}\n89490200001234567892;1;262011234567890;{ADM}\n"
    );
    let args = ["--columns", "columns.toml", "--profile", PROFILE];
    let (exit, out) = batch(folder.path(), &table, &args);
    assert_eq!(exit, 78, "{out}");
    for line in [
        "cards.csv:2: error: Serial: ICCID ends in check digit 1",
        "cards.csv:3: error: imsi: the same IMSI stands in line 2",
        "cards.csv:3: warning: adm1: the same administrative key as in line 2",
    ] {
        assert!(out.contains(line), "{line}\n{out}");
    }
    let (exit, out) = batch(folder.path(), &table, &[&args[..], &["--format", "json"]].concat());
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((exit, report["rows"].as_u64(), report["errors"].as_u64()), (78, Some(0), Some(2)));
    assert_eq!(report["problems"][0]["code"], "cell");
    assert_eq!(report["problems"][0]["place"]["line"], 2);

    let (exit, out) = batch(folder.path(), "iccid\n", &["--columns", "nothing.toml"]);
    assert_eq!(exit, 2, "{out}");
}

const TWO: &str = "iccid,imei,key\n89490200001234567892,490154203237518,unit-1\n\
    89490200001234567900,490154203237526,unit-2\n";

fn codes(problems: &[Problem]) -> Vec<(u64, Option<&str>, &str)> {
    problems.iter().map(|p| (p.place.line, p.place.column.as_deref(), p.kind.code())).collect()
}

struct Count(u8);

impl Random for Count {
    fn fill(&self, octets: &mut [u8]) {
        octets.fill(self.0);
    }
}

#[tokio::test]
async fn a_card_with_a_job_is_done_and_a_key_names_one_card() {
    let (keepers, profile) = (keepers(), profile());
    let jobs = &keepers.jobs;
    let job = |iccid: &str, key: Option<&str>| NewJob {
        key: key.map(|key| key.parse().unwrap()),
        profile: profile.name.clone(),
        profile_version: profile.version,
        server_id: "acme.dm".parse().unwrap(),
        route: Route::Card,
        payload: PayloadKind::Cp,
        imei: None,
        iccid: Some(iccid.parse().unwrap()),
        imsi: None,
        asked: None,
        octets: None,
    };
    let (at, id) = (Timestamp::from_millis(0), |n: u8| JobId::new(Timestamp::from_millis(0), &Count(n)));
    let imei = Some("490154203237518".parse().unwrap());
    jobs.create(id(1), &NewJob { imei, ..job("89490200001234567892", None) }, at).await.unwrap();
    jobs.create(id(2), &job("89490200001234567918", Some("unit-2")), at).await.unwrap();
    let (batch, mut report) = Report::of_table(TWO.as_bytes(), &Columns::default());
    report.check_store(&batch, &profile, &keepers, false).await.unwrap();
    assert_eq!(codes(&report.problems), [(2, Some("iccid"), "job-under-way"), (3, Some("key"), "key-taken")]);
    assert_eq!((report.done, report.errors, report.warnings), (0, 1, 1));

    // One that failed does not count.
    jobs.tell(id(1), &Event::Failed { reason: Reason::new("x") }, at).await.unwrap();
    let (batch, mut report) = Report::of_table(TWO.as_bytes(), &Columns::default());
    report.check_store(&batch, &profile, &keepers, false).await.unwrap();
    assert_eq!(report.done, 0);
}

/// "Done" counts among the rows without errors.
#[tokio::test]
async fn a_row_with_an_error_is_not_counted_as_done() {
    let (keepers, profile, at) = (keepers(), profile(), Timestamp::from_millis(0));
    let job = |iccid: &str| NewJob {
        key: None,
        profile: profile.name.clone(),
        profile_version: profile.version,
        server_id: "acme.dm".parse().unwrap(),
        route: Route::Card,
        payload: PayloadKind::Cp,
        imei: Some("490154203237518".parse().unwrap()),
        iccid: Some(iccid.parse().unwrap()),
        imsi: None,
        asked: None,
        octets: None,
    };
    let id = |n: u8| JobId::new(at, &Count(n));
    let table = "iccid,imei\n89490200001234567892,490154203237518\n";
    let check = async || {
        let (batch, mut report) = Report::of_table(table.as_bytes(), &Columns::default());
        report.check_store(&batch, &profile, &keepers, false).await.unwrap();
        (report.rows, report.done, report.errors)
    };
    keepers.jobs.create(id(1), &job("89490200001234567892"), at).await.unwrap();
    assert_eq!(check().await, (1, 0, 0), "it is under way");
    let account = AccountId::new(1);
    for event in [
        Event::AccountRegistered { account },
        Event::PayloadBuilt,
        Event::DeliveryStarted,
        Event::DeliveryConfirmed,
    ] {
        keepers.jobs.tell(id(1), &event, at).await.unwrap();
    }
    assert_eq!(check().await, (1, 1, 0));
    // Another card was made for the same device: the row is an error.
    keepers.jobs.create(id(2), &job("89490200001234567926"), at).await.unwrap();
    assert_eq!(check().await, (0, 0, 1));
}

/// Jobs keep no IMSI, and it is found all the same: on the same card it is no duplicate, nor where the job came to nothing.
#[tokio::test]
async fn an_imsi_goes_to_one_card() {
    let (keepers, profile) = (keepers(), profile());
    let imsi = |digits: &str| keepers.fingerprints.of_imsi(&digits.parse().unwrap()).unwrap();
    let job = |iccid: &str, digits: &str| NewJob {
        key: None,
        profile: "another-profile".parse().unwrap(),
        profile_version: 1,
        server_id: "acme.dm".parse().unwrap(),
        route: Route::Card,
        payload: PayloadKind::Cp,
        imei: None,
        iccid: Some(iccid.parse().unwrap()),
        imsi: Some(imsi(digits)),
        asked: None,
        octets: None,
    };
    let at = Timestamp::from_millis(0);
    for (n, job) in (1..).zip([
        job("89490200001234567892", "262011234567890"),
        job("89490200001234567926", "262011234567891"),
        job("89490200001234567934", "262011234567892"),
    ]) {
        keepers.jobs.create(JobId::new(at, &Count(n)), &job, at).await.unwrap();
    }
    let failed = JobId::new(at, &Count(3));
    keepers.jobs.tell(failed, &Event::Failed { reason: Reason::new("x") }, at).await.unwrap();
    let table = "iccid,imsi,imei\n89490200001234567892,262011234567890,490154203237518\n\
        89490200001234567900,262011234567891,490154203237526\n\
        89490200001234567918,262011234567892,490154203237534\n";
    let (batch, report) = Report::of_table(table.as_bytes(), &Columns::default());
    for (reissue, expected) in [(false, "imsi-taken"), (true, "reissued")] {
        let mut report = report.clone();
        report.check_store(&batch, &profile, &keepers, reissue).await.unwrap();
        assert_eq!(codes(&report.problems), [(3, Some("imsi"), expected)]);
        assert_eq!((report.is_sound(), report.warnings), (reissue, usize::from(reissue)));
        let said = report.problems[0].to_string();
        assert!(said.contains("to card 89490200001234567926") && !said.contains("26201123"), "{said}");
    }
}

/// A device twice in a table, and one that another card was made for.
#[tokio::test]
async fn a_device_is_given_one_card() {
    let (profile, keepers, at) = (profile(), keepers(), Timestamp::from_millis(0));
    let other = NewJob {
        key: None,
        profile: profile.name.clone(),
        profile_version: profile.version,
        server_id: "acme.dm".parse().unwrap(),
        route: Route::Card,
        payload: PayloadKind::Cp,
        imei: Some("490154203237518".parse().unwrap()),
        iccid: Some("89490200001234567926".parse().unwrap()),
        imsi: None,
        asked: None,
        octets: None,
    };
    keepers.jobs.create(JobId::new(at, &Count(0)), &other, at).await.unwrap();
    let rows = |second: &str| {
        format!("iccid,imei\n89490200001234567892,490154203237518\n89490200001234567900,{second}\n")
    };
    let (_, report) = Report::of_table(rows("490154203237518").as_bytes(), &Columns::default());
    assert_eq!(codes(&report.problems), [(3, Some("imei"), "duplicate")]);
    assert!(report.problems[0].to_string().contains("the same IMEI stands in line 2"));
    let (batch, report) = Report::of_table(rows("490154203237526").as_bytes(), &Columns::default());
    for (reissue, expected) in [(false, "imei-taken"), (true, "reissued")] {
        let mut report = report.clone();
        report.check_store(&batch, &profile, &keepers, reissue).await.unwrap();
        assert_eq!(codes(&report.problems), [(2, Some("imei"), expected)]);
        assert_eq!(report.rows, if reissue { 2 } else { 1 }, "rows without errors");
        let said = report.problems[0].to_string();
        assert!(
            said.contains("this IMEI to card 89490200001234567926") && !said.contains("49015420"),
            "{said}"
        );
    }
}

#[test]
fn a_run_that_is_not_wholly_said_names_all_that_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("cards.csv"), "iccid\n89490200001234567892\n").unwrap();
    for (args, missing) in [
        (&[][..], &["--profile FILE", "--as KIND", "--script FILE"][..]),
        (&["--as", "cp"], &["--profile FILE", "--script FILE"]),
        (&["--profile", "p.toml"], &["--as KIND", "--script FILE"]),
    ] {
        let ran = bootgate_in(folder.path(), &[&["batch", "run", "cards.csv", "--dry-run"], args].concat());
        assert!(ran.exit == 2 && missing.iter().all(|word| ran.err.contains(word)), "{}", ran.shown());
    }
    let ran = bootgate_in(folder.path(), &["batch", "check", "cards.csv", "--keys", "env:KEYS"]);
    assert!(ran.exit == 0 && ran.err.contains("--keys is looked at with --script alone"), "{}", ran.shown());
    let ran = bootgate_in(folder.path(), &["batch", "check", "cards.csv", "--script", "none-such"]);
    assert!(ran.err.contains("`bootgate card run --list` names those"), "{}", ran.shown());
}

/// A check looks and keeps nothing: the key under which IMSIs and rows would be known is made by who gives them away.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_leaves_the_store_as_it_is() {
    let station = crate::batch_run::Station::new().await;
    let keepers = station.app.keepers();
    for table in [
        "iccid,imsi,imei\n89490200001234567892,262011234567890,490154203237518\n",
        "imsi,imei\n262011234567890,490154203237518\n",
    ] {
        let (batch, mut report) = Report::of_table(table.as_bytes(), &Columns::default());
        report.check_store(&batch, &profile(), &keepers, false).await.unwrap();
        assert!(report.is_sound() && !keepers.know(&batch).await.unwrap(), "{report}");
        assert!(keepers.fingerprints.known_key().unwrap().is_none(), "{table}");
    }
    station.run("imei,adm1\n490154203237518,12345678\n", true).await;
    assert!(keepers.fingerprints.known_key().unwrap().is_some());
}

fn profile() -> Profile {
    Profile::parse(&std::fs::read_to_string(PROFILE).unwrap()).unwrap()
}

fn keepers() -> Keepers {
    let memory = Arc::new(Memory::new());
    let key = FingerprintKey::new(zeroize::Zeroizing::new([7; FingerprintKey::OCTETS]));
    Keepers { jobs: memory.clone(), claims: memory, fingerprints: Arc::new(key) }
}

#[test]
fn a_table_that_cannot_be_read_says_where_and_what_was_meant() {
    let folder = tempfile::tempdir().unwrap();
    let said = |table: &str| batch(folder.path(), table, &[]);
    let (exit, out) =
        said("iccid,imei\n89490200001234567892,490154203237518\n\"89490200001234567900,490154203237526\n");
    assert_eq!(exit, 78, "{out}");
    assert!(
        out.contains("cards.csv:3: error: a quotation mark opens a cell here, and none closes it"),
        "{out}"
    );
    assert!(out.contains("1 row without errors, found by ICCID\n1 error, 0 warnings"), "{out}");

    let (_, out) = said("iccid\n89490200001234567891\n");
    assert!(out.contains("cards.csv: 0 rows without errors\n1 error"), "{out}");
    let (_, out) = batch(folder.path(), "iccid\n89490200001234567891\n", &["--format", "json"]);
    assert!(out.contains("\"matching\": \"by-iccid\""), "{out}");
}

#[test]
fn a_file_of_columns_is_told_by_line_and_column_and_never_quoted() {
    for (columns, said) in [
        (
            "[colums]\niccid = \"x\"\n",
            "columns.toml:1:2: unknown key `colums`; expected `ignore` or a table [columns]; did you mean `columns`?",
        ),
        (
            "ignore = []\n[columns]\nicid = \"x\"\n",
            "columns.toml:3:1: [columns] names `icid`; expected one of iccid",
        ),
        ("[columns]\niccid = 7\n", "columns.toml:2:1: `iccid` is no title of the table, in quotation marks"),
        ("[columns]\niccid = \"x\"\nimsi = \" X\"\n", "columns.toml:3:1: [columns] calls two columns ` X`"),
        ("adm1,imsi\nMARKED01,262011234567890\n", "columns.toml:1:5: not TOML: "),
        ("[columns]\nadm1 = MARKED01 262011234567890\n", "columns.toml:2:8: not TOML: "),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("columns.toml"), columns).unwrap();
        std::fs::write(folder.path().join("cards.csv"), "iccid\n").unwrap();
        let ran = bootgate_in(folder.path(), &["batch", "check", "cards.csv", "--columns", "columns.toml"]);
        assert_eq!((ran.exit, ran.out.as_str()), (78, ""), "{}", ran.err);
        assert!(ran.err.contains(said), "{said} in {}", ran.err);
        assert!(!ran.err.contains(ADM) && !ran.err.contains("262011234567890"), "{}", ran.err);
        assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    }
}
