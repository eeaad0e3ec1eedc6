//! Profiles and subscriber numbers, good and bad, as somebody at a terminal or a script meets them: what is printed where,
//! and the exit status.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::program::bootgate;

const CONSUMER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/consumer-phone.toml");
const IOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/iot-module.toml");
const IMSI: &str = "262011234567890";
const IMEI: &str = "490154203237518";
const ICCID: &str = "89490200001234567892";

fn profile(folder: &tempfile::TempDir, text: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join("p.toml");
    std::fs::write(&path, text).unwrap();
    path
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// What `profile check` says of the consumer profile when `from` stands there as `to`: exit status and output with the
/// folder taken away.
fn check_changed(from: &str, to: &str) -> (i32, String) {
    let original = std::fs::read_to_string(CONSUMER).unwrap();
    assert!(original.contains(from), "{from}");
    let folder = tempfile::tempdir().unwrap();
    let path = profile(&folder, original.replacen(from, to, 1));
    let ran = bootgate(&["profile", "check", text(&path)]);
    (ran.exit, ran.out.replace(text(folder.path()), ""))
}

#[test]
fn shipped_profiles_have_no_errors() {
    let folder = Path::new(CONSUMER).parent().unwrap();
    let mut files: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path().to_str().unwrap().to_owned()).collect();
    files.sort();
    assert_eq!(files.len(), 3, "a new profile belongs into this test");
    let mut args = vec!["profile", "check"];
    args.extend(files.iter().map(String::as_str));
    let ran = bootgate(&args);
    assert_eq!((ran.exit, ran.err.as_str()), (0, ""), "{}", ran.out);
    // One profile is for cards only; the reference has what some families refuse: that is what it is for.
    assert!(ran.out.ends_with("3 files, 0 errors, 3 warnings\n"), "{}", ran.out);
}

#[test]
fn bad_profiles_are_refused_with_place_and_suggestion() {
    let long = format!("name = \"{}\"", "x".repeat(129));
    for (from, to, expected) in [
        (
            "\naddress = \"internet",
            "\nadress = \"internet",
            ":32:1: error: unknown key `adress` in [[nap]]; expected one of",
        ),
        ("\naddress = \"internet", "\nadress = \"internet", "; did you mean `address`?"),
        ("id = \"internet\"", "", "error: [[nap]] has no `id`; expected a name that others refer to"),
        (
            "id = \"mms\"",
            "id = \"internet\"",
            ": error: id `internet` is doubled, line 29 column 6 has it too",
        ),
        (
            "[\"mms-proxy\"]",
            "[\"mms-prxy\"]",
            "error: `connect-via` names `mms-prxy`, which is not the id of a [[nap]] or [[proxy]]; did you mean `mms-proxy`?",
        ),
        ("name = \"Acme Internet\"", &long, "error: `name` has 129 characters; at most 128 fit"),
        (
            "\"Acme Internet\"",
            "\"Acme\\u0000Internet\"",
            "error: `name` holds the character U+0000 at position 5",
        ),
        ("\"Acme Internet\"", "\"Acme\u{0}Internet\"", ":30:13: error: not readable as TOML"),
        (
            "ports = [8080]",
            "ports = [80800]",
            "error: `ports` is 80800; expected a whole number from 1 to 65535",
        ),
        (
            "name = \"{imei}\"",
            "name = \"{imie}\"",
            "error: `name` has the unknown placeholder `{imie}`; expected one of {imei}, {imsi}, {iccid}, {msisdn}; did you mean `imei`?",
        ),
        (
            "secret = { plain = \"mms\" }",
            "secret = \"mms\"",
            "error: `secret` is a secret in clear that is not marked so",
        ),
        (
            "method = \"usernetwpin\"",
            "method = \"none\"",
            "error: `method` = \"none\" sends a bootstrap that anybody could forge",
        ),
        ("https://dm.acme.example:443/dm", "dm.acme.example", "error: `address`: not an absolute URL"),
    ] {
        let (exit, out) = check_changed(from, to);
        assert_eq!(exit, 78, "{from} → {to}: {out}");
        assert!(out.contains(expected), "{from} → {to}: expected {expected}\n{out}");
        assert!(out.lines().next().unwrap().starts_with("/p.toml:"), "{out}");
    }
}

