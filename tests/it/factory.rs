//! A factory image on its way: built, signed, checked with openssl and sha256sum, taken by a phone, opened by the
//! manufacturer; and what is refused.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use bootgate::phone::{BootstrapKind, BootstrapResult, Identity, Phone};
use serde_json::Value;
use tempfile::TempDir;

const CONSUMER: &str = include_str!("../../config/profiles/consumer-phone.toml");
const IMEI: &str = "490154203237518";
const IMSI: &str = "262019876598765";
const MARKS: [&str; 3] = ["MARKED-client-secret", "MARKED-server-secret", "MARKED-nap-secret"];
const FILES: [&str; 4] = ["cp.wbxml", "cp.xml", "tree.json", "tree.xml"];

struct Ran {
    exit: i32,
    out: String,
    err: String,
}

/// A profile with secrets that would be seen, keys that openssl made, and a place for images.
struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        let mut text = CONSUMER.replace("{ plain = \"mms\" }", &format!("{{ plain = \"{}\" }}", MARKS[2]));
        for mark in &MARKS[..2] {
            text = text.replacen("secret = \"generate\"", &format!("secret = {{ plain = \"{mark}\" }}"), 1);
        }
        assert!(MARKS.iter().all(|mark| text.contains(mark)));
        fs::write(bench.at("p.toml"), text).unwrap();
        for (name, algorithm) in
            [("sign", "ed25519"), ("other", "ed25519"), ("seal", "x25519"), ("lost", "x25519")]
        {
            let (private, public) = (bench.path(&format!("{name}.pem")), bench.path(&format!("{name}.pub")));
            peer(&["openssl", "genpkey", "-algorithm", algorithm, "-out", &private], true);
            peer(&["openssl", "pkey", "-in", &private, "-pubout", "-out", &public], true);
        }
        bench
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn path(&self, name: &str) -> String {
        self.at(name).to_str().unwrap().to_owned()
    }

    fn run(&self, args: &[&str]) -> Ran {
        let out = Command::new(env!("CARGO_BIN_EXE_bootgate"))
            .args(args)
            .current_dir(self.folder.path())
            .env_remove("BOOTGATE_CONFIG")
            .output()
            .unwrap();
        let text = |octets| String::from_utf8(octets).unwrap();
        Ran { exit: out.status.code().unwrap(), out: text(out.stdout), err: text(out.stderr) }
    }

    fn build(&self, folder: &str, more: &[&str]) -> Ran {
        let common =
            ["profile", "build", "p.toml", "--as", "factory", "--imei", IMEI, "--imsi", IMSI, "-o", folder];
        self.run(&[&common[..], more].concat())
    }

    /// A signed image of that name, sealed or not.
    fn built(&self, folder: &str, more: &[&str]) -> Ran {
        let ran = self.build(folder, &[&["--sign-key", "@sign.pem"], more].concat());
        assert_eq!(ran.exit, 0, "{}", ran.err);
        ran
    }

    fn verify(&self, folder: &str) -> Ran {
        self.run(&["factory", "verify", folder, "--public-key", "sign.pub"])
    }

    fn open(&self, folder: &str, key: &str, to: &str) -> Ran {
        let key = format!("@{key}");
        self.run(&["factory", "open", folder, "--public-key", "sign.pub", "--open-with", &key, "-o", to])
    }

    fn manifest(&self, folder: &str) -> Value {
        serde_json::from_slice(&fs::read(self.at(folder).join("manifest.json")).unwrap()).unwrap()
    }

    /// True when nothing stands beside the images that an interrupted write would leave.
    fn is_tidy(&self) -> bool {
        !names(self.folder.path()).iter().any(|name| name.starts_with('.'))
    }
}

