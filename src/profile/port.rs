//! `ports`: the ports of proxies and of the servers of applications (`PORT` of OMA ProvCont 1.1, section 4.4).

use super::{
    problem::ProblemKind,
    terms::Service,
    walk::{Notes, Value},
};

/// A port and what is spoken there: a [`Service`] at a proxy, any word at the server of an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port<S = Service> {
    /// `PORTNBR`, not 0.
    pub number: u16,
    /// `SERVICE`.
    pub services: Vec<S>,
}

/// Keys of an entry of `ports`.
pub(super) const KEYS: &[&str] = &["number", "services"];

/// Reads `ports`: numbers, or tables with `number` and `services`. A number stands once.
pub(super) fn read_ports<'i, S>(
    n: &mut Notes<'i>,
    v: &Value<'_, 'i>,
    services: fn(&mut Notes<'i>, &Value<'_, 'i>, &'static str) -> Vec<S>,
) -> Vec<Port<S>> {
    let mut out: Vec<Port<S>> = Vec::new();
    for entry in
        n.list(v, usize::MAX, "an array of port numbers, or of tables { number = 8080, services = [] }")
    {
        let port = if entry.is_table() { port_table(n, &entry, services) } else { bare_port(n, &entry) };
        let Some(port) = port else { continue };
        // Of a doubled PORTNBR devices keep the first.
        if out.iter().any(|p| p.number == port.number) {
            let kind = ProblemKind::DoubledEntry { key: v.key.clone(), value: port.number.to_string() };
            n.at(&entry, kind);
        } else {
            out.push(port);
        }
    }
    out
}

fn bare_port<'i, S>(n: &mut Notes<'i>, v: &Value<'_, 'i>) -> Option<Port<S>> {
    Some(Port { number: n.port(v)?, services: Vec::new() })
}

fn port_table<'i, S>(
    n: &mut Notes<'i>,
    v: &Value<'_, 'i>,
    services: fn(&mut Notes<'i>, &Value<'_, 'i>, &'static str) -> Vec<S>,
) -> Option<Port<S>> {
    let s = n.section(v, "an entry of `ports`", KEYS)?;
    let number = s.require(n, "number", "a port number").and_then(|v| n.port(&v));
    let services = s.optional("services").map_or_else(Vec::new, |v| services(n, &v, "an array of services"));
    Some(Port { number: number?, services })
}
