//! `[ppg]`: the Push Proxy Gateway, its initiators and its users.

use std::{cell::RefCell, collections::BTreeMap, net::SocketAddr, path::Path, path::PathBuf, time::Duration};

use super::{
    layer::{Layers, Names},
    sendsms::{self, Kannel},
    smpp::{self, RouteRule, Smsc},
    value::{self, DmPath},
};
use crate::{
    bearer::{
        ClientFiles, Destination,
        ppg::{
            CredentialDigest, Credentials, InDoubt, Initiator, Initiators, NotifySettings, Rights, Settings,
            Switches,
        },
    },
    store::Durability,
    wire::wsp::PushFlag,
};

/// `[ppg]`: the Push Proxy Gateway.
#[derive(Debug, Clone)]
pub struct Ppg {
    /// Where initiators post.
    pub path: DmPath,
    /// A listener of its own; none for that of `[http]`.
    pub listen: Option<SocketAddr>,
    /// TLS on the listener of its own.
    pub tls: Option<Tls>,
    /// Largest request body, in octets.
    pub body_limit: usize,
    /// Where pushes are written instead of being sent; none to send them.
    pub capture: Option<PathBuf>,
    /// What accepted pushes survive.
    pub durability: Durability,
    /// How the gateway behaves.
    pub settings: Settings,
    /// Who may push.
    pub initiators: Initiators,
    /// Links to SMSCs.
    pub smscs: Vec<Smsc>,
    /// Kannels as ways to devices.
    pub kannels: Vec<Kannel>,
    /// Which numbers go over which.
    pub routes: Vec<RouteRule>,
}

/// Files of a TLS listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// Certificate chain (PEM).
    pub certificate: PathBuf,
    /// Private key (PEM).
    pub key: PathBuf,
    /// Certificates that client certificates must come from (PEM); none to ask for no client certificate.
    pub client_ca: Option<PathBuf>,
}

/// The keys of a `[[ppg.initiator]]`.
const INITIATOR_KEYS: &[&str] = &[
    "name",
    "user",
    "password",
    "token",
    "certificate",
    "content-types",
    "prefixes",
    "ip",
    "rate",
    "unsigned-bootstrap",
    "push-flag",
    "uri",
    "sees-links",
];

impl Ppg {
    pub(super) fn read(layers: &mut Layers, home: Option<&Path>) -> Option<Self> {
        let path = layers.text("ppg.path", str::parse);
        let listen = layers.text("ppg.listen", |text| match text {
            "" => Ok(None),
            text => value::socket_address(text).map(Some),
        });
        let tls = tls(layers, home);
        let body_limit = layers.text("ppg.body-limit", value::size);
        let durability = layers.text("ppg.durability", |text| match text {
            "power" => Ok(Durability::Power),
            "kill" => Ok(Durability::Kill),
            _ => Err("is none; expected \"power\" or \"kill\"".into()),
        });
        let capture = file(layers, "ppg.capture", home);
        let settings = settings(layers, home);
        let ways = ways(layers);
        let names = Names::default();
        let shown = RefCell::new(Vec::<(Credentials, String)>::new());
        let initiators = layers.tables("ppg.initiator", INITIATOR_KEYS, |table| {
            let (credentials, initiator) = initiator(table)?;
            names.take(initiator.name.as_str(), "[[ppg.initiator]]")?;
            let mut known = shown.borrow_mut();
            // Whoever shows it would be the one or the other.
            let shared = known.iter().find_map(|(other, name)| Some((credentials.shared_with(other)?, name)));
            if let Some((what, name)) = shared {
                return Err(format!("has the {what} of {name:?}; expected one of its own"));
            }
            known.push((credentials.clone(), initiator.name.to_string()));
            Ok((credentials, initiator))
        });
        if let (Some(None), Some(Some(_))) = (&listen, &tls) {
            let message = "needs [ppg] listen: TLS is spoken on a listener of its own";
            layers.wrong_value("ppg.tls-certificate", message.into());
        }
        let (smscs, kannels, routes) = ways?;
        Some(Self {
            path: path?,
            listen: listen?,
            tls: tls?,
            body_limit: body_limit?,
            capture: capture?,
            durability: durability?,
            settings: settings?,
            initiators: Initiators::new(initiators?),
            smscs,
            kannels,
            routes,
        })
    }
}