/// Runs a program of somebody else's.
fn peer(command: &[&str], good: bool) {
    let out = Command::new(command[0]).args(&command[1..]).output().unwrap();
    assert_eq!(out.status.success(), good, "{command:?}: {}", String::from_utf8_lossy(&out.stderr));
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn holds(octets: &[u8], what: &str) -> bool {
    octets.windows(what.len()).any(|w| w == what.as_bytes())
}

#[test]
fn openssl_and_sha256sum_find_an_image_good() {
    let bench = Bench::new();
    let ran = bench.built("image", &[]);
    assert!(ran.out.contains("signature     manifest.sig") && ran.out.contains("in clear"), "{}", ran.out);
    assert_eq!(
        names(&bench.at("image")),
        [&FILES[..2], &["manifest.json", "manifest.sig"], &FILES[2..]].concat()
    );

    let signature = bench.path("image/manifest.sig");
    let check = |key: &str, manifest: &str, good| {
        let (key, manifest) = (bench.path(key), bench.path(manifest));
        let head = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", &key];
        peer(&[&head[..], &["-in", &manifest, "-sigfile", &signature]].concat(), good);
    };
    check("sign.pub", "image/manifest.json", true);
    check("other.pub", "image/manifest.json", false);
    check("sign.pub", "image/cp.xml", false);

    let manifest = bench.manifest("image");
    let entries = manifest["files"].as_array().unwrap();
    let lines: String = entries
        .iter()
        .map(|e| format!("{}  image/{}\n", e["sha256"].as_str().unwrap(), e["name"].as_str().unwrap()))
        .collect();
    assert_eq!(lines.lines().count(), FILES.len());
    for entry in entries {
        let file = bench.at("image").join(entry["name"].as_str().unwrap());
        assert_eq!(fs::metadata(file).unwrap().len(), entry["size"].as_u64().unwrap());
    }
    fs::write(bench.at("sums"), lines).unwrap();
    let sums =
        Command::new("sha256sum").args(["--check", "--strict", "sums"]).current_dir(&bench.folder).output();
    let sums = sums.unwrap();
    assert!(sums.status.success(), "{}", String::from_utf8_lossy(&sums.stdout));

    assert_eq!(manifest["profile"], "acme-consumer");
    let text = manifest.to_string();
    assert!(text.contains("\"49015420…\"") && !text.contains(IMEI) && !text.contains(IMSI), "{text}");
    let ran = bench.verify("image");
    assert_eq!(ran.exit, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("signature     good"), "{}", ran.out);
}

#[test]
fn only_its_owner_can_look_into_an_image() {
    let bench = Bench::new();
    bench.built("image", &[]);
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(bench.at("image")), 0o700);
    for name in names(&bench.at("image")) {
        assert_eq!(mode(bench.at("image").join(name)), 0o600);
    }
}

#[test]
fn a_phone_takes_the_document_of_an_image() {
    let bench = Bench::new();
    bench.built("image", &[]);
    bench.built("sealed", &["--seal-to", "seal.pub"]);
    assert_eq!(bench.open("sealed", "seal.pem", "opened").exit, 0);
    for folder in ["image", "opened"] {
        let mut phone = Phone::new(&Identity {
            imei: IMEI.parse().unwrap(),
            imsi: None,
            manufacturer: "Acme".to_owned(),
            model: "A780".to_owned(),
            language: "en".to_owned(),
            firmware: "1.0".to_owned(),
            software: "2.0".to_owned(),
            hardware: "rev 3".to_owned(),
        })
        .unwrap();
        let document = fs::read(bench.at(folder).join("cp.wbxml")).unwrap();
        let result = phone.receive(BootstrapKind::Cp, &document);
        assert!(matches!(result, BootstrapResult::Accepted { .. }), "{result:?}");
        assert_eq!(phone.accounts().len(), 1);

        // The tree of the image says the same of the account as the phone, which read the other document.
        let tree: Value =
            serde_json::from_slice(&fs::read(bench.at(folder).join("tree.json")).unwrap()).unwrap();
        let nodes = |node: &Value| node["nodes"].as_array().unwrap().clone();
        let child = |node: &Value, name: &str| nodes(node).into_iter().find(|n| n["name"] == name).unwrap();
        let account = nodes(&tree).into_iter().find(|n| n["path"] == "./DMAcc").unwrap();
        let node = phone.tree().node(&"./DMAcc".parse().unwrap()).unwrap();
        let (place, _) = node.children().next().unwrap();
        let said = |path: &str| phone.tree().text(&format!("./DMAcc/{place}/{path}")).unwrap();
        assert_eq!(said("ServerID"), child(&account, "ServerID")["value"].as_str().unwrap());
        let address = child(&child(&account, "AppAddr"), "1");
        assert!(said("AppAddr/1/Addr").starts_with("https://"));
        assert_eq!(said("AppAddr/1/Addr"), child(&address, "Addr")["value"].as_str().unwrap());
        let secrets: Vec<Value> = nodes(&child(&account, "AppAuth"))
            .iter()
            .map(|auth| child(auth, "AAuthSecret")["value"].clone())
            .collect();
        assert_eq!(secrets, &MARKS[..2]);
    }
}

