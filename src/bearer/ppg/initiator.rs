//! Push initiators: who may hand in pushes, how they show who they are, and what they may do.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{bearer::InitiatorName, ident::Msisdn, wire::wsp::PushFlag};

/// A push initiator and its rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Initiator {
    /// What it is called. Push ids are unique for each name.
    pub name: InitiatorName,
    /// What it may do.
    pub rights: Rights,
}

/// What an initiator may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights {
    /// Media types that it may push, lower case; empty for all. One that ends in `/*` stands for all that begin so.
    pub content_types: Vec<String>,
    /// First digits of the numbers that it may push to; empty for all.
    pub prefixes: Vec<String>,
    /// Whether it may push to IP addresses.
    pub ip: bool,
    /// The most deliveries in a second, on average; none for no limit.
    pub rate: Option<u32>,
    /// Whether it may push a bootstrap that carries no `SEC`: nothing would tell the device whom it comes from.
    pub unsigned_bootstrap: bool,
    /// What goes out as `Push-Flag`; none for no such header.
    pub push_flag: Option<PushFlag>,
    /// The URI that goes out as `X-Wap-Initiator-URI`; none for no such header.
    pub uri: Option<String>,
    /// Whether it is told which links keep what waits, and why they do not stand.
    pub sees_links: bool,
}

impl Rights {
    /// Everything, for what the same program pushes to itself.
    pub fn all() -> Self {
        Self {
            content_types: Vec::new(),
            prefixes: Vec::new(),
            ip: true,
            rate: None,
            unsigned_bootstrap: false,
            push_flag: None,
            uri: None,
            sees_links: true,
        }
    }

    /// Whether content of this media type may be pushed.
    pub fn allows_type(&self, media_type: &str) -> bool {
        let media_type = media_type.to_ascii_lowercase();
        let fits = |allowed: &String| match allowed.strip_suffix('*') {
            Some(start) => media_type.starts_with(start),
            None => media_type == *allowed,
        };
        self.content_types.is_empty() || self.content_types.iter().any(fits)
    }

    /// Whether this number may be pushed to.
    pub fn allows_number(&self, number: &Msisdn) -> bool {
        self.prefixes.is_empty() || self.prefixes.iter().any(|p| number.digits().starts_with(p.as_str()))
    }
}

/// SHA-256 of a password, a token or a certificate (DER). What is kept of a credential: it must be drawn at random, since
/// a digest of what people think up is found by trying.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CredentialDigest([u8; 32]);

impl CredentialDigest {
    /// Of a credential as it is presented.
    pub fn of(credential: &[u8]) -> Self {
        Self(Sha256::digest(credential).into())
    }

    /// From 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut digest = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (octet, at) in digest.iter_mut().zip((0..).step_by(2)) {
            *octet = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
        }
        Some(Self(digest))
    }

    /// Its octets.
    pub fn octets(&self) -> &[u8; 32] {
        &self.0
    }

    /// Takes the same time wherever the two differ.
    fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl std::fmt::Debug for CredentialDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CredentialDigest(…)")
    }
}

/// How an initiator shows who it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Presented<'a> {
    /// HTTP Basic (RFC 7617).
    Basic {
        /// The name.
        user: &'a str,
        /// The password.
        password: &'a str,
    },
    /// A bearer token (RFC 6750).
    Token(&'a str),
    /// The certificate of a TLS client, which the TLS layer has checked.
    Certificate(&'a CredentialDigest),
}

impl std::fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Basic { .. } => "Basic(…)",
            Self::Token(_) => "Token(…)",
            Self::Certificate(_) => "Certificate(…)",
        })
    }
}

/// What an initiator has to show. Each that it has will do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The user name, and the digest of the password.
    pub basic: Option<(String, CredentialDigest)>,
    /// The digest of the token.
    pub token: Option<CredentialDigest>,
    /// The digest of the certificate.
    pub certificate: Option<CredentialDigest>,
}

impl Credentials {
    /// The first of ours with which another could show that it is the same; none when there is none. Passwords of different
    /// users may be alike.
    pub fn shared_with(&self, other: &Self) -> Option<&'static str> {
        let same = |own: Option<&CredentialDigest>, theirs| own.is_some() && own == theirs;
        if self.basic.is_some() && self.basic == other.basic {
            Some("user and password")
        } else if same(self.token.as_ref(), other.token.as_ref()) {
            Some("token")
        } else {
            same(self.certificate.as_ref(), other.certificate.as_ref()).then_some("certificate")
        }
    }
}

/// All initiators.
#[derive(Debug, Clone, Default)]
pub struct Initiators {
    all: Vec<(Credentials, Arc<Initiator>)>,
}

impl Initiators {
    /// These.
    pub fn new(all: impl IntoIterator<Item = (Credentials, Initiator)>) -> Self {
        Self { all: all.into_iter().map(|(c, i)| (c, Arc::new(i))).collect() }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.all.len()
    }

