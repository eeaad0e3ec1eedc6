//! What elements and attributes of PAP say (WAP-247-PAP, section 9).

use super::{
    Problem, Secrets,
    scribe::{Mark, Scribe},
    secret,
    xml::Attribute,
};
use crate::wire::pap::{
    Address, DeliveryMethod, MessageState, Priority, PushId, Recipient, ReplaceMethod, StatusCode,
};

/// The elements and their attributes; the first is what the element is known by.
const ELEMENTS: [(&str, &[&str]); 19] = [
    ("pap", &["product-name"]),
    (
        "push-message",
        &[
            "push-id",
            "replace-push-id",
            "replace-method",
            "deliver-before-timestamp",
            "deliver-after-timestamp",
            "source-reference",
            "progress-notes-requested",
            "ppg-notify-requested-to",
        ],
    ),
    ("address", &["address-value"]),
    (
        "quality-of-service",
        &["priority", "delivery-method", "network", "network-required", "bearer", "bearer-required"],
    ),
    ("push-response", &["push-id", "sender-address", "sender-name", "reply-time"]),
    ("progress-note", &["stage", "note", "time"]),
    ("response-result", &["code", "desc"]),
    ("cancel-message", &["push-id"]),
    ("cancel-response", &["push-id"]),
    ("cancel-result", &["code", "desc"]),
    (
        "resultnotification-message",
        &[
            "push-id",
            "message-state",
            "code",
            "sender-address",
            "sender-name",
            "received-time",
            "event-time",
            "desc",
        ],
    ),
    ("resultnotification-response", &["push-id", "code", "desc"]),
    ("statusquery-message", &["push-id"]),
    ("statusquery-response", &["push-id"]),
    ("statusquery-result", &["message-state", "code", "event-time", "desc"]),
    ("ccq-message", &["query-id", "app-id"]),
    ("ccq-response", &["query-id", "code", "desc"]),
    ("badmessage-response", &["code", "desc", "bad-message-fragment"]),
    ("CPI", &[]),
];

/// Says what an element and its attributes say, and what is wrong with them.
pub(super) fn element(w: &mut Scribe<'_>, name: &str, mark: Mark, attributes: &[Attribute]) {
    let local = name.split_once(':').map_or(name, |(_, local)| local);
    let Some((_, known)) = ELEMENTS.iter().find(|(element, _)| *element == local) else {
        w.judge(mark, Problem::odd("no element of PAP that is known here; readers pass over it"));
        return;
    };
    for attribute in attributes.iter().filter(|a| !a.name.is_empty()) {
        if !known.contains(&attribute.name.as_str()) {
            let why = "no attribute of this element that is known; readers pass over it";
            w.judge(attribute.mark, Problem::odd(why));
            continue;
        }
        say(w, attribute);
    }
    let main = known.first().and_then(|name| attributes.iter().find(|a| a.name == *name));
    if let Some(main) = main {
        let meaning = meaning(&main.name, &main.value).ok().flatten();
        w.says_of(mark, meaning.unwrap_or_else(|| main.value.clone()));
    }
}

/// Says an attribute.
fn say(w: &mut Scribe<'_>, Attribute { name, value, mark, .. }: &Attribute) {
    if let Some(hidden) = secret::in_url(value).filter(|_| w.secrets() == Secrets::Masked) {
        w.says_of(*mark, format!("{name}={hidden:?}"));
        w.hide_octets(*mark);
        return;
    }
    match meaning(name, value) {
        Ok(Some(meaning)) => w.says_of(*mark, format!("{name}={value:?}: {meaning}")),
        Ok(None) => {}
        Err(why) => w.judge(*mark, Problem::wrong(why)),
    }
    if name == "code" && value.parse().is_ok_and(|code| StatusCode(code).text().is_none()) {
        w.judge(*mark, Problem::odd("no code that is known here; its thousands say how it went"));
    }
}

/// What a value means beyond its letters, and what is wrong with it.
fn meaning(name: &str, value: &str) -> Result<Option<String>, String> {
    fn of<T: std::str::FromStr<Err: std::fmt::Display>>(value: &str) -> Result<Option<String>, String> {
        value.parse::<T>().map(|_| None).map_err(|why| why.to_string())
    }
    match name {
        "push-id" | "replace-push-id" => of::<PushId>(value),
        "message-state" => of::<MessageState>(value),
        "priority" => of::<Priority>(value),
        "delivery-method" => of::<DeliveryMethod>(value),
        "replace-method" => of::<ReplaceMethod>(value),
        "code" => match value.trim().parse() {
            Ok(code) => Ok(StatusCode(code).text().map(|text| format!("{code} {text}"))),
            Err(_) => Err("expected a number of four digits".to_owned()),
        },
        "address-value" => match value.parse::<Address>() {
            Ok(address) => Ok(Some(match address.recipient() {
                Recipient::Plmn(number) => format!("number +{}", number.digits()),
                Recipient::User(user) => format!("user {user}"),
                Recipient::Ipv4(ip) => format!("IPv4 {ip}"),
                Recipient::Ipv6(ip) => format!("IPv6 {ip}"),
                Recipient::Other { kind, value } => format!("{kind} {value}"),
                Recipient::Malformed { why, .. } => return Err(why.to_string()),
            })),
            Err(why) => Err(why.to_string()),
        },
        "progress-notes-requested" | "network-required" | "bearer-required" => {
            let word = value.trim();
            let known = ["true", "false"].iter().any(|own| own.eq_ignore_ascii_case(word));
            if known { Ok(None) } else { Err("expected true or false".to_owned()) }
        }
        _ if name.ends_with("timestamp") || name.ends_with("time") => {
            let value = value.trim();
            let whole = value.len() == "YYYY-MM-DDThh:mm:ssZ".len() && value.ends_with('Z');
            let read = whole && value.parse::<jiff::Timestamp>().is_ok();
            if read { Ok(None) } else { Err("expected UTC as YYYY-MM-DDThh:mm:ssZ".to_owned()) }
        }
        _ => Ok(None),
    }
}
