//! Settings files of the USIM that a profile asks for, from the command line to the card: octets, records and data objects; planned,
//! written with the bootstrap and read back; refused where a card has none.

use bootgate::{
    lab::image::{Body, CardImage},
    wire::{
        Fid,
        usim::{self, SettingsFile},
    },
};

use crate::peers::pcscd::Pcscd;

const PROFILE: &str = include_str!("../../config/profiles/consumer-phone.toml");
const ICCID: &str = "89490200001234567892";
const ADM: &str = "MARKED-A";

fn card(pcscd: &Pcscd, action: &str, more: &[&str]) -> (Option<i32>, String) {
    let what = ["--profile", "settings.toml", "--as", "cp", "--imei", "490154203237518"];
    let ran = pcscd.bootgate(&[&["card", action, "-r", "bay 0 00 00"], &what[..], more].concat());
    let said = String::from_utf8([ran.stdout, ran.stderr].concat()).unwrap();
    assert!(!said.contains(ADM), "{said}");
    (ran.status.code(), said)
}

fn insert(pcscd: &Pcscd, personality: &str) -> crate::peers::Process {
    let new =
        ["lab", "card", "--new", "card.json", "--force", "--kind", "prepared", "--personality", personality];
    let of_it = ["--all-settings-files", "--iccid", ICCID, "--adm", ADM];
    assert!(pcscd.bootgate(&[&new[..], &of_it].concat()).status.success());
    pcscd.insert(0, &["--image", "card.json", "--save"])
}

/// A document of more than three blocks.
fn document() -> String {
    format!("<MgmtTree>{}</MgmtTree>", "<Node><NodeName>x</NodeName></Node>".repeat(28))
}

/// The README shows what the program prints for the profile that it shows.
#[test]
fn the_readme_shows_the_plan() {
    let readme = include_str!("../../README.md");
    let lines = |begin: &str| {
        let below = readme.lines().skip_while(|line| !line.trim_start().starts_with(begin));
        let block = below.take_while(|line| line.starts_with("    "));
        block.filter_map(|line| line.strip_prefix("    ")).collect::<Vec<_>>()
    };
    let pcscd = Pcscd::start(1);
    let profile = format!("{PROFILE}\n{}\n", lines("[card]").join("\n"));
    std::fs::write(pcscd.folder().join("settings.toml"), profile).unwrap();
    let uicc = insert(&pcscd, "uicc");
    let (status, said) = card(&pcscd, "plan", &[]);
    let shown = lines("$ bootgate card plan -r 'bay 0 00 00' --profile settings.toml");
    assert!(status == Some(0) && shown.len() == 12, "{shown:?}");
    for line in shown.iter().skip(2) {
        assert!(said.lines().any(|printed| printed == *line), "{line} in {said}");
    }
    pcscd.pull(0, uicc);
}

