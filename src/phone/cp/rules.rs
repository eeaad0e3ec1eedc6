//! What may stand where in a provisioning document, and how often (OMA ProvCont 1.1; occurrence as a client in the
//! field executes it, the sheet, section 2.1).

use crate::wire::prov::{Characteristic, Item, Parm};

use super::finding::{Finding, Rule};

/// How often something may stand in a characteristic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occurs {
    /// Exactly once.
    One,
    /// At most once.
    Optional,
    /// Any number of times.
    Any,
    /// At least once.
    Many,
}

/// What to do with parameters that the table does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Others {
    /// They are skipped.
    Skip,
    /// They belong to the application or the vendor, and are kept.
    Keep,
}

/// A type of characteristic.
pub(super) struct Shape {
    kind: &'static str,
    parms: &'static [(&'static str, Occurs)],
    below: &'static [(&'static str, Occurs)],
    others: Others,
}

use Occurs::{Any, Many, One, Optional};

const ROOT: [&str; 7] =
    ["PXLOGICAL", "NAPDEF", "BOOTSTRAP", "CLIENTIDENTITY", "VENDORCONFIG", "ACCESS", "APPLICATION"];

const SHAPES: [Shape; 15] = [
    Shape {
        kind: "PXLOGICAL",
        parms: &[
            ("PROXY-ID", One),
            ("NAME", One),
            ("PROXY-PW", Optional),
            ("PPGAUTH-TYPE", Optional),
            ("PROXY-PROVIDER-ID", Optional),
            ("DOMAIN", Any),
            ("TRUST", Optional),
            ("MASTER", Optional),
            ("STARTPAGE", Optional),
            ("BASAUTH-ID", Optional),
            ("BASAUTH-PW", Optional),
            ("WSP-VERSION", Optional),
            ("PUSHENABLED", Optional),
            ("PULLENABLED", Optional),
        ],
        below: &[("PXAUTHINFO", Any), ("PORT", Any), ("PXPHYSICAL", Many)],
        others: Others::Skip,
    },
    Shape {
        kind: "PXAUTHINFO",
        parms: &[("PXAUTH-TYPE", One), ("PXAUTH-ID", Optional), ("PXAUTH-PW", Optional)],
        below: &[],
        others: Others::Skip,
    },
    Shape { kind: "PORT", parms: &[("PORTNBR", One), ("SERVICE", Any)], below: &[], others: Others::Skip },
    Shape {
        kind: "PXPHYSICAL",
        parms: &[
            ("PHYSICAL-PROXY-ID", One),
            ("PXADDR", One),
            ("TO-NAPID", Many),
            ("PXADDRTYPE", Optional),
            ("PXADDR-FQDN", Optional),
            ("DOMAIN", Any),
            ("WSP-VERSION", Optional),
            ("PUSHENABLED", Optional),
            ("PULLENABLED", Optional),
        ],
        below: &[("PORT", Any)],
        others: Others::Skip,
    },
    Shape {
        kind: "NAPDEF",
        parms: &[
            ("NAPID", One),
            ("NAME", One),
            ("NAP-ADDRESS", One),
            // The text allows none; the client that was read refuses a NAPDEF without one.
            ("BEARER", Many),
            ("NAP-ADDRTYPE", Optional),
            ("INTERNET", Optional),
            ("DNS-ADDR", Any),
            ("CALLTYPE", Optional),
            ("LOCAL-ADDR", Optional),
            ("LOCAL-ADDRTYPE", Optional),
            ("LINKSPEED", Optional),
            ("DNLINKSPEED", Optional),
            ("LINGER", Optional),
            ("DELIVERY-ERR-SDU", Optional),
            ("DELIVERY-ORDER", Optional),
            ("TRAFFIC-CLASS", Optional),
            ("MAX-SDU-SIZE", Optional),
            ("MAX-BITRATE-UPLINK", Optional),
            ("MAX-BITRATE-DNLINK", Optional),
            ("RESIDUAL-BER", Optional),
            ("SDU-ERROR-RATIO", Optional),
            ("TRAFFIC-HANDL-PRIO", Optional),
            ("TRANSFER-DELAY", Optional),
            ("GUARANTEED-BITRATE-UPLINK", Optional),
            ("GUARANTEED-BITRATE-DNLINK", Optional),
            ("MAX-NUM-RETRY", Optional),
            ("FIRST-RETRY-TIMEOUT", Optional),
            ("REREG-THRESHOLD", Optional),
            ("T-BIT", Optional),
        ],
        below: &[("NAPAUTHINFO", Any), ("VALIDITY", Any)],
        others: Others::Skip,
    },
    Shape {
        kind: "NAPAUTHINFO",
        parms: &[
            ("AUTHTYPE", One),
            ("AUTHNAME", Optional),
            ("AUTHSECRET", Optional),
            ("AUTH-ENTITY", Any),
            ("SPI", Optional),
        ],
        below: &[],
        others: Others::Skip,
    },
    Shape {
        kind: "VALIDITY",
        parms: &[
            ("COUNTRY", Optional),
            ("NETWORK", Optional),
            ("SID", Optional),
            ("SOC", Optional),
            ("VALIDUNTIL", Optional),
        ],
        below: &[],
        others: Others::Skip,
    },
    Shape {
        kind: "BOOTSTRAP",
        parms: &[
            ("NAME", Optional),
            ("PROVURL", Optional),
            ("NETWORK", Any),
            ("COUNTRY", Optional),
            ("PROXY-ID", Any),
            ("CONTEXT-ALLOW", Optional),
        ],
        below: &[],
        others: Others::Skip,
    },
    Shape { kind: "CLIENTIDENTITY", parms: &[("CLIENT-ID", One)], below: &[], others: Others::Skip },
    Shape { kind: "VENDORCONFIG", parms: &[("NAME", One)], below: &[], others: Others::Keep },
    Shape {
        kind: "ACCESS",
        parms: &[
            ("RULE", Many),
            ("APPID", Any),
            ("PORTNBR", Any),
            ("DOMAIN", Any),
            ("TO-NAPID", Any),
            ("TO-PROXY", Any),
        ],
        below: &[],
        others: Others::Skip,
    },
    Shape {
        kind: "APPLICATION",
        parms: &[
            ("APPID", One),
            ("PROVIDER-ID", Optional),
            ("NAME", Optional),
            ("AACCEPT", Optional),
            ("APROTOCOL", Optional),
            ("ADDR", Any),
            ("TO-PROXY", Any),
            ("TO-NAPID", Any),
            // Streaming names several networks.
            ("NETINFO", Any),
        ],
        below: &[("APPADDR", Any), ("APPAUTH", Any), ("RESOURCE", Any)],
        others: Others::Keep,
    },
    Shape {
        kind: "APPADDR",
        parms: &[("ADDR", One), ("ADDRTYPE", Optional)],
        below: &[("PORT", Any)],
        others: Others::Skip,
    },
    Shape {
        kind: "APPAUTH",
        parms: &[
            ("AAUTHLEVEL", Optional),
            ("AAUTHTYPE", Optional),
            ("AAUTHNAME", Optional),
            ("AAUTHSECRET", Optional),
            ("AAUTHDATA", Optional),
        ],
        below: &[],
        others: Others::Skip,
    },
    Shape {
        kind: "RESOURCE",
        parms: &[
            ("URI", One),
            ("NAME", Optional),
            ("AACCEPT", Optional),
            ("AAUTHTYPE", Optional),
            ("AAUTHNAME", Optional),
            ("AAUTHSECRET", Optional),
            ("AAUTHDATA", Optional),
            ("STARTPAGE", Optional),
        ],
        below: &[],
        others: Others::Keep,
    },
];

