//! The layers, the mistakes, and the shipped file.

use super::*;

fn with(text: &str) -> Result<Config, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("site.toml");
    std::fs::write(&path, text).unwrap();
    Config::load(&Sources {
        file: FileSource::Named(path),
        home: Some("/home/op".into()),
        ..Default::default()
    })
}

fn mistakes(text: &str) -> Vec<String> {
    match with(text).unwrap_err() {
        ConfigError::Wrong(problems) => problems
            .iter()
            .map(|p| {
                let line = p.to_string();
                line.split_once("site.toml:").map_or(line.clone(), |(_, rest)| rest.to_owned())
            })
            .collect(),
        other => panic!("{other}"),
    }
}

#[test]
fn the_shipped_file_is_the_defaults() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/bootgate.toml");
    assert_eq!(std::fs::read_to_string(&shipped).unwrap(), BUILT_IN);
    let built_in = Config::built_in().unwrap();
    let from_file = Config::load(&Sources {
        file: FileSource::Named(shipped),
        home: Some("/".into()),
        ..Default::default()
    })
    .unwrap();
    let values = |c: &Config| c.shown().into_iter().map(|s| (s.key, s.value)).collect::<Vec<_>>();
    assert_eq!(values(&built_in), values(&from_file));
    assert_eq!(built_in.shown().len(), 60, "a key was added or lost: say so here");

    assert_eq!(built_in.http.listen, "127.0.0.1:8100".parse().unwrap());
    assert!(built_in.http.listen.ip().is_loopback());
    assert_eq!(built_in.http.dm_path.as_str(), "/dm");
    assert_eq!(built_in.http.body_limit, 65_536);
    assert_eq!(built_in.http.header_timeout, Duration::from_secs(10));
    assert_eq!(built_in.http.request_timeout, Duration::from_secs(30));
    assert_eq!(built_in.http.max_connections, 1024);
    assert_eq!(built_in.http.stop_grace, Duration::from_secs(10));
    assert_eq!(built_in.dm.server_id.as_str(), "acme.dm");
    assert_eq!(built_in.dm.uri, DmUri::Auto);
    assert_eq!(built_in.dm.max_message_size, 16_384);
    assert_eq!(built_in.dm.max_object_size, 262_144);
    assert_eq!(built_in.dm.max_sessions, 10_000);
    assert_eq!(built_in.dm.session_idle, Duration::from_secs(300));
    assert_eq!(built_in.store.path, Path::new("/.local/share/bootgate/bootgate.db"));
    assert_eq!(built_in.store.busy_timeout, Duration::from_secs(10));
    assert_eq!(built_in.vault.key_file, KeyFile::Auto);
    assert_eq!((built_in.card.key_floor, built_in.card.key_policies.len()), (2, 0));
    assert_eq!((built_in.card.watchdog, built_in.card.bays.len()), (Duration::from_secs(20), 0));
}

#[test]
fn every_shipped_key_is_read() {
    // A value that no reader accepts, put at each key in turn, must be noticed: a key that nothing reads is not
    // a key.
    let keys = Config::built_in().unwrap().shown();
    for shown in keys {
        let (section, key) = shown.key.split_once('.').unwrap();
        let got = mistakes(&format!("[{section}]\n{key} = 1979-05-27\n"));
        assert!(got.iter().any(|m| m.contains(&format!("`{}`", shown.key))), "{}: {got:?}", shown.key);
    }
}

