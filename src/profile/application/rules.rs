//! What each kind of application must have or may not have, as far as a known parser drops it otherwise.

use crate::profile::{
    AppId, Application, Link,
    problem::ProblemKind,
    walk::{Notes, Section},
};

/// What a kind of application must have or may not have, as far as a known parser drops it otherwise.
struct Rule {
    kind: &'static str,
    /// `address` or `server`.
    server: Presence,
    resources: Presence,
    /// Checks beyond these.
    more: &'static [Check],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Required,
    Optional,
    Forbidden,
}

#[derive(Clone, Copy)]
enum Check {
    /// `AACCEPT` of the application.
    Accept,
    /// `AACCEPT` of one resource or more.
    ResourceAccept,
    /// A `PORT` of one server or more.
    Port,
    /// A parameter of that name.
    Parameter(&'static str),
    /// One access point.
    OneNap,
}

use Presence::{Forbidden, Optional, Required};

#[rustfmt::skip]
const RULES: &[Rule] = &[
    Rule { kind: AppId::W2, server: Forbidden, resources: Required, more: &[] },
    Rule { kind: AppId::W4, server: Required, resources: Forbidden, more: &[] },
    Rule { kind: AppId::W5, server: Required, resources: Required, more: &[Check::ResourceAccept] },
    Rule { kind: AppId::WA, server: Required, resources: Optional, more: &[Check::Accept] },
    Rule { kind: AppId::SMTP, server: Required, resources: Optional, more: &[Check::Port, Check::Parameter("FROM")] },
    Rule { kind: AppId::POP3, server: Required, resources: Optional, more: &[Check::Port] },
    Rule { kind: AppId::IMAP, server: Required, resources: Optional, more: &[Check::Port] },
    // 3GPP TS 24.167, Annex B: TO-NAPID stands once.
    Rule { kind: AppId::IMS, server: Optional, resources: Optional, more: &[Check::OneNap] },
];

/// Notes what the kind lacks or may not have.
pub(super) fn check<'i>(n: &mut Notes<'i>, s: &Section<'_, 'i>, a: &Application) {
    // Devices take either spelling.
    let kind = if a.kind.as_str() == "wa" { AppId::WA } else { a.kind.as_str() };
    let Some(rule) = RULES.iter().find(|r| r.kind == kind) else { return };
    let resources = "one or more tables [[application.resource]] with a `uri`";
    if s.optional("server").is_none() {
        presence(n, s, rule, "address", rule.server, "the address of its server");
    }
    presence(n, s, rule, "resource", rule.resources, resources);
    for check in rule.more {
        match check {
            Check::Accept => {
                let _ = s.require(n, "accept", "the media types that it takes");
            }
            Check::ResourceAccept if a.resources.iter().any(|r| r.accept.is_some()) => {}
            Check::ResourceAccept => {
                if let Some(v) = s.optional("resource").filter(|v| !v.is_empty_array()) {
                    n.invalid(&v, format!("an application {} needs `accept` in one of them", rule.kind));
                }
            }
            Check::Port if a.servers.iter().any(|s| !s.ports.is_empty()) => {}
            Check::Port => {
                let expected = "a table [[application.server]] with `ports`";
                match s.optional("server") {
                    Some(v) => n.invalid(&v, format!("an application {} needs {expected}", rule.kind)),
                    None => drop(s.require(n, "server", expected)),
                }
            }
            Check::Parameter(name) if a.parameters.iter().any(|p| p.name == *name) => {}
            Check::Parameter(name) => match s.optional("parameters") {
                Some(v) => n.invalid(&v, format!("an application {} needs {name}", rule.kind)),
                None => drop(s.require(n, "parameters", "[{ name = \"FROM\", value = \"…\" }]")),
            },
            Check::OneNap => match (s.optional("connect-via"), a.connect_via.as_slice()) {
                (_, [Link::Nap(_) | Link::Internet]) => {}
                (Some(v), _) => {
                    n.invalid(&v, format!("an application {} needs the id of one [[nap]]", rule.kind));
                }
                (None, _) => drop(s.require(n, "connect-via", "the id of one [[nap]]")),
            },
        }
    }
}

fn presence<'i>(
    n: &mut Notes<'i>,
    s: &Section<'_, 'i>,
    rule: &Rule,
    key: &'static str,
    presence: Presence,
    expected: &'static str,
) {
    match (presence, s.optional(key)) {
        (Required, None) => drop(s.require(n, key, expected)),
        (Required, Some(v)) if v.is_empty_array() => {
            n.at(&v, ProblemKind::Empty { key: key.to_owned(), expected });
        }
        (Forbidden, Some(v)) => {
            n.invalid(&v, format!("an application {} has none; expected it left out", rule.kind));
        }
        _ => {}
    }
}
