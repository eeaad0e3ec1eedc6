//! Settings files of the USIM that a profile asks for, from the command line to the card: planned, written with the bootstrap and read
//! back; refused where a card has none.

use bootgate::{
    lab::image::CardImage,
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
    assert!(pcscd.bootgate(&[&new[..], &["--iccid", ICCID, "--adm", ADM]].concat()).status.success());
    pcscd.insert(0, &["--image", "card.json", "--save"])
}

#[test]
fn settings_files_of_the_usim_are_written_with_the_bootstrap() {
    let pcscd = Pcscd::start(1);
    let profile = format!("{PROFILE}\n[card]\nsettings-files = [\"acl\", \"mmsicp\"]\n");
    std::fs::write(pcscd.folder().join("settings.toml"), profile).unwrap();
    std::fs::write(pcscd.folder().join("adm"), ADM).unwrap();
    let uicc = insert(&pcscd, "uicc");
    let (status, said) = card(&pcscd, "plan", &[]);
    assert_eq!(status, Some(0), "{said}");
    for line in [
        "update    A0000000871002/6F57  EF(ACL), room for 64 octets",
        "new  44 octets: access points internet.acme.example, mms.acme.example",
        "new  33 octets: settings: implementation, relay or server",
    ] {
        assert!(said.contains(line), "{line} in {said}");
    }
    let (status, said) = card(&pcscd, "write", &["--adm", "@adm", "--yes"]);
    assert_eq!(status, Some(0), "{said}");
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

    // A SIM has no USIM: nothing is written to it, not even the bootstrap.
    let sim = insert(&pcscd, "sim");
    let clean = CardImage::load(&pcscd.folder().join("card.json")).unwrap();
    let (status, said) = card(&pcscd, "write", &["--adm", "@adm", "--yes"]);
    assert!(status == Some(1) && said.contains("no EF(ACL)") && said.contains("settings-files"), "{said}");
    pcscd.pull(0, sim);
    assert!(CardImage::load(&pcscd.folder().join("card.json")).unwrap() == clean);
}
