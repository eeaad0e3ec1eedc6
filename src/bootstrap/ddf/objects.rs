//! The management objects that we use: DMAcc, DevInfo and DevDetail (OMA DM Standardized Objects 1.2), and the access
//! points and proxies that implementations of the connectivity objects were seen to have (remembered: the objects
//! themselves were not at hand).

use super::{Node, Occurrence};

/// One row: name (empty when given at run time), sign of its occurrence, format, commands, what it is for, what is below.
struct Row(&'static str, &'static str, &'static str, &'static str, &'static str, &'static [Row]);

const GET: &str = "Get";
const ANY: &str = "Add Delete Get Replace";
/// Secrets can be written and never read.
const WRITE: &str = "Add Delete Replace";

const LINKS: &[Row] =
    &[Row("", "+", "node", ANY, "", &[Row("ConRef", "", "chr", ANY, "an access point or proxy", &[])])];

const DMACC: &[Row] = &[Row(
    "",
    "*",
    "node",
    ANY,
    "one account",
    &[
        Row("AppID", "", "chr", ANY, "w7", &[]),
        Row("ServerID", "", "chr", ANY, "the server's identifier", &[]),
        Row("Name", "?", "chr", ANY, "what the user sees", &[]),
        Row("PrefConRef", "?", "chr", ANY, "the access point or proxy to use first", &[]),
        Row("ToConRef", "?", "node", ANY, "further ones", LINKS),
        Row(
            "AppAddr",
            "",
            "node",
            ANY,
            "where the server is",
            &[Row(
                "",
                "+",
                "node",
                ANY,
                "",
                &[
                    Row("Addr", "", "chr", ANY, "", &[]),
                    Row("AddrType", "", "chr", ANY, "URI, IPv4 or IPv6", &[]),
                    Row(
                        "Port",
                        "?",
                        "node",
                        ANY,
                        "",
                        &[Row("", "+", "node", ANY, "", &[Row("PortNbr", "", "chr", ANY, "", &[])])],
                    ),
                ],
            )],
        ),
        Row("AAuthPref", "?", "chr", ANY, "how the client proves itself", &[]),
        Row(
            "AppAuth",
            "?",
            "node",
            ANY,
            "credentials",
            &[Row(
                "",
                "+",
                "node",
                ANY,
                "",
                &[
                    Row("AAuthLevel", "", "chr", ANY, "CLCRED, SRVCRED, OBEX or HTTP", &[]),
                    Row("AAuthType", "", "chr", ANY, "BASIC, DIGEST, HMAC and others", &[]),
                    Row("AAuthName", "?", "chr", ANY, "", &[]),
                    Row("AAuthSecret", "?", "chr", WRITE, "", &[]),
                    Row("AAuthData", "?", "bin", WRITE, "the nonce", &[]),
                ],
            )],
        ),
        Row("Ext", "?", "node", ANY, "what vendors add", &[]),
    ],
)];

const DEVINFO: &[Row] = &[
    Row("DevId", "", "chr", GET, "for example IMEI:…", &[]),
    Row("Man", "", "chr", GET, "manufacturer", &[]),
    Row("Mod", "", "chr", GET, "model", &[]),
    Row("DmV", "", "chr", GET, "version of the client", &[]),
    Row("Lang", "", "chr", GET, "language", &[]),
    Row("Ext", "?", "node", GET, "what vendors add", &[]),
    Row("Bearer", "?", "node", GET, "", &[]),
];

const DEVDETAIL: &[Row] = &[
    Row(
        "URI",
        "",
        "node",
        GET,
        "limits of paths; 0 is none",
        &[
            Row("MaxDepth", "", "chr", GET, "", &[]),
            Row("MaxTotLen", "", "chr", GET, "", &[]),
            Row("MaxSegLen", "", "chr", GET, "", &[]),
        ],
    ),
    Row("DevTyp", "", "chr", GET, "", &[]),
    Row("OEM", "", "chr", GET, "", &[]),
    Row("FwV", "", "chr", GET, "firmware", &[]),
    Row("SwV", "", "chr", GET, "software", &[]),
    Row("HwV", "", "chr", GET, "hardware", &[]),
    Row("LrgObj", "", "bool", GET, "takes large objects", &[]),
    Row("Ext", "?", "node", GET, "what vendors add", &[]),
    Row("Bearer", "?", "node", GET, "", &[]),
];

const FAMILY: &[Row] = &[
    Row("AutoConfig", "?", "bool", ANY, "", &[]),
    Row("LocalAddr", "?", "chr", ANY, "", &[]),
    Row(
        "DNS",
        "?",
        "node",
        ANY,
        "",
        &[Row("", "+", "node", ANY, "", &[Row("DNSAddr", "", "chr", ANY, "", &[])])],
    ),
];

