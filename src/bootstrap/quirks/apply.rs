//! Carrying out the checks: which payloads break one, where, and what is there instead. Values are not repeated, they may
//! be secrets.

use crate::{
    profile::{HttpUrl, SecurityMethod},
    wire::{
        Reader, Syntax,
        prov::{Characteristic, Item},
        syncml::{Command, Message, Verb},
        tnds::{self, MgmtTree},
        uintvar,
    },
};

use super::{
    check::{Check, Part},
    select::{Found, select},
    subject::{Content, Sec, Subject},
};

/// One place where a check fails.
#[derive(PartialEq, Eq)]
pub(super) struct Breach {
    pub(super) place: String,
    pub(super) path: String,
    pub(super) what: String,
}

/// Everything in the payloads that breaks the check, each place once. What stands in `before` counts only as what was
/// there first.
pub(super) fn breaches(check: &Check, before: &[Subject], subjects: &[Subject]) -> Vec<Breach> {
    let mut out = Vec::new();
    if let Check::Unique { within, name, part } = check {
        let mut seen = Vec::new();
        unique(before, within, name, *part, &mut seen, &mut Vec::new());
        unique(subjects, within, name, *part, &mut seen, &mut out);
        return out;
    }
    for subject in subjects {
        if let Some(root) = subject.root() {
            in_document(check, root, &mut out);
        }
        let mut found = Vec::new();
        in_payload(check, subject, &mut found);
        found.retain(|b| !out.contains(b));
        out.append(&mut found);
    }
    out
}

fn each<'a>(root: &'a Characteristic, within: &[String]) -> Vec<Found<'a>> {
    within.iter().flat_map(|w| select(root, w)).collect()
}

fn breach(found: &Found<'_>, name: &str, what: String) -> Breach {
    Breach { place: found.place(name), path: found.path(name), what }
}

/// Checks of characteristics and parameters.
fn in_document(check: &Check, root: &Characteristic, out: &mut Vec<Breach>) {
    match check {
        Check::MaxLength { within, names, max } => {
            for (found, name) in pairs(root, within, names) {
                let longest = found.values(name).map(|v| v.chars().count()).max().unwrap_or(0);
                if longest > *max {
                    let what = format!("{name} has {longest} characters; at most {max} are taken");
                    out.push(breach(&found, name, what));
                }
            }
        }
        Check::MaxCount { within, names, max } => {
            for found in each(root, within) {
                let got: usize = names.iter().map(|n| found.parms(n).count()).sum();
                if got > *max {
                    let list = names.join(" and ");
                    let what = format!("{list} stand {got} times; at most {max} are used");
                    out.push(breach(&found, names.first().map_or("", String::as_str), what));
                }
            }
        }
        Check::First { within, name } => {
            for found in each(root, within) {
                let first = matches!(found.c.items.first(), Some(Item::Parm(p)) if p.name == *name);
                if !first {
                    out.push(breach(&found, "", format!("{name} does not stand first")));
                }
            }
        }
        Check::Before { within, name, others } => before(&each(root, within), name, others, out),
        Check::Absent { within, names } => {
            for (found, name) in pairs(root, within, names).filter(|(f, n)| f.has(n)) {
                out.push(breach(&found, name, format!("{name} stands there")));
            }
        }
        Check::Present { within, names } => {
            for found in each(root, within) {
                if !names.iter().any(|n| found.says(n)) {
                    out.push(breach(&found, "", format!("{} is missing or empty", names.join(" or "))));
                }
            }
        }
        Check::NotBoth { within, names } => {
            for found in each(root, within) {
                let there: Vec<&str> = names.iter().filter(|n| found.has(n)).map(String::as_str).collect();
                if there.len() > 1 {
                    out.push(breach(&found, "", format!("{} stand there together", there.join(" and "))));
                }
            }
        }
        Check::Needs { within, name, other } => {
            for found in each(root, within).iter().filter(|f| f.has(name) && !f.has(other)) {
                out.push(breach(found, name, format!("{name} stands without {other}")));
            }
        }
        Check::OneOf { within, name, values } => {
            let right = |v: &str| values.iter().any(|w| w == v);
            values_that(
                &each(root, within),
                name,
                |v| !right(v),
                out,
                || format!("{name} has another value; taken are {}", values.join(", ")),
            );
        }
        Check::NoneOf { within, name, values } => {
            let wrong = |v: &str| values.iter().any(|w| w == v);
            values_that(&each(root, within), name, wrong, out, || {
                format!("{name} is one of the words {}", values.join(", "))
            });
        }
        Check::StartsWith { within, name, values } => {
            let right = |v: &str| values.iter().any(|w| v.starts_with(w.as_str()));
            values_that(
                &each(root, within),
                name,
                |v| !right(v),
                out,
                || format!("{name} begins otherwise; expected {}", values.join(" or ")),
            );
        }
        Check::PortInUrl { within, name } => {
            // A URL without a port is one that writing the port changes.
            let lacks = |v: &str| v.parse::<HttpUrl>().is_ok_and(|url| url.with_port() != v);
            values_that(&each(root, within), name, lacks, out, || format!("the URL in {name} names no port"));
        }
        Check::Resolves { within, name, to, key } => {
            let there: Vec<&str> = select(root, to).iter().flat_map(|f| f.values(key)).collect();
            for found in each(root, within) {
                if !found.values(name).any(|v| v == crate::profile::INTERNET || there.contains(&v)) {
                    out.push(breach(&found, name, format!("no {name} leads to a {to} of the document")));
                }
            }
        }
        Check::NoControlCharacters {} => control_characters(&select(root, ""), root, out),
        _ => {}
    }
}

