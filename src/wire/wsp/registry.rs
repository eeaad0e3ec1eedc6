//! The numbers that WSP gives to names: PDU types aside, they are all here (WAP-230, appendix A, tables 38 to 40; OMNA push
//! application identifiers). Each is an open registry: any number may come, and those that are known have names.

use std::fmt;

/// A media type by number (table 40).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MediaCode(pub u32);

impl MediaCode {
    /// 2E: `application/vnd.wap.sic`, service indication.
    pub const SIC: Self = Self(0x2E);
    /// 36: `application/vnd.wap.connectivity-wbxml`, client provisioning.
    pub const CONNECTIVITY_WBXML: Self = Self(0x36);
    /// 3E: `application/vnd.wap.mms-message`.
    pub const MMS_MESSAGE: Self = Self(0x3E);
    /// 42: `application/vnd.syncml.dm+wbxml`, DM messages and bootstrap.
    pub const SYNCML_DM_WBXML: Self = Self(0x42);
    /// 43: `application/vnd.syncml.dm+xml`.
    pub const SYNCML_DM_XML: Self = Self(0x43);
    /// 44: `application/vnd.syncml.notification`, package 0.
    pub const SYNCML_NOTIFICATION: Self = Self(0x44);

    /// The media type, where it is known.
    pub fn name(self) -> Option<&'static str> {
        match self.0 {
            // As one implementation lists them.
            0x0302 => Some("application/vnd.syncml+xml"),
            0x0303 => Some("application/vnd.syncml+wbxml"),
            0x030A => Some("application/vnd.wap.emn+wbxml"),
            0x0312 => Some("application/vnd.omaloc-supl-init"),
            0x58 => Some("application/vnd.syncml.dm.notification"),
            n => MEDIA.get(usize::try_from(n).ok()?).copied(),
        }
    }

    /// The number of a media type, letter case aside.
    pub fn of(name: &str) -> Option<Self> {
        (0..=0x58)
            .chain([0x0302, 0x0303, 0x030A, 0x0312])
            .map(Self)
            .find(|code| code.name().is_some_and(|known| known.eq_ignore_ascii_case(name)))
    }
}

/// A header field by number (table 39), in header code page 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldCode(u8);

impl FieldCode {
    /// 0C: `Content-Language`.
    pub const CONTENT_LANGUAGE: Self = Self(0x0C);
    /// 0D: `Content-Length`.
    pub const CONTENT_LENGTH: Self = Self(0x0D);
    /// 2F: `X-Wap-Application-Id`.
    pub const APPLICATION_ID: Self = Self(0x2F);
    /// 30: `X-Wap-Content-URI`.
    pub const CONTENT_URI: Self = Self(0x30);
    /// 31: `X-Wap-Initiator-URI`.
    pub const INITIATOR_URI: Self = Self(0x31);
    /// 34: `Push-Flag`.
    pub const PUSH_FLAG: Self = Self(0x34);
    /// 43: `Encoding-Version`.
    pub const ENCODING_VERSION: Self = Self(0x43);

    /// The number; seven bits are all that the wire has.
    pub fn new(number: u8) -> Option<Self> {
        (number < 0x80).then_some(Self(number))
    }

    /// The number.
    pub fn number(self) -> u8 {
        self.0
    }

    /// The name, where it is known.
    pub fn name(self) -> Option<&'static str> {
        FIELDS.get(usize::from(self.0)).copied()
    }
}

/// A parameter of a content type by number (table 38).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParameterCode(pub u32);

impl ParameterCode {
    /// 00: `Q`, which belongs to what a client accepts.
    pub const QUALITY: Self = Self(0x00);
    /// 01: `Charset`, an IANA MIBenum.
    pub const CHARSET: Self = Self(0x01);
    /// 11: `SEC`, see [`Sec`].
    pub const SEC: Self = Self(0x11);
    /// 12: `MAC`.
    pub const MAC: Self = Self(0x12);

    /// The name, where it is known.
    pub fn name(self) -> Option<&'static str> {
        PARAMETERS.get(usize::try_from(self.0).ok()?).copied().filter(|name| !name.is_empty())
    }
}

/// `SEC`: with which key a bootstrap is signed (OMA ProvBoot 1.1, section 6). On WSP the DM bootstrap uses the same numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sec(pub u8);

impl Sec {
    /// 0: what network and device know, the IMSI.
    pub const NETWPIN: Self = Self(0);
    /// 1: a PIN that the user enters.
    pub const USERPIN: Self = Self(1);
    /// 2: both.
    pub const USERNETWPIN: Self = Self(2);
    /// 3: the PIN that the user enters holds the check value.
    pub const USERPINMAC: Self = Self(3);

    /// The name, where it is known.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::NETWPIN => Some("NETWPIN"),
            Self::USERPIN => Some("USERPIN"),
            Self::USERNETWPIN => Some("USERNETWPIN"),
            Self::USERPINMAC => Some("USERPINMAC"),
            _ => None,
        }
    }
}

impl fmt::Display for Sec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "SEC {}", self.0),
        }
    }
}

