//! Payloads as another implementation reads them: `wbxml2xml` of libwbxml decodes what we build to the same document.

use std::{io::Write as _, process::Command};

use bootgate::{
    bootstrap::{PayloadKind, Settings, build, resolve},
    ident::Random,
    profile::{DmEncoding, DmOptions, NonceFormat, Profile, Subscriber},
    wire::{
        infoset::{Element, Node, Vocabulary},
        xml,
    },
};

const PROFILES: [&str; 3] = [
    include_str!("../../config/profiles/consumer-phone.toml"),
    include_str!("../../config/profiles/iot-module.toml"),
    include_str!("../../config/profiles/reference.toml"),
];

/// A profile in which every part of the model stands, and text that needs care.
const FULL: &str = r#"
name = "full"
version = 1
[security]
method = "userpinmac"
[bootstrap]
name = "Ctx & <Co>"
prov-url = "https://prov.acme.example/"
proxies = ["px"]
context-allow = 2
[[nap]]
id = "net"
name = "Nétz \"1\" 网"
bearers = ["GSM-GPRS", "GSM-CSD", "CDMA2000-1X-SIMPLE-IP"]
address = "192.0.2.1"
address-type = "IPV4"
internet = true
dns = ["192.0.2.53", "2001:db8::53"]
linger = 300
auth = [{ type = "CHAP", name = "{msisdn}", secret = { plain = "o'pen" } }, { type = "PAP" }]
[[proxy]]
id = "px"
name = "Proxy"
domains = [".acme.example"]
start-page = "http://wap.acme.example/?a=1&b=2"
push = true
auth = [{ type = "HTTP-BASIC", name = "{imsi}", secret = { plain = "pw" } }]
ports = [80, { number = 9201, services = ["CO-WSP", "OTA-HTTP-TO"] }]
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
address = "https://dm.acme.example/dm"
connect-via = ["px", "net"]
client-auth = { type = "BASIC", name = "{imei}", secret = "generate" }
server-auth = { type = "DIGEST", name = "acme.dm", secret = "generate" }
[[application]]
id = "w2"
provider-id = "acme"
name = "Portal"
connect-via = ["px"]
[[application.resource]]
uri = "http://portal.acme.example/"
start-page = true
[[application]]
id = "w4"
address = "http://mmsc.acme.example/"
connect-via = ["INTERNET"]
"#;

struct Fixed;

impl Random for Fixed {
    fn fill(&self, out: &mut [u8]) {
        out.fill(0xA5);
    }
}

/// What `wbxml2xml` makes of octets.
fn decoded_by_libwbxml(octets: &[u8], language: &str) -> Element {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(octets).unwrap();
    let ran = Command::new("wbxml2xml").args(["-l", language, "-o", "-"]).arg(file.path()).output();
    let ran = ran.unwrap_or_else(|e| panic!("wbxml2xml does not start ({e}); install libwbxml2-utils"));
    assert!(ran.status.success(), "wbxml2xml: {}", String::from_utf8_lossy(&ran.stderr));
    xml::parse(&ran.stdout).unwrap_or_else(|e| panic!("{e}\n{}", String::from_utf8_lossy(&ran.stdout)))
}

/// The same without the white space that the other program puts between elements.
fn without_layout(element: &Element) -> Element {
    let has_elements = element.elements().next().is_some();
    let keep = |node: &&Node| !has_elements || !matches!(node, Node::Text(t) if t.trim().is_empty());
    let child = |node: &Node| match node {
        Node::Element(e) => Node::Element(without_layout(e)),
        other => other.clone(),
    };
    Element { children: element.children.iter().filter(keep).map(child).collect(), ..element.clone() }
}

/// The same with every element inside of `Data` called `unknown`.
fn without_names_in_data(element: &Element, inside: bool) -> Element {
    let below = inside || element.name == "Data";
    let child = |node: &Node| match node {
        Node::Element(e) => Node::Element(without_names_in_data(e, below)),
        other => other.clone(),
    };
    let children = element.children.iter().map(child).collect();
    let named = if inside { Element::new(Vocabulary::SyncMl, "unknown") } else { element.clone() };
    Element { children, ..named }
}

/// As XML, so that a difference is shown.
fn shown(element: &Element) -> String {
    xml::write_indented(&without_layout(element)).unwrap()
}

#[test]
fn libwbxml_reads_what_we_write() {
    let subscriber = Subscriber {
        imsi: Some("262011234567890".parse().unwrap()),
        imei: Some("490154203237518".parse().unwrap()),
        iccid: Some("89490200001234567892".parse().unwrap()),
        msisdn: Some("491711234567".parse().unwrap()),
    };
    let mut compared = 0;
    for text in PROFILES.into_iter().chain([FULL]) {
        let profile = Profile::parse(text).unwrap();
        let mut settings = resolve(&profile, &subscriber, &Fixed).unwrap();
        let mut compare = |settings: &Settings, kind, language| {
            let payload = build(settings, kind).unwrap();
            let ours = xml::parse(payload.to_xml().unwrap().as_bytes()).unwrap();
            let theirs = decoded_by_libwbxml(&payload.octets, language);
            // wbxml2xml has no code page 2 in messages: it reads the structure and the values, and no names.
            let inline = kind == PayloadKind::Dm && settings.dm.encoding == DmEncoding::TndsInline;
            let ours = if inline { without_names_in_data(&ours, false) } else { ours };
            // What wbxml2xml opens it also calls XML; the WBXML says otherwise.
            let [ours, theirs] =
                [ours, theirs].map(|root| shown(&root).replace("dmtnds+xml", "dmtnds+wbxml"));
            assert_eq!(ours, theirs, "{} as {kind}, {:?}", profile.name, settings.dm);
            compared += 1;
        };
        compare(&settings, PayloadKind::Cp, "PROV10");
        for encoding in DmEncoding::ALL {
            // Not `bin`: wbxml2xml (0.11.8) writes the octets of OPAQUE into its XML as they are, which is then none.
            for nonce_format in [NonceFormat::Chr, NonceFormat::B64] {
                settings.dm = DmOptions { encoding: *encoding, nonce_format };
                compare(&settings, PayloadKind::Dm, "SYNCML12");
            }
        }
    }
    assert_eq!(compared, 4 * (1 + 4 * 2));
}