#[test]
fn each_layer_covers_the_one_below() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("config")).unwrap();
    let text = "[http]\nlisten = \"127.0.0.1:1\"\nbody-limit = \"1MiB\"\n[store]\npath = \"jobs.db\"\n";
    std::fs::write(dir.path().join("config/bootgate.toml"), text).unwrap();
    let mut sources = Sources {
        file: FileSource::Standard(dir.path().to_owned()),
        home: Some("/h".into()),
        ..Default::default()
    };
    let origin = |c: &Config, key: &str| c.shown().into_iter().find(|s| s.key == key).unwrap().origin;

    let config = Config::load(&sources).unwrap();
    assert_eq!((config.http.listen.port(), config.http.body_limit), (1, 1_048_576));
    assert_eq!(config.store.path, dir.path().join("config/jobs.db"), "counts from the file that says it");
    assert!(origin(&config, "http.listen").ends_with("config/bootgate.toml:2:10"));
    assert_eq!(origin(&config, "dm.uri"), "default");

    sources.env = vec![
        ("BOOTGATE_HTTP_LISTEN".into(), "127.0.0.1:2".into()),
        ("BOOTGATE_CARD_KEY_FLOOR".into(), "3".into()),
        ("BOOTGATE_STORE_PATH".into(), "here.db".into()),
        ("BOOTGATE_LOG".into(), "debug".into()),
        ("HOME".into(), "/h".into()),
    ];
    let config = Config::load(&sources).unwrap();
    assert_eq!((config.http.listen.port(), config.card.key_floor), (2, 3));
    assert_eq!(config.store.path, Path::new("here.db"));
    assert_eq!(origin(&config, "http.listen"), "BOOTGATE_HTTP_LISTEN");

    sources.flags = vec![Flag { flag: "--listen", key: "http.listen", value: "[::1]:0".into() }];
    let config = Config::load(&sources).unwrap();
    assert_eq!(config.http.listen, "[::1]:0".parse().unwrap());
    assert_eq!(origin(&config, "http.listen"), "--listen");
}

#[test]
fn a_file_that_was_named_must_be_there_the_standard_one_need_not() {
    let dir = tempfile::tempdir().unwrap();
    let sources = |file| Sources { file, home: Some("/h".into()), ..Default::default() };
    assert!(Config::load(&sources(FileSource::Standard(dir.path().to_owned()))).is_ok());
    let err = Config::load(&sources(FileSource::Named(dir.path().join("no.toml")))).unwrap_err();
    assert!(matches!(&err, ConfigError::Read { .. }) && err.to_string().contains("no.toml"), "{err}");
}