/// A push application by number (OMNA push application identifiers).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApplicationCode(pub u32);

impl ApplicationCode {
    /// 02: `wml.ua`, which is meant when the header is absent.
    pub const WML_UA: Self = Self(0x02);
    /// 04: `mms.ua`.
    pub const MMS_UA: Self = Self(0x04);
    /// 07: `syncml.dm`.
    pub const SYNCML_DM: Self = Self(0x07);

    /// The name behind `x-wap-application:`, where it is known.
    pub fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0x00 => "*",
            0x01 => "push.sia",
            0x02 => "wml.ua",
            0x03 => "wta.ua",
            0x04 => "mms.ua",
            0x05 => "push.syncml",
            0x06 => "loc.ua",
            0x07 => "syncml.dm",
            0x08 => "drm.ua",
            0x09 => "emn.ua",
            0x0A => "wv.ua",
            0x10 => "x-oma-application:ulp.ua",
            // Seen once, in the bootstrap of another enabler.
            0x1A => "LwM2M",
            _ => return None,
        })
    }
}

/// `Push-Flag`: what the gateway says of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PushFlag(pub u8);

impl PushFlag {
    /// 01: the gateway has authenticated the initiator.
    pub const INITIATOR_AUTHENTICATED: u8 = 0x01;
    /// 02: the content is trusted.
    pub const CONTENT_TRUSTED: u8 = 0x02;
    /// 04: no more pushes follow for now.
    pub const LAST: u8 = 0x04;
}

impl fmt::Display for PushFlag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        for (bit, word) in [
            (Self::INITIATOR_AUTHENTICATED, "initiator authenticated"),
            (Self::CONTENT_TRUSTED, "content trusted"),
            (Self::LAST, "last push"),
        ] {
            if self.0 & bit != 0 {
                words.push(word);
            }
        }
        if words.is_empty() { f.write_str("nothing") } else { f.write_str(&words.join(", ")) }
    }
}

/// Media types 00 to 54.
const MEDIA: [&str; 0x55] = [
    "*/*",
    "text/*",
    "text/html",
    "text/plain",
    "text/x-hdml",
    "text/x-ttml",
    "text/x-vCalendar",
    "text/x-vCard",
    "text/vnd.wap.wml",
    "text/vnd.wap.wmlscript",
    "text/vnd.wap.wta-event",
    "multipart/*",
    "multipart/mixed",
    "multipart/form-data",
    "multipart/byteranges",
    "multipart/alternative",
    "application/*",
    "application/java-vm",
    "application/x-www-form-urlencoded",
    "application/x-hdmlc",
    "application/vnd.wap.wmlc",
    "application/vnd.wap.wmlscriptc",
    "application/vnd.wap.wta-eventc",
    "application/vnd.wap.uaprof",
    "application/vnd.wap.wtls-ca-certificate",
    "application/vnd.wap.wtls-user-certificate",
    "application/x-x509-ca-cert",
    "application/x-x509-user-cert",
    "image/*",
    "image/gif",
    "image/jpeg",
    "image/tiff",
    "image/png",
    "image/vnd.wap.wbmp",
    "application/vnd.wap.multipart.*",
    "application/vnd.wap.multipart.mixed",
    "application/vnd.wap.multipart.form-data",
    "application/vnd.wap.multipart.byteranges",
    "application/vnd.wap.multipart.alternative",
    "application/xml",
    "text/xml",
    "application/vnd.wap.wbxml",
    "application/x-x968-cross-cert",
    "application/x-x968-ca-cert",
    "application/x-x968-user-cert",
    "text/vnd.wap.si",
    "application/vnd.wap.sic",
    "text/vnd.wap.sl",
    "application/vnd.wap.slc",
    "text/vnd.wap.co",
    "application/vnd.wap.coc",
    "application/vnd.wap.multipart.related",
    "application/vnd.wap.sia",
    "text/vnd.wap.connectivity-xml",
    "application/vnd.wap.connectivity-wbxml",
    "application/pkcs7-mime",
    "application/vnd.wap.hashed-certificate",
    "application/vnd.wap.signed-certificate",
    "application/vnd.wap.cert-response",
    "application/xhtml+xml",
    "application/wml+xml",
    "text/css",
    "application/vnd.wap.mms-message",
    "application/vnd.wap.rollover-certificate",
    "application/vnd.wap.locc+wbxml",
    "application/vnd.wap.loc+xml",
    "application/vnd.syncml.dm+wbxml",
    "application/vnd.syncml.dm+xml",
    "application/vnd.syncml.notification",
    "application/vnd.wap.xhtml+xml",
    "application/vnd.wv.csp.cir",
    "application/vnd.oma.dd+xml",
    "application/vnd.oma.drm.message",
    "application/vnd.oma.drm.content",
    "application/vnd.oma.drm.rights+xml",
    "application/vnd.oma.drm.rights+wbxml",
    "application/vnd.wv.csp+xml",
    "application/vnd.wv.csp+wbxml",
    "application/vnd.syncml.ds.notification",
    "audio/*",
    "video/*",
    "application/vnd.oma.dd2+xml",
    "application/mikey",
    "application/vnd.oma.dcd",
    "application/vnd.oma.dcdc",
];