#[test]
fn a_sealed_image_holds_no_secret_and_its_manufacturer_gets_them_all() {
    let bench = Bench::new();
    let ran = bench.built("sealed", &["--seal-to", "seal.pub"]);
    let shown = bench.verify("sealed");
    assert_eq!(shown.exit, 0, "{}", shown.out);
    let mut seen = 0;
    for name in names(&bench.at("sealed")) {
        let octets = fs::read(bench.at("sealed").join(&name)).unwrap();
        for mark in MARKS {
            assert!(!holds(&octets, mark), "{mark} stands in {name}");
        }
        seen += 1;
    }
    assert_eq!(seen, 7);
    for text in [&ran.out, &ran.err, &shown.out, &shown.err] {
        assert!(MARKS.iter().all(|mark| !text.contains(mark)), "{text}");
    }
    assert!(shown.out.contains("secrets       sealed to "), "{}", shown.out);

    let wrong = bench.open("sealed", "lost.pem", "opened");
    assert_eq!((wrong.exit, bench.at("opened").exists()), (77, false), "{}", wrong.err);
    assert!(wrong.err.contains("sealed to another key than this one"), "{}", wrong.err);
    assert_eq!(bench.open("sealed", "sign.pem", "opened").exit, 2, "a key of another kind");

    let opened = bench.open("sealed", "seal.pem", "opened");
    assert_eq!(opened.exit, 0, "{}", opened.err);
    assert!(MARKS.iter().all(|mark| !opened.out.contains(mark)), "{}", opened.out);
    bench.built("clear", &[]);
    for name in FILES {
        let read = |folder: &str| fs::read(bench.at(folder).join(name)).unwrap();
        // Nonces are drawn each time; the secrets are the profile's.
        for mark in &MARKS {
            assert_eq!(holds(&read("opened"), mark), holds(&read("clear"), mark), "{name}: {mark}");
        }
        assert!(holds(&read("opened"), MARKS[0]), "{name}");
    }
    assert_eq!(names(&bench.at("opened")), [&FILES[..2], &["manifest.json"], &FILES[2..]].concat());
    let again = bench.run(&["factory", "verify", "opened", "--digests-only"]);
    assert_eq!(again.exit, 0, "{}", again.out);
}

#[test]
fn whatever_is_changed_is_refused() {
    let bench = Bench::new();
    bench.built("image", &["--seal-to", "seal.pub"]);
    let files = names(&bench.at("image"));
    for name in &files {
        let path = bench.at("image").join(name);
        let octets = fs::read(&path).unwrap();
        let mut changed = octets.clone();
        changed[octets.len() / 2] ^= 1;
        fs::write(&path, changed).unwrap();
        assert_wrong(&bench, name);
        fs::remove_file(&path).unwrap();
        assert_wrong(&bench, name);
        fs::write(&path, octets).unwrap();
    }
    assert_eq!(files.len(), 7);
    fs::write(bench.at("image/extra"), "x").unwrap();
    assert_wrong(&bench, "extra");
    fs::remove_file(bench.at("image/extra")).unwrap();
    // Not through a link, whatever it points to.
    fs::rename(bench.at("image/cp.xml"), bench.at("elsewhere.xml")).unwrap();
    std::os::unix::fs::symlink(bench.at("elsewhere.xml"), bench.at("image/cp.xml")).unwrap();
    assert_wrong(&bench, "cp.xml");
    fs::rename(bench.at("elsewhere.xml"), bench.at("image/cp.xml")).unwrap();
    assert_eq!(bench.verify("image").exit, 0, "as it was");

    let other = bench.run(&["factory", "verify", "image", "--public-key", "other.pub"]);
    assert_eq!(other.exit, 1);
    assert!(other.out.contains("signature     bad"), "{}", other.out);
    for bad in ["sign.pem", "seal.pub"] {
        assert_eq!(bench.run(&["factory", "verify", "image", "--public-key", bad]).exit, 2, "{bad}");
    }
    assert_eq!(bench.run(&["factory", "verify", "image"]).exit, 2, "whose it must be has to be said");
}