#[test]
fn mistakes_are_named_with_place_and_suggestion() {
    for (text, expected) in [
        ("[http]\nlisen = \"127.0.0.1:1\"\n", "2:1: unknown key `lisen`; did you mean `listen`?"),
        ("[htp]\nlisten = \"x\"\n", "1:2: unknown section `htp`; did you mean `http`?"),
        ("zebra = 1\n", "1:1: unknown section `zebra`"),
        ("http = 1\n", "1:1: `http` is a number; expected a section"),
        ("[http]\n  listen = 80\n", "2:12: `http.listen` is a number; expected text in quotes"),
        ("[http]\nlisten = \"localhost\"\n", "2:10: `http.listen` is not an address and port"),
        (
            "[http]\nmax-connections = 0\n",
            "2:19: `http.max-connections` is out of range; expected 1 to 65536",
        ),
        ("[http]\nbody-limit = \"9KB\"\n", "2:14: `http.body-limit` is not a size within reason"),
        ("[http]\nbody-limit = \"8KiB\"\n", "2:14: `http.body-limit` is smaller than [dm] max-message-size"),
        ("[http]\ndm-path = \"/healthz\"\n", "2:11: `http.dm-path` is taken"),
        ("[http]\ndm-path = \"dm\"\n", "2:11: `http.dm-path` is not a path"),
        ("[http]\nstop-grace = \"99999999999999999999s\"\n", "2:14: `http.stop-grace` is not a time"),
        ("[http]\nstop-grace = \"25h\"\n", "2:14: `http.stop-grace` is not a time within reason"),
        ("[dm]\nserver-id = \"a b\"\n", "2:13: `dm.server-id` server id has a character at position 2"),
        ("[dm]\nuri = \"ftp://x/\"\n", "2:7: `dm.uri` is not the plain address of a web server"),
        ("[dm]\nuri = \"https://u:p@x/\"\n", "2:7: `dm.uri` is not the plain address"),
        (
            "[http]\nlisten = \"0.0.0.0:80\"\n",
            "default: `dm.uri` is \"auto\", but [http] listen is every address",
        ),
        ("[store]\npath = \"\"\n", "2:8: `store.path` is not a path"),
        ("[vault]\nkey-file = \"env:\"\n", "2:12: `vault.key-file` names no environment variable"),
        ("[card]\nclass = \"3g\"\n", "2:9: `card.class` is none; expected `auto` or `2g`"),
        ("[card]\nchannel = \"first\"\n", "2:11: `card.channel` is none; expected `basic` or `logical`"),
        ("[card]\nkey-floor = 1\n", "2:13: `card.key-floor` is out of range; expected 2 to 15"),
        (
            "[card]\nkey-policy = [1]\n",
            "2:14: `card.key-policy` is a list of values; expected a list of tables",
        ),
        ("[[card.key-policy]]\niccid = \"89490\"\n", "2:1: `card.key-policy` does not say what it allows"),
        ("[[card.key-policy]]\nallow = \"once\"\n", "2:1: `card.key-policy` names no cards"),
        (
            "[[card.key-policy]]\nallow = \"once\"\natr = \"3\"\n",
            "3:7: `card.key-policy` has an atr that is not",
        ),
        (
            "[[card.key-policy]]\nallow = \"once\"\natr = \"3BXX00\"\n",
            "3:7: `card.key-policy` has an atr that is not",
        ),
        (
            "[[card.key-policy]]\nallow = \"once\"\niccid = \"894902-89490\"\n",
            "3:9: `card.key-policy` has an iccid that is a range whose ends",
        ),
        (
            "[[card.key-policy]]\nallow = \"once\"\niccid = \"894903-894902\"\n",
            "3:9: `card.key-policy` has an iccid that is a range whose ends",
        ),
        (
            "[[card.key-policy]]\nallow = \"once\"\nicid = \"89490\"\n",
            "3:1: unknown key `icid`; did you mean `iccid`?",
        ),
        ("[[card.bay]]\nusb = \"1-4\"\n", "2:1: `card.bay` has no label"),
        ("[[card.bay]]\nlabel = \"left\"\n", "2:1: `card.bay` does not say once which reader is \"left\""),
        (
            "[[card.bay]]\nlabel = \"a\"\nusb = \"1-4\"\n[[card.bay]]\nlabel = \"a\"\nusb = \"1-5\"\n",
            "1:1: `card.bay` has one label twice",
        ),
        (
            "[[ppg.smpp]]\nname = \"a\"\naddress = \"h:1\"\n[[ppg.route]]\nprefix = \"49\"\nover = \"a b\"\n",
            "6:8: `ppg.route` leads over \"b\", which is no link; expected names of [[ppg.smpp]] or [[ppg.sendsms]]: a",
        ),
        (
            "[[ppg.initiator]]\nname = \"a\"\ntoken = \"sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b\"\n\
             [[ppg.initiator]]\nname = \"b\"\ntoken = \"sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b\"\n",
            "6:9: `ppg.initiator` has the token of \"a\"; expected one of its own",
        ),
        ("[[ppg.route]]\nover = \"a\"\n", "2:8: `ppg.route` leads over \"a\", which is no link"),
        (
            "[[ppg.smpp]]\nname = \"a\"\naddress = \"h:1\"\n[[ppg.smpp]]\naddress = \"h:2\"\nname = \"a\"\n",
            "6:8: `ppg.smpp` has the name \"a\", which another [[ppg.smpp]] or [[ppg.sendsms]] has",
        ),
        (
            "[[push.gateway]]\nname = \"a\"\nurl = \"http://h/\"\n[[push.gateway]]\nname = \"a\"\nurl = \"http://h/\"\n",
            "5:8: `push.gateway` has the name \"a\", which another [[push.gateway]] has",
        ),
        ("[[api.token]]\ndigest = \"sha256:00\"\n", "2:1: `api.token` has no name"),
        ("[[api.token]]\nname = \"a\"\n", "2:1: `api.token` has no digest"),
        ("[[api.token]]\nname = \"a\"\ndigest = \"bgt_x\"\n", "3:10: `api.token` has a digest that is not"),
        (
            "[job]\npin-webhook = \"http://pins.example/\"\n",
            "2:15: `job.pin-webhook` would send PINs in the clear",
        ),
        ("[job]\npin-webhook = \"https://u:p@pins.example/\"\n", "2:15: `job.pin-webhook` holds credentials"),
        ("[job]\npush-validity = \"0h\"\n", "2:17: `job.push-validity` is not a time"),
        ("[card]\nwatchdog = \"20\"\n", "2:12: `card.watchdog` is not a time"),
        ("[[card.key-policy]]\nallow = \"once\"\niccid = 89490\n", "3:9: `iccid` is a number; expected text"),
        ("[http]\nlisten = \n", "2:10: not TOML"),
        ("[http]\nlisten = \"127.0.0.1:1\"\nlisten = \"127.0.0.1:1\"\n", "3:1: not TOML: duplicate key"),
        (
            "[http]\nmax-connections = 99999999999999999999\n",
            "2:19: `http.max-connections` is a number out of range",
        ),
    ] {
        let got = mistakes(text);
        assert!(
            got.iter().any(|m| m.starts_with(expected)),
            "{text:?}\n  expected {expected}\n  got {got:?}"
        );
    }
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let got = mistakes("[http]\nlisen = \"x\"\nbody-limit = 7\n[dm]\nserver-id = \"\"\n[crd]\nx = 1\n");
    assert_eq!(got.len(), 4, "{got:?}");
}

