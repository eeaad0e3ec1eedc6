//! `[[ppg.smpp]]` and `[[ppg.route]]`: links to SMSCs, and which numbers go over which.

use std::{collections::BTreeMap, num::NonZeroU32, time::Duration};

use super::{
    push::{SecretPlace, place_of},
    value,
};
use crate::{
    bearer::MOST_SEGMENTS,
    bearer::smpp::{
        BindMode, Credentials, Form, LinkSettings, Numbering, Pace, Source, TlsFiles, Validity, Verdict,
        Verdicts,
    },
    wire::{smpp::CommandStatus, wdp::Width},
};

/// One `[[ppg.smpp]]`.
#[derive(Debug, Clone)]
pub struct Smsc {
    /// What is known before the password is fetched.
    pub settings: LinkSettings,
    /// Name or address, and port.
    pub address: String,
    /// Where the password is; none when there is none.
    pub password: Option<SecretPlace>,
    /// Files of TLS; none for a connection in clear.
    pub tls: Option<TlsFiles>,
}

/// One `[[ppg.route]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouteRule {
    /// Numbers that begin so go over these links, in this order.
    Numbers {
        /// The first digits; none for all.
        prefix: String,
        /// Names of links.
        over: Vec<String>,
    },
    /// IP addresses are reached by UDP, from this port.
    Udp {
        /// 0 takes a free one.
        port: u16,
    },
}

/// The keys of a `[[ppg.smpp]]`.
pub(super) const SMSC_KEYS: &[&str] = &[
    "name",
    "address",
    "system-id",
    "password",
    "system-type",
    "bind",
    "binds",
    "source",
    "source-ton",
    "source-npi",
    "destination-ton",
    "destination-npi",
    "segments",
    "reference",
    "segment-limit",
    "data-coding",
    "message-mode",
    "more-messages",
    "receipts",
    "validity",
    "response-ids",
    "receipt-ids",
    "throttled",
    "transient",
    "permanent",
    "window",
    "rate",
    "capacity",
    "enquire-link",
    "response-timeout",
    "reconnect",
    "reconnect-most",
    "throttle-pause",
    "throttle-pause-most",
    "retry",
    "retry-most",
    "give-up",
    "tls-ca",
    "tls-name",
    "tls-certificate",
    "tls-key",
];

/// One `[[ppg.smpp]]`.
pub(super) fn smsc(table: &BTreeMap<String, String>) -> Result<Smsc, String> {
    let read = Table(table);
    let name = read.text("name").ok_or("has no name")?;
    if name.len() > 32 || !name.bytes().all(|b| b.is_ascii_graphic()) {
        return Err("has a name that is not 1 to 32 letters, digits and signs".into());
    }
    let address =
        read.text("address").ok_or("has no address; expected, for example, \"smsc.example:2775\"")?;
    let port =
        address.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port.parse::<u16>());
    if !matches!(port, Some(Ok(1..))) {
        return Err(format!(
            "has the address {address:?}; expected a host and a port, such as \"smsc.example:2775\""
        ));
    }
    let credentials =
        Credentials::new(read.text("system-id").unwrap_or(""), None, read.text("system-type").unwrap_or(""));
    let numbering = match (read.number("source-ton", 0..=6)?, read.number("source-npi", 0..=18)?) {
        (None, None) => None,
        (Some(ton), Some(npi)) => Some(Numbering { ton, npi }),
        _ => return Err("has one of source-ton and source-npi; expected both or neither".into()),
    };
    let settings = LinkSettings {
        name: name.into(),
        credentials: credentials.map_err(|e| format!("does not fit: {e}"))?,
        mode: read.choice(
            "bind",
            BindMode::Transceiver,
            &[("transceiver", BindMode::Transceiver), ("pair", BindMode::Pair)],
        )?,
        binds: read.number("binds", 1..=16)?.unwrap_or(1),
        source: Source::new(read.text("source").unwrap_or(""), numbering)
            .map_err(|e| format!("does not fit: {e}"))?,
        destination: Numbering {
            ton: read.number("destination-ton", 0..=6)?.unwrap_or(1),
            npi: read.number("destination-npi", 0..=18)?.unwrap_or(1),
        },
        form: read.choice(
            "segments",
            Form::Udh,
            &[("udh", Form::Udh), ("sar", Form::Sar), ("payload", Form::Payload)],
        )?,
        reference: read.choice("reference", Width::Short, &[("8", Width::Short), ("16", Width::Long)])?,
        segment_limit: read.number("segment-limit", 1..=255)?.unwrap_or(MOST_SEGMENTS),
        data_coding: read.octet("data-coding")?.unwrap_or(0x04),
        message_mode: read.number("message-mode", 0..=3)?.unwrap_or(0),
        more_messages: read.switch("more-messages", false)?,
        receipts: read.switch("receipts", true)?,
        validity: read.choice(
            "validity",
            Validity::Absolute,
            &[("absolute", Validity::Absolute), ("relative", Validity::Relative), ("none", Validity::Unsaid)],
        )?,
        response_ids: read.parsed("response-ids")?.unwrap_or_default(),
        receipt_ids: read.parsed("receipt-ids")?.unwrap_or_default(),
        verdicts: read.verdicts()?,
        write_ahead: true,
        pace: read.pace()?,
    };
    let password = read.text("password").map(|text| place_of("password", text)).transpose()?;
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let tls = match (read.text("tls-ca"), read.text("tls-certificate"), read.text("tls-key")) {
        (None, None, None) => None,
        (Some(ca), certificate, key) => Some(TlsFiles {
            ca: ca.into(),
            name: read.text("tls-name").unwrap_or(host).to_owned(),
            own: match (certificate, key) {
                (Some(certificate), Some(key)) => Some((certificate.into(), key.into())),
                (None, None) => None,
                _ => return Err("has one of tls-certificate and tls-key; expected both or neither".into()),
            },
        }),
        _ => return Err("has tls-certificate or tls-key without tls-ca, so there is no TLS at all".into()),
    };
    Ok(Smsc { settings, address: address.to_owned(), password, tls })
}

