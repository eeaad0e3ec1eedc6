//! A characteristic as it is read: its parameters by name, and notes of what is skipped.

use std::str::FromStr;

use crate::{
    profile::{INTERNET, Link, Parameter, Port},
    wire::prov::{Characteristic, Item, Parm},
};

/// What was skipped.
#[derive(Default)]
pub(super) struct Ignored(pub(super) Vec<String>);

impl Ignored {
    pub(super) fn skip(&mut self, place: &str, why: &str) {
        self.0.push(format!("{place}: {why}"));
    }
}

/// A characteristic and its place in the document.
pub(super) struct Part<'a> {
    pub(super) c: &'a Characteristic,
    pub(super) place: String,
}

impl<'a> Part<'a> {
    /// The value of a parameter; an empty one says nothing.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.c.value(name).filter(|v| !v.is_empty()).map(str::to_owned)
    }

    /// The value of a parameter that must be there.
    pub(super) fn required(&self, n: &mut Ignored, name: &str) -> Option<String> {
        let found = self.text(name);
        if found.is_none() {
            n.skip(&self.place, &format!("has no {name}"));
        }
        found
    }

    /// The value of a parameter as `T`.
    pub(super) fn parsed<T: FromStr>(&self, n: &mut Ignored, name: &str) -> Option<T> {
        let parsed = self.text(name)?.parse().ok();
        if parsed.is_none() {
            n.skip(&self.place, &format!("{name} has a value that is not known"));
        }
        parsed
    }

    /// All values of a parameter that read as `T`.
    pub(super) fn all<T: FromStr>(&self, n: &mut Ignored, name: &str) -> Vec<T> {
        let mut out = Vec::new();
        for value in self.c.values(name) {
            match value.parse() {
                Ok(value) => out.push(value),
                Err(_) => n.skip(&self.place, &format!("{name} has a value that is not known")),
            }
        }
        out
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.c.value(name).is_some()
    }

    /// The characteristics of a type in this one.
    pub(super) fn inner(&self, kind: &'static str) -> Vec<Part<'a>> {
        let part = |(at, c): (usize, &'a Characteristic)| Part {
            c,
            place: format!("{}/{kind}[{}]", self.place, at + 1),
        };
        self.c.inner(kind).enumerate().map(part).collect()
    }

    /// Names everything in it that nothing reads.
    pub(super) fn known(&self, n: &mut Ignored, parms: &[&str], inner: &[&str]) {
        for item in &self.c.items {
            match item {
                Item::Parm(p) if !parms.contains(&p.name.as_str()) => {
                    n.skip(&self.place, &format!("{} is not a part of the settings", p.name));
                }
                Item::Characteristic(c) if !inner.contains(&c.kind.as_str()) => {
                    n.skip(&self.place, &format!("{} is not a part of the settings", c.kind));
                }
                _ => {}
            }
        }
    }

    /// Names the characteristics in it that nothing reads, where every parameter is kept.
    pub(super) fn inner_known(&self, n: &mut Ignored, inner: &[&str]) {
        for item in &self.c.items {
            if let Item::Characteristic(c) = item
                && !inner.contains(&c.kind.as_str())
            {
                n.skip(&self.place, &format!("{} is not a part of the settings", c.kind));
            }
        }
    }

    /// TO-NAPID and TO-PROXY, in the order of the document.
    pub(super) fn links(&self) -> Vec<Link> {
        let link = |p: &Parm| {
            let value = p.value.as_deref().filter(|v| !v.is_empty())?;
            match p.name.as_str() {
                "TO-NAPID" if value == INTERNET => Some(Link::Internet),
                "TO-NAPID" => Some(Link::Nap(value.to_owned())),
                "TO-PROXY" => Some(Link::Proxy(value.to_owned())),
                _ => None,
            }
        };
        self.c.parms().filter_map(link).collect()
    }

    /// The parameters that are not in the list, as they stand.
    pub(super) fn others(&self, known: &[&str]) -> Vec<Parameter> {
        let others = self.c.parms().filter(|p| !known.contains(&p.name.as_str()));
        others.map(|p| Parameter { name: p.name.clone(), value: p.value.clone() }).collect()
    }

    /// `0` or `1`.
    pub(super) fn switch(&self, n: &mut Ignored, name: &str) -> Option<bool> {
        match self.text(name)?.as_str() {
            "1" => Some(true),
            "0" => Some(false),
            _ => {
                n.skip(&self.place, &format!("{name} has a value that is not known"));
                None
            }
        }
    }

    /// A number in hexadecimal digits.
    pub(super) fn hex(&self, n: &mut Ignored, name: &str) -> Option<u32> {
        let number = u32::from_str_radix(&self.text(name)?, 16).ok();
        if number.is_none() {
            n.skip(&self.place, &format!("{name} has a value that is not known"));
        }
        number
    }

    pub(super) fn ports<S: FromStr>(&self, n: &mut Ignored) -> Vec<Port<S>> {
        let mut out: Vec<Port<S>> = Vec::new();
        for part in self.inner("PORT") {
            part.known(n, &["PORTNBR", "SERVICE"], &[]);
            let Some(number) = part.parsed::<u16>(n, "PORTNBR").filter(|p| *p != 0) else {
                n.skip(&part.place, "has no port number");
                continue;
            };
            // Of a doubled PORTNBR the first counts.
            if out.iter().all(|p| p.number != number) {
                out.push(Port { number, services: part.all(n, "SERVICE") });
            }
        }
        out
    }
}