#[test]
fn the_environment_is_checked_like_a_file() {
    let load = |name: &str, value: &str| {
        let env = vec![(name.to_owned(), value.to_owned())];
        Config::load(&Sources { env, home: Some("/h".into()), ..Default::default() }).unwrap_err().to_string()
    };
    let unknown = load("BOOTGATE_HTTP_LISTN", "x");
    assert!(unknown.contains("did you mean `BOOTGATE_HTTP_LISTEN`?"), "{unknown}");
    let wrong = load("BOOTGATE_HTTP_MAX_CONNECTIONS", "many");
    assert!(wrong.contains("BOOTGATE_HTTP_MAX_CONNECTIONS: `http.max-connections` is text"), "{wrong}");
    assert!(load("BOOTGATE_CARD_KEY_POLICY", "[]").contains("in a file only"));
}

#[test]
fn key_policies_are_read() {
    let config = with(
        "[card]\nkey-floor = 3\n[[card.key-policy]]\niccid = \"894902\"\nallow = \"once\"\n\
         [[card.key-policy]]\natr = \"3b9f9X\"\nallow = \"once\"\n\
         [[card.key-policy]]\niccid = \"894902000012 - 894902000047\"\nallow = \"once\"\n",
    )
    .unwrap();
    let [KeyRule::Iccid(prefix), KeyRule::Atr(atr), KeyRule::Iccids(first, last)] =
        config.card.key_policies.as_slice()
    else {
        panic!("{:?}", config.card.key_policies)
    };
    assert_eq!(
        (prefix.digits(), atr.octets(), atr.to_string().as_str()),
        ("894902", &[(0x3B, 0xFF), (0x9F, 0xFF), (0x90, 0xF0)][..], "3B9F9X")
    );
    assert_eq!((first.digits(), last.digits()), ("894902000012", "894902000047"));
    let shown = config.shown().into_iter().find(|s| s.key == "card.key-policy").unwrap();
    assert!(shown.value.contains("iccid = \"894902\""), "{}", shown.value);
}

#[test]
fn the_key_of_the_vault_is_beside_the_database_in_a_file_or_in_the_environment() {
    let read = |value: &str| with(&format!("[vault]\nkey-file = \"{value}\"\n")).unwrap().vault.key_file;
    assert_eq!(read("auto"), KeyFile::Auto);
    assert_eq!(read("env:VAULT"), KeyFile::Env("VAULT".into()));
    assert_eq!(read("~/key"), KeyFile::Path("/home/op/key".into()));
    assert!(
        matches!(read("keys/vault"), KeyFile::Path(path) if path.is_absolute() && path.ends_with("keys/vault"))
    );
}

#[test]
fn a_home_path_needs_a_home() {
    let err = Config::load(&Sources::default()).unwrap_err();
    assert!(err.to_string().contains("neither XDG_DATA_HOME nor HOME is an absolute path"), "{err}");
    let env = vec![("BOOTGATE_STORE_PATH".to_owned(), "~/x.db".to_owned())];
    let err = Config::load(&Sources { env, ..Default::default() }).unwrap_err();
    assert!(err.to_string().contains("HOME is not set"), "{err}");
}