/// The keys of a `[[ppg.route]]`.
pub(super) const ROUTE_KEYS: &[&str] = &["prefix", "over", "source-port"];

/// One `[[ppg.route]]`.
pub(super) fn route(table: &BTreeMap<String, String>) -> Result<RouteRule, String> {
    let read = Table(table);
    let over: Vec<String> = read.text("over").unwrap_or("").split_whitespace().map(str::to_owned).collect();
    let prefix = read.text("prefix").unwrap_or("").trim_start_matches('+');
    if !prefix.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!("has the prefix {prefix:?}; expected digits"));
    }
    match over.as_slice() {
        [] => Err(
            "does not say which way; expected over = \"NAME\", names of [[ppg.smpp]] and [[ppg.sendsms]] in order, or \"udp\""
                .into(),
        ),
        [udp] if udp == "udp" => {
            Ok(RouteRule::Udp { port: read.number("source-port", 0..=u16::MAX)?.unwrap_or(9200) })
        }
        _ => Ok(RouteRule::Numbers { prefix: prefix.to_owned(), over }),
    }
}

impl RouteRule {
    /// Whether the links that it leads over are all there.
    pub(super) fn leads_over(&self, links: &[String]) -> Result<(), String> {
        let Self::Numbers { over, .. } = self else { return Ok(()) };
        let Some(unknown) = over.iter().find(|name| !links.contains(name)) else { return Ok(()) };
        let there = if links.is_empty() { "there is none".to_owned() } else { links.join(", ") };
        Err(format!(
            "leads over {unknown:?}, which is no link; expected names of [[ppg.smpp]] or [[ppg.sendsms]]: {there}"
        ))
    }
}

/// A table, read key by key.
struct Table<'a>(&'a BTreeMap<String, String>);