#[test]
fn settings_files_of_the_usim_are_written_with_the_bootstrap() {
    let pcscd = Pcscd::start(1);
    let tables = "[card.nas-config]\nminimum-search-timer = 60\n\
                  [[card.mms-preferences]]\nname = \"Standard\"\ndelivery-report = true\n\
                  [[card.mms-preferences]]\nname = \"Urgent\"\npriority = \"high\"\n";
    let ims = format!("[card.ims-config]\ntext = \"{}\"\n", document());
    let wanted = "settings-files = [\"acl\", \"mmsicp\", \"nasconfig\", \"mmsup\", \"ims\"]";
    let profile = format!("{PROFILE}\n[card]\n{wanted}\n{tables}{ims}");
    std::fs::write(pcscd.folder().join("settings.toml"), profile).unwrap();
    std::fs::write(pcscd.folder().join("adm"), ADM).unwrap();
    let uicc = insert(&pcscd, "uicc");
    let (status, said) = card(&pcscd, "plan", &[]);
    assert_eq!(status, Some(0), "{said}");
    for line in [
        "update    A0000000871002/6F57  EF(ACL), room for 64 octets",
        "new  44 octets: access points internet.acme.example, mms.acme.example",
        "new  33 octets: settings: implementation, relay or server",
        "update    A0000000871002/6FE8  EF(NASCONFIG), room for 64 octets",
        "new  3 octets: settings: minimum periodic search timer",
        "update    A0000000871002/6FD1  EF(MMSUP), room for 144 octets",
        "new  32 octets: settings: preferences, delivery report, preferences, priority",
        "update    A0000000871002/6FF8  EF(IMSConfigData), room for 2048 octets",
        "new  1008 octets: settings: encoding, text",
    ] {
        assert!(said.contains(line), "{line} in {said}");
    }
    let (status, said) = card(&pcscd, "write", &["--adm", "@adm", "--yes"]);
    assert_eq!(status, Some(0), "{said}");
    let (status, said) = card(&pcscd, "plan", &[]);
    // Secrets of the bootstrap are drawn anew.
    assert!(status == Some(0) && said.matches("unchanged ").count() == 5, "{said}");
    let inspected = pcscd.bootgate(&["card", "inspect", "-r", "bay 0 00 00"]);
    let inspected = String::from_utf8(inspected.stdout).unwrap();
    for line in [
        "settings  EF(NASCONFIG) in A0000000871002/6FE8\n    minimum periodic search timer = 60",
        "    preferences = Standard\n    delivery report = yes\n    preferences = Urgent\n    priority = high",
        &format!(
            "settings  EF(IMSConfigData) in A0000000871002/6FF8\n    encoding = 00\n    text = {}",
            document()
        ),
        "settings  EF(XCAPConfigData) in A0000000871002/6FFC: empty",
    ] {
        assert!(inspected.contains(line), "{line} in {inspected}");
    }
    // Each can be read by itself.
    let read = |file: &str, more: &[&str]| {
        let ran = pcscd.bootgate(&[&["card", "read", "-r", "bay 0 00 00", "--as", file], more].concat());
        (ran.status.code(), String::from_utf8([ran.stdout, ran.stderr].concat()).unwrap())
    };
    let said = "A0000000871002/6FD1: EF(MMSUP), 144 octets\n  preferences = Standard\n  delivery report = yes\n  preferences = Urgent\n  \
                priority = high\n";
    assert_eq!(read("mmsup", &[]), (Some(0), said.to_owned()));
    let (status, json) = read("ims", &["--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (status, &json["name"], &json["served"]),
        (Some(0), &"EF(IMSConfigData)".into(), &true.into())
    );
    assert_eq!(json["settings"][1], serde_json::json!({"name": "text", "value": document()}));
    let (status, hex) = read("nasconfig", &["--hex"]);
    assert!(status == Some(0) && hex.len() == 2 * 64 + 1 && hex.contains("FFFF"), "{hex}");
    let (status, said) = read("acl", &["-o", "acl"]);
    assert!(status == Some(0) && said.contains("written into acl"), "{said}");
    let explained = pcscd.bootgate(&["decode", "--as", "acl", "acl"]);
    assert!(String::from_utf8(explained.stdout).unwrap().contains("internet.acme.example"));
    let (status, said) = read("xcap", &[]);
    assert!(status == Some(1) && said.contains("EF(XCAPConfigData) is empty"), "{said}");
    let (status, said) = read("efacl", &[]);
    assert!(status == Some(2) && said.contains("cp or dm, or a settings file of the USIM: acl,"), "{said}");
    pcscd.pull(0, uicc);

    // The card itself has them.
    let image = CardImage::load(&pcscd.folder().join("card.json")).unwrap();
    let of = |file: SettingsFile| {
        let octets = image.mf.find(&[Fid(0x7FD0), file.fid()]).unwrap().content().unwrap();
        let settings = usim::settings(file, octets).unwrap();
        settings.into_iter().map(|setting| setting.value).collect::<Vec<_>>()
    };
    assert_eq!(of(SettingsFile::AccessPoints), ["internet.acme.example", "mms.acme.example"]);
    assert_eq!(of(SettingsFile::MmsIssuer)[1], "http://mmsc.acme.example/mms");

    let body = |file: SettingsFile| &image.mf.find(&[Fid(0x7FD0), file.fid()]).unwrap().body;
    let Body::Records { records, .. } = body(SettingsFile::MmsPreferences) else { panic!("no records") };
    assert!(
        records[1].starts_with(b"\x80\x01\x01\x81\x06Urgent")
            && records[2].iter().all(|octet| *octet == 0xFF)
    );
    let Body::Objects { objects, .. } = body(SettingsFile::Ims) else { panic!("no objects") };
    assert_eq!(*objects, [(0x80, vec![0x00]), (0x81, document().into_bytes())]);

    // A SIM has no USIM: nothing is written to it, not even the bootstrap.
    let sim = insert(&pcscd, "sim");
    let clean = CardImage::load(&pcscd.folder().join("card.json")).unwrap();
    let (status, said) = card(&pcscd, "write", &["--adm", "@adm", "--yes"]);
    assert!(status == Some(1) && said.contains("no EF(ACL)") && said.contains("settings-files"), "{said}");
    let (status, said) = read("acl", &[]);
    assert!(status == Some(1) && said.contains("no USIM with EF(ACL)"), "{said}");
    pcscd.pull(0, sim);
    assert!(CardImage::load(&pcscd.folder().join("card.json")).unwrap() == clean);
}

/// A card that is pulled between two blocks of a data object, or in the middle of one, is taken back to the octet or gone on with.
#[test]
fn a_card_that_is_pulled_within_a_data_object_is_settled() {
    let pcscd = Pcscd::start(1);
    let ims = format!("[card.ims-config]\ntext = \"{}\"\n", document());
    let profile = format!("{PROFILE}\n[card]\nsettings-files = [\"ims\"]\n{ims}");
    std::fs::write(pcscd.folder().join("settings.toml"), profile).unwrap();
    std::fs::write(pcscd.folder().join("adm"), ADM).unwrap();
    pcscd.pull(0, insert(&pcscd, "uicc"));
    let image = || CardImage::load(&pcscd.folder().join("card.json")).unwrap();
    let objects = || match &image().mf.find(&[Fid(0x7FD0), SettingsFile::Ims.fid()]).unwrap().body {
        Body::Objects { objects, .. } => objects.clone(),
        _ => panic!("no objects"),
    };
    let clean = image();
    let put_in = |more: &[&str]| pcscd.insert(0, &[&["--image", "card.json", "--save"], more].concat());
    let recover = |more: &[&str]| {
        let ran =
            pcscd.bootgate(&[&["card", "recover", "-r", "bay 0 00 00", "--adm", "@adm"], more].concat());
        (ran.status.code(), String::from_utf8([ran.stdout, ran.stderr].concat()).unwrap())
    };
    // Four UPDATEs are the bootstrap's; the fifth to eighth bring object 81, and the last one brings object 80.
    for (fault, shows, way) in [
        ("torn-update=6", 1, "--roll-back"),
        ("cut-after=45", 0, "--roll-back"),
        ("torn-update=10", 2, "--roll-back"),
        ("torn-update=8", 1, "--resume"),
    ] {
        let torn = put_in(&["--fault", fault]);
        let (status, said) = card(&pcscd, "write", &["--adm", "@adm", "--yes"]);
        assert!(status == Some(1) && !said.contains("read back ("), "{fault}: {said}");
        pcscd.pull(0, torn);
        if fault.starts_with("torn") {
            assert_eq!(objects().len(), shows, "{fault}: what the card shows");
        }
        let whole = put_in(&[]);
        let (status, said) = recover(&[]);
        assert!(status == Some(2) && said.contains("A0000000871002/6FF8  data object 81"), "{fault}: {said}");
        let (status, said) = recover(&[way, "--yes"]);
        assert_eq!(status, Some(0), "{fault}: {said}");
        pcscd.pull(0, whole);
        match way {
            "--roll-back" => assert!(image() == clean, "{fault}: the card is as it was, to the octet"),
            _ => assert_eq!(objects(), [(0x80, vec![0x00]), (0x81, document().into_bytes())]),
        }
    }
}
