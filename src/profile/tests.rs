//! Profiles good and bad.

use toml::de::DeValue;

use super::*;

const CONSUMER: &str = include_str!("../../config/profiles/consumer-phone.toml");
const IOT: &str = include_str!("../../config/profiles/iot-module.toml");

/// A profile with every key that there is.
const FULL: &str = r#"name = "full"
version = 1
[security]
method = "userpinmac"
allow-unauthenticated = false
[bootstrap]
name = "Ctx"
prov-url = "https://prov.acme.example/"
proxies = ["px"]
context-allow = 2
[[nap]]
id = "net"
name = "Net"
bearers = ["GSM-GPRS", "GSM-CSD"]
address = "192.0.2.1"
address-type = "IPV4"
internet = true
dns = ["192.0.2.53", "2001:db8::53"]
linger = 300
auth = [{ type = "CHAP", name = "{msisdn}", secret = { plain = "open" } }, { type = "PAP" }]
[[proxy]]
id = "px"
name = "Proxy"
domains = [".acme.example"]
start-page = "http://wap.acme.example/"
push = true
auth = [{ type = "HTTP-BASIC", name = "{imsi}", secret = { plain = "pw" } }]
ports = [80, { number = 9201, services = ["CO-WSP", "CL-WSP"] }]
[[proxy.physical]]
id = "px-1"
address = "proxy.acme.example"
ports = [8080]
connect-via = ["net", "INTERNET"]
[[proxy.physical]]
id = "px-2"
address = "2001:db8::1"
connect-via = ["net"]
[dm-account]
server-id = "acme.dm"
name = "DM"
address = "https://dm.acme.example/dm"
connect-via = ["px"]
client-auth = { type = "BASIC", name = "{imei}", secret = { plain = "0123456789abcdef" } }
server-auth = { type = "DIGEST", name = "acme.dm", secret = "generate" }
init = false
[[application]]
id = "w2"
provider-id = "acme"
name = "Portal"
connect-via = ["px"]
[[application.resource]]
uri = "http://portal.acme.example/"
name = "Home"
start-page = true
[[application]]
id = "w4"
address = "http://mmsc.acme.example/"
"#;

/// What is said about `FULL` when `from` stands there as `to`: all problems, one per line.
fn changed(from: &str, to: &str) -> String {
    assert_eq!(FULL.matches(from).count(), 1, "{from}");
    let text = FULL.replace(from, to);
    let problems = Profile::parse(&text).err().unwrap_or_default();
    problems.iter().map(|p| format!("{p}\n")).collect()
}

#[test]
fn a_full_profile_is_read() {
    let p = Profile::parse(FULL).unwrap();
    assert_eq!(p.security, Some(SecurityMethod::UserPinMac));
    assert_eq!(p.bootstraps[0].context_allow, Some(2));
    assert_eq!(p.naps[0].bearers, [Bearer::GsmGprs, Bearer::GsmCsd]);
    assert_eq!(p.naps[0].auth.len(), 2);
    assert_eq!(p.proxies[0].physical[0].connect_via, [Link::Nap("net".into()), Link::Internet]);
    assert_eq!(p.proxies[0].physical[0].address_type, ProxyAddressType::Alpha);
    assert_eq!(p.proxies[0].physical[1].address_type, ProxyAddressType::Ipv6);
    assert_eq!(p.proxies[0].ports[1].services, [Service::CoWsp, Service::ClWsp]);
    let account = p.dm_account.unwrap();
    assert_eq!(account.address.with_port(), "https://dm.acme.example:443/dm");
    assert_eq!(account.connect_via, [Link::Proxy("px".into())]);
    assert!(matches!(account.client_auth.secret, SecretRule::Plain(_)));
    assert!(p.applications[0].resources[0].start_page);
}

#[test]
fn the_examples_are_without_errors_and_their_warnings_are_known() {
    let found = |text| -> Vec<String> {
        let checked = check(text);
        assert!(checked.profile.is_some(), "{:?}", checked.problems);
        checked.problems.iter().map(|p| p.code().to_owned()).collect()
    };
    assert!(found(CONSUMER).is_empty());
    assert_eq!(found(IOT), ["cards-only"]);
}