#[test]
fn all_problems_come_at_once_as_text_and_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let path =
        profile(&folder, "name = \"x\"\nversion = 0\n[security]\nmethod = \"usrpin\"\n[[nap]]\nid = \"a\"\n");
    let ran = bootgate(&["profile", "check", text(&path)]);
    assert_eq!((ran.exit, ran.err.as_str()), (78, ""));
    assert_eq!(ran.out.matches(": error: ").count(), 5, "{}", ran.out);

    let ran = bootgate(&["profile", "check", "--format", "json", text(&path), IOT]);
    assert_eq!(ran.exit, 78);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((report["errors"].as_u64(), report["warnings"].as_u64()), (Some(5), Some(1)));
    let problem = &report["files"][0]["problems"][1];
    assert_eq!(problem["code"], "unknown-value");
    assert_eq!(problem["suggestion"], "userpin");
    assert_eq!((problem["line"].as_u64(), problem["column"].as_u64()), (Some(4), Some(10)));
    assert_eq!(report["files"][1]["profile"], "acme-meter");
}

#[test]
fn a_file_that_is_no_text_or_not_there_is_said_to_be_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = profile(&folder, b"name = \"x\"\n\xFF\xFE");
    let ran = bootgate(&["profile", "check", text(&path)]);
    assert_eq!(ran.exit, 78);
    assert!(
        ran.out.contains(":2:1: error: not readable as TOML: not UTF-8 text from here on"),
        "{}",
        ran.out
    );
    let ran = bootgate(&["profile", "check", "/nowhere/p.toml"]);
    assert_eq!(ran.exit, 2);
    assert!(ran.err.contains("cannot read /nowhere/p.toml"), "{}", ran.err);
    assert_eq!(bootgate(&["profile", "check"]).exit, 2);
}

#[test]
fn subscriber_numbers_are_checked_and_not_repeated() {
    for (option, value, expected) in [
        ("--imsi", "12345", "--imsi: IMSI has 5 digits; expected 6 to 15"),
        ("--imsi", "2620112345678901", "--imsi: IMSI has 16 digits; expected 6 to 15"),
        (
            "--imsi",
            "26201123456789x",
            "--imsi: IMSI has a character at position 15 that is not allowed; expected a digit",
        ),
        ("--imei", "49015420323751", "--imei: IMEI has 14 digits; expected 15"),
        (
            "--imei",
            "490154203237519",
            "--imei: IMEI ends in check digit 9, but its other digits give 8; a digit was mistyped",
        ),
        ("--iccid", "8949020000123456", "--iccid: ICCID has 16 digits; expected 18 to 20"),
        (
            "--iccid",
            "89490200001234567891",
            "--iccid: ICCID ends in check digit 1, but its other digits give 2; a digit was mistyped",
        ),
        ("--msisdn", "12", "--msisdn: MSISDN has 2 digits; expected 3 to 15"),
    ] {
        let ran = bootgate(&["profile", "build", IOT, "--as", "dm", option, value]);
        assert_eq!((ran.exit, ran.out.as_str()), (2, ""), "{option} {value}");
        assert!(ran.err.contains(expected), "{option} {value}: {}", ran.err);
        assert!(!ran.err.contains(value), "{}", ran.err);
    }
}

#[test]
fn a_payload_is_built_and_its_signature_told_beside_it() {
    let args =
        ["profile", "build", CONSUMER, "--as", "cp", "--imsi", IMSI, "--imei", IMEI, "--pin", "48151623"];
    let ran = bootgate(&args);
    assert_eq!(ran.exit, 0, "{}", ran.err);
    assert!(ran.out.starts_with("030b6a00"), "standard output holds the payload alone: {}", ran.out);
    assert!(ran.out.trim().bytes().all(|b| b.is_ascii_hexdigit()));
    let size = ran.out.trim().len() / 2;
    assert!(ran.err.contains(&format!("client provisioning document (cp), {size} octets")), "{}", ran.err);
    assert!(ran.err.contains("content type  application/vnd.wap.connectivity-wbxml"), "{}", ran.err);
    let mac = ran.err.split("SEC=2; MAC=").nth(1).unwrap().lines().next().unwrap();
    assert!(mac.len() == 40 && mac.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()), "{mac}");

    // Secrets are drawn anew for each payload.
    assert_ne!(bootgate(&args).out, ran.out);

    let mut args = args.to_vec();
    args.extend(["--format", "json"]);
    let report: Value = serde_json::from_str(&bootgate(&args).out).unwrap();
    assert_eq!((&report["kind"], &report["sec"]), (&"cp".into(), &"USERNETWPIN".into()));
    assert_eq!(report["wbxml_hex"].as_str().unwrap().len() / 2, report["size"].as_u64().unwrap() as usize);
    assert_eq!(report["mac"].as_str().unwrap().len(), 40);
}