impl Table<'_> {
    fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str).filter(|text| !text.is_empty())
    }

    fn number<T>(&self, key: &str, range: std::ops::RangeInclusive<T>) -> Result<Option<T>, String>
    where
        T: std::str::FromStr + PartialOrd + std::fmt::Display,
    {
        let Some(text) = self.text(key) else { return Ok(None) };
        let number = text.parse().ok().filter(|number| range.contains(number));
        let expected =
            || format!("has {key} = {text:?}; expected a number from {} to {}", range.start(), range.end());
        number.map(Some).ok_or_else(expected)
    }

    fn octet(&self, key: &str) -> Result<Option<u8>, String> {
        let Some(text) = self.text(key) else { return Ok(None) };
        let wrong = |_| format!("has {key} = {text:?}; expected an octet in hexadecimal, such as \"F5\"");
        u8::from_str_radix(text, 16).map(Some).map_err(wrong)
    }

    fn time(&self, key: &str, default: Duration) -> Result<Duration, String> {
        let Some(text) = self.text(key) else { return Ok(default) };
        value::time(text).map_err(|why| format!("has a {key} that {why}"))
    }

    fn switch(&self, key: &str, default: bool) -> Result<bool, String> {
        self.choice(key, default, &[("yes", true), ("no", false)])
    }

    fn choice<T: Copy>(&self, key: &str, default: T, choices: &[(&str, T)]) -> Result<T, String> {
        let Some(text) = self.text(key) else { return Ok(default) };
        let chosen = choices.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        let names = || choices.iter().map(|(name, _)| format!("{name:?}")).collect::<Vec<_>>().join(", ");
        chosen.ok_or_else(|| format!("has {key} = {text:?}; expected one of {}", names()))
    }

    fn parsed<T: std::str::FromStr<Err = String>>(&self, key: &str) -> Result<Option<T>, String> {
        self.text(key).map(|text| text.parse().map_err(|why| format!("has a {key} that {why}"))).transpose()
    }

    fn verdicts(&self) -> Result<Verdicts, String> {
        let mut changed = Vec::new();
        for (key, verdict) in [
            ("throttled", Verdict::Throttled),
            ("transient", Verdict::Transient),
            ("permanent", Verdict::Permanent),
        ] {
            for text in self.text(key).unwrap_or("").split_whitespace() {
                let status = u32::from_str_radix(text, 16).map_err(|_| {
                    format!(
                        "has {text:?} in {key}; expected command statuses in hexadecimal, such as \"45 4F1\""
                    )
                })?;
                changed.push((CommandStatus(status), verdict));
            }
        }
        Ok(Verdicts::new(changed))
    }

    fn pace(&self) -> Result<Pace, String> {
        let default = Pace::default();
        let pair = |least: &str, most: &str, default: (Duration, Duration)| {
            let least = self.time(least, default.0)?;
            Ok::<_, String>((least, self.time(most, default.1)?.max(least)))
        };
        Ok(Pace {
            window: self.number("window", 1..=10_000)?.unwrap_or(default.window),
            rate: self.number("rate", 1..=1_000_000)?.and_then(NonZeroU32::new),
            capacity: self.number("capacity", 1..=1_000_000)?.unwrap_or(default.capacity),
            enquire_link: self.time("enquire-link", default.enquire_link)?,
            response_timeout: self.time("response-timeout", default.response_timeout)?,
            reconnect: pair("reconnect", "reconnect-most", default.reconnect)?,
            throttle: pair("throttle-pause", "throttle-pause-most", default.throttle)?,
            retry: pair("retry", "retry-most", default.retry)?,
            give_up: self.time("give-up", default.give_up)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> BTreeMap<String, String> {
        let pairs = text.split(';').filter_map(|pair| pair.split_once('='));
        pairs.map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned())).collect()
    }

    #[test]
    fn a_link_is_read_with_all_that_can_be_said_of_it() {
        let least = smsc(&table("name=main;address=smsc.example:2775")).unwrap();
        assert_eq!((least.settings.segment_limit, least.settings.pace.window), (32, 10));
        assert_eq!((least.password, least.tls), (None, None));
        let all = smsc(&table(
            "name=a;address=[::1]:3550;system-id=us;password=env:SMSC;system-type=VMA;bind=pair;binds=2;source=ACME;\
             destination-ton=0;destination-npi=1;segments=sar;reference=16;segment-limit=255;data-coding=F5;message-mode=3;\
             more-messages=yes;receipts=no;validity=relative;response-ids=hex;receipt-ids=decimal;transient=45 4F1;\
             window=100;rate=30;enquire-link=5s;reconnect=2s;give-up=10min;tls-ca=/ca.pem",
        ))
        .unwrap();
        let settings = &all.settings;
        assert_eq!((settings.mode, settings.binds, settings.form), (BindMode::Pair, 2, Form::Sar));
        assert_eq!((settings.reference, settings.data_coding, settings.message_mode), (Width::Long, 0xF5, 3));
        assert_eq!(settings.verdicts.of(CommandStatus(0x4F1)), Verdict::Transient);
        assert_eq!(settings.pace.rate, NonZeroU32::new(30));
        assert_eq!(settings.pace.reconnect.0, Duration::from_secs(2));
        assert_eq!(all.password, Some(SecretPlace::Env("SMSC".into())));
        assert_eq!(all.tls.unwrap().name, "[::1]");
    }

    #[test]
    fn what_cannot_be_is_said_and_a_password_is_not_repeated() {
        for (wrong, said) in [
            ("address=a:1", "has no name"),
            ("name=a", "has no address"),
            ("name=a;address=host", "expected a host and a port"),
            ("name=a;address=host:0", "expected a host and a port"),
            ("name=a;address=h:1;window=0", "has window = \"0\"; expected a number from 1 to 10000"),
            ("name=a;address=h:1;segments=gsm", "expected one of \"udh\", \"sar\", \"payload\""),
            ("name=a;address=h:1;source-ton=1", "both or neither"),
            ("name=a;address=h:1;tls-key=/k", "without tls-ca"),
            ("name=a;address=h:1;transient=zz", "command statuses in hexadecimal"),
            ("name=a;address=h:1;password=hunter2", "does not stand here itself"),
        ] {
            let got = smsc(&table(wrong)).unwrap_err();
            assert!(got.contains(said) && !got.contains("hunter2"), "{wrong}: {got}");
        }
    }

    #[test]
    fn routes_go_over_links_that_are_there() {
        let numbers = route(&table("prefix=+49;over=a b")).unwrap();
        assert_eq!(numbers, RouteRule::Numbers { prefix: "49".into(), over: vec!["a".into(), "b".into()] });
        assert_eq!(route(&table("over=udp")).unwrap(), RouteRule::Udp { port: 9200 });
        assert!(route(&table("prefix=49")).unwrap_err().contains("does not say which way"));
        let unknown = numbers.leads_over(&["a".into()]).unwrap_err();
        assert!(unknown.starts_with("leads over \"b\"") && unknown.ends_with(": a"), "{unknown}");
        assert!(numbers.leads_over(&[]).unwrap_err().ends_with("there is none"));
        assert_eq!(numbers.leads_over(&["b".into(), "a".into()]), Ok(()));
    }
}