/// The shape of a type of characteristic.
pub(super) fn shape(kind: &str) -> Option<&'static Shape> {
    SHAPES.iter().find(|s| s.kind == kind)
}

/// True for a type of characteristic that a phone knows, wherever it may stand. Others are skipped with all in
/// them.
pub fn is_known_characteristic(kind: &str) -> bool {
    shape(kind).is_some()
}

impl Shape {
    /// True when the parameter may stand there more than once, so that all its values count.
    pub(super) fn repeats(&self, parm: &str) -> bool {
        self.parms.iter().any(|(name, occurs)| *name == parm && matches!(occurs, Any | Many))
    }

    fn parm(&self, name: &str) -> Option<Occurs> {
        self.parms.iter().find(|(n, _)| *n == name).map(|(_, occurs)| *occurs)
    }
}

/// A characteristic at the root, with which of its type it is in the document, counted from 1.
pub(super) type Numbered = (usize, Characteristic);

/// The characteristics at the root that are known and complete, in order.
pub(super) fn keep_complete(root: &[Characteristic], findings: &mut Vec<Finding>) -> Vec<Numbered> {
    let mut kept = Vec::new();
    for (at, characteristic) in root.iter().enumerate() {
        let n = nth(root, at);
        let place = format!("{} {n}", characteristic.kind);
        match shape(&characteristic.kind).filter(|s| ROOT.contains(&s.kind)) {
            Some(shape) => kept.extend(complete(characteristic, shape, &place, findings).map(|c| (n, c))),
            None => findings.push(Finding { place, rule: Rule::UnknownCharacteristic }),
        }
    }
    kept
}

