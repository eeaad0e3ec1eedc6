//! Elements that are open, and which values in them are secrets: the same names tell it as in the binary form.

use crate::{
    explain::{
        Problem, Secrets,
        scribe::{Mark, Scribe},
        secret::is_secret,
        unknown_characteristic,
    },
    phone::is_known_characteristic,
};

use super::markup::quoted;

/// How much text of an element is remembered.
const REMEMBERED: usize = 4096;

/// An attribute that was read.
pub(in crate::explain) struct Attribute {
    pub(in crate::explain) name: String,
    pub(in crate::explain) value: String,
    /// Its field, and how many octets that has.
    pub(in crate::explain) mark: Mark,
    pub(super) length: usize,
}

/// An element that is open.
pub(super) struct Open {
    /// Its name, and the prefix before it.
    pub(super) full: String,
    pub(super) mark: Mark,
    /// How many groups were open before it.
    pub(super) depth: usize,
    /// Values that are secrets when the name beside them says so.
    values: Vec<Mark>,
    /// The name beside them says so.
    secret: bool,
    text: String,
}

impl Open {
    pub(super) fn new(full: String, mark: Mark, depth: usize) -> Self {
        let secret = matches!(local(&full), "Cred" | "NextNonce");
        Self { full, mark, depth, values: Vec::new(), secret, text: String::new() }
    }

    /// Takes a piece of text.
    pub(super) fn add(&mut self, mark: Mark, text: &str) {
        self.values.push(mark);
        if self.text.len() < REMEMBERED {
            self.text.push_str(text);
        }
    }
}

fn local(full: &str) -> &str {
    full.split_once(':').map_or(full, |(_, name)| name)
}

/// Closes an element: what was left open in it as well. A secret's value is hidden now that all names were seen; a value
/// that is none by its own element's name is handed on to the one around it.
pub(super) fn close(w: &mut Scribe<'_>, mut element: Open, parent: Option<&mut Open>) {
    while w.depth() > element.depth {
        w.finish();
    }
    if !element.text.trim().is_empty() && element.values.len() == 1 {
        w.says_of(element.mark, quoted(element.text.trim()));
    }
    let name = local(&element.full);
    let names = matches!(name, "LocURI" | "NodeName");
    // A whole object as text, too.
    element.secret |= element.text.contains("AAuthSecret") && !names;
    let hide = |w: &mut Scribe<'_>, element: &Open| {
        w.hide(element.mark);
        element.values.iter().for_each(|mark| w.hide(*mark));
    };
    let Some(parent) = parent else {
        if element.secret {
            hide(w, &element);
        }
        return;
    };
    if names {
        // Target/LocURI of an item stands one element further in than Data; NodeName beside Value.
        parent.secret |= is_secret(&element.text);
    } else if matches!(name, "Target" | "Source" | "TargetRef" | "SourceRef") {
        parent.secret |= element.secret;
    } else if element.secret {
        hide(w, &element);
    } else if matches!(name, "Data" | "Value") {
        parent.values.push(element.mark);
        parent.values.append(&mut element.values);
    }
}

/// Says what a characteristic or a parm is, from its attributes, and hides the value of one that is a secret.
pub(super) fn summary(w: &mut Scribe<'_>, mark: Mark, list: &[Attribute]) {
    let of = |name: &str| list.iter().find(|a| a.name == name);
    match (of("name"), of("value")) {
        (Some(name), Some(value)) => {
            let secret = is_secret(&name.value) && w.secrets() == Secrets::Masked;
            let shown = if secret { "***" } else { value.value.as_str() };
            w.says_of(mark, format!("{}: {shown}", name.value));
            if secret {
                w.hide(value.mark);
            }
        }
        (Some(name), None) => w.says_of(mark, name.value.clone()),
        // Whose value it is cannot be known.
        (None, Some(value)) => w.hide(value.mark),
        (None, None) => {
            if let Some(kind) = of("type") {
                w.says_of(mark, kind.value.clone());
                if !is_known_characteristic(&kind.value) {
                    w.judge(mark, unknown_characteristic(&kind.value));
                }
            }
        }
    }
    for attribute in list.iter().filter(|a| !a.name.is_empty()) {
        if list.iter().filter(|a| a.name == attribute.name).count() > 1 {
            w.judge(mark, Problem::wrong(format!("{} stands twice", attribute.name)));
            break;
        }
    }
}

/// Says which attribute an element of provisioning documents lacks.
pub(super) fn demand(w: &mut Scribe<'_>, element: &Open, list: &[Attribute]) {
    let wanted = match element.full.as_str() {
        "characteristic" => "type",
        "parm" => "name",
        _ => return,
    };
    if !list.iter().any(|a| a.name == wanted) {
        w.judge(element.mark, Problem::wrong(format!("no attribute {wanted} that can be read")));
    }
}