/// Links and routes.
fn ways(layers: &mut Layers) -> Option<(Vec<Smsc>, Vec<Kannel>, Vec<RouteRule>)> {
    let (names, links) = (Names::default(), "[[ppg.smpp]] or [[ppg.sendsms]]");
    let smscs = layers.tables("ppg.smpp", smpp::SMSC_KEYS, |table| {
        let smsc = smpp::smsc(table)?;
        names.take(&smsc.settings.name, links)?;
        Ok(smsc)
    });
    let kannels = layers.tables("ppg.sendsms", sendsms::KEYS, |table| {
        let kannel = sendsms::kannel(table)?;
        names.take(&kannel.name, links)?;
        Ok(kannel)
    });
    // Where a link cannot be read, its name may be the one that a route says.
    let known = (smscs.is_some() && kannels.is_some()).then(|| names.all());
    let routes = layers.tables("ppg.route", smpp::ROUTE_KEYS, |table| {
        let route = smpp::route(table)?;
        known.as_ref().map_or(Ok(()), |known| route.leads_over(known))?;
        Ok(route)
    });
    Some((smscs?, kannels?, routes?))
}

fn tls(layers: &mut Layers, home: Option<&Path>) -> Option<Option<Tls>> {
    let certificate = file(layers, "ppg.tls-certificate", home);
    let key = file(layers, "ppg.tls-key", home);
    let client_ca = file(layers, "ppg.tls-client-ca", home);
    match (certificate?, key?, client_ca?) {
        (Some(certificate), Some(key), client_ca) => Some(Some(Tls { certificate, key, client_ca })),
        (None, None, None) => Some(None),
        _ => {
            let message = "and tls-key go together, and tls-client-ca with both";
            layers.wrong_value("ppg.tls-certificate", message.into());
            None
        }
    }
}

/// Files of TLS towards initiators that are told results.
fn notify_files(layers: &mut Layers, home: Option<&Path>) -> Option<ClientFiles> {
    let ca = file(layers, "ppg.notify-ca", home);
    let certificate = file(layers, "ppg.notify-certificate", home);
    let key = file(layers, "ppg.notify-key", home);
    let own = match (certificate?, key?) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        _ => {
            layers.wrong_value("ppg.notify-certificate", "and notify-key go together".into());
            return None;
        }
    };
    Some(ClientFiles { ca: ca?, own })
}

/// A path, or nothing where the text is empty.
fn file(layers: &mut Layers, key: &str, home: Option<&Path>) -> Option<Option<PathBuf>> {
    match layers.text(key, |text| Ok(text.is_empty()))? {
        true => Some(None),
        false => layers.path(key, home).map(Some),
    }
}

fn settings(layers: &mut Layers, home: Option<&Path>) -> Option<Settings> {
    let name = layers.text("ppg.name", |text| match text.chars().any(char::is_control) {
        true => Err("holds a control character".into()),
        false => Ok(text.to_owned()),
    });
    let address = layers.text("ppg.address", |text| Ok((!text.is_empty()).then(|| text.to_owned())));
    let switches = layers.text("ppg.extra-headers", |text| {
        let mut switches = Switches::default();
        for word in text.split_whitespace() {
            match word {
                "content-length" => switches.content_length = true,
                "encoding-version" => switches.encoding_version = true,
                _ => {
                    return Err(
                        "has another word; expected content-length, encoding-version or nothing".into()
                    );
                }
            }
        }
        Ok(switches)
    });
    let in_doubt = layers.text("ppg.in-doubt", |text| match text {
        "hold" => Ok(InDoubt::Hold),
        "resend" => Ok(InDoubt::Resend),
        _ => Err("is none; expected \"hold\" or \"resend\"".into()),
    });
    let receipts = layers.text("ppg.receipt-timeout", value::time);
    let give_up = layers.text("ppg.give-up", value::time);
    let retry = layers.text("ppg.retry", value::time);
    let retry_most = layers.text("ppg.retry-most", value::time);
    let batch = layers.number("ppg.batch", 1, 10_000);
    let days: Option<u64> = layers.number("ppg.retention-days", 0, 3650);
    let users = layers.tables("ppg.user", &["name", "number", "ip"], user);
    let hosts = layers.text("ppg.notify-hosts", |text| {
        Ok(text.split_whitespace().map(str::to_ascii_lowercase).collect::<Vec<_>>())
    });
    let notify_tls = notify_files(layers, home);
    let timeout = layers.text("ppg.notify-timeout", value::time);
    let tries = layers.number("ppg.notify-tries", 1, 1000);
    let retry = (retry?, retry_most?);
    Some(Settings {
        name: name?,
        address: address?,
        users: users?.into_iter().collect(),
        switches: switches?,
        in_doubt: in_doubt?,
        receipts: receipts?,
        give_up: give_up?,
        retry,
        batch: batch?,
        settle: Settings::default().settle,
        notify: NotifySettings { hosts: hosts?, tls: notify_tls?, timeout: timeout?, tries: tries?, retry },
        retention: Duration::from_secs(days? * 86_400),
    })
}

