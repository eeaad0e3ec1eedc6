//! A content entity as text speaks of it, as a WSP push (WAP-230, sections 8.2.4 and 8.4): what a Push Proxy Gateway does
//! with the content of a push, and an initiator does itself where its gateway does not.
//!
//! The media type goes out by number where it has one, its parameters stay: `SEC` and `MAC` are what makes a bootstrap
//! worth something. `SEC` stands before `MAC`, and with them the length is written as a uintvar, because devices in the
//! field read nothing else.

use super::{
    ApplicationCode, ContentType, Field, FieldCode, MediaCode, MediaType, ParameterCode, Push, Sec, Text,
    Token, Value,
};
use crate::wire::pap::multipart;

/// Digits of a check value.
const MAC_DIGITS: usize = 40;

/// What cannot be written as a WSP push. It says what was expected and does not repeat the value, which may be secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {why}")]
pub struct EntityError {
    what: String,
    why: String,
}

impl Push {
    /// The push of a content type with its parameters as text, `application/vnd.wap.connectivity-wbxml; SEC=1; MAC=…`.
    ///
    /// # Errors
    /// [`EntityError`]: the type or a parameter is none, or holds what no text of WSP can.
    pub fn of_entity(tid: u8, content_type: &str, body: Vec<u8>) -> Result<Self, EntityError> {
        let (kind, parameters) =
            multipart::media_type(content_type).map_err(|e| error("Content-Type", &e.to_string()))?;
        Ok(Self::new(tid, self::content_type(&kind, &parameters)?, body))
    }

    /// The same with a header field of the entity; `X-Wap-Application-Id` of the default application goes without saying.
    ///
    /// # Errors
    /// [`EntityError`]: the name is none, or the value holds what no text of WSP can.
    pub fn with_field(mut self, name: &str, value: &str) -> Result<Self, EntityError> {
        self.fields.extend(field(name, value)?);
        Ok(self)
    }
}

fn content_type(kind: &str, parameters: &[(String, String)]) -> Result<ContentType, EntityError> {
    let media = match MediaCode::of(kind) {
        Some(code) => MediaType::Code(code),
        None => MediaType::Text(text("Content-Type", kind)?),
    };
    let mut content_type = ContentType::new(media);
    let named =
        |name: &str| parameters.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.trim());
    if let Some(sec) = named("SEC") {
        let sec = sec_of(sec)
            .ok_or_else(|| error("SEC", "expected 0 to 3, or NETWPIN, USERPIN, USERNETWPIN, USERPINMAC"))?;
        content_type = content_type
            .with_parameter(ParameterCode::SEC, Value::integer(u64::from(sec.0)))
            .with_quoted_length();
    }
    if let Some(mac) = named("MAC") {
        if mac.len() != MAC_DIGITS || !mac.bytes().all(|o| o.is_ascii_hexdigit()) {
            return Err(error("MAC", "expected 40 hexadecimal digits"));
        }
        content_type = content_type.with_parameter(ParameterCode::MAC, Value::text(text("MAC", mac)?));
    }
    let others =
        parameters.iter().filter(|(n, _)| !n.eq_ignore_ascii_case("SEC") && !n.eq_ignore_ascii_case("MAC"));
    for (name, value) in others {
        let charset = charset(value).filter(|_| name.eq_ignore_ascii_case("charset"));
        content_type = match charset {
            Some(number) => content_type.with_parameter(ParameterCode::CHARSET, Value::integer(number)),
            None => content_type.with_named(text(name, name)?, Value::text(text(name, value)?)),
        };
    }
    Ok(content_type)
}

/// IANA's number (MIBenum) of a character set.
fn charset(name: &str) -> Option<u64> {
    Some(match name.to_ascii_lowercase().as_str() {
        "us-ascii" => 3,
        "iso-8859-1" => 4,
        "utf-8" => 106,
        "iso-10646-ucs-2" | "ucs-2" => 1000,
        "utf-16" => 1015,
        _ => return None,
    })
}

/// `SEC` as a number, or as the name of the method, which some initiators write.
fn sec_of(text: &str) -> Option<Sec> {
    Some(match text.to_ascii_uppercase().as_str() {
        "0" | "NETWPIN" | "NETWORKID" => Sec::NETWPIN,
        "1" | "USERPIN" => Sec::USERPIN,
        "2" | "USERNETWPIN" | "USERPIN_NETWORKID" => Sec::USERNETWPIN,
        "3" | "USERPINMAC" => Sec::USERPINMAC,
        _ => return None,
    })
}