#[test]
fn all_problems_are_found_in_one_go() {
    let text = "nmae = \"x\"\nversion = 0\n[security]\nmethod = \"usernetpin\"\n[[nap]]\nid = \"a\"\nadress = \"b\"\n";
    let problems = Profile::parse(text).unwrap_err();
    let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let expected = [
        "1:1: error: unknown key `nmae` in the profile; expected one of name, version, cp-version, client-id, security, dm, bootstrap, nap, proxy, dm-account, application, access, vendor-config, rcs, card; did you mean `name`?",
        "2:11: error: `version` is 0; expected a whole number from 1 to 2147483647",
        "4:10: error: `method` has the unknown value \"usernetpin\"; expected one of netwpin, userpin, usernetwpin, userpinmac, none; did you mean `usernetwpin`?",
        "5:1: error: [[nap]] has no `name`; expected what the user sees",
        "5:1: error: [[nap]] has no `bearers`; expected one or more bearers, for example [\"GSM-GPRS\"]",
        "7:1: error: unknown key `adress` in [[nap]]; expected one of id, name, bearers, address, address-type, internet, dns, linger, call-type, local-address, link-speed, dn-link-speed, qos, max-num-retry, first-retry-timeout, rereg-threshold, t-bit, auth, validity, acl; did you mean `address`?",
    ];
    assert_eq!(shown, expected);
}