#[test]
fn every_method_signs_and_the_pin_to_enter_is_told() {
    let with = |extra: &[&str]| {
        let mut args = vec!["profile", "build", CONSUMER, "--as", "cp", "--imei", IMEI];
        args.extend(extra);
        bootgate(&args)
    };
    for (sec, pin, parameters) in [
        ("netwpin", &[][..], "SEC=0; MAC="),
        ("userpin", &["--pin", "4711"], "SEC=1; MAC="),
        ("usernetwpin", &["--pin", "4711"], "SEC=2; MAC="),
    ] {
        let ran = with(&[&["--imsi", IMSI, "--sec", sec], pin].concat());
        assert_eq!(ran.exit, 0, "{}", ran.err);
        assert!(ran.err.contains(parameters), "{sec}: {}", ran.err);
        assert!(!ran.err.contains("user enters"));
    }
    let ran = with(&["--pin", "24680", "--sec", "userpinmac"]);
    assert!(ran.err.contains("SEC=3\n") && ran.err.contains("user enters   24680"), "{}", ran.err);

    // Asked for here: what is missing is an error. Asked for by the profile alone: it is told.
    let ran = with(&["--sec", "usernetwpin", "--pin", "4711"]);
    assert_eq!(ran.exit, 2);
    assert!(ran.err.contains("USERNETWPIN needs the IMSI of the device's card"), "{}", ran.err);
    let ran = with(&[]);
    assert_eq!(ran.exit, 0);
    assert!(
        ran.err.contains(
            "not signed    USERNETWPIN needs a PIN (--pin, or --pin random to have one drawn) and the IMSI of the device's card (--imsi); a card needs no signature"
        ),
        "{}",
        ran.err
    );
    let ran = with(&["--sec", "userpin", "--pin", "12ab5678"]);
    assert_eq!(ran.exit, 2);
    assert!(!ran.err.contains("12ab5678"), "{}", ran.err);
    let ran = bootgate(&[
        "profile",
        "build",
        IOT,
        "--as",
        "dm",
        "--iccid",
        ICCID,
        "--sec",
        "userpinmac",
        "--pin",
        "24680",
    ]);
    assert_eq!(ran.exit, 2);
    assert!(ran.err.contains("USERPINMAC is no method of the DM bootstrap"), "{}", ran.err);
}

#[test]
fn a_payload_goes_to_a_file_that_only_its_owner_reads() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("payload");
    std::fs::write(&file, [0; 9000]).unwrap();
    let ran =
        bootgate(&["profile", "build", IOT, "--as", "dm", "--iccid", ICCID, "--force", "-o", text(&file)]);
    assert_eq!(ran.exit, 0, "{}", ran.err);
    let octets = std::fs::read(&file).unwrap();
    assert!(ran.out.contains(&format!("DM bootstrap message (dm), {} octets", octets.len())), "{}", ran.out);
    assert!(ran.out.contains("content type  application/vnd.syncml.dm+wbxml"), "{}", ran.out);
    assert!(ran.out.contains("not signed    the profile has no [security]"), "{}", ran.out);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    let ran = bootgate(&["profile", "build", IOT, "--as", "cp", "--iccid", ICCID, "--xml"]);
    assert!(
        ran.out.contains("<parm name=\"AAUTHNAME\" value=\"meter-89490200001234567892\"/>"),
        "{}",
        ran.out
    );
}