/// One `[[ppg.user]]`.
fn user(table: &BTreeMap<String, String>) -> Result<(String, Destination), String> {
    let name = table.get("name").ok_or("has no name")?.to_lowercase();
    let to = match (table.get("number"), table.get("ip")) {
        (Some(number), None) => {
            number.parse().map(Destination::Msisdn).map_err(|e| format!("has a number that is none: {e}"))?
        }
        (None, Some(ip)) => {
            ip.parse().map(Destination::Ip).map_err(|_| "has an ip that is no address".to_owned())?
        }
        _ => return Err("does not say once where the user is; expected number or ip".into()),
    };
    Ok((name, to))
}

/// One `[[ppg.initiator]]`.
fn initiator(table: &BTreeMap<String, String>) -> Result<(Credentials, Initiator), String> {
    let text = |key: &str| table.get(key).map(String::as_str).filter(|text| !text.is_empty());
    let name = text("name").ok_or("has no name")?;
    if name.starts_with("bootgate.") {
        return Err("has a name that begins with `bootgate.`; those are initiators of our own".into());
    }
    let name = name.parse().map_err(|e| format!("has a wrong name: {e}"))?;
    let digest = |key: &str| {
        let hex = |text: &str| CredentialDigest::from_hex(text.strip_prefix("sha256:")?);
        let wrong = format!(
            "has a {key} that is not `sha256:` and 64 hexadecimal digits (printf %s \"$SECRET\" | sha256sum)"
        );
        text(key).map(|text| hex(text).ok_or(wrong)).transpose()
    };
    let basic = match (text("user"), digest("password")?) {
        (Some(user), Some(password)) => Some((user.to_owned(), password)),
        (None, None) => None,
        _ => return Err("has a user without a password, or the other way round".into()),
    };
    let credentials = Credentials { basic, token: digest("token")?, certificate: digest("certificate")? };
    if credentials == Credentials::default() {
        return Err("cannot show who it is; expected user and password, token, or certificate".into());
    }
    let yes = |key: &str| match text(key) {
        None | Some("no") => Ok(false),
        Some("yes") => Ok(true),
        Some(_) => Err(format!("has a {key} that is neither \"yes\" nor \"no\"")),
    };
    let words = |key: &str| -> Vec<String> {
        text(key).unwrap_or("").split_whitespace().map(str::to_ascii_lowercase).collect()
    };
    let prefixes: Vec<String> =
        words("prefixes").iter().map(|p| p.trim_start_matches('+').to_owned()).collect();
    if prefixes.iter().any(|p| p.is_empty() || !p.bytes().all(|b| b.is_ascii_digit())) {
        return Err("has prefixes that are not digits; expected, for example, \"49 358\"".into());
    }
    let rate = match text("rate") {
        None => None,
        Some(number) => match number.parse() {
            Ok(rate @ 1..=1_000_000) => Some(rate),
            _ => return Err("has a rate that is not 1 to 1000000 a second".into()),
        },
    };
    let push_flag = match text("push-flag") {
        None => None,
        Some("authenticated") => Some(PushFlag(PushFlag::INITIATOR_AUTHENTICATED)),
        Some("trusted") => Some(PushFlag(PushFlag::INITIATOR_AUTHENTICATED | PushFlag::CONTENT_TRUSTED)),
        Some(_) => return Err("has a push-flag that is neither \"authenticated\" nor \"trusted\"".into()),
    };
    let rights = Rights {
        content_types: words("content-types"),
        prefixes,
        ip: yes("ip")?,
        rate,
        unsigned_bootstrap: yes("unsigned-bootstrap")?,
        push_flag,
        uri: text("uri").map(str::to_owned),
        sees_links: yes("sees-links")?,
    };
    Ok((credentials, Initiator { name, rights }))
}
