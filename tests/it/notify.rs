//! A server asks a device for a session: the notification is built on the command line, looked at by `decode`, and taken or
//! refused by a phone, which shares nothing with the command but the wire.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Output},
    time::Duration,
};

use bootgate::{
    dm::{AuthScheme, NewAccount, Register as _, StoredCredential},
    ident::{Random, Timestamp},
    lab::rehearsal::identity,
    phone::{BootstrapKind, BootstrapResult, NotificationRefusal, Notified, Phone},
    store::Store,
    wire::{
        Syntax,
        package0::{Initiator, UiMode, ZeroNonce},
        prov::{Characteristic, ProvDoc},
        wsp::{ApplicationCode, MediaCode, Push},
    },
};
use serde_json::Value;

const IMEI: &str = "490154203237518";
const SECRET: &str = "Marked-server-secret";
const CLIENT_SECRET: &str = "Marked-client-secret";
/// `server-nonce-0`, as octets and in base64.
const NONCE: &[u8] = b"server-nonce-0";
const NONCE_TEXT: &str = "c2VydmVyLW5vbmNlLTA=";
const BOTH: [ZeroNonce; 2] = [ZeroNonce::Octets, ZeroNonce::Characters];

struct Ran {
    exit: i32,
    out: String,
    err: String,
}

/// The program in a folder of its own, with the server's secret in the environment.
fn bootgate(folder: &Path, args: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootgate"));
    command.args(args).env_remove("BOOTGATE_CONFIG").env("BOOTGATE_STORE_PATH", folder.join("store.db"));
    command
        .env("BOOTGATE_LOG", "trace")
        .env("SERVER", SECRET)
        .env("CLIENT", CLIENT_SECRET)
        .current_dir(folder);
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |octets| String::from_utf8(octets).unwrap();
    let ran = Ran { exit: status.code().unwrap(), out: text(stdout), err: text(stderr) };
    for secret in [SECRET, CLIENT_SECRET] {
        assert!(!ran.out.contains(secret) && !ran.err.contains(secret), "{}{}", ran.out, ran.err);
    }
    ran
}

/// `notify build` with the server's secret; the octets on standard output.
fn build(args: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let ran = bootgate(folder.path(), &[&["notify", "build", "--secret", "env:SERVER"], args].concat());
    assert_eq!(ran.exit, 0, "{}", ran.err);
    octets(&ran.out)
}

