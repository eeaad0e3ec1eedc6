//! What a push carries, as its content entity, or as a WSP push.

use crate::wire::{
    pap::multipart::Entity,
    wsp::{
        ApplicationCode, ContentType, Field, FieldCode, MediaCode, MediaType, ParameterCode, Push, Text,
        Value,
    },
};

/// A content type, or an application, that this does not write as a WSP push.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot be written as a WSP push: {0}")]
pub struct NoPush(&'static str);

/// The content of a push: its media type with parameters, the application that it is for, and its octets. `Debug` does not
/// show parameters or octets.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    /// The content type with its parameters, as text: `application/vnd.wap.connectivity-wbxml; SEC=1; MAC=…`.
    pub content_type: String,
    /// `X-Wap-Application-Id`; none for the default one, the browser. Other fields are not sent: one gateway in the field
    /// writes them into the body.
    pub application: Option<String>,
    /// The octets.
    pub octets: Vec<u8>,
}

impl Content {
    /// Whether the content type carries what a device trusts the content by: `SEC` or `MAC`.
    pub fn is_authenticated(&self) -> bool {
        let parameters = self.content_type.split(';').skip(1);
        let mut names = parameters.filter_map(|p| Some(p.split_once('=')?.0.trim()));
        names.any(|name| name.eq_ignore_ascii_case("SEC") || name.eq_ignore_ascii_case("MAC"))
    }

    /// The media type without its parameters.
    pub fn media_type(&self) -> &str {
        self.content_type.split(';').next().unwrap_or_default().trim()
    }

    /// The WSP push, as a gateway would make it.
    ///
    /// # Errors
    /// [`NoPush`] for parameters other than `SEC`, `MAC` and `charset=utf-8`.
    pub fn push(&self, tid: u8) -> Result<Push, NoPush> {
        let text = |text: &str| Text::new(text).map_err(|_| NoPush("a value holds what no text of WSP can"));
        let media = match MediaCode::of(self.media_type()) {
            Some(code) => MediaType::Code(code),
            None => MediaType::Text(text(self.media_type())?),
        };
        let mut content_type = ContentType::new(media);
        for parameter in self.content_type.split(';').skip(1).map(str::trim).filter(|p| !p.is_empty()) {
            let (name, value) = parameter.split_once('=').ok_or(NoPush("a parameter has no value"))?;
            let value = value.trim().trim_matches('"');
            content_type = match name.trim().to_ascii_uppercase().as_str() {
                "SEC" => {
                    let sec = sec(value).ok_or(NoPush("SEC is none; expected 0 to 3 or its name"))?;
                    content_type.with_parameter(ParameterCode::SEC, Value::integer(sec)).with_quoted_length()
                }
                "MAC" => content_type.with_parameter(ParameterCode::MAC, Value::text(text(value)?)),
                "CHARSET" if value.eq_ignore_ascii_case("utf-8") => {
                    content_type.with_parameter(ParameterCode::CHARSET, Value::integer(UTF_8))
                }
                _ => return Err(NoPush("a parameter is none of SEC, MAC and charset=utf-8")),
            };
        }
        let mut push = Push::new(tid, content_type, self.octets.clone());
        if let Some(application) = &self.application {
            let bare = application.strip_prefix("x-wap-application:").unwrap_or(application);
            let named = |n: &u32| ApplicationCode(*n).name().is_some_and(|k| k.eq_ignore_ascii_case(bare));
            let value = match bare.parse().ok().or_else(|| (0..=0xFF).find(named)) {
                Some(number) => Value::integer(u64::from(number)),
                None => Value::text(text(application)?),
            };
            push.fields.push(Field::known(FieldCode::APPLICATION_ID, value));
        }
        Ok(push)
    }

    /// How many octets a WSP push of it has, at most: a gateway may write the type as text and add a length and a version.
    pub(super) fn push_octets(&self) -> usize {
        const FRAME: usize = 3; // transaction identifier, PDU type, length of the headers
        const ADDED: usize = 8; // Content-Length and Encoding-Version
        let application = self.application.as_ref().map_or(0, |a| a.len() + 2);
        FRAME + self.content_type.len() + 1 + application + ADDED + self.octets.len()
    }

    pub(super) fn entity(&self) -> Entity<'_> {
        let mut entity = Entity::new(self.content_type.as_str(), &self.octets);
        if let Some(application) = &self.application {
            entity.fields.push(("X-Wap-Application-Id".to_owned(), application.clone()));
        }
        entity
    }
}

/// The MIBenum of UTF-8 (IANA).
const UTF_8: u64 = 106;

/// `SEC` by its number or name.
fn sec(value: &str) -> Option<u64> {
    Some(match value.to_ascii_uppercase().as_str() {
        "0" | "NETWPIN" | "NETWORKID" => 0,
        "1" | "USERPIN" => 1,
        "2" | "USERNETWPIN" | "USERPIN_NETWORKID" => 2,
        "3" | "USERPINMAC" => 3,
        _ => return None,
    })
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Content({}, {} octets)", self.media_type(), self.octets.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Encode as _;

    #[test]
    fn authentication_is_seen_in_the_content_type() {
        let content = |content_type: &str| Content {
            content_type: content_type.to_owned(),
            application: None,
            octets: vec![3],
        };
        for signed in [
            "application/vnd.wap.connectivity-wbxml; SEC=1; MAC=00AA",
            "application/vnd.wap.connectivity-wbxml;sec=3",
            "application/vnd.syncml.dm+wbxml; charset=utf-8; MAC = AA",
        ] {
            assert!(content(signed).is_authenticated(), "{signed}");
            assert!(!format!("{:?}", content(signed)).contains("AA"));
        }
        for plain in ["application/vnd.wap.sic", "text/plain; charset=utf-8; second=1", "a/b; SECX=1"] {
            assert!(!content(plain).is_authenticated(), "{plain}");
        }
    }
    /// As the real messages have it: type by number, long length, SEC before MAC.
    #[test]
    fn a_wsp_push_is_written_as_gateways_of_operators_do() {
        let mac = "4A4B4C4D4E4F505152535455565758595A5B5C5D";
        let cp = Content {
            content_type: format!("application/vnd.wap.connectivity-wbxml; SEC=USERPIN; MAC={mac}"),
            application: None,
            octets: vec![3, 0x0B],
        };
        let mut wanted = vec![7, 6, 0x2F, 0x1F, 0x2D, 0xB6, 0x91, 0x81, 0x92];
        wanted.extend_from_slice(mac.as_bytes());
        wanted.extend_from_slice(&[0, 3, 0x0B]);
        assert_eq!(cp.push(7).unwrap().to_octets(), wanted);
        let notification = Content {
            content_type: "application/vnd.syncml.notification".into(),
            application: Some("x-wap-application:syncml.dm".into()),
            octets: vec![9],
        };
        assert_eq!(notification.push(1).unwrap().to_octets(), [1, 6, 3, 0xC4, 0xAF, 0x87, 9]);
        let other = Content { content_type: "a/b; q=1".into(), application: None, octets: vec![] };
        assert!(other.push(1).is_err());
    }
}