/// Which of its type the `n`th is, counted from 1.
fn nth(all: &[Characteristic], n: usize) -> usize {
    let (before, rest) = all.split_at(n.min(all.len()));
    1 + rest.first().map_or(0, |c| before.iter().filter(|b| b.kind == c.kind).count())
}

/// What is left of a characteristic: what is in it is looked at first, so that a bad part can take its whole with it.
fn complete(
    from: &Characteristic,
    shape: &Shape,
    place: &str,
    findings: &mut Vec<Finding>,
) -> Option<Characteristic> {
    let mut find = |rule| findings.push(Finding { place: place.to_owned(), rule });
    let mut kept = Characteristic::new(shape.kind);
    for item in &from.items {
        let Item::Parm(parm) = item else { continue };
        let occurs = match (shape.parm(&parm.name), shape.others) {
            (Some(occurs), _) => occurs,
            (None, Others::Keep) => Optional,
            (None, Others::Skip) => {
                find(Rule::UnknownParm { name: parm.name.clone() });
                continue;
            }
        };
        let once = matches!(occurs, One | Optional);
        if once && kept.parms().any(|p| p.name == parm.name) {
            find(Rule::Repeated { name: parm.name.clone() });
        } else if too_long(shape.kind, parm) {
            find(Rule::TooLong { name: parm.name.clone(), limit: NAME_LIMIT });
        } else {
            kept.items.push(item.clone());
        }
    }
    let missing = shape
        .parms
        .iter()
        .find(|(name, occurs)| matches!(occurs, One | Many) && !kept.parms().any(|p| p.name == *name));
    if let Some((name, _)) = missing {
        find(Rule::MissingParm { name });
        return None;
    }
    let inner: Vec<Characteristic> = from
        .items
        .iter()
        .filter_map(|i| if let Item::Characteristic(c) = i { Some(c.clone()) } else { None })
        .collect();
    for (n, characteristic) in inner.iter().enumerate() {
        let place = format!("{place} / {} {}", characteristic.kind, nth(&inner, n));
        let allowed = shape.below.iter().find(|(kind, _)| *kind == characteristic.kind);
        match allowed.and_then(|(kind, _)| self::shape(kind)) {
            Some(shape) => {
                kept.items.extend(complete(characteristic, shape, &place, findings).map(Item::Characteristic))
            }
            None => findings.push(Finding { place, rule: Rule::UnknownCharacteristic }),
        }
    }
    let missing =
        shape.below.iter().find(|(kind, occurs)| *occurs == Many && kept.inner(kind).next().is_none());
    if let Some((kind, _)) = missing {
        findings.push(Finding { place: place.to_owned(), rule: Rule::MissingCharacteristic { kind } });
        return None;
    }
    Some(kept)
}

/// The most characters of an identifier or name.
const NAME_LIMIT: usize = 128;

fn too_long(kind: &str, parm: &Parm) -> bool {
    let limited = matches!(
        (kind, parm.name.as_str()),
        (_, "PROXY-ID" | "NAPID") | ("APPLICATION", "NAME" | "PROVIDER-ID")
    );
    limited && parm.value.as_deref().is_some_and(|v| v.chars().count() > NAME_LIMIT)
}