fn octets(hex: &str) -> Vec<u8> {
    let hex = hex.trim();
    assert!(hex.len().is_multiple_of(2), "{hex}");
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// A phone with an account of each server, with the same secrets.
fn phone(servers: &[&str]) -> Phone {
    let auth = |level: &str, name: &str, secret: &str| {
        Characteristic::new("APPAUTH")
            .with("AAUTHLEVEL", level)
            .with("AAUTHTYPE", "DIGEST")
            .with("AAUTHNAME", name)
            .with("AAUTHSECRET", secret)
            .with("AAUTHDATA", NONCE_TEXT)
    };
    let account = |server: &&str| {
        Characteristic::new("APPLICATION")
            .with("APPID", "w7")
            .with("PROVIDER-ID", *server)
            .with("ADDR", "https://dm.example/dm")
            .with_characteristic(auth("APPSRV", "dev1", CLIENT_SECRET))
            .with_characteristic(auth("CLIENT", server, SECRET))
    };
    let document = ProvDoc { version: None, characteristics: servers.iter().map(account).collect() };
    let mut phone = Phone::new(&identity(&IMEI.parse().unwrap())).unwrap();
    let result = phone.receive(BootstrapKind::Cp, &document.encode(Syntax::Wbxml).unwrap());
    assert!(matches!(result, BootstrapResult::Accepted { .. }), "{result:?}");
    phone
}

fn taken(phone: &Phone, octets: &[u8]) -> Notified {
    phone.receive_notification(octets, &BOTH).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn every_field_reaches_the_phone() {
    let phone = phone(&["acme.dm"]);
    let server = ["--server-id", "acme.dm", "--nonce", NONCE_TEXT];
    let plain = taken(&phone, &build(&server));
    assert_eq!((plain.ui_mode, plain.initiator), (UiMode::NotSpecified, Initiator::Server));
    assert_eq!(plain.zero_nonce, None);
    // Sessions are drawn.
    let again = taken(&phone, &build(&server));
    let third = taken(&phone, &build(&server));
    assert!(again.session != plain.session || third.session != plain.session);

    for (word, mode) in [
        ("not-specified", UiMode::NotSpecified),
        ("background", UiMode::Background),
        ("informative", UiMode::Informative),
        ("user-interaction", UiMode::UserInteraction),
    ] {
        for (who, initiator) in [("user", Initiator::User), ("server", Initiator::Server)] {
            for version in ["1.1", "1.2"] {
                let fields =
                    ["--ui-mode", word, "--initiator", who, "--version", version, "--session-id", "0abc"];
                let vendor = ["--vendor", "01 01 01"];
                let octets = build(&[&server[..], &fields, &vendor].concat());
                assert_eq!(octets.len(), 16 + 8 + "acme.dm".len() + 3);
                let got = taken(&phone, &octets);
                assert_eq!(
                    (got.ui_mode, got.initiator, got.session.to_string()),
                    (mode, initiator, "ABC".into())
                );
                // The vendor's part is under the digest.
                let cut = phone.receive_notification(&octets[..octets.len() - 1], &BOTH);
                assert!(matches!(cut, Err(NotificationRefusal::WrongDigest { .. })), "{cut:?}");
            }
        }
    }
    let old = build(&[&server[..], &["--version", "1.0"]].concat());
    let refused = phone.receive_notification(&old, &BOTH).unwrap_err();
    assert_eq!(refused.to_string(), "version 1.0; this phone follows 1.1 and 1.2");
}

/// The server of any account that the device has, by identifier; nobody else.
#[test]
fn servers_that_the_phone_has_no_account_of_are_refused() {
    let phone = phone(&["acme.dm", "beta.dm"]);
    let of = |server: &str| build(&["--server-id", server, "--nonce", "hex:7365727665722d6e6f6e63652d30"]);
    for server in ["acme.dm", "beta.dm"] {
        assert_eq!(taken(&phone, &of(server)).server_id.as_str(), server);
    }
    for server in ["gamma.dm", "ACME.dm", "acme.d"] {
        let server_id = server.parse().unwrap();
        let refused = phone.receive_notification(&of(server), &BOTH);
        assert_eq!(refused, Err(NotificationRefusal::UnknownServer { server_id }));
    }
    // Another secret, another nonce.
    for args in
        [["--secret", "env:CLIENT", "--nonce", NONCE_TEXT], ["--secret", "env:SERVER", "--nonce", "AAAA"]]
    {
        let folder = tempfile::tempdir().unwrap();
        let ran =
            bootgate(folder.path(), &[&["notify", "build", "--server-id", "acme.dm"], &args[..]].concat());
        let refused = phone.receive_notification(&octets(&ran.out), &BOTH);
        assert!(matches!(refused, Err(NotificationRefusal::WrongDigest { .. })), "{refused:?}");
    }
}

#[test]
fn the_nonce_zero_comes_in_both_readings() {
    let phone = phone(&["acme.dm"]);
    for (word, form) in [("octets", ZeroNonce::Octets), ("characters", ZeroNonce::Characters)] {
        let octets = build(&["--server-id", "acme.dm", "--zero-nonce", word]);
        assert_eq!(taken(&phone, &octets).zero_nonce, Some(form));
        assert_eq!(phone.receive_notification(&octets, &[form]).map(|n| n.zero_nonce), Ok(Some(form)));
        let other = BOTH.into_iter().find(|f| *f != form).unwrap();
        for known in [&[other][..], &[]] {
            let refused = phone.receive_notification(&octets, known);
            assert!(matches!(refused, Err(NotificationRefusal::WrongDigest { .. })), "{refused:?}");
        }
    }
}

/// Content type, then application, in that order, as the specification's example has it.
#[test]
fn the_push_is_that_of_the_specification() {
    let args = ["--server-id", "acme.dm", "--nonce", NONCE_TEXT, "--session-id", "1"];
    let alone = build(&args);
    let pushed = build(&[&args[..], &["--wsp"]].concat());
    assert_eq!(pushed[..6], [0x01, 0x06, 0x03, 0xC4, 0xAF, 0x87]);
    assert_eq!(pushed[6..], alone);
    let push = Push::decode(&pushed).unwrap();
    assert!(push.content_type.media().is(MediaCode::SYNCML_NOTIFICATION));
    assert!(push.application().unwrap().is(ApplicationCode::SYNCML_DM));

    let folder = tempfile::tempdir().unwrap();
    let build = ["notify", "build", "--secret", "env:SERVER"];
    let ran = bootgate(
        folder.path(),
        &[&build[..], &args, &["--wsp", "--segments", "--transaction-id", "1", "--format", "json"]].concat(),
    );
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(octets(report["wsp_hex"].as_str().unwrap()), pushed);
    assert_eq!(report["segments"].as_array().unwrap().len(), 1);
    let segment = octets(report["segments"][0].as_str().unwrap());
    assert_eq!(segment, [&[0x06, 0x05, 0x04, 0x0B, 0x84, 0x23, 0xF0], &pushed[..]].concat());
    assert_eq!((&report["session"], &report["server_id"]), (&"1".into(), &"acme.dm".into()));

    let ran = bootgate(folder.path(), &[&build[..], &args, &["--wsp", "-o", "n.wsp"]].concat());
    assert_eq!(ran.exit, 0, "{}", ran.err);
    assert!(ran.out.contains("notification  server acme.dm, session 1\n"), "{}", ran.out);
    assert_eq!(std::fs::read(folder.path().join("n.wsp")).unwrap(), pushed);
}

#[test]
fn decode_says_what_a_digest_was_made_with() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("n");
    let server = ["--server-id", "Acme.dm", "--session-id", "abc"];
    let right = ["--server-secret", "env:SERVER", "--nonce", NONCE_TEXT, "--client-secret", "env:CLIENT"];
    let decode = |octets: &[u8], more: &[&str]| {
        std::fs::write(&file, octets).unwrap();
        bootgate(folder.path(), &[&["decode", "--as", "package0", file.to_str().unwrap()], more].concat())
    };
    let held = build(&[&server[..], &["--nonce", NONCE_TEXT]].concat());
    let ran = decode(&held, &right);
    assert_eq!(ran.exit, 0, "{}", ran.out);
    let said = "server Acme.dm, session ABC: the digest fits; nonce: the one that the device holds\n";
    assert!(ran.out.ends_with(said), "{}", ran.out);
    let ran = decode(&held, &[]);
    assert_eq!(ran.exit, 0);
    assert!(
        ran.out.contains("the digest was not checked: give the server's secret with --server-secret"),
        "{}",
        ran.out
    );

    let zero = build(&[&server[..], &["--zero-nonce", "characters"]].concat());
    let ran = decode(&zero, &right);
    assert_eq!(ran.exit, 0);
    assert!(ran.out.contains("the digest fits; nonce: zero, the characters 0x00000000"), "{}", ran.out);

    let by_client = bootgate(
        folder.path(),
        &[&["notify", "build", "--secret", "env:CLIENT", "--nonce", NONCE_TEXT], &server[..]].concat(),
    );
    let still_base64 = format!("hex:{}", NONCE_TEXT.bytes().map(|o| format!("{o:02x}")).collect::<String>());
    for (octets, mistake) in [
        (octets(&by_client.out), "the client's secret in place of the server's"),
        (build(&[&server[..], &["--nonce", &still_base64]].concat()), "the nonce still in base64"),
    ] {
        let ran = decode(&octets, &right);
        assert_eq!(ran.exit, 1, "{}", ran.out);
        let said = format!("the digest does not fit; it was made with {mistake}");
        assert_eq!(ran.out.matches(&said).count(), 2, "at its octets and at the end: {}", ran.out);
        let json: Value =
            serde_json::from_str(&decode(&octets, &[&right[..], &["--format", "json"]].concat()).out)
                .unwrap();
        assert_eq!((&json["ok"], &json["notification"]["verdict"]), (&false.into(), &"fits-another".into()));
        assert_eq!(json["notification"]["mistakes"][0], mistake);
    }
    let mut changed = held.clone();
    *changed.last_mut().unwrap() ^= 1;
    let ran = decode(&changed, &right);
    assert_eq!(ran.exit, 1);
    assert!(ran.out.contains("another secret or nonce, or the trigger was changed"), "{}", ran.out);

    // Within a push, found without being told.
    std::fs::write(&file, build(&[&server[..], &["--nonce", NONCE_TEXT, "--wsp"]].concat())).unwrap();
    let ran = bootgate(folder.path(), &[&["decode", file.to_str().unwrap()], &right[..]].concat());
    assert_eq!(ran.exit, 0, "{}", ran.out);
    assert!(ran.out.starts_with("WSP push, ") && ran.out.ends_with(said), "{}", ran.out);
}

/// The notifications of another server, from their fields: the same octets, and what `decode` says of them.
#[test]
fn notifications_of_others_come_out_again() {
    let Some(vectors) = std::env::var_os("BOOTGATE_VECTORS") else {
        // Straight to standard error: what a passing test prints otherwise is swallowed.
        let _ = writeln!(std::io::stderr(), "BOOTGATE_VECTORS not given: notifications of others not run");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut made = 0;
    for name in [
        "pkg0-fnbl-v11",
        "pkg0-moto-ui1-server",
        "pkg0-moto-v12-ui3-client",
        "pkg0-moto-wrong-nonce-rejected",
    ] {
        let path = Path::new(&vectors).join("dm").join(format!("{name}.json"));
        let case: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let text = |key: &str| case[key].as_str().unwrap();
        let fields = &case["fields"];
        let number = |key: &str| usize::try_from(fields[key].as_u64().unwrap()).unwrap();
        let nonce = format!("hex:{}", text("nonce_hex"));
        let secret = folder.path().join("secret");
        std::fs::write(&secret, text("password")).unwrap();
        let secret = format!("@{}", secret.display());
        let args = [
            "notify",
            "build",
            "--server-id",
            text("server_id"),
            "--secret",
            &secret,
            "--nonce",
            &nonce,
            "--version",
            ["1.1", "1.2"][number("version") - 11],
            "--ui-mode",
            ["not-specified", "background", "informative", "user-interaction"][number("ui_mode")],
            "--initiator",
            ["user", "server"][number("initiator")],
            "--session-id",
            fields["session_id"].as_str().unwrap(),
        ];
        let ran = bootgate(folder.path(), &args);
        assert_eq!((ran.exit, ran.out.trim()), (0, text("message_hex")), "{name}: {}", ran.err);
        assert!(ran.err.contains("warning       a secret of less than 16 characters"), "{}", ran.err);

        std::fs::write(folder.path().join("n"), octets(text("message_hex"))).unwrap();
        let held = "hex:6e6f6e63655331";
        let ran = bootgate(
            folder.path(),
            &["decode", "n", "--as", "package0", "--server-secret", &secret, "--nonce", held],
        );
        assert_eq!(ran.exit, i32::from(nonce != held), "{name}: {}", ran.out);
        made += 1;
    }
    assert_eq!(made, 4);
}

/// Our own DM server's account gives server, secret and nonce.
#[test]
fn a_device_that_our_server_knows_is_asked_by_its_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let account = |server_name: &str, device: &str| NewAccount {
        server_id: "acme.dm".parse().unwrap(),
        device: Some(device.to_owned()),
        client: StoredCredential::of_client(AuthScheme::Md5, "dev1", &CLIENT_SECRET.parse().unwrap(), b"c"),
        server: StoredCredential::of_server(AuthScheme::Md5, server_name, &SECRET.parse().unwrap(), NONCE),
    };
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let store = Store::open(&path, Duration::from_secs(5)).await.unwrap();
        let at = Timestamp::from_millis(0);
        store.register(&account("acme.dm", &format!("IMEI:{IMEI}")), at).await.unwrap();
        store.register(&account("acme.dm", "IMEI:356938035643809"), at).await.unwrap();
        store.register(&account("acme.dm", "IMEI:356938035643809"), at).await.unwrap();
        store.register(&account("other", "IMEI:352099001761481"), at).await.unwrap();
    });
    let phone = phone(&["acme.dm"]);
    let build = |more: &[&str]| bootgate(folder.path(), &[&["notify", "build"], more].concat());
    let ran = build(&["--account", IMEI]);
    assert_eq!(ran.exit, 0, "{}", ran.err);
    let notified = taken(&phone, &octets(&ran.out));
    assert_eq!((notified.server_id.as_str(), notified.zero_nonce), ("acme.dm", None));
    let mut session = phone.start_notified_session(&notified, Syntax::Wbxml, &Zeros).unwrap();
    assert!(session.first().is_ok());
    assert!(ran.err.contains("account       1\n") && !ran.err.contains("warning"), "{}", ran.err);
    let ran = build(&["--account", "356938035643809", "--format", "json"]);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["account"], 3);
    assert!(
        report["warnings"][0]
            .as_str()
            .unwrap()
            .starts_with("the device has 2 accounts; this is of the newest")
    );
    let ran = build(&["--account", IMEI, "--zero-nonce", "octets"]);
    assert_eq!(taken(&phone, &octets(&ran.out)).zero_nonce, Some(ZeroNonce::Octets));

    let ran = build(&["--account", "352099001761481"]);
    assert_eq!((ran.exit, ran.out.as_str()), (1, ""));
    assert!(ran.err.contains("the account has another name of the server"), "{}", ran.err);
    let ran = build(&["--account", "869710030002905"]);
    assert_eq!(ran.exit, 1);
    assert!(ran.err.contains("store.db has no account of that device"), "{}", ran.err);
    let ran = build(&["--account", "49015420323751"]);
    assert_eq!(ran.exit, 2);
    assert!(ran.err.contains("--account: IMEI has 14 digits"), "{}", ran.err);
}