#[test]
fn each_error_says_where_and_what_was_expected() {
    let long = "x".repeat(129);
    let mut wrong = Vec::new();
    for (from, to, expected) in [
        (
            "version = 1",
            "version = \"1\"",
            "2:11: error: `version` is a value of type string; expected a whole number",
        ),
        ("version = 1", "version = 1\nversion = 2", "3:1: error: not readable as TOML: duplicate key"),
        ("id = \"px-2\"", "", "34:1: error: [[proxy.physical]] has no `id`; expected a name of its own"),
        ("id = \"px-2\"", "id = \"net\"", "id `net` is doubled, line 12 column 6 has it too"),
        ("id = \"px-2\"", "id = \"px-1\"", "35:6: error: id `px-1` is doubled, line 30 column 6 has it too"),
        ("id = \"px-2\"", "id = \"INTERNET\"", "35:6: error: `id`: \"INTERNET\" is reserved"),
        ("id = \"px-2\"", "id = \"a/b\"", "`id`: character at position 2 is not allowed"),
        (
            "name = \"Net\"",
            &format!("name = \"{long}\""),
            "13:8: error: `name` has 129 characters; at most 128 fit",
        ),
        ("name = \"Net\"", "name = \"N\\u0000t\"", "`name` holds the character U+0000 at position 2"),
        ("name = \"Net\"", "name = \"\"", "`name` is empty; expected what the user sees"),
        (
            "name = \"Net\"",
            "name = \"{imei}\"",
            "`name` has a placeholder, but placeholders are filled in only in",
        ),
        ("\"GSM-GPRS\", \"GSM-CSD\"", "\"gsm_gprs\"", "did you mean `GSM-GPRS`?"),
        ("\"GSM-GPRS\", \"GSM-CSD\"", "\"GSM-CSD\", \"GSM-CSD\"", "`bearers` lists \"GSM-CSD\" twice"),
        ("[\"GSM-GPRS\", \"GSM-CSD\"]", "[]", "`bearers` is empty; expected one or more bearers"),
        (
            "\"192.0.2.1\"",
            "\"net.acme\"",
            "15:11: error: `address`: not of type IPV4; expected an IPv4 address",
        ),
        ("internet = true", "internet = 1", "`internet` is a value of type integer; expected true or false"),
        ("internet = true", "", "\"INTERNET\" means any [[nap]] with `internet = true`, and there is none"),
        ("\"192.0.2.53\"", "\"dns\"", "`dns`: invalid IP address syntax"),
        ("linger = 300", "linger = -1", "`linger` is -1; expected a whole number from 0 to 4294967295"),
        (
            "\"{msisdn}\"",
            "\"{misdn}\"",
            "20:33: error: `name` has the unknown placeholder `{misdn}`; expected one of {imei}, {imsi}, {iccid}, {msisdn}; did you mean `msisdn`?",
        ),
        ("\"{msisdn}\"", "\"{msisdn\"", "`name` has a single `{` at position 1"),
        (
            "{ plain = \"open\" }",
            "\"open\"",
            "`secret` is a secret in clear that is not marked so; expected { plain = \"…\" }",
        ),
        ("{ plain = \"open\" }", "\"generate\"", "so it cannot be drawn"),
        (
            "\"generate\"",
            "\"genrate\"",
            "expected \"generate\", or { plain = \"…\" } for a secret that stands in the file; did you mean `generate`?",
        ),
        (
            "\"generate\"",
            "{ plan = \"a\" }",
            "unknown key `plan` in a secret; expected one of plain; did you mean `plain`?",
        ),
        (
            "[\".acme.example\"]",
            "[\"a\", \"b\", \"c\", \"d\", \"e\"]",
            "`domains` has 5 entries; at most 4 are allowed",
        ),
        ("[80, ", "[80, 80, ", "`ports` lists \"80\" twice"),
        ("[80, ", "[0, ", "`ports` is 0; expected a whole number from 1 to 65535"),
        ("ports = [8080]", "ports = [65536]", "`ports` is 65536; expected a whole number from 1 to 65535"),
        (
            "ports = [8080]",
            "ports = \"8080\"",
            "`ports` is a value of type string; expected an array of port numbers",
        ),
        (
            "\"proxy.acme.example\"",
            "\"300.1.1.1\"",
            "`address`: has the form of an IPv4 address and is none; expected four",
        ),
        (
            "[\"net\", \"INTERNET\"]",
            "[\"nett\"]",
            "`connect-via` names `nett`, which is not the id of a [[nap]]; did you mean `net`?",
        ),
        ("[\"net\", \"INTERNET\"]", "[\"px\"]", "`connect-via` names `px`, which is not the id of a [[nap]]"),
        ("[\"net\", \"INTERNET\"]", "[]", "`connect-via` is empty; expected the id of one or more [[nap]]"),
        (
            "proxies = [\"px\"]",
            "proxies = [\"net\"]",
            "`proxies` names `net`, which is not the id of a [[proxy]]",
        ),
        (
            "https://dm.acme.example/dm",
            "dm.acme.example",
            "`address`: not an absolute URL; expected http://HOST/",
        ),
        (
            "https://dm.acme.example/dm",
            "https://dm.acme.example:99999/",
            "`address`: its port is not a number from 1 to 65535",
        ),
        ("https://dm.acme.example/dm", "https://dm.acme.example/{imei}", "`address` has a placeholder"),
        ("server-id = \"acme.dm\"", "server-id = \"acme dm\"", "server id has a character at position 5"),
        (
            "\"BASIC\"",
            "\"Basic\"",
            "`type` has the unknown value \"Basic\"; expected one of BASIC, DIGEST; did you mean `BASIC`?",
        ),
        ("method = \"userpinmac\"", "method = \"none\"", "sends a bootstrap that anybody could forge"),
        ("id = \"w2\"", "id = \"w7\"", "the DM account is written as [dm-account]"),
        ("id = \"w4\"", "id = \"W4\"", "`id` has the unknown value \"W4\"; expected one of w2, w4, w5, wA"),
        ("address = \"http://mmsc.acme.example/\"", "", "55:1: error: [[application]] has no `address`"),
        (
            "provider-id = \"acme\"",
            "address = \"http://a.example/\"",
            "`address`: an application w2 has none",
        ),
        (
            "context-allow = 2",
            "context-allow = 256",
            "`context-allow` is 256; expected a whole number from 0 to 255",
        ),
    ] {
        let found = changed(from, to);
        if !found.contains(expected) || found.lines().count() != 1 {
            wrong.push(format!("{from} → {to}:\n  expected {expected}\n  found {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_message_repeats_a_secret() {
    for (from, to) in [
        ("{ plain = \"open\" }", "\"hunter2secret\""),
        ("{ plain = \"open\" }", "{ plain = \"hunter2secret\\u0007\" }"),
        ("{ plain = \"open\" }", "{ plain = \"hunter2secret }"),
        ("{ plain = \"open\" }", "{ plain = hunter2secret }"),
        ("\"generate\"", "\"hunter2secret\""),
    ] {
        let found = changed(from, to);
        assert!(!found.is_empty() && !found.contains("hunter2"), "{from} → {to}:\n{found}");
    }
    let p = format!("{:?}", Profile::parse(FULL).unwrap());
    assert!(!p.contains("0123456789abcdef") && !p.contains("open"), "{p}");
}

#[test]
fn weaknesses_are_warned_of_at_their_place() {
    let warnings =
        |text: &str| -> Vec<String> { check(text).problems.iter().map(ToString::to_string).collect() };
    let found = warnings(FULL);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("43:24: warning: BASIC sends the secret itself"), "{found:?}");
    assert!(found[1].contains("the same secret on every device"), "{found:?}");
    for (from, to, code) in [
        ("method = \"userpinmac\"", "method = \"netwpin\"", "netwpin-alone"),
        ("method = \"userpinmac\"", "method = \"userpin\"", "userpin-alone"),
        (
            "method = \"userpinmac\"\nallow-unauthenticated = false",
            "method = \"none\"\nallow-unauthenticated = true",
            "unauthenticated",
        ),
        ("method = \"userpinmac\"", "method = \"usernetwpin\"\npin-length = 4", "short-pin"),
        ("method = \"userpinmac\"", "method = \"userpinmac\"\npin-length = 5", "short-half"),
        ("[security]\nmethod = \"userpinmac\"\nallow-unauthenticated = false\n", "", "cards-only"),
        ("https://dm.", "http://dm.", "plain-http"),
        ("0123456789abcdef", "short", "short-secret"),
        ("\"generate\"", "{ plain = \"0123456789abcdef\" }", "same-both-ways"),
        ("\"{imei}\"", "\"phone\"", "same-name-for-all"),
        ("name = \"{imei}\"", "name = \"i{imsi}\"", "imsi-as-name"),
        ("name = \"acme.dm\"", "name = \"other\"", "other-server-name"),
    ] {
        assert_eq!(FULL.matches(from).count(), 1, "{from}");
        let checked = check(&FULL.replace(from, to));
        assert!(checked.problems.iter().any(|p| p.code() == code), "{code}: {:?}", checked.problems);
        assert!(checked.profile.is_some());
    }
    let bare = check("name = \"bare\"\nversion = 1\n");
    assert_eq!(bare.problems.iter().map(Problem::code).collect::<Vec<_>>(), ["cards-only", "nothing"]);
    let named = check("name = \"bare\"\nversion = 1\nclient-id = \"{imei}\"\n");
    assert_eq!(named.problems.iter().map(Problem::code).collect::<Vec<_>>(), ["cards-only", "no-dm-account"]);
    let unused = CONSUMER.replace("connect-via = [\"mms-proxy\"]", "connect-via = [\"mms\"]");
    assert_eq!(check(&unused).problems[0].code(), "unused");
    let twice = format!(
        "{CONSUMER}\n[[application]]\nid = \"w4\"\nname = \"Acme MMS\"\naddress = \"http://a.example/\"\n"
    );
    assert_eq!(check(&twice).problems[0].code(), "same-application");
}

#[test]
fn the_length_of_a_pin_fits_its_method() {
    let with = |method: &str, digits: &str| {
        changed("method = \"userpinmac\"", &format!("method = \"{method}\"\npin-length = {digits}"))
    };
    for (method, digits) in
        [("userpin", "4"), ("usernetwpin", "32"), ("userpinmac", "5"), ("userpinmac", "16")]
    {
        assert_eq!(with(method, digits), "", "{method} {digits}");
    }
    for (method, digits, said) in [
        ("userpin", "3", "error: `pin-length` is 3; expected a whole number from 4 to 32"),
        ("usernetwpin", "33", "expected a whole number from 4 to 32"),
        ("userpinmac", "4", "expected a whole number from 5 to 16"),
        ("userpinmac", "17", "expected a whole number from 5 to 16"),
        (
            "netwpin",
            "8",
            "`pin-length`: method netwpin has no PIN; expected userpin, usernetwpin or userpinmac",
        ),
    ] {
        assert!(with(method, digits).contains(said), "{}", with(method, digits));
    }
    let text = FULL.replace("method = \"userpinmac\"", "method = \"userpinmac\"\npin-length = 8");
    assert_eq!(Profile::parse(&text).unwrap().pin_length, Some(8));
    let short = FULL.replace("method = \"userpinmac\"", "method = \"userpinmac\"\npin-length = 5");
    let problems = check(&short).problems;
    let place = problems.iter().find(|p| p.code() == "short-half").map(|p| p.position);
    let line = FULL[..FULL.find("method = \"userpinmac\"").unwrap()].lines().count() + 2;
    assert_eq!(place, Some(Position { line, column: 14 }), "{problems:?}");
}

#[test]
fn what_is_not_toml_says_where() {
    let problems = Profile::parse("name = \"a\"\nversion = \n[nap\n").unwrap_err();
    assert!(problems.iter().all(|p| p.code() == "syntax"));
    assert_eq!((problems[0].position.line, problems.len()), (2, 2), "{problems:?}");
}

#[test]
fn what_is_not_text_says_where() {
    let problems = check_octets(b"name = \"a\"\nversion\xFF = 1\n").problems;
    assert_eq!(problems[0].to_string(), "2:8: error: not readable as TOML: not UTF-8 text from here on");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(at in 0usize..FULL.len(), cut in 0usize..20, insert in "[\\PC\u{0}]{0,4}") {
        let mut octets = FULL.as_bytes().to_vec();
        octets.splice(at..(at + cut).min(FULL.len()), insert.bytes());
        let _ = check(&String::from_utf8_lossy(&octets));
    }
}

const REFERENCE: &str = include_str!("../../config/profiles/reference.toml");

/// Every table of a profile and the keys that it may have.
const TABLES: &[(&str, &[&str])] = &[
    ("", KEYS),
    ("security", security::SECURITY_KEYS),
    ("bootstrap", security::BOOTSTRAP_KEYS),
    ("nap", nap::KEYS),
    ("nap.qos", tuning::QOS_KEYS),
    ("nap.auth", nap::AUTH_KEYS),
    ("nap.validity", tuning::VALIDITY_KEYS),
    ("proxy", proxy::KEYS),
    ("proxy.ports", port::KEYS),
    ("proxy.basic-auth", proxy::BASIC_AUTH_KEYS),
    ("proxy.auth", proxy::AUTH_KEYS),
    ("proxy.physical", proxy::PHYSICAL_KEYS),
    ("dm-account", account::KEYS),
    ("dm-account.client-auth", account::AUTH_KEYS),
    ("dm-account.further-auth", further_auth::KEYS),
    ("dm-account.parameters", parameter::KEYS),
    ("application", application::KEYS),
    ("application.server", application::SERVER_KEYS),
    ("application.server.ports", port::KEYS),
    ("application.auth", application::AUTH_KEYS),
    ("application.parameters", parameter::KEYS),
    ("application.resource", application::RESOURCE_KEYS),
    ("application.resource.auth", application::RESOURCE_AUTH_KEYS),
    ("application.resource.parameters", parameter::KEYS),
    ("access", vendor::ACCESS_KEYS),
    ("rcs", rcs::KEYS),
    ("card", card::KEYS),
    ("card.nas-config", usim::NAS_KEYS),
    ("card.ims-config", usim::TEXT_KEYS),
    ("card.xcap-config", usim::XCAP_KEYS),
    ("card.mms-preferences", usim::MMS_KEYS),
    ("vendor-config", vendor::VENDOR_KEYS),
    ("vendor-config.parameters", parameter::KEYS),
];

#[test]
fn the_reference_has_every_key_and_no_errors() {
    /// The keys of each table by path, all entries of arrays taken together.
    fn collect<'t>(path: &str, value: &'t DeValue<'_>, out: &mut Vec<(String, &'t str)>) {
        match value {
            DeValue::Table(table) => {
                for (key, inner) in table {
                    out.push((path.to_owned(), key.get_ref()));
                    let below = if path.is_empty() {
                        key.get_ref().to_string()
                    } else {
                        format!("{path}.{}", key.get_ref())
                    };
                    collect(&below, inner.get_ref(), out);
                }
            }
            DeValue::Array(array) => array.iter().for_each(|entry| collect(path, entry.get_ref(), out)),
            _ => {}
        }
    }
    let table = DeTable::parse(REFERENCE).unwrap();
    let root = DeValue::Table(table.get_ref().clone());
    let mut found = Vec::new();
    collect("", &root, &mut found);
    let missing: Vec<String> = TABLES
        .iter()
        .flat_map(|(path, keys)| keys.iter().map(move |key| (path.to_string(), *key)))
        .filter(|wanted| !found.contains(wanted))
        .map(|(path, key)| format!("{path}: {key}"))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    let checked = check(REFERENCE);
    assert!(checked.profile.is_some(), "{:?}", checked.problems);
    assert!(checked.problems.is_empty(), "{:?}", checked.problems);
}

#[test]
fn what_devices_would_drop_is_an_error_at_its_place() {
    let mut wrong = Vec::new();
    for (from, to, expected) in [
        (
            "country = \"262\"                 # COUNTRY: mobile country code; only",
            "# only",
            "`networks`: means nothing without `country`",
        ),
        (
            "country = \"262\"                 # COUNTRY: mobile country code\n",
            "",
            "`network`: means nothing without `country`",
        ),
        ("soc = \"2044\" ", "# ", "`sid`: means nothing without `soc`"),
        (
            "networks = [\"01\", \"02\"]",
            "networks = [\"1\"]",
            "expected a mobile network code of 2 or 3 digits",
        ),
        ("residual-ber = 7", "residual-bre = 7", "did you mean `residual-ber`?"),
        ("link-speed = \"AUTOBAUDING\" ", "link-speed = \"fast\" ", "`link-speed`: not a speed"),
        (
            "wsp-version = \"1.3\"             # WSP-VERSION; a",
            "wsp-version = \"one\" # ",
            "`wsp-version`: not a version",
        ),
        ("entities = [\"AAA\", \"HA\"]", "entities = [\"AAA\", \"AAA\"]", "lists \"AAA\" twice"),
        (
            "context-allow = 0 ",
            "context-allow = 0\ncountry = \"262\" ",
            "country and networks beside a prov-url: devices leave them out",
        ),
        (
            "address = \"http://wv.acme.example/\"",
            "",
            "[[application]] has no `address`; expected the address of its server",
        ),
        ("accept = \"application/vnd.wv.csp.wbxml\"", "#", "[[application]] has no `accept`"),
        ("accept = \"text/x-vcard\"", "#", "an application w5 needs `accept` in one of them"),
        (
            "ports = [{ number = 993, services = [\"993\"] }]",
            "",
            "an application 143 needs a table [[application.server]] with `ports`",
        ),
        (
            "parameters = [{ name = \"FROM\", value = \"user@acme.example\" }]",
            "",
            "[[application]] has no `parameters`",
        ),
        ("name = \"FROM\", value", "name = \"TO\", value", "an application 25 needs FROM"),
        (
            "name = \"FROM\", value",
            "name = \"ADDR\", value",
            "ADDR has a key of its own; expected it as `address`",
        ),
        ("{ plain = \"tick\" }", "\"tick\"", "`value` is a secret in clear that is not marked so"),
        ("id = \"554\"", "id = \"rtsp\"", "`id` has the unknown value \"rtsp\""),
        (
            "name = \"Acme IMS\"\nconnect-via = [\"internet\"]",
            "name = \"Acme IMS\"\nconnect-via = [\"acme-proxy\"]",
            "an application ap2001 needs the id of one [[nap]]",
        ),
        ("rules = [\"mail\"]", "rules = [\"mail\", \"mail\"]", "`rules` lists \"mail\" twice"),
        ("rules = [\"mail\"] ", "# ", "[[access]] has no `rules`"),
    ] {
        assert_eq!(REFERENCE.matches(from).count(), 1, "{from}");
        let found: Vec<String> =
            check(&REFERENCE.replace(from, to)).problems.iter().map(ToString::to_string).collect();
        if !found.iter().any(|f| f.contains(expected)) {
            wrong.push(format!("{from} → {to}: expected {expected}, found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_further_way_of_authentication_is_one_that_its_level_knows() {
    let iot = include_str!("../../config/profiles/iot-module.toml");
    let with = |further: &str| format!("{iot}\n[[dm-account.further-auth]]\n{further}");
    let found = |further: &str| {
        check(&with(further)).problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    for (further, expected) in [
        ("type = \"HMAC\"", "has no `level`"),
        ("level = \"client\"", "has no `type`"),
        ("level = \"clinet\"\ntype = \"HMAC\"", "unknown value \"clinet\""),
        ("level = \"obex\"\ntype = \"DIGEST\"", "expected HTTP-BASIC, HTTP-DIGEST, TRANSPORT"),
        ("level = \"http\"\ntype = \"X509\"", "level http is a layer below the protocol"),
        ("level = \"client\"\ntype = \"DIGEST\"", "the account has client DIGEST already"),
        ("level = \"client\"\ntype = \"HMAC\"\nsecret = \"generate\"", "cannot be drawn"),
        ("level = \"client\"\ntype = \"HMAC\"\ndata = \"no base64!\"", "expected base64 of 1 to 128 octets"),
        ("level = \"client\"\ntype = \"HMAC\"\nname = \"{imsi}\"", "{imsi} in a name puts"),
        ("level = \"client\"\ntype = \"HTTP-BASIC\"", "BASIC sends the secret itself"),
        ("level = \"server\"\ntype = \"HMAC\"\nsecret = { plain = \"x\" }", "one opened device opens all"),
    ] {
        assert!(found(further).contains(expected), "{further}: {}", found(further));
    }
    let twice = "level = \"http\"\ntype = \"TRANSPORT\"\n[[dm-account.further-auth]]\nlevel = \"http\"\ntype = \"TRANSPORT\"";
    assert!(found(twice).contains("http TRANSPORT already"), "{}", found(twice));

    let clean = found("level = \"obex\"\ntype = \"HTTP-DIGEST\"\nsecret = { plain = \"x\" }");
    assert_eq!(clean, check(iot).problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    let profile =
        Profile::parse(&with("level = \"client\"\ntype = \"HMAC\"\nsecret = { plain = \"hidden\" }"));
    let account = profile.unwrap().dm_account.unwrap();
    assert_eq!(account.further_auth[0].way, AuthWay::Client(AccountAuthType::Hmac));
    assert!(!format!("{account:?}").contains("hidden"));
}

#[test]
fn every_way_is_told_by_its_level_and_type() {
    let mut ways = 0;
    for place in AuthPlace::ALL {
        for kind in AccountAuthType::ALL {
            if let Some(way) = AuthWay::new(*place, *kind) {
                assert_eq!((way.place(), way.kind()), (*place, *kind));
                ways += 1;
            }
        }
    }
    // Ten types for client and server, three for each layer below.
    assert_eq!(ways, 26);
}

#[test]
fn access_control_lists_are_checked_and_looked_at() {
    let iot = include_str!("../../config/profiles/iot-module.toml");
    let with = |dm: &str, acl: &str| iot.replacen("[dm-account]\n", &format!("{dm}[dm-account]\n{acl}"), 1);
    let codes = |text: &str| {
        let problems = check(text).problems;
        let code = |p: &Problem| match &p.kind {
            ProblemKind::Meaning(warning) => warning.code().to_owned(),
            other => other.to_string(),
        };
        problems.iter().map(code).filter(|c| c.contains("acl") || c.contains("encoding")).collect::<Vec<_>>()
    };
    let tnds = "[dm]\nencoding = \"tnds-opaque\"\n";
    assert_eq!(codes(iot), Vec::<String>::new());
    assert_eq!(codes(&with("", "acl = \"Get=*&Replace=acme.iot\"\n")), ["acl-not-carried"]);
    assert!(codes(&with(tnds, "")).iter().all(|c| c == "acl-not-stated"));
    assert!(codes(&with(tnds, "acl = \"Get=*\"\n")).contains(&"acl-keeps-server-out".into()));
    assert!(codes(&with(tnds, "acl = \"Replace=*\"\n")).contains(&"acl-for-everyone".into()));
    let wrong = codes(&with(tnds, "acl = \"Replcae=acme.iot\"\n"));
    assert!(wrong[0].contains("unknown value \"Replcae\"") && wrong[0].contains("Replace"), "{wrong:?}");
    let wrong = codes(&with("[dm]\nencoding = \"tnds-opaqe\"\n", ""));
    assert!(wrong[0].contains("unknown value \"tnds-opaqe\""), "{wrong:?}");
}