#[test]
fn what_a_profile_lacks_for_a_payload_is_named() {
    let ran = bootgate(&["profile", "build", IOT, "--as", "dm"]);
    assert_eq!(ran.exit, 2);
    assert!(
        ran.err.contains("the profile asks for {iccid}, and no iccid was given; give --iccid"),
        "{}",
        ran.err
    );

    let folder = tempfile::tempdir().unwrap();
    let path = profile(&folder, "name = \"bare\"\nversion = 1\n");
    let ran = bootgate(&["profile", "build", text(&path), "--as", "dm"]);
    assert_eq!(ran.exit, 78);
    assert!(ran.err.contains("there is no DM account"), "{}", ran.err);

    let path = profile(&folder, "name = \"bare\"\nversion = 1\nvers = 2\n");
    let ran = bootgate(&["profile", "build", text(&path), "--as", "cp"]);
    assert_eq!((ran.exit, ran.out.as_str()), (78, ""));
    assert!(
        ran.err.contains(":3:1: error: unknown key `vers`") && ran.err.contains("nothing was done"),
        "{}",
        ran.err
    );
    assert_eq!(bootgate(&["profile", "build", IOT, "--as", "xml"]).exit, 2);
}

#[test]
fn a_family_is_asked_for_by_name_model_or_device() {
    let ran = bootgate(&["profile", "check", CONSUMER, "--for", "Nokia S60"]);
    assert_eq!(ran.exit, 0, "{}", ran.out);
    assert!(ran.out.contains("symbian, broken: bootstrap-prov-url-present, nonce-raw\n"), "{}", ran.out);
    let ran = bootgate(&["profile", "check", CONSUMER, "--for", "windows-mdm"]);
    assert_eq!(ran.exit, 78);
    assert!(
        ran.out.contains(":67:8: error: INIT stands there (APPLICATION=w7/INIT); windows-mdm: INIT: enrolment fails on it; set init = false [no-init-in-enrolment]"),
        "{}",
        ran.out
    );
    let ran = bootgate(&["profile", "check", CONSUMER, "--for", "no-such-phone"]);
    assert_eq!(ran.exit, 2);
    assert!(ran.err.contains("expected one of symbian, intel-cpclient, "), "{}", ran.err);

    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("tac.csv");
    std::fs::write(&table, "TAC,family\n49015420,nRF91\n").unwrap();
    let by_device = |imei: &str| {
        bootgate(&["profile", "check", IOT, "--imei", imei, "--tac", text(&table), "--format", "json"])
    };
    let ran = by_device(IMEI);
    assert_eq!(ran.exit, 78);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["family"]["id"], "nrf-modem");
    assert_eq!(report["files"][0]["refusals"][0]["rule"], "card-file-256");
    let ran = by_device("352099001761481");
    assert_eq!(ran.exit, 0);
    assert!(ran.err.contains("does not know the device's type allocation code"), "{}", ran.err);
    std::fs::write(&table, "49015420,nRF91,\n").unwrap();
    assert_eq!(by_device(IMEI).exit, 78);
    assert_eq!(bootgate(&["profile", "check", IOT, "--imei", IMEI]).exit, 2);
}

#[test]
fn what_devices_refuse_is_said_with_its_rule() {
    let (exit, out) = check_changed("address = \"internet.acme.example\"", "address = \"APN\"");
    assert_eq!(exit, 78);
    assert!(out.contains(":32:11: error: NAP-ADDRESS is one of the words APN, "), "{out}");
    let long = format!("secret = {{ plain = \"{}\" }} }}\nserver", "s".repeat(51));
    let (exit, out) = check_changed("secret = \"generate\" }\nserver", &long);
    assert_eq!(exit, 0);
    assert!(out.contains("warning: AAUTHSECRET has 51 characters; at most 50 are taken"), "{out}");
    assert!(out.contains("symbian: an AAUTHSECRET of more than 50 characters: the installation is aborted"));
    assert!(out.contains("[auth-secret-length-50]") && !out.contains("sss"), "{out}");
}