/// The image is refused, by name, and is not opened.
fn assert_wrong(bench: &Bench, name: &str) {
    let ran = bench.verify("image");
    assert_eq!(ran.exit, 1, "{name}: {}{}", ran.out, ran.err);
    let shown = format!("{}{}", ran.out, ran.err);
    // What is wrong with the signature is said of the manifest.
    assert!(
        shown.contains(name) || (name == "manifest.sig" && shown.contains("does not fit")),
        "{name}: {shown}"
    );
    assert!(!shown.contains("ok            "), "{shown}");
    let ran = bench.open("image", "seal.pem", "opened");
    assert_eq!((ran.exit, bench.at("opened").exists()), (1, false), "{name}: {}", ran.err);
}

#[test]
fn an_image_never_takes_the_place_of_something_else() {
    let bench = Bench::new();
    fs::create_dir(bench.at("full")).unwrap();
    fs::write(bench.at("full/mine"), "mine").unwrap();
    fs::write(bench.at("file"), "mine").unwrap();
    for (folder, more) in [("full", &[][..]), ("full", &["--force"]), ("file", &[]), ("file", &["--force"])] {
        let ran = bench.build(folder, more);
        assert_eq!(ran.exit, 2, "{folder}: {}", ran.err);
    }
    assert_eq!(names(&bench.at("full")), ["mine"]);
    assert_eq!(fs::read_to_string(bench.at("file")).unwrap(), "mine");
    assert!(bench.is_tidy());

    // An empty directory is a place; an image is one only by --force.
    fs::create_dir(bench.at("image")).unwrap();
    bench.built("image", &[]);
    let before = fs::read(bench.at("image/manifest.json")).unwrap();
    let ran = bench.build("image", &["--sign-key", "@sign.pem"]);
    assert_eq!(ran.exit, 2);
    assert!(ran.err.contains("--force"), "{}", ran.err);
    assert_eq!(fs::read(bench.at("image/manifest.json")).unwrap(), before);
    bench.built("image", &["--force", "--seal-to", "seal.pub"]);
    assert_eq!(bench.manifest("image")["secrets"], "sealed");
    assert!(bench.is_tidy() && bench.verify("image").exit == 0);
}

#[test]
fn an_image_is_written_whole_or_not_at_all() {
    let bench = Bench::new();
    // Each of these is found out before anything is written.
    for more in [
        &["--sign-key", "@seal.pem"][..],
        &["--sign-key", "@missing.pem"],
        &["--seal-to", "sign.pub"],
        &["--xml"],
        &["--pin", "1234"],
        &["--wsp"],
    ] {
        let ran = bench.build("image", more);
        assert_ne!(ran.exit, 0, "{more:?}");
        assert!(!bench.at("image").exists() && bench.is_tidy(), "{more:?}");
    }
    let ran = bench.build("nowhere/image", &[]);
    assert_eq!(ran.exit, 1, "{}", ran.err);
    assert!(!bench.at("nowhere").exists() && bench.is_tidy());
    // A file that cannot be written: the disk is full after 2 KiB of it.
    let script = format!(
        "ulimit -f 2; trap '' XFSZ; exec {} profile build p.toml --as factory --imei {IMEI} --imsi {IMSI} -o image",
        env!("CARGO_BIN_EXE_bootgate")
    );
    let out = Command::new("bash").args(["-c", &script]).current_dir(&bench.folder).output().unwrap();
    assert_eq!(out.status.code(), Some(1), "{}", String::from_utf8_lossy(&out.stderr));
    assert!(!bench.at("image").exists() && bench.is_tidy());

    let ran = bench.run(&["profile", "build", "p.toml", "--as", "factory", "--imei", IMEI, "--imsi", IMSI]);
    assert_eq!((ran.exit, ran.out.as_str()), (2, ""));
    assert!(ran.err.contains("say where with -o DIR"), "{}", ran.err);
}

#[test]
fn keys_of_an_image_mean_nothing_elsewhere() {
    let bench = Bench::new();
    for more in [&["--sign-key", "@sign.pem"][..], &["--seal-to", "seal.pub"]] {
        for kind in ["cp", "dm", "rcs"] {
            let common = ["profile", "build", "p.toml", "--as", kind, "--imei", IMEI, "--imsi", IMSI];
            let ran = bench.run(&[&common[..], more].concat());
            assert_eq!((ran.exit, ran.out.as_str()), (2, ""), "{kind} {more:?}");
            assert!(ran.err.contains("are for --as factory"), "{}", ran.err);
        }
    }
}
