//! Absolute `http` and `https` URLs, as far as a bootstrap needs them (RFC 3986, section 3).

use core::net::{Ipv4Addr, Ipv6Addr};
use std::{fmt, str::FromStr};

/// An absolute `http` or `https` URL without user information or fragment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HttpUrl {
    text: String,
    secure: bool,
    /// Where the authority (host and port) ends.
    authority_end: usize,
    port: Option<u16>,
}

/// What is wrong with a URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// It does not start with a scheme that is spoken here.
    #[error("not an absolute URL; expected http://HOST/… or https://HOST/…")]
    Scheme,
    /// A character that may not stand in a URL.
    #[error("character at position {at} is not allowed in a URL; expected it percent-encoded")]
    Character {
        /// Counted from 1.
        at: usize,
    },
    /// `user@` stands before the host.
    #[error("a URL here may not hold a user name or password")]
    UserInfo,
    /// A part behind `#`, which is never sent to a server.
    #[error("a URL here may not hold a fragment (#…)")]
    Fragment,
    /// The host is missing or is neither a name nor an address.
    #[error("its host is not a host name or IP address")]
    Host,
    /// The host has the form of an IPv4 address and is none.
    #[error("its host {NOT_IPV4}")]
    Ipv4,
    /// The port is not a number from 1 to 65535.
    #[error("its port is not a number from 1 to 65535")]
    Port,
}

impl HttpUrl {
    /// The URL as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// True for `https`.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The port that it names, or that its scheme stands for.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(if self.secure { 443 } else { 80 })
    }

    /// The URL with its port written out. Field clients were seen to add port 80 to any URL without one, `https`
    /// too, so what goes to a device always names it.
    pub fn with_port(&self) -> String {
        self.with_port_or(self.port())
    }

    /// The URL with `port` put behind its host, unless it names one already.
    pub fn with_port_or(&self, port: u16) -> String {
        if self.port.is_some() {
            return self.text.clone();
        }
        let (head, tail) = self.text.split_at(self.authority_end);
        // "https://host:" is an empty port, which RFC 3986 allows.
        format!("{}:{port}{tail}", head.trim_end_matches(':'))
    }
}

impl FromStr for HttpUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let scheme_end = text.find("://").ok_or(UrlError::Scheme)?;
        let (scheme, rest) = (text.get(..scheme_end).unwrap_or(""), text.get(scheme_end + 3..).unwrap_or(""));
        let secure = scheme.eq_ignore_ascii_case("https");
        if !secure && !scheme.eq_ignore_ascii_case("http") {
            return Err(UrlError::Scheme);
        }
        let bad = |c: char| !c.is_ascii_graphic() || "\"<>\\^`{|}".contains(c);
        if let Some(at) = text.chars().position(bad) {
            return Err(UrlError::Character { at: at + 1 });
        }
        if text.contains('#') {
            return Err(UrlError::Fragment);
        }
        let authority = rest.split(['/', '?']).next().unwrap_or("");
        if authority.contains('@') {
            return Err(UrlError::UserInfo);
        }
        // The last colon belongs to the port unless it stands inside the brackets of an IPv6 address.
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (authority, None),
        };
        if looks_like_ipv4(host) && !is_host(host) {
            return Err(UrlError::Ipv4);
        }
        if !is_host(host) {
            return Err(UrlError::Host);
        }
        let port = match port {
            None | Some("") => None,
            Some(digits) => Some(parse_port(digits).ok_or(UrlError::Port)?),
        };
        Ok(Self { text: text.to_owned(), secure, authority_end: scheme_end + 3 + authority.len(), port })
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A port number in decimal, 1 to 65535, digits only.
pub(super) fn parse_port(digits: &str) -> Option<u16> {
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|p| plain && *p != 0)
}

/// A host name, an IPv4 address, or an IPv6 address in brackets.
fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        Some(inner) => inner.parse::<Ipv6Addr>().is_ok(),
        None => is_host_name(host),
    }
}

/// What is said of such a text when it is no address.
pub(super) const NOT_IPV4: &str =
    "has the form of an IPv4 address and is none; expected four numbers from 0 to 255, as 192.0.2.1";

/// What looks like an IPv4 address must be one.
pub(super) fn looks_like_ipv4(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

/// A host name (RFC 1123, section 2.1; underscores occur in the field) or an IPv4 address.
pub(super) fn is_host_name(host: &str) -> bool {
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    if looks_like_ipv4(host) {
        return host.parse::<Ipv4Addr>().is_ok();
    }
    let host = host.strip_suffix('.').unwrap_or(host);
    host.len() <= 253 && host.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_an_address_must_be_one() {
        let refused = |text: &str| text.parse::<HttpUrl>().unwrap_err().to_string();
        let said = "its host has the form of an IPv4 address and is none; expected four numbers from 0 to 255, as 192.0.2.1";
        assert_eq!(refused("http://192.0.2.800/dm"), said);
        assert_eq!(refused("http://192.0.2/dm"), said);
        assert_eq!(refused("http://-x/dm"), "its host is not a host name or IP address");
        assert!("http://192.0.2.80/dm".parse::<HttpUrl>().is_ok());
    }

    #[test]
    fn the_port_is_written_out() {
        for (url, with_port) in [
            ("https://dm.acme.example/dm", "https://dm.acme.example:443/dm"),
            ("http://dm.acme.example", "http://dm.acme.example:80"),
            ("http://dm.acme.example?x=1", "http://dm.acme.example:80?x=1"),
            ("https://dm.acme.example:/dm", "https://dm.acme.example:443/dm"),
            ("https://[2001:db8::1]/dm", "https://[2001:db8::1]:443/dm"),
            ("HTTP://[::1]:8080/dm", "HTTP://[::1]:8080/dm"),
            ("http://10.0.0.1:65535", "http://10.0.0.1:65535"),
        ] {
            assert_eq!(url.parse::<HttpUrl>().unwrap().with_port(), with_port);
        }
    }

    #[test]
    fn what_is_not_a_url_is_refused() {
        use UrlError::*;
        for (url, why) in [
            ("dm.acme.example", Scheme),
            ("ftp://dm.acme.example", Scheme),
            ("http://", Host),
            ("http:///dm", Host),
            ("http://a b/", Character { at: 9 }),
            ("http://ä/", Character { at: 8 }),
            ("http://x/{imei}", Character { at: 10 }),
            ("http://user:pw@dm.acme.example/", UserInfo),
            ("http://x/#a", Fragment),
            ("http://x:0/", Port),
            ("http://x:65536/", Port),
            ("http://x:+80/", Port),
            ("http://300.1.1.1/", Ipv4),
            ("http://-x.example/", Host),
            ("http://[::1/", Host),
            ("http://a..b/", Host),
        ] {
            assert_eq!(url.parse::<HttpUrl>().unwrap_err(), why, "{url}");
        }
    }
}