#[test]
fn data_go_where_the_base_directory_specification_says() {
    let dir = tempfile::tempdir().unwrap();
    let (home, data) = (dir.path().join("home"), dir.path().join("data"));
    let path = |data: &Path| {
        let (home, data) = (Some(home.clone()), Some(data.to_owned()));
        Config::load(&Sources { home, data_home: data, ..Default::default() }).unwrap().store.path
    };
    let (old, new) = (home.join(".local/share/bootgate/bootgate.db"), data.join("bootgate/bootgate.db"));
    assert_eq!(path(&data), new);
    assert_eq!(path(Path::new("relative")), old, "a relative one is to be ignored");
    std::fs::create_dir_all(old.parent().unwrap()).unwrap();
    std::fs::write(&old, "").unwrap();
    assert_eq!(path(&data), old, "what is there stays in use");
    std::fs::create_dir_all(new.parent().unwrap()).unwrap();
    std::fs::write(&new, "").unwrap();
    assert_eq!(path(&data), new);
}

#[test]
fn the_dm_address_follows_the_listener() {
    let config = Config::built_in().unwrap();
    let listen = "127.0.0.1:4711".parse().unwrap();
    assert_eq!(config.dm.uri.for_listener(listen, &config.http.dm_path), "http://127.0.0.1:4711/dm");
    let given = "https://dm.example:443/dm";
    assert_eq!(given.parse::<DmUri>().unwrap().for_listener(listen, &config.http.dm_path), given);
}

#[test]
fn a_mistake_in_a_list_is_placed_where_it_stands() {
    let link = "[[ppg.smpp]]\nname = \"a\"\naddress = \"h:1\"\n";
    for (text, place) in [
        ("window = \"0\"\nbinds = \"1\"", "4:10: `ppg.smpp` has window"),
        ("binds = \"1\"\nsegments = \"gsm\"", "5:12: `ppg.smpp` has segments"),
        ("window = \"1\"\npassword = \"hunter2\"\nrate = \"1\"", "5:12: `ppg.smpp` has a password"),
        ("tls-key = \"k\"", "4:11: `ppg.smpp` has tls-certificate or tls-key"),
    ] {
        let got = mistakes(&format!("{link}{text}\n"));
        assert!(got.len() == 1 && got[0].starts_with(place), "{got:?}, not {place}");
    }
    // What is not there is missed where the table begins.
    assert!(mistakes("[[ppg.smpp]]\naddress = \"h:1\"\nbinds = \"1\"\n")[0].starts_with("2:1: "));
}

#[test]
fn paths_in_lists_count_from_their_file_and_what_is_missing_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let text = "[[ppg.smpp]]\nname = \"a\"\naddress = \"h:1\"\npassword = \"@smsc\"\ntls-ca = \"ca.pem\"\n\
                [[push.gateway]]\nname = \"b\"\nurl = \"https://g/\"\nuser = \"u\"\npassword = \"@~/pw\"\ntls-ca = \"/etc/ca\"\n\
                [[ppg.sendsms]]\nname = \"c\"\nurl = \"http://k/\"\nuser = \"u\"\npassword = \"env:BOOTGATE_NEVER_SET\"\n";
    std::fs::write(dir.path().join("site.toml"), text).unwrap();
    std::fs::write(dir.path().join("smsc"), "x").unwrap();
    let sources = Sources {
        file: FileSource::Named(dir.path().join("site.toml")),
        home: Some("/home/op".into()),
        ..Default::default()
    };
    let config = Config::load(&sources).unwrap();
    assert_eq!(config.ppg.smscs[0].password, Some(SecretPlace::File(dir.path().join("smsc"))));
    assert_eq!(config.ppg.smscs[0].tls.as_ref().unwrap().ca, dir.path().join("ca.pem"));
    assert_eq!(config.push.gateways[0].password, Some(SecretPlace::File("/home/op/pw".into())));
    assert_eq!(config.push.gateways[0].tls.ca, Some("/etc/ca".into()));
    let missing = config.missing(true);
    for (line, said) in missing.iter().zip([
        "[[ppg.smpp]] a: certificate authority: ",
        "[[ppg.sendsms]] c: password: the environment variable BOOTGATE_NEVER_SET is not set",
        "[[push.gateway]] b: password: /home/op/pw: ",
        "[[push.gateway]] b: certificate authority: /etc/ca: ",
    ]) {
        assert!(line.starts_with(said), "{line}, not {said}");
    }
    assert_eq!((missing.len(), config.missing(false).len()), (4, 3));
}