/// A field of the entity as a field of the PDU; none for what is meant anyway.
fn field(name: &str, value: &str) -> Result<Option<Field>, EntityError> {
    let lower = name.to_ascii_lowercase();
    Ok(Some(match lower.as_str() {
        "x-wap-application-id" => {
            let bare = value.strip_prefix("x-wap-application:").unwrap_or(value);
            let known = |n: &u32| ApplicationCode(*n).name().is_some_and(|k| k.eq_ignore_ascii_case(bare));
            match bare.parse().ok().or_else(|| (0..=0xFF).find(known)) {
                // The default; operators leave it out, and the simplest readers know no other form.
                Some(n) if ApplicationCode(n) == ApplicationCode::WML_UA => return Ok(None),
                Some(n) => Field::known(FieldCode::APPLICATION_ID, Value::integer(u64::from(n))),
                None => Field::known(FieldCode::APPLICATION_ID, Value::text(text(name, value)?)),
            }
        }
        "x-wap-content-uri" => Field::known(FieldCode::CONTENT_URI, Value::text(text(name, value)?)),
        "content-language" if value.eq_ignore_ascii_case("en") => {
            Field::known(FieldCode::CONTENT_LANGUAGE, Value::integer(0x19))
        }
        "content-language" => Field::known(FieldCode::CONTENT_LANGUAGE, Value::text(text(name, value)?)),
        // By name every field may go, whatever form its value has by number (WAP-230, section 8.4.2.6).
        _ => {
            let token = Token::new(name).map_err(|_| error("a header field", "its name is none"))?;
            Field::Named { name: token, value: Value::text(text(name, value)?) }
        }
    }))
}

fn text(what: &str, value: &str) -> Result<Text, EntityError> {
    Text::new(value.as_bytes()).map_err(|e| error(what, &e.to_string()))
}

fn error(what: &str, why: &str) -> EntityError {
    EntityError { what: what.to_owned(), why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Encode as _;

    const MAC: &str = "4A4B4C4D4E4F505152535455565758595A5B5C5D";

    /// As the real messages have it: type by number, long length, SEC before MAC in whatever order they were given.
    #[test]
    fn a_signed_document_is_written_as_gateways_of_operators_do() {
        let mut wanted = vec![7, 6, 0x2F, 0x1F, 0x2D, 0xB6, 0x91, 0x81, 0x92];
        wanted.extend_from_slice(MAC.as_bytes());
        wanted.extend_from_slice(&[0, 3, 0x0B]);
        for parameters in
            [format!("SEC=USERPIN; MAC={MAC}"), format!("mac=\"{MAC}\";sec=1"), format!("SEC=1 ;MAC= {MAC}")]
        {
            let kind = format!("application/vnd.wap.connectivity-wbxml; {parameters}");
            let push = Push::of_entity(7, &kind, vec![3, 0x0B]).unwrap();
            assert_eq!(push.to_octets(), wanted, "{parameters}");
            let with = push.with_field("X-Wap-Application-Id", "x-wap-application:wml.ua").unwrap();
            assert_eq!(with.to_octets(), wanted);
        }
    }

    #[test]
    fn fields_go_by_number_where_they_have_one() {
        for application in ["x-wap-application:syncml.dm", "syncml.dm", "SyncML.DM", "7"] {
            let push = Push::of_entity(1, "application/vnd.syncml.notification", vec![9]).unwrap();
            let push = push.with_field("X-WAP-Application-Id", application).unwrap();
            assert_eq!(push.to_octets(), [1, 6, 3, 0xC4, 0xAF, 0x87, 9], "{application}");
        }
        let push = Push::of_entity(1, "a/b; q=1; charset=utf-8", Vec::new()).unwrap();
        let push = push.with_field("X-Foo", "bar").unwrap().with_field("Content-Language", "en").unwrap();
        assert_eq!(push.to_octets(), b"\x01\x06\x17\x0A\x61/b\0q\x001\0\x81\xEAX-Foo\0bar\0\x8C\x99");
    }

    #[test]
    fn what_cannot_be_written_says_why_and_not_what() {
        for (kind, why) in [
            ("text", "Content-Type: "),
            ("a/b; SEC=9", "SEC: expected 0 to 3"),
            ("a/b; SEC=1; MAC=12", "MAC: expected 40 hexadecimal digits"),
        ] {
            let error = Push::of_entity(1, kind, Vec::new()).unwrap_err().to_string();
            assert!(error.starts_with(why), "{error}");
        }
        let push = Push::of_entity(1, "a/b", Vec::new()).unwrap();
        assert!(push.with_field("a b", "c").is_err());
    }
}