fn pairs<'a, 'n>(
    root: &'a Characteristic,
    within: &'n [String],
    names: &'n [String],
) -> impl Iterator<Item = (Found<'a>, &'n str)> {
    each(root, within).into_iter().flat_map(|f| names.iter().map(move |n| (f.clone(), n.as_str())))
}

/// One breach for each parameter of which a value is as it should not be.
fn values_that(
    places: &[Found<'_>],
    name: &str,
    wrong: impl Fn(&str) -> bool,
    out: &mut Vec<Breach>,
    what: impl Fn() -> String,
) {
    for found in places.iter().filter(|f| f.values(name).any(&wrong)) {
        out.push(breach(found, name, what()));
    }
}

fn before(places: &[Found<'_>], name: &str, others: &[String], out: &mut Vec<Breach>) {
    for found in places {
        let at = |wanted: &dyn Fn(&str) -> bool| found.c.parms().position(|p| wanted(&p.name));
        let first = at(&|n| n == name);
        let other = at(&|n| others.iter().any(|o| o == n));
        if let (Some(first), Some(other)) = (first, other)
            && other < first
        {
            out.push(breach(found, name, format!("{name} stands behind {}", others.join(" or "))));
        }
    }
}

fn control_characters(at: &[Found<'_>], c: &Characteristic, out: &mut Vec<Breach>) {
    // Recursion is bounded by the depth that the decoder takes.
    for item in &c.items {
        match item {
            Item::Parm(p) if p.value.as_deref().is_some_and(|v| v.chars().any(char::is_control)) => {
                let place = format!("{}/{}", c.kind, p.name);
                let path = at.first().map(|f| f.path("")).unwrap_or_default();
                let what = format!("{} holds a control character", p.name);
                out.push(Breach { place, path, what });
            }
            Item::Parm(_) => {}
            Item::Characteristic(inner) => control_characters(at, inner, out),
        }
    }
}

/// Values that stand twice, whichever payloads of the run they stand in.
fn unique(
    subjects: &[Subject],
    within: &[String],
    name: &str,
    part: Part,
    seen: &mut Vec<String>,
    out: &mut Vec<Breach>,
) {
    for found in subjects.iter().filter_map(Subject::root).flat_map(|root| each(root, within)) {
        for value in found.values(name).filter(|v| !v.is_empty()) {
            let value = match part {
                Part::Whole => value.to_owned(),
                Part::Host => host(value).to_ascii_lowercase(),
            };
            if seen.contains(&value) {
                let what = match part {
                    Part::Whole => format!("{name} has a value that stands before"),
                    Part::Host => format!("{name} has a host that stands before"),
                };
                out.push(breach(&found, name, what));
            }
            seen.push(value);
        }
    }
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', ':', '?']).next().unwrap_or(rest)
}

/// Checks of the payload as a whole, and of how it is authenticated.
fn in_payload(check: &Check, subject: &Subject, out: &mut Vec<Breach>) {
    let mut whole = |path: &str, what: String| {
        let place = match (path, &subject.content) {
            ("", Content::Cp(..)) => "cp payload",
            ("", Content::Dm(_)) => "dm payload",
            _ => "push",
        };
        out.push(Breach { place: place.into(), path: path.into(), what });
    };
    match (check, &subject.content) {
        (Check::MaxOctets { max }, _) if subject.octets.len() > *max => {
            whole("", format!("the payload has {} octets; at most {max} are read", subject.octets.len()));
        }
        (Check::DocumentVersion { values }, Content::Cp(version, _)) => {
            let version = version.as_deref().unwrap_or("1.0");
            if !values.iter().any(|v| v == version) {
                whole("", format!("the document's version is not {}", values.join(" or ")));
            }
        }
        (Check::SecNot { methods }, _) => {
            if let Some(method) = method(&subject.sec).filter(|m| methods.iter().any(|o| o == m)) {
                whole("security.method", format!("the push is authenticated by {method}"));
            }
        }
        (Check::MacUpperCase {}, _) => {
            if let Sec::Pushed(Some(presented)) = &subject.sec
                && presented.mac.iter().any(|m| m.bytes().any(|b| b.is_ascii_lowercase()))
            {
                whole("", "the MAC has lower-case letters".into());
            }
        }
        (Check::NoStringTable {}, _) if has_string_table(&subject.octets) == Some(true) => {
            whole("", "the WBXML has a string table".into());
        }
        (Check::FirstAdd { cmd_id }, Content::Dm(message)) => {
            let first = message.commands.iter().find_map(|c| match c {
                Command::Operation(op) if op.verb == Verb::Add => Some(op.cmd_id == *cmd_id),
                _ => None,
            });
            if first != Some(true) {
                whole("", format!("the first Add does not have the CmdID {cmd_id}"));
            }
        }
        (Check::LeafFormat { leaf, format }, Content::Dm(message)) => {
            for (uri, got) in leaves(message) {
                if uri.rsplit('/').next() == Some(leaf) && got != *format {
                    let what = format!("{leaf} has the format {got}; taken is {format}");
                    out.push(Breach { place: uri, path: "dm-account".into(), what });
                }
            }
        }
        _ => {}
    }
}

/// The word for how a push is authenticated; none when no push is in sight.
fn method(sec: &Sec) -> Option<&'static str> {
    match sec {
        Sec::NotSaid => None,
        Sec::Planned(method) => Some(method.as_str()),
        Sec::Pushed(None) => Some("none"),
        Sec::Pushed(Some(presented)) => {
            let method = match presented.sec.map(|s| s.0) {
                Some(0) => SecurityMethod::NetwPin,
                Some(1) => SecurityMethod::UserPin,
                Some(2) => SecurityMethod::UserNetwPin,
                Some(3) => SecurityMethod::UserPinMac,
                _ => SecurityMethod::None,
            };
            Some(method.as_str())
        }
    }
}

/// True when the head of the WBXML (WAP-192, section 5.4) announces a string table.
fn has_string_table(octets: &[u8]) -> Option<bool> {
    let mut r = Reader::new(octets);
    r.u8("version").ok()?;
    if uintvar::read(&mut r, "public identifier").ok()? == 0 {
        uintvar::read(&mut r, "offset of the public identifier").ok()?;
    }
    uintvar::read(&mut r, "character set").ok()?;
    Some(uintvar::read(&mut r, "string table").ok()? > 0)
}

/// The leaves that a message adds, with their formats, also those of objects in one piece.
fn leaves(message: &Message) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut commands: Vec<&Command> = message.commands.iter().collect();
    while let Some(command) = commands.pop() {
        match command {
            Command::Operation(op) if matches!(op.verb, Verb::Add | Verb::Replace) => {
                let of_all = op.meta.as_ref().and_then(|m| m.format.clone());
                for item in &op.items {
                    let Some(target) = &item.target else { continue };
                    let document = item.data.as_ref().and_then(|d| d.document().ok());
                    if let Some(tree) = document.and_then(|root| MgmtTree::from_element(&root).ok()) {
                        tree.nodes.iter().for_each(|n| leaves_below(n, &target.uri, &mut out));
                        continue;
                    }
                    let own = item.meta.as_ref().and_then(|m| m.format.clone());
                    let format = own.or_else(|| of_all.clone()).unwrap_or_else(|| "chr".into());
                    out.push((target.uri.clone(), format));
                }
            }
            Command::Group(group) => commands.extend(&group.commands),
            _ => {}
        }
    }
    out
}

/// Recursion is bounded by the depth that documents have.
fn leaves_below(node: &tnds::Node, above: &str, out: &mut Vec<(String, String)>) {
    let uri = format!("{above}/{}", node.name);
    match &node.content {
        tnds::Content::Interior { nodes, .. } => nodes.iter().for_each(|n| leaves_below(n, &uri, out)),
        tnds::Content::Leaf { value, .. } => out.push((uri, value.format(Syntax::Wbxml).to_owned())),
    }
}
