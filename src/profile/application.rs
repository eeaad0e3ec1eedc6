//! `[[application]]`: what else the device is set up for (APPLICATION of OMA ProvCont 1.1, section 4.9). Each kind is
//! one row of [`RULES`].

use super::{
    account::MAX_NAME,
    link::{Ids, Link},
    problem::ProblemKind,
    terms::AppId,
    walk::{Notes, Section},
};

/// An application other than the DM account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// `APPID`.
    pub kind: AppId,
    /// `PROVIDER-ID`.
    pub provider_id: Option<String>,
    /// `NAME`: what the user sees.
    pub name: Option<String>,
    /// `ADDR`.
    pub address: Option<String>,
    /// `TO-NAPID`, `TO-PROXY`, best first.
    pub connect_via: Vec<Link>,
    /// `RESOURCE`.
    pub resources: Vec<Resource>,
}

/// A resource of an application: for browsing, a bookmark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// `URI`.
    pub uri: String,
    /// `NAME`.
    pub name: Option<String>,
    /// `STARTPAGE`: what is shown first.
    pub start_page: bool,
}

/// What a kind of application has.
struct Rule {
    kind: AppId,
    address: Presence,
    resources: Presence,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Required,
    Forbidden,
}

const RULES: &[Rule] = &[
    Rule { kind: AppId::W2, address: Presence::Forbidden, resources: Presence::Required },
    Rule { kind: AppId::W4, address: Presence::Required, resources: Presence::Forbidden },
];

const MAX_URL: usize = 255;

/// Keys of `[[application]]`.
pub(super) const KEYS: &[&str] = &["id", "provider-id", "name", "address", "connect-via", "resource"];
const RESOURCE_KEYS: &[&str] = &["uri", "name", "start-page"];

/// Reads one `[[application]]`.
pub(super) fn read<'i>(n: &mut Notes<'i>, s: &Section<'_, 'i>, ids: &Ids) -> Option<Application> {
    let kind = s.require(n, "id", "w2 (browsing) or w4 (multimedia messages)").and_then(|v| {
        if v.peek_text() == Some("w7") {
            n.invalid(&v, "the DM account is written as [dm-account]; expected w2 or w4");
            return None;
        }
        n.term::<AppId>(&v)
    });
    let provider_id = s.optional("provider-id").map(|v| n.text(&v, MAX_NAME, "an identifier"));
    let name = s.optional("name").map(|v| n.text(&v, MAX_NAME, "what the user sees"));
    let address = s.optional("address").map(|v| n.url(&v, MAX_URL).map(|u| u.to_string()));
    let connect_via = s.optional("connect-via").map_or_else(Vec::new, |v| ids.links(n, &v));
    let resources = s.optional("resource").map(|v| {
        let entries = n.sections(&v, usize::MAX, "[[application.resource]]", RESOURCE_KEYS);
        entries.iter().filter_map(|e| read_resource(n, e)).collect::<Vec<_>>()
    });
    let kind = kind?;
    if let Some(rule) = RULES.iter().find(|r| r.kind == kind) {
        check(n, s, rule);
    }
    Some(Application {
        kind,
        provider_id: provider_id.unwrap_or_default(),
        name: name.unwrap_or_default(),
        address: address.unwrap_or_default(),
        connect_via,
        resources: resources.unwrap_or_default(),
    })
}

/// Notes what the kind lacks or may not have.
fn check<'i>(n: &mut Notes<'i>, s: &Section<'_, 'i>, rule: &Rule) {
    for (key, presence, expected) in [
        ("address", rule.address, "the URL of its server"),
        ("resource", rule.resources, "one or more tables [[application.resource]] with a `uri`"),
    ] {
        match (presence, s.optional(key)) {
            (Presence::Required, None) => {
                let _ = s.require(n, key, expected);
            }
            (Presence::Required, Some(v)) if v.is_empty_array() => {
                n.at(&v, ProblemKind::Empty { key: key.to_owned(), expected });
            }
            (Presence::Forbidden, Some(v)) => {
                n.invalid(&v, format!("an application {} has none; expected it left out", rule.kind));
            }
            _ => {}
        }
    }
}

fn read_resource<'i>(n: &mut Notes<'i>, s: &Section<'_, 'i>) -> Option<Resource> {
    let uri = s.require(n, "uri", "a URL").and_then(|v| n.url(&v, MAX_URL));
    let name = s.optional("name").map(|v| n.text(&v, MAX_NAME, "what the user sees"));
    let start_page = s.optional("start-page").map_or(Some(false), |v| n.flag(&v));
    Some(Resource { uri: uri?.to_string(), name: name.unwrap_or_default(), start_page: start_page? })
}