    /// Who that is; none when nobody is known by it. All are looked at, so that the time tells nothing.
    pub fn authenticate(&self, presented: Presented<'_>) -> Option<Arc<Initiator>> {
        let digest = match presented {
            Presented::Basic { password, .. } => CredentialDigest::of(password.as_bytes()),
            Presented::Token(token) => CredentialDigest::of(token.as_bytes()),
            Presented::Certificate(digest) => *digest,
        };
        let mut found = None;
        for (credentials, initiator) in &self.all {
            let right = match (presented, &credentials) {
                (Presented::Basic { user, .. }, Credentials { basic: Some((own, secret)), .. }) => {
                    secret.is(&digest) & (own == user)
                }
                (Presented::Token(_), Credentials { token: Some(own), .. }) => own.is(&digest),
                (Presented::Certificate(_), Credentials { certificate: Some(own), .. }) => own.is(&digest),
                _ => false,
            };
            if right {
                found = Some(Arc::clone(initiator));
            }
        }
        found
    }

    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &InitiatorName> {
        self.all.iter().map(|(_, initiator)| &initiator.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn initiator(name: &str) -> Initiator {
        Initiator { name: name.parse().unwrap(), rights: Rights::all() }
    }

    #[test]
    fn each_way_of_showing_who_one_is_finds_its_owner_alone() {
        let digest = |text: &str| CredentialDigest::of(text.as_bytes());
        let all = Initiators::new([
            (Credentials { basic: Some(("a".into(), digest("pa"))), ..Default::default() }, initiator("a")),
            (Credentials { token: Some(digest("tb")), ..Default::default() }, initiator("b")),
            (Credentials { certificate: Some(digest("cc")), ..Default::default() }, initiator("c")),
        ]);
        let who = |p| all.authenticate(p).map(|i| i.name.to_string());
        let basic = |user, password| Presented::Basic { user, password };
        assert_eq!(who(basic("a", "pa")).as_deref(), Some("a"));
        assert_eq!(who(Presented::Token("tb")).as_deref(), Some("b"));
        let certificate = digest("cc");
        assert_eq!(who(Presented::Certificate(&certificate)).as_deref(), Some("c"));
        for wrong in [basic("a", "pb"), basic("b", "pa"), basic("a", ""), basic("b", "tb")] {
            assert_eq!(who(wrong), None);
        }
        for wrong in ["pa", "", "cc"] {
            assert_eq!(who(Presented::Token(wrong)), None, "{wrong}");
        }
        assert_eq!(who(Presented::Certificate(&digest("tb"))), None);
        assert!(!format!("{all:?} {:?}", basic("a", "pa")).contains("pa\""));
    }

    #[test]
    fn what_two_would_show_alike_is_named() {
        let digest = |text: &str| CredentialDigest::of(text.as_bytes());
        let basic = |user: &str, password| Credentials {
            basic: Some((user.to_owned(), digest(password))),
            ..Credentials::default()
        };
        let token = |text| Credentials { token: Some(digest(text)), ..Credentials::default() };
        let certificate = |text| Credentials { certificate: Some(digest(text)), ..Credentials::default() };
        assert_eq!(basic("a", "p").shared_with(&basic("a", "p")), Some("user and password"));
        assert_eq!(token("t").shared_with(&token("t")), Some("token"));
        assert_eq!(certificate("c").shared_with(&certificate("c")), Some("certificate"));
        let both = Credentials { token: Some(digest("t")), ..basic("a", "p") };
        assert_eq!(both.shared_with(&token("t")), Some("token"), "one is enough");
        for (one, other) in [
            (basic("a", "p"), basic("b", "p")),
            (basic("a", "p"), basic("a", "q")),
            (token("t"), token("u")),
            (token("t"), certificate("t")),
            (Credentials::default(), Credentials::default()),
        ] {
            assert_eq!(one.shared_with(&other), None);
        }
    }

    #[test]
    fn digests_are_read_from_hexadecimal_digits() {
        let hex = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
        assert_eq!(CredentialDigest::from_hex(hex), Some(CredentialDigest::of(b"secret")));
        for bad in ["", "2b", &hex.replace('b', "g"), &format!("{hex}00"), &"é".repeat(32)] {
            assert_eq!(CredentialDigest::from_hex(bad), None);
        }
    }

    #[test]
    fn rights_are_prefixes_and_types() {
        let rights = Rights {
            content_types: vec!["text/vnd.wap.si".into(), "application/vnd.syncml.*".into()],
            prefixes: vec!["49".into(), "3584".into()],
            ..Rights::all()
        };
        assert!(
            rights.allows_type("Text/vnd.wap.SI") && rights.allows_type("application/vnd.syncml.dm+wbxml")
        );
        assert!(
            !rights.allows_type("text/vnd.wap.sic") && !rights.allows_type("application/vnd.wap.mms-message")
        );
        let number = |digits: &str| digits.parse::<Msisdn>().unwrap();
        assert!(rights.allows_number(&number("491711")) && rights.allows_number(&number("358401")));
        assert!(!rights.allows_number(&number("358501")));
        assert!(Rights::all().allows_type("x/y") && Rights::all().allows_number(&number("123")));
    }
}
