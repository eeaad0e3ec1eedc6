//! The finer settings of an access point: calls over circuits, quality of service, Mobile IP, and where it may be used
//! (`NAPDEF` and `VALIDITY` of OMA ProvCont 1.1, section 4.6).

use core::net::IpAddr;
use std::{collections::BTreeMap, fmt, str::FromStr};

use super::{
    problem::ProblemKind,
    terms::{CallType, QosParameter},
    walk::{Notes, Section, Value},
};

/// What most access points leave to the device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NapTuning {
    /// `CALLTYPE`.
    pub call_type: Option<CallType>,
    /// `LOCAL-ADDR`; `LOCAL-ADDRTYPE` follows from it.
    pub local_address: Option<IpAddr>,
    /// `LINKSPEED`.
    pub link_speed: Option<LinkSpeed>,
    /// `DNLINKSPEED`.
    pub dn_link_speed: Option<LinkSpeed>,
    /// The quality of service that is asked for (3GPP TS 24.008, section 10.5.6.5).
    pub qos: BTreeMap<QosParameter, u32>,
    /// `MAX-NUM-RETRY` (Mobile IP).
    pub max_num_retry: Option<u32>,
    /// `FIRST-RETRY-TIMEOUT` (Mobile IP).
    pub first_retry_timeout: Option<u32>,
    /// `REREG-THRESHOLD` (Mobile IP).
    pub rereg_threshold: Option<u32>,
    /// `T-BIT` (Mobile IP): reverse tunnelling.
    pub t_bit: bool,
}

/// The speed of a circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkSpeed {
    /// `AUTOBAUDING`.
    Auto,
    /// Bits a second.
    Bits(u32),
}

/// Where, and until when, an access point may be used (`VALIDITY`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validity {
    /// `COUNTRY`: the mobile country code.
    pub country: Option<String>,
    /// `NETWORK`: the mobile network code.
    pub network: Option<String>,
    /// `SID`: the system identifier (CDMA).
    pub sid: Option<String>,
    /// `SOC`: the system operator code (ANSI-136).
    pub soc: Option<String>,
    /// `VALIDUNTIL`.
    pub valid_until: Option<String>,
}

/// Keys of `qos`, in the order of [`QosParameter::ALL`].
pub(super) const QOS_KEYS: &[&str] = &[
    "delivery-err-sdu",
    "delivery-order",
    "traffic-class",
    "max-sdu-size",
    "max-bitrate-uplink",
    "max-bitrate-dnlink",
    "residual-ber",
    "sdu-error-ratio",
    "traffic-handl-prio",
    "transfer-delay",
    "guaranteed-bitrate-uplink",
    "guaranteed-bitrate-dnlink",
];
/// Keys of `validity`.
pub(super) const VALIDITY_KEYS: &[&str] = &["country", "network", "sid", "soc", "valid-until"];

/// The word for a speed that the device finds out.
const AUTO: &str = "AUTOBAUDING";

impl fmt::Display for LinkSpeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str(AUTO),
            Self::Bits(bits) => write!(f, "{bits}"),
        }
    }
}

impl FromStr for LinkSpeed {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == AUTO { Ok(Self::Auto) } else { text.parse().map(Self::Bits) }
    }
}

/// Reads the finer settings of one `[[nap]]`.
pub(super) fn read<'i>(n: &mut Notes<'i>, s: &Section<'_, 'i>) -> Option<NapTuning> {
    let call_type = s.optional("call-type").map(|v| n.term(&v));
    let local_address = s.optional("local-address").map(|v| n.parse(&v, 45, "an IP address"));
    let link_speed = s.optional("link-speed").map(|v| speed(n, &v));
    let dn_link_speed = s.optional("dn-link-speed").map(|v| speed(n, &v));
    let qos = s.optional("qos").and_then(|v| n.section(&v, "`qos` of a [[nap]]", QOS_KEYS));
    let qos = qos.map(|s| {
        let keys = QosParameter::ALL.iter().zip(QOS_KEYS);
        keys.filter_map(|(parameter, key)| {
            s.optional(key).and_then(|v| n.number(&v, 0, u32::MAX)).map(|value| (*parameter, value))
        })
        .collect()
    });
    let mut number = |key| s.optional(key).map(|v| n.number(&v, 0, u32::MAX));
    let max_num_retry = number("max-num-retry");
    let first_retry_timeout = number("first-retry-timeout");
    let rereg_threshold = number("rereg-threshold");
    let t_bit = s.optional("t-bit").map_or(Some(false), |v| n.flag(&v));
    Some(NapTuning {
        call_type: call_type.unwrap_or_default(),
        local_address: local_address.unwrap_or_default(),
        link_speed: link_speed.unwrap_or_default(),
        dn_link_speed: dn_link_speed.unwrap_or_default(),
        qos: qos.unwrap_or_default(),
        max_num_retry: max_num_retry.unwrap_or_default(),
        first_retry_timeout: first_retry_timeout.unwrap_or_default(),
        rereg_threshold: rereg_threshold.unwrap_or_default(),
        t_bit: t_bit?,
    })
}

fn speed<'i>(n: &mut Notes<'i>, v: &Value<'_, 'i>) -> Option<LinkSpeed> {
    match v.peek_text() {
        Some(AUTO) => Some(LinkSpeed::Auto),
        Some(_) => {
            n.invalid(v, "not a speed; expected a whole number of bits a second, or \"AUTOBAUDING\"");
            None
        }
        None => n.number(v, 1, u32::MAX).map(LinkSpeed::Bits),
    }
}

/// Reads one entry of `validity`.
pub(super) fn read_validity<'i>(n: &mut Notes<'i>, s: &Section<'_, 'i>) -> Option<Validity> {
    let country = s.optional("country").map(|v| n.digits(&v, 3, 3, "a mobile country code of 3 digits"));
    let network = s.optional("network").map(|v| n.digits(&v, 2, 3, "a mobile network code of 2 or 3 digits"));
    let sid = s.optional("sid").map(|v| n.text(&v, 32, "a system identifier"));
    let soc = s.optional("soc").map(|v| n.text(&v, 32, "a system operator code"));
    let valid_until = s.optional("valid-until").map(|v| n.text(&v, 32, "a time"));
    needs(n, s, "network", "country");
    needs(n, s, "sid", "soc");
    Some(Validity {
        country: country.unwrap_or_default(),
        network: network.unwrap_or_default(),
        sid: sid.unwrap_or_default(),
        soc: soc.unwrap_or_default(),
        valid_until: valid_until.unwrap_or_default(),
    })
}

/// Notes a key that means nothing without another: devices drop the characteristic then.
pub(super) fn needs<'i>(n: &mut Notes<'i>, s: &Section<'_, 'i>, key: &'static str, other: &'static str) {
    if let (Some(v), None) = (s.optional(key), s.optional(other)) {
        let key = v.key.clone();
        n.at(
            &v,
            ProblemKind::Invalid { key, why: format!("means nothing without `{other}`; expected both") },
        );
    }
}
