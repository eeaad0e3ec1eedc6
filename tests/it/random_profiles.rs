//! Profiles drawn at random: valid, with every key that there is, and with texts that are hard on encodings.
//!
//! A profile is told by a tape of numbers, of which each choice takes the next; behind its end all choices are the simplest
//! ones. So proptest makes a profile that fails smaller by making the tape shorter and its numbers smaller.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bootgate::{
    bootstrap::{Payload, PayloadKind, Settings, build, resolve, usim_files},
    ident::Random,
    profile::{
        AccountAuthType, AppAddressType, AuthEntity, AuthLevel, AuthPlace, Bearer, CallType, CardCpFile,
        CardEntry, CardReaders, CardSettings, DmEncoding, DmOptions, LayerAuthType, MmsPriority, NonceFormat,
        Profile, ProxyAuthType, QosParameter, Service, Subscriber,
    },
    wire::usim,
};
use proptest::{
    collection::vec,
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

/// The text of any valid profile, with a DM account.
pub fn profiles() -> impl Strategy<Value = String> {
    // Half of the tapes are short, so that small profiles are drawn as well.
    prop_oneof![vec(any::<u32>(), 0..60), vec(any::<u32>(), 60..600)]
        .prop_map(|tape| profile(&mut Tape { tape, at: 0 }))
}

/// Always the same profiles of one strategy, for checks that take many at once.
pub fn drawn(count: usize) -> Vec<String> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = profiles();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

/// What one device is told under a profile.
pub fn settings(text: &str) -> Settings {
    let mut settings = in_its_form(text);
    // What the tools make of the other forms stands in payloads.rs.
    settings.dm = DmOptions::default();
    settings
}

/// The same in the form of a DM message that the profile asks for.
fn in_its_form(text: &str) -> Settings {
    let profile = Profile::parse(text).unwrap_or_else(|p| panic!("{p:?}\n{text}"));
    resolve(&profile, &subscriber(), &Nines).unwrap()
}

/// The payload of such a device.
pub fn payload(text: &str, kind: PayloadKind) -> Payload {
    build(&settings(text), kind).unwrap()
}

/// The device.
pub fn subscriber() -> Subscriber {
    Subscriber {
        imsi: Some("262011234567890".parse().unwrap()),
        imei: Some("490154203237518".parse().unwrap()),
        iccid: Some("89490200001234567892".parse().unwrap()),
        msisdn: Some("+491711234567".parse().unwrap()),
    }
}

/// Secrets and nonces that are always the same.
struct Nines;

impl Random for Nines {
    fn fill(&self, out: &mut [u8]) {
        out.fill(9);
    }
}

struct Tape {
    tape: Vec<u32>,
    at: usize,
}

impl Tape {
    fn next(&mut self) -> u32 {
        self.at += 1;
        self.tape.get(self.at - 1).copied().unwrap_or(0)
    }

    /// Below `end`.
    fn below(&mut self, end: u32) -> u32 {
        self.next() % end
    }

    /// True for one in three; false where the tape is at its end.
    fn flag(&mut self) -> bool {
        self.below(3) == 1
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let at = self.below(u32::try_from(of.len()).unwrap());
        &of[usize::try_from(at).unwrap()]
    }

    /// Some of a list, each once, in its order.
    fn some<T: Clone>(&mut self, of: &[T]) -> Vec<T> {
        of.iter().filter(|_| self.flag()).cloned().collect()
    }

    fn word(&mut self) -> String {
        let length = 1 + self.below(8);
        (0..length).map(|_| *self.one(&['a', 'b', 'z', 'q', '7', 'K'])).collect()
    }

    /// What a person may write: what encodings escape, what tokens begin with, what takes several octets.
    fn text(&mut self) -> String {
        const PIECES: [&str; 24] = [
            "a",
            "Acme",
            " ",
            "0",
            "<",
            ">",
            "&",
            "\"",
            "'",
            "&amp;",
            "]]>",
            "ä",
            "ß",
            "€",
            "日本",
            "\u{1F4F1}",
            "APN",
            "PAP",
            "http://",
            "www.",
            ".com",
            "INTERNET",
            "\u{A0}",
            "%20",
        ];
        let length = 1 + self.below(6);
        (0..length).map(|_| *self.one(&PIECES)).collect()
    }

    fn host(&mut self) -> String {
        let words = [self.word(), self.word()];
        format!("{}.example", words.join("."))
    }

    fn url(&mut self) -> String {
        let scheme = *self.one(&["http", "https"]);
        let port = if self.flag() { format!(":{}", 1 + self.below(65_535)) } else { String::new() };
        let path = *self.one(&["", "/", "/dm?x=1&y='2'", "/%C3%A4/.com/"]);
        format!("{scheme}://{}{port}{path}", self.host())
    }

    fn ip(&mut self) -> String {
        if self.flag() {
            format!("2001:db8::{:x}", 1 + self.below(0xFFFF))
        } else {
            format!("192.0.2.{}", self.below(256))
        }
    }

    fn digits(&mut self, count: u32) -> String {
        (0..count).map(|_| char::from_digit(self.below(10), 10).unwrap()).collect()
    }
}

/// A table being written.
struct Table(String);

impl Table {
    fn new(header: &str) -> Self {
        Self(if header.is_empty() { String::new() } else { format!("\n{header}\n") })
    }

    fn put(&mut self, key: &str, value: impl std::fmt::Display) {
        self.0 += &format!("{key} = {value}\n");
    }

    /// A key that is there in one profile of three.
    fn may<T: std::fmt::Display>(&mut self, t: &mut Tape, key: &str, value: impl FnOnce(&mut Tape) -> T) {
        if t.flag() {
            let value = value(t);
            self.put(key, value);
        }
    }
}

fn quoted(text: impl std::fmt::Display) -> String {
    format!("\"{}\"", text.to_string().replace('\\', "\\\\").replace('"', "\\\""))
}

fn list<T: std::fmt::Display>(entries: &[T]) -> String {
    let entries: Vec<String> = entries.iter().map(quoted).collect();
    format!("[{}]", entries.join(", "))
}

/// The table that a settings file of the USIM is written from.
fn settings_file(t: &mut Tape, file: &str) -> String {
    let text = |t: &mut Tape, head: &str| {
        let mut s = Table::new(head);
        s.may(t, "encoding", |t| t.below(256));
        s.put("text", format!("'''\n<a>\n\t{}</a>'''", t.word()));
        s.0
    };
    match file {
        "nasconfig" => {
            let mut s = Table::new("[card.nas-config]");
            s.put("signalling-priority", t.below(2));
            s.may(t, "minimum-search-timer", |t| t.below(256));
            for key in [
                "nmo-i-behaviour",
                "attach-with-imsi",
                "extended-access-barring",
                "t3245-behaviour",
                "override-low-priority",
                "override-extended-access-barring",
                "fast-first-search",
            ] {
                s.may(t, key, Tape::flag);
            }
            s.0
        }
        "ims" => text(t, "[card.ims-config]"),
        "mudmid" => text(t, "[card.mudmid-config]"),
        "xcap" => {
            let mut s = Table::new("[card.xcap-config]");
            s.put("plain-objects", list(&[format!("A0 03 8101{:02X}", t.below(256)), "8100".into()]));
            s.0
        }
        "mmsup" => (0..1 + t.below(3)).map(|_| preferences(t)).collect(),
        _ => String::new(),
    }
}

fn preferences(t: &mut Tape) -> String {
    let mut s = Table::new("[[card.mms-preferences]]");
    s.may(t, "name", |t| quoted(t.word()));
    for key in ["sender-visible", "delivery-report", "read-reply"] {
        s.may(t, key, Tape::flag);
    }
    s.may(t, "priority", |t| quoted(t.one(MmsPriority::ALL)));
    s.may(t, "expiry", |t| 1 + t.below(1_000_000));
    s.0
}

fn secret(t: &mut Tape) -> String {
    format!("{{ plain = {} }}", quoted(t.text()))
}

/// A name in which braces are placeholders.
fn acl(t: &mut Tape) -> String {
    let servers = |t: &mut Tape| if t.flag() { "*".to_owned() } else { format!("{}+{}", t.word(), t.word()) };
    let mut list = format!("Get={}", servers(t));
    for right in ["Add", "Delete", "Exec", "Replace"] {
        if t.flag() {
            list += &format!("&{right}={}", servers(t));
        }
    }
    quoted(list)
}

fn template(t: &mut Tape) -> String {
    let text = t.text();
    let place = *t.one(&["", "{imei}", "{imsi}", "{msisdn}", "{iccid}", "{{", "}}"]);
    quoted(text + place)
}

fn number(t: &mut Tape) -> u32 {
    t.next()
}

fn ports<S: std::fmt::Display>(t: &mut Tape, services: impl Fn(&mut Tape) -> Vec<S>) -> String {
    let mut numbers: Vec<u32> = (0..t.below(3)).map(|_| 1 + t.below(65_535)).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let entries: Vec<String> = numbers
        .into_iter()
        .map(|number| {
            let services = services(t);
            if services.is_empty() {
                number.to_string()
            } else {
                format!("{{ number = {number}, services = {} }}", list(&services))
            }
        })
        .collect();
    format!("[{}]", entries.join(", "))
}

fn parameters(t: &mut Tape, always: &str) -> String {
    let mut entries: Vec<String> = if always.is_empty() { vec![] } else { vec![always.to_owned()] };
    for _ in 0..t.below(3) {
        let name = *t.one(&["DEFAULTENCODING", "X-FLAG", "FROM", "WIDGET", "X-PW"]);
        let value = match (t.below(3), name) {
            (0, _) => String::new(),
            (_, "X-PW") => format!(", value = {}", secret(t)),
            _ => format!(", value = {}", quoted(t.text())),
        };
        entries.push(format!("{{ name = \"{name}\"{value} }}"));
    }
    format!("[{}]", entries.join(", "))
}

/// What there is to refer to.
struct Ids {
    naps: Vec<String>,
    proxies: Vec<String>,
}

impl Ids {
    fn naps(&self, t: &mut Tape) -> Vec<String> {
        let some = t.some(&self.naps);
        if some.is_empty() { vec![t.one(&self.naps).clone()] } else { some }
    }

    fn links(&self, t: &mut Tape) -> String {
        list(&[t.some(&self.proxies), t.some(&self.naps)].concat())
    }
}

fn profile(t: &mut Tape) -> String {
    let ids = Ids {
        naps: (0..1 + t.below(3)).map(|n| format!("nap-{n}")).collect(),
        proxies: (0..t.below(3)).map(|n| format!("proxy-{n}")).collect(),
    };
    let mut top = Table::new("");
    top.put("name", "\"drawn\"");
    top.put("version", 1 + t.below(1000));
    top.may(t, "cp-version", |t| quoted(t.one(&["1.0", "1.1"])));
    top.may(t, "client-id", template);
    let mut out = top.0;
    if t.flag() {
        let mut s = Table::new("[security]");
        let method = *t.one(&["netwpin", "userpin", "usernetwpin", "userpinmac"]);
        s.put("method", quoted(method));
        if method != "netwpin" {
            s.may(t, "pin-length", |t| 5 + t.below(12));
            s.may(t, "pin-channel", |t| quoted(t.one(&["printed", "webhook", "sms"])));
        }
        out += &s.0;
    }
    if t.flag() {
        let mut s = Table::new("[rcs]");
        for key in ["version", "validity", "token-validity"] {
            s.may(t, key, |t| 1 + t.below(1_000_000));
        }
        out += &s.0;
    }
    if t.flag() {
        let mut s = Table::new("[card]");
        for key in ["directory-fid", "dodf-fid", "content-fid"] {
            s.may(t, key, |t| quoted(format!("6F{:02X}", t.below(0x100))));
        }
        s.may(t, "cp-file", |t| quoted(t.one(CardCpFile::ALL)));
        s.may(t, "dodf-shape", |t| quoted(t.one(CardEntry::ALL)));
        s.may(t, "double-wrapped-oid", Tape::flag);
        s.may(t, "read-access", |t| quoted(t.one(CardReaders::ALL)));
        let tables = ["mmsup", "nasconfig", "ims", "xcap", "mudmid"];
        let wanted = t.some(&[&["acl"][..], &tables].concat());
        s.put("settings-files", list(&wanted));
        out += &s.0;
        for file in wanted {
            out += &settings_file(t, file);
        }
    }
    if t.flag() {
        let mut s = Table::new("[dm]");
        s.may(t, "encoding", |t| quoted(t.one(DmEncoding::ALL)));
        s.may(t, "nonce-format", |t| quoted(t.one(NonceFormat::ALL)));
        out += &s.0;
    }
    for _ in 0..t.below(3) {
        out += &context(t, &ids);
    }
    for id in &ids.naps {
        out += &nap(t, id);
    }
    for id in &ids.proxies {
        out += &proxy(t, id, &ids);
    }
    out += &account(t, &ids);
    for _ in 0..t.below(4) {
        out += &application(t, &ids);
    }
    if t.flag() {
        let mut s = Table::new("[[access]]");
        s.put("rules", list(&["mail", "more"]));
        s.may(t, "app-ids", |_| list(&["25", "143"]));
        s.may(t, "ports", |t| format!("[{}]", 1 + t.below(65_535)));
        s.may(t, "domains", |t| list(&[t.host()]));
        s.may(t, "connect-via", |t| ids.links(t));
        out += &s.0;
    }
    for _ in 0..t.below(2) {
        let mut s = Table::new("[[vendor-config]]");
        s.put("name", quoted(t.text()));
        s.may(t, "parameters", |t| parameters(t, ""));
        out += &s.0;
    }
    out
}

fn context(t: &mut Tape, ids: &Ids) -> String {
    let mut s = Table::new("[[bootstrap]]");
    s.may(t, "name", |t| quoted(t.text()));
    s.may(t, "prov-url", |t| quoted(t.url()));
    if t.flag() {
        s.put("country", quoted(t.digits(3)));
        s.may(t, "networks", |t| list(&[t.digits(2), t.digits(3)]));
    }
    s.may(t, "proxies", |t| list(&t.some(&ids.proxies)));
    s.may(t, "context-allow", |t| t.below(256));
    s.0
}

fn nap(t: &mut Tape, id: &str) -> String {
    let mut s = Table::new("[[nap]]");
    s.put("id", quoted(id));
    s.put("name", quoted(t.text()));
    let mut bearers = t.some(Bearer::ALL);
    bearers.truncate(3);
    s.put("bearers", list(&if bearers.is_empty() { vec![Bearer::GsmGprs] } else { bearers }));
    let (kind, address) = match t.below(6) {
        0 => ("APN", t.host()),
        1 => ("E164", format!("+{}", t.digits(11))),
        2 => ("IPV4", "192.0.2.9".to_owned()),
        3 => ("IPV6", "2001:db8::9".to_owned()),
        4 => ("ALPHA", t.text()),
        _ => (*t.one(&["SCODE", "TETRA-ITSI", "MAN"]), t.text()),
    };
    s.put("address", quoted(address));
    s.put("address-type", quoted(kind));
    s.may(t, "internet", Tape::flag);
    s.may(t, "dns", |t| list(&[t.ip(), t.ip()]));
    s.may(t, "linger", number);
    s.may(t, "local-address", |t| quoted(t.ip()));
    s.may(t, "call-type", |t| quoted(t.one(CallType::ALL)));
    s.may(
        t,
        "link-speed",
        |t| if t.flag() { quoted("AUTOBAUDING") } else { (1 + t.below(99_999)).to_string() },
    );
    s.may(t, "dn-link-speed", |t| 1 + t.below(99_999));
    for key in ["max-num-retry", "first-retry-timeout", "rereg-threshold"] {
        s.may(t, key, number);
    }
    s.may(t, "t-bit", Tape::flag);
    s.may(t, "acl", acl);
    if t.flag() {
        s.0 += "[nap.qos]\n";
        for parameter in QosParameter::ALL {
            s.may(t, &parameter.to_string().to_lowercase(), number);
        }
    }
    for _ in 0..t.below(3) {
        s.0 += "[[nap.auth]]\n";
        s.put("type", quoted(t.one(&["PAP", "CHAP", "MD5"])));
        s.may(t, "name", template);
        s.may(t, "secret", secret);
        s.may(t, "entities", |t| list(&t.some(AuthEntity::ALL)));
        s.may(t, "spi", number);
    }
    for _ in 0..t.below(2) {
        s.0 += "[[nap.validity]]\n";
        if t.flag() {
            s.put("country", quoted(t.digits(3)));
            s.may(t, "network", |t| quoted(t.digits(2)));
        }
        if t.flag() {
            s.put("soc", quoted(t.text()));
            s.may(t, "sid", |t| quoted(t.text()));
        }
        s.may(t, "valid-until", |_| quoted("20301231T235959Z"));
    }
    s.0
}

fn proxy(t: &mut Tape, id: &str, ids: &Ids) -> String {
    let services = |t: &mut Tape| t.some(Service::ALL);
    let mut s = Table::new("[[proxy]]");
    s.put("id", quoted(id));
    s.put("name", quoted(t.text()));
    s.may(t, "secret", secret);
    s.may(t, "ppg-auth", |t| quoted(t.one(ProxyAuthType::ALL)));
    s.may(t, "provider-id", |t| quoted(t.text()));
    s.may(t, "domains", |t| list(&[t.host()]));
    s.may(t, "trust", Tape::flag);
    s.may(t, "master", Tape::flag);
    s.may(t, "start-page", |t| quoted(t.url()));
    s.may(t, "basic-auth", |t| format!("{{ name = {}, secret = {} }}", template(t), secret(t)));
    s.may(t, "wsp-version", |_| quoted("1.3"));
    s.may(t, "push", Tape::flag);
    s.may(t, "pull", Tape::flag);
    s.may(t, "ports", |t| ports(t, services));
    s.may(t, "acl", acl);
    for kind in t.some(ProxyAuthType::ALL) {
        s.0 += "[[proxy.auth]]\n";
        s.put("type", quoted(kind));
        s.may(t, "name", template);
        s.may(t, "secret", secret);
    }
    for n in 0..1 + t.below(2) {
        s.0 += "[[proxy.physical]]\n";
        s.put("id", quoted(format!("{id}-{n}")));
        s.put("address", quoted(if t.flag() { t.host() } else { t.ip() }));
        s.may(t, "fqdn", |t| quoted(t.host()));
        s.may(t, "domains", |t| list(&[t.host(), t.host()]));
        s.may(t, "wsp-version", |_| quoted("1.2"));
        s.may(t, "push", Tape::flag);
        s.may(t, "pull", Tape::flag);
        s.may(t, "ports", |t| ports(t, services));
        s.put("connect-via", list(&ids.naps(t)));
    }
    s.0
}

fn account(t: &mut Tape, ids: &Ids) -> String {
    let mut s = Table::new("[dm-account]");
    s.may(t, "acl", acl);
    s.put("server-id", quoted(format!("{}.dm", t.word())));
    s.may(t, "name", |t| quoted(t.text()));
    s.put("address", quoted(t.url()));
    s.may(t, "connect-via", |t| ids.links(t));
    s.may(t, "init", Tape::flag);
    let mut taken = Vec::new();
    for (key, level) in [("client-auth", "client"), ("server-auth", "server")] {
        let secret = if t.flag() { secret(t) } else { quoted("generate") };
        let scheme = *t.one(&["DIGEST", "BASIC"]);
        taken.push((level, scheme));
        s.put(key, format!("{{ type = {}, name = {}, secret = {secret} }}", quoted(scheme), template(t)));
    }
    s.may(t, "parameters", |t| parameters(t, ""));
    for _ in 0..t.below(3) {
        further_auth(t, &mut s, &mut taken);
    }
    s.0
}

/// A way of authentication beside the two, if the account does not have it yet.
fn further_auth(t: &mut Tape, s: &mut Table, taken: &mut Vec<(&'static str, &'static str)>) {
    let level = t.one(AuthPlace::ALL).as_str();
    let kind = match level {
        "client" | "server" => t.one(AccountAuthType::ALL).as_str(),
        _ => t.one(LayerAuthType::ALL).as_str(),
    };
    if taken.contains(&(level, kind)) {
        return;
    }
    taken.push((level, kind));
    s.0 += "[[dm-account.further-auth]]\n";
    s.put("level", quoted(level));
    s.put("type", quoted(kind));
    s.may(t, "name", template);
    s.may(t, "secret", secret);
    s.may(t, "data", |t| {
        let octets: Vec<u8> = (0..1 + t.below(20)).map(|_| t.below(256).to_le_bytes()[0]).collect();
        quoted(STANDARD.encode(octets))
    });
}

fn application(t: &mut Tape, ids: &Ids) -> String {
    let kind = *t.one(&[
        "w2", "w4", "w5", "wA", "25", "110", "143", "554", "ap2001", "ap2002", "w9027", "ap0004", "5060",
    ]);
    let mut s = Table::new("[[application]]");
    s.put("id", quoted(kind));
    s.may(t, "provider-id", |t| quoted(t.text()));
    s.may(t, "name", |t| quoted(t.text()));
    if kind == "wA" || t.flag() {
        s.put("accept", quoted(t.text()));
    }
    s.may(t, "protocol", |t| quoted(t.text()));
    match kind {
        "w2" => {}
        "w4" | "w5" | "wA" => s.put("address", quoted(t.url())),
        _ => s.may(t, "address", |t| list(&[t.text()])),
    }
    match kind {
        "ap2001" => s.put("connect-via", list(&[t.one(&ids.naps)])),
        _ => s.may(t, "connect-via", |t| ids.links(t)),
    }
    if kind == "25" {
        s.put("parameters", parameters(t, "{ name = \"FROM\", value = \"user@acme.example\" }"));
    } else {
        s.may(t, "parameters", |t| parameters(t, ""));
    }
    let mail = matches!(kind, "25" | "110" | "143");
    if mail || (kind != "w2" && t.flag()) {
        s.0 += "[[application.server]]\n";
        s.put("address", quoted(t.host()));
        s.may(t, "address-type", |t| quoted(t.one(AppAddressType::ALL)));
        if mail {
            s.put("ports", format!("[{{ number = {}, services = [\"993\"] }}]", 1 + t.below(65_535)));
        } else {
            s.may(t, "ports", |t| ports(t, |t| vec![t.text()]));
        }
    }
    for _ in 0..t.below(3) {
        s.0 += "[[application.auth]]\n";
        s.may(t, "level", |t| quoted(t.one(AuthLevel::ALL)));
        authentication(t, &mut s);
    }
    if matches!(kind, "w2" | "w5") || (kind != "w4" && t.flag()) {
        s.0 += "[[application.resource]]\n";
        s.put("uri", quoted(if kind == "w2" { t.url() } else { t.text() }));
        s.may(t, "name", |t| quoted(t.text()));
        if kind == "w5" || t.flag() {
            s.put("accept", quoted(t.text()));
        }
        s.may(t, "start-page", Tape::flag);
        s.may(t, "parameters", |t| parameters(t, ""));
        if t.flag() {
            s.0 += "[application.resource.auth]\n";
            authentication(t, &mut s);
        }
    }
    s.0
}

fn authentication(t: &mut Tape, s: &mut Table) {
    s.may(t, "type", |t| quoted(t.text()));
    s.may(t, "name", template);
    s.may(t, "secret", secret);
    s.may(t, "data", |t| quoted(t.text()));
}

proptest! {
    #[test]
    fn every_drawn_profile_is_one(text in profiles()) {
        for kind in PayloadKind::ALL {
            payload(&text, kind);
            build(&in_its_form(&text), kind).unwrap();
        }
        // EF(ACL) wants an access point with an APN, which not every profile has.
        let mut card = Profile::parse(&text).unwrap().card;
        card.settings.retain(|file| *file != CardSettings::Acl);
        for content in usim_files(&settings(&text), &card).unwrap() {
            for part in &content.parts {
                assert!(!usim::settings(content.file, part).unwrap().is_empty(), "{:?}", content);
            }
        }
    }
}

#[test]
fn the_draw_reaches_every_key() {
    let all = drawn(256).concat();
    let reference =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/config/profiles/reference.toml"))
            .unwrap();
    let keys = |text: &str| -> std::collections::BTreeSet<String> {
        let heads = text
            .lines()
            .filter_map(|l| l.strip_prefix('['))
            .map(|l| l.split(']').next().unwrap().trim_start_matches('[').rsplit('.').next());
        let keys = text.lines().filter_map(|l| l.split_once(" = ")).map(|(key, _)| Some(key.trim()));
        let all = heads.chain(keys).flatten().map(str::to_owned);
        all.filter(|k| !k.starts_with(['#', '{'])).collect()
    };
    let (drawn, wanted) = (keys(&all), keys(&reference));
    // What a push without authentication needs is no matter of the payload.
    let missing: Vec<_> = wanted.difference(&drawn).filter(|k| *k != "allow-unauthenticated").collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(wanted.len() > 60, "{wanted:?}");
}
