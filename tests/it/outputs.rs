//! Everything that a profile can be built as beside the payloads: what is written, what it is said to be, and what others
//! make of it.

use serde_json::Value;

use super::program::bootgate;

const CONSUMER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/consumer-phone.toml");
const IOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/iot-module.toml");
const REFERENCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/reference.toml");
const IMSI: &str = "262011234567890";
const IMEI: &str = "490154203237518";
const ICCID: &str = "89490200001234567892";

/// `profile build` of a profile for one device, as JSON.
fn built(profile: &str, kind: &str, more: &[&str]) -> Value {
    let mut args = vec!["--format", "json", "profile", "build", profile, "--as", kind];
    args.extend(["--imei", IMEI, "--iccid", ICCID, "--imsi", IMSI, "--msisdn", "+491701234567"]);
    args.extend(more);
    let ran = bootgate(&args);
    assert_eq!(ran.exit, 0, "{}", ran.err);
    serde_json::from_str(&ran.out).unwrap()
}

#[test]
fn xml_is_said_to_be_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cp.xml");
    for (kind, content_type) in
        [("cp", "text/vnd.wap.connectivity-xml"), ("dm", "application/vnd.syncml.dm+xml")]
    {
        let report = built(CONSUMER, kind, &["--xml", "--force", "-o", file.to_str().unwrap()]);
        let written = std::fs::read_to_string(&file).unwrap();
        assert_eq!(report["size"], written.len());
        assert_eq!(report["content_type"], content_type);
        assert!(report["sec"].is_null() && report["mac"].is_null(), "{report}");
        assert!(written.starts_with("<?xml "));
    }
    let ran =
        bootgate(&["profile", "build", CONSUMER, "--as", "cp", "--imei", IMEI, "--xml", "--sec", "netwpin"]);
    assert_eq!(ran.exit, 2, "a MAC of XML means nothing");
}

#[test]
fn an_rcs_document_is_fetched_over_http() {
    let report = built(CONSUMER, "rcs", &[]);
    assert_eq!(report["content_type"], "text/vnd.wap.connectivity-xml");
    let xml = report["xml"].as_str().unwrap();
    assert_eq!(report["size"], xml.len());
    assert!(!xml.contains("DOCTYPE"), "{xml}");
    let version = report["version"].as_u64().unwrap();
    assert!(xml.contains(&format!("<parm name=\"version\" value=\"{version}\"/>")), "{xml}");
    assert!(!xml.contains("TOKEN") && xml.contains("<parm name=\"AppID\" value=\"w4\"/>"), "{xml}");
    assert!(report["losses"].as_array().unwrap().len() > 3, "{report}");

    // The reference profile asks for a token, which is drawn each time.
    let token = || {
        let report = built(REFERENCE, "rcs", &[]);
        let xml = report["xml"].as_str().unwrap().to_owned();
        xml.split("<parm name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    let (first, second) = (token(), token());
    assert!(first.len() == 32 && first != second, "{first} {second}");
}

#[test]
fn a_windows_document_is_one_that_enrolment_takes() {
    let report = built(IOT, "windows", &[]);
    let xml = report["xml"].as_str().unwrap();
    assert!(xml.contains("<wap-provisioningdoc version=\"1.1\">"), "{xml}");
    for level in ["APPSRV", "CLIENT"] {
        assert_eq!(
            xml.matches(&format!("<parm name=\"AAUTHLEVEL\" value=\"{level}\"/>")).count(),
            1,
            "{xml}"
        );
    }
    assert!(!xml.contains("\"INIT\""), "{xml}");

    let ran = bootgate(&["profile", "build", IOT, "--as", "windows", "--iccid", ICCID, "--wsp"]);
    assert_eq!((ran.exit, ran.out.as_str()), (2, ""), "no push carries it");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.toml");
    std::fs::write(&path, "name = \"bare\"\nversion = 1\n").unwrap();
    let ran = bootgate(&["profile", "build", path.to_str().unwrap(), "--as", "windows"]);
    assert_eq!((ran.exit, ran.out.as_str()), (78, ""));
    assert!(ran.err.contains("there is no DM account"), "{}", ran.err);
}

#[test]
fn cards_and_pushes_take_payloads_only() {
    for args in [
        ["card", "plan", "-r", "bay 0", "--profile", CONSUMER, "--as", "rcs"],
        ["rehearse", "--profile", CONSUMER, "--seed", "1", "--as", "windows", "-v"],
    ] {
        let ran = bootgate(&args);
        assert_eq!(ran.exit, 2, "{}", ran.err);
        assert!(ran.err.contains("expected cp or dm"), "{}", ran.err);
    }
    let ran = bootgate(&["profile", "build", IOT, "--as", "xml"]);
    assert_eq!(ran.exit, 2);
    assert!(ran.err.contains("expected one of cp, dm, rcs, windows, factory"), "{}", ran.err);
}