struct Zeros;

impl Random for Zeros {
    fn fill(&self, out: &mut [u8]) {
        out.fill(0);
    }
}

#[test]
fn what_is_missing_or_wrong_is_said_and_no_secret_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let build = |more: &[&str]| bootgate(folder.path(), &[&["notify", "build"], more].concat());
    let consumer = concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/consumer-phone.toml");
    let ran = build(&["--profile", consumer, "--secret", "env:SERVER", "--nonce", NONCE_TEXT]);
    assert_eq!(ran.exit, 0, "{}", ran.err);
    assert_eq!(taken(&phone(&["acme.dm"]), &octets(&ran.out)).server_id.as_str(), "acme.dm");

    let server = ["--server-id", "acme.dm"];
    for (args, exit, said) in [
        (
            &["--secret", "env:SERVER", "--nonce", "AAAA"][..],
            2,
            "--server-id <ID>|--profile <FILE>|--account <DIGITS>",
        ),
        (&[&server[..], &["--nonce", "AAAA"]].concat(), 2, "--secret <SECRET>"),
        (&[&server[..], &["--secret", "env:SERVER"]].concat(), 2, "--nonce <NONCE>"),
        // The value itself is no secret any more, and does not come back.
        (
            &[&server[..], &["--secret", SECRET, "--nonce", "AAAA"]].concat(),
            2,
            "for '--secret <SECRET>': a secret is given as @FILE, env:NAME or - (prompt)",
        ),
        (
            &[&server[..], &["--secret", "env:SERVER", "--nonce", "AAA"]].concat(),
            2,
            "expected base64, or hex:",
        ),
        (
            &[&server[..], &["--secret", "env:SERVER", "--nonce", "AAAA", "--session-id", "0"]].concat(),
            2,
            "expected 1 to FFFF",
        ),
        (
            &[&server[..], &["--secret", "env:SERVER", "--nonce", "AAAA", "--vendor", "1"]].concat(),
            2,
            "--vendor: expected an even number",
        ),
        (
            &["--server-id", "acme dm", "--secret", "env:SERVER", "--nonce", "AAAA"],
            2,
            "server id has a character at position 5",
        ),
    ] {
        let ran = build(args);
        assert_eq!((ran.exit, ran.out.as_str()), (exit, ""), "{args:?}");
        assert!(ran.err.contains(said), "{said}\n{}", ran.err);
    }
    let bare = folder.path().join("bare.toml");
    std::fs::write(&bare, "name = \"bare\"\nversion = 1\n").unwrap();
    let ran = build(&["--profile", bare.to_str().unwrap(), "--secret", "env:SERVER", "--nonce", "AAAA"]);
    assert_eq!(ran.exit, 78);
    assert!(ran.err.contains("bare.toml has no [dm-account]"), "{}", ran.err);
}