const NAP: &[Row] = &[Row(
    "",
    "*",
    "node",
    ANY,
    "one access point",
    &[
        Row("NapId", "", "chr", ANY, "", &[]),
        Row("Name", "", "chr", ANY, "what the user sees", &[]),
        Row("Addr", "", "chr", ANY, "", &[]),
        Row("AddrType", "", "chr", ANY, "APN and others", &[]),
        Row("IPv4", "?", "node", ANY, "", FAMILY),
        Row("IPv6", "?", "node", ANY, "", FAMILY),
        Row("Linger", "?", "chr", ANY, "seconds", &[]),
        Row(
            "AuthInfo",
            "?",
            "node",
            ANY,
            "",
            &[
                Row("AuthType", "", "chr", ANY, "PAP, CHAP or MD5", &[]),
                Row("AuthName", "?", "chr", ANY, "", &[]),
                Row("AuthSecret", "?", "chr", WRITE, "", &[]),
                Row(
                    "AuthEntities",
                    "?",
                    "node",
                    ANY,
                    "",
                    &[Row("", "+", "node", ANY, "", &[Row("AuthEntity", "", "chr", ANY, "", &[])])],
                ),
                Row("SPI", "?", "chr", ANY, "", &[]),
            ],
        ),
        Row("Bearer", "?", "node", ANY, "", &[Row("BearerType", "", "chr", ANY, "GSM-GPRS and others", &[])]),
        Row("Ext", "?", "node", ANY, "what vendors add", &[]),
    ],
)];

const PROXY: &[Row] = &[Row(
    "",
    "*",
    "node",
    ANY,
    "one proxy",
    &[
        Row("PROXYID", "", "chr", ANY, "", &[]),
        Row("NAME", "", "chr", ANY, "what the user sees", &[]),
        Row("ADDR", "", "chr", ANY, "", &[]),
        Row("ADDRTYPE", "", "chr", ANY, "", &[]),
        Row(
            "PORTS",
            "?",
            "node",
            ANY,
            "",
            &[Row(
                "",
                "+",
                "node",
                ANY,
                "",
                &[
                    Row("PORTNBR", "", "chr", ANY, "", &[]),
                    Row(
                        "Services",
                        "?",
                        "node",
                        ANY,
                        "",
                        &[Row("", "+", "node", ANY, "", &[Row("ServiceName", "", "chr", ANY, "", &[])])],
                    ),
                ],
            )],
        ),
        Row("ConRefs", "?", "node", ANY, "", LINKS),
        Row("Ext", "?", "node", ANY, "what vendors add", &[]),
    ],
)];

/// Root of the object, its identifier, what it is, what is below. The identifier of the proxy object is inferred from that of
/// access points.
const OBJECTS: [(&str, &str, &str, &[Row]); 5] = [
    ("DMAcc", "urn:oma:mo:oma-dm-dmacc:1.0", "accounts at DM servers", DMACC),
    ("DevInfo", "urn:oma:mo:oma-dm-devinfo:1.0", "what the client says of itself in each session", DEVINFO),
    ("DevDetail", "urn:oma:mo:oma-dm-devdetail:1.0", "what else there is to know of the device", DEVDETAIL),
    ("NAP", "urn:oma:mo:oma-connmo-nap:1.0", "access points", NAP),
    ("Proxy", "urn:oma:mo:oma-connmo-proxy:1.0", "proxies", PROXY),
];

/// The management objects that we use, one root each.
pub fn objects() -> Vec<Node> {
    let root = |(name, id, about, below): &(&str, &str, &str, &[Row])| {
        let mut children: Vec<Node> = below.iter().map(node).collect();
        let mut kind = (*id).to_owned();
        // Where the object stands several times, each one bears its identifier.
        if let [one] = children.as_mut_slice()
            && one.name.is_none()
        {
            one.kind = std::mem::take(&mut kind);
        }
        Node {
            name: Some((*name).to_owned()),
            occurrence: Occurrence::One,
            access: vec!["Add".into(), "Get".into()],
            format: "node".into(),
            kind,
            permanent: true,
            description: Some((*about).to_owned()),
            children,
        }
    };
    OBJECTS.iter().map(root).collect()
}

fn node(row: &Row) -> Node {
    let Row(name, sign, format, access, about, below) = row;
    Node {
        name: (!name.is_empty()).then(|| (*name).to_owned()),
        occurrence: match *sign {
            "?" => Occurrence::ZeroOrOne,
            "*" => Occurrence::ZeroOrMore,
            "+" => Occurrence::OneOrMore,
            _ => Occurrence::One,
        },
        access: access.split(' ').map(str::to_owned).collect(),
        format: (*format).to_owned(),
        kind: if *format == "node" { String::new() } else { "text/plain".into() },
        permanent: false,
        description: (!about.is_empty()).then(|| (*about).to_owned()),
        children: below.iter().map(node).collect(),
    }
}
