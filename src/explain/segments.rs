//! Several pieces of user data: each is explained, then what they give together, in whatever order they came.

use std::collections::BTreeMap;

use crate::wire::wdp::{Concatenation, Ports, Reference, Segment};

use super::{
    Explanation, Found, Kind, Options, Part, Problem,
    scribe::{Mark, Scribe},
    udh,
};

/// Segments of one message, by sender and reference.
#[derive(Debug)]
struct Group {
    sender: Option<String>,
    reference: Reference,
    total: u8,
    ports: Option<Ports>,
    parts: BTreeMap<u8, Vec<u8>>,
}

/// A segment that was found: who sent it, and the field that holds its data.
#[derive(Debug)]
pub(super) struct Segmented {
    pub(super) sender: Option<String>,
    pub(super) segment: Segment,
    pub(super) mark: Mark,
}

impl Segmented {
    /// Which of how many it is, for a title.
    pub(super) fn numbered(&self) -> String {
        let concatenation = self.segment.udh.concatenation();
        concatenation.map_or(String::new(), |c| format!(", segment {} of {}", c.sequence(), c.total()))
    }
}

/// All segments that were found.
#[derive(Debug, Default)]
pub(super) struct Groups {
    groups: Vec<Group>,
    seen: usize,
}

impl Groups {
    /// How many segments there were.
    pub(super) fn seen(&self) -> usize {
        self.seen
    }

    /// Adds a segment to the message that it belongs to, or begins another.
    pub(super) fn take(&mut self, Segmented { sender, segment, mark }: Segmented, w: &mut Scribe<'_>) {
        if let Some(concatenation) = segment.udh.concatenation() {
            self.seen += 1;
            take(&mut self.groups, sender, segment, &concatenation, w, mark);
        }
    }

    /// What the segments give together, each message as a part of its own.
    pub(super) fn together(&self, options: &Options, out: &mut Explanation) {
        for group in &self.groups {
            together(group, options, out);
        }
    }
}

fn take(
    groups: &mut Vec<Group>,
    sender: Option<String>,
    segment: Segment,
    concatenation: &Concatenation,
    w: &mut Scribe<'_>,
    mark: Mark,
) {
    let (reference, total) = (concatenation.reference(), concatenation.total());
    let ports = segment.udh.ports();
    let same = |g: &&mut Group| g.reference == reference && g.sender == sender;
    // The newest of that reference: an older one was given up when it was used again.
    if let Some(group) = groups.iter_mut().rev().find(same) {
        let clash = match (group.ports, ports, group.parts.get(&concatenation.sequence())) {
            _ if group.total != total => {
                Some(format!("an earlier segment with this reference says {} segments", group.total))
            }
            (Some(own), Some(other), _) if own != other => {
                Some("an earlier segment with this reference has other ports".to_owned())
            }
            (_, _, Some(data)) if *data != segment.data => {
                Some("an earlier segment with this number has other data".to_owned())
            }
            (_, _, Some(_)) => {
                w.judge(mark, Problem::odd("a repetition of an earlier segment"));
                return;
            }
            _ => None,
        };
        match clash {
            None => {
                group.ports = group.ports.or(ports);
                group.parts.insert(concatenation.sequence(), segment.data);
                return;
            }
            Some(why) => w.judge(mark, Problem::wrong(format!("{why}; a device drops the earlier ones"))),
        }
    }
    let parts = BTreeMap::from([(concatenation.sequence(), segment.data)]);
    groups.push(Group { sender, reference, total, ports, parts });
}

/// What the segments give together: the whole datagram, or as much of it as stands at its beginning.
fn together(group: &Group, options: &Options, out: &mut Explanation) {
    let reference = match group.reference {
        Reference::Short(n) => format!("{n:02X}"),
        Reference::Long(n) => format!("{n:04X}"),
    };
    let missing: Vec<String> =
        (1..=group.total).filter(|n| !group.parts.contains_key(n)).map(|n| n.to_string()).collect();
    if !missing.is_empty() {
        let (segments, are) = if missing.len() == 1 { ("segment", "is") } else { ("segments", "are") };
        let (missing, total) = (missing.join(", "), group.total);
        let why = format!("{segments} {missing} of {total} with reference {reference} {are} missing");
        out.problems.push(Problem::wrong(why));
    }
    let there: Vec<&Vec<u8>> = (1..=group.total).map_while(|n| group.parts.get(&n)).collect();
    if there.is_empty() {
        return;
    }
    let octets: Vec<u8> = there.iter().flat_map(|data| data.iter().copied()).collect();
    let mut w = Scribe::new(&octets, options.secrets);
    let mut found = Found::default();
    let _ = udh::datagram(&mut w, group.ports, options, &mut found);
    // A datagram that is not whole has no check value to speak of.
    if missing.is_empty() {
        out.authentication = out.authentication.take().or(found.authentication);
        out.notification = out.notification.take().or(found.notification);
    }
    let title = if missing.is_empty() {
        format!("datagram of {} segments with reference {reference}", group.total)
    } else {
        format!(
            "beginning of the datagram with reference {reference}, {} of {} segments",
            there.len(),
            group.total
        )
    };
    out.parts.push(Part { title, kind: Some(Kind::Wsp), length: octets.len(), spans: w.spans() });
}