/// Header fields 00 to 47; some names have a second number from a later encoding version.
const FIELDS: [&str; 0x48] = [
    "Accept",
    "Accept-Charset",
    "Accept-Encoding",
    "Accept-Language",
    "Accept-Ranges",
    "Age",
    "Allow",
    "Authorization",
    "Cache-Control",
    "Connection",
    "Content-Base",
    "Content-Encoding",
    "Content-Language",
    "Content-Length",
    "Content-Location",
    "Content-MD5",
    "Content-Range",
    "Content-Type",
    "Date",
    "Etag",
    "Expires",
    "From",
    "Host",
    "If-Modified-Since",
    "If-Match",
    "If-None-Match",
    "If-Range",
    "If-Unmodified-Since",
    "Location",
    "Last-Modified",
    "Max-Forwards",
    "Pragma",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Public",
    "Range",
    "Referer",
    "Retry-After",
    "Server",
    "Transfer-Encoding",
    "Upgrade",
    "User-Agent",
    "Vary",
    "Via",
    "Warning",
    "WWW-Authenticate",
    "Content-Disposition",
    "X-Wap-Application-Id",
    "X-Wap-Content-URI",
    "X-Wap-Initiator-URI",
    "Accept-Application",
    "Bearer-Indication",
    "Push-Flag",
    "Profile",
    "Profile-Diff",
    "Profile-Warning",
    "Expect",
    "TE",
    "Trailer",
    "Accept-Charset",
    "Accept-Encoding",
    "Cache-Control",
    "Content-Range",
    "X-Wap-Tod",
    "Content-ID",
    "Set-Cookie",
    "Cookie",
    "Encoding-Version",
    "Profile-Warning",
    "Content-Disposition",
    "X-WAP-Security",
    "Cache-Control",
];

/// Parameters 00 to 1D; empty where none is assigned. Some names have a second number from a later encoding version.
const PARAMETERS: [&str; 0x1E] = [
    "Q",
    "Charset",
    "Level",
    "Type",
    "",
    "Name",
    "Filename",
    "Differences",
    "Padding",
    "Type",
    "Start",
    "Start-info",
    "Comment",
    "Domain",
    "Max-Age",
    "Path",
    "Secure",
    "SEC",
    "MAC",
    "Creation-date",
    "Modification-date",
    "Read-date",
    "Size",
    "Name",
    "Filename",
    "Start",
    "Start-info",
    "Comment",
    "Domain",
    "Path",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows that the facts about pushes name, against the place that a long list gives them.
    #[test]
    fn numbers_that_matter_have_their_names() {
        for (code, name) in [
            (0x2D, "text/vnd.wap.si"),
            (0x2E, "application/vnd.wap.sic"),
            (0x30, "application/vnd.wap.slc"),
            (0x32, "application/vnd.wap.coc"),
            (0x34, "application/vnd.wap.sia"),
            (0x35, "text/vnd.wap.connectivity-xml"),
            (0x36, "application/vnd.wap.connectivity-wbxml"),
            (0x3E, "application/vnd.wap.mms-message"),
            (0x42, "application/vnd.syncml.dm+wbxml"),
            (0x43, "application/vnd.syncml.dm+xml"),
            (0x44, "application/vnd.syncml.notification"),
            (0x4A, "application/vnd.oma.drm.rights+xml"),
            (0x4B, "application/vnd.oma.drm.rights+wbxml"),
            (0x4E, "application/vnd.syncml.ds.notification"),
            (0x58, "application/vnd.syncml.dm.notification"),
            (0x030A, "application/vnd.wap.emn+wbxml"),
        ] {
            assert_eq!(MediaCode(code).name(), Some(name));
            assert_eq!(MediaCode::of(&name.to_uppercase()), Some(MediaCode(code)));
        }
        for (code, name) in [
            (0x0C, "Content-Language"),
            (0x0D, "Content-Length"),
            (0x2F, "X-Wap-Application-Id"),
            (0x30, "X-Wap-Content-URI"),
            (0x31, "X-Wap-Initiator-URI"),
            (0x32, "Accept-Application"),
            (0x33, "Bearer-Indication"),
            (0x34, "Push-Flag"),
            (0x40, "Content-ID"),
            (0x43, "Encoding-Version"),
        ] {
            assert_eq!(FieldCode(code).name(), Some(name));
        }
        for (code, name) in [(0x00, "Q"), (0x01, "Charset"), (0x11, "SEC"), (0x12, "MAC"), (0x1D, "Path")] {
            assert_eq!(ParameterCode(code).name(), Some(name));
        }
        assert_eq!(ParameterCode(0x04).name(), None);
        assert_eq!(MediaCode(0x55).name(), None);
        assert_eq!(FieldCode::new(0x48).and_then(FieldCode::name), None);
        assert_eq!(FieldCode::new(0x80), None);
        assert_eq!(PushFlag(0x07).to_string(), "initiator authenticated, content trusted, last push");
    }
}