#[test]
fn two_profiles_may_not_share_a_provisioning_server() {
    let with = |host: &str| {
        let text = std::fs::read_to_string(CONSUMER).unwrap();
        text.replace(
            "# prov-url = \"https://prov.acme.example/\" ",
            &format!("prov-url = \"http://{host}/\""),
        )
    };
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a.toml"), folder.path().join("b.toml"));
    std::fs::write(&a, with("prov.acme.example")).unwrap();
    std::fs::write(&b, with("prov.acme.example:80")).unwrap();
    let ran = bootgate(&["profile", "check", text(&a), text(&b)]);
    assert_eq!(ran.exit, 0);
    let lines: Vec<&str> = ran.out.lines().filter(|l| l.contains("[prov-url-unique]")).collect();
    assert_eq!(lines.len(), 1, "{}", ran.out);
    assert!(
        lines[0].contains("b.toml:23:12: warning: PROVURL has a host that stands before"),
        "{}",
        lines[0]
    );
    assert_eq!(bootgate(&["profile", "check", text(&a)]).out.matches("prov-url-unique").count(), 0);
}

#[test]
fn a_payload_is_imported_as_a_profile_that_has_no_errors() {
    let folder = tempfile::tempdir().unwrap();
    let (payload, made) = (folder.path().join("Old Payload.xml"), folder.path().join("made.toml"));
    let ran = bootgate(&[
        "profile",
        "build",
        CONSUMER,
        "--as",
        "cp",
        "--imei",
        IMEI,
        "--xml",
        "-o",
        text(&payload),
    ]);
    assert_eq!(ran.exit, 0, "{}", ran.err);
    let ran = bootgate(&["profile", "import", text(&payload), "-o", text(&made)]);
    assert_eq!(ran.exit, 0, "{}", ran.err);
    assert!(ran.out.contains("AAUTHDATA: a nonce is drawn for each device"), "{}", ran.out);
    let ran = bootgate(&["profile", "check", text(&made)]);
    assert_eq!(ran.exit, 0, "{}", ran.out);
    assert!(ran.out.contains("ok, old-payload version 1"), "{}", ran.out);

    let ran = bootgate(&["profile", "import", text(&payload), "--name", "n"]);
    assert!(ran.out.starts_with("name = \"n\"\nversion = 1\n"), "{}", ran.out);
    assert!(ran.err.contains("not as it was  security: no SEC"), "{}", ran.err);
    let ran = bootgate(&["profile", "import", text(&payload), "--format", "json"]);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&report["kind"], report["losses"].as_array().unwrap().len()), (&"cp".into(), 3));
    assert!(report["profile"].as_str().unwrap().contains("server-id = \"acme.dm\""));

    std::fs::write(&payload, "nothing of the kind").unwrap();
    assert_eq!(bootgate(&["profile", "import", text(&payload)]).exit, 1);
}

#[test]
fn a_device_description_is_written_drawn_and_compared() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ours.ddf");
    assert_eq!(bootgate(&["profile", "ddf", "-o", text(&file)]).exit, 0);
    let ran = bootgate(&["profile", "check", CONSUMER, IOT, "--ddf", text(&file)]);
    assert_eq!(ran.exit, 0, "{}", ran.out);
    let drawn = bootgate(&["profile", "ddf", text(&file), "--as", "text", "--object", "NAP"]);
    assert!(drawn.out.starts_with("./NAP\n└─ <x> *\n   ├─ NapId\n"), "{}", drawn.out);
    assert!(bootgate(&["profile", "ddf", "--as", "svg"]).out.starts_with("<svg "));
    assert_eq!(bootgate(&["profile", "ddf", "--object", "Nap"]).exit, 2);

    // A device that has accounts and nothing else.
    std::fs::write(&file, bootgate(&["profile", "ddf", "--object", "DMAcc"]).out).unwrap();
    let ran = bootgate(&["profile", "check", IOT, "--ddf", text(&file)]);
    assert_eq!(ran.exit, 78);
    assert!(
        ran.out.contains(
            "iot-module.toml: error: the device does not have the node ./NAP/meters, nor the 6 below it"
        ),
        "{}",
        ran.out
    );
    let ran = bootgate(&["profile", "check", IOT, "--ddf", text(&file), "--format", "json"]);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["files"][0]["missing_nodes"][0]["uri"], "./NAP/meters");
}
