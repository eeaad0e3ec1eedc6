//! The content entity of a push as a WSP PDU (WAP-230 WSP, section 8.2.4).
//!
//! Type, parameters and header fields of the entity go out as [`Push::of_entity`] writes them; fields that speak of the
//! transport to us do not, nor those that are the gateway's to say.

use base64::Engine as _;

use super::{Rights, Switches};
use crate::bearer::{Refused, signed::unsigned};
use crate::wire::{
    Encode as _,
    pap::{StatusCode, multipart},
    wsp::{EntityError, Field, FieldCode, Push, PushFlag, Text, Value},
};

/// Fields of the entity that say something to us and nothing to the device.
const OURS: &[&str] = &[
    "content-type",
    "content-length",
    "content-transfer-encoding",
    "content-disposition",
    "mime-version",
    "connection",
    "transfer-encoding",
    "host",
    "user-agent",
    "accept",
    "authorization",
    "push-flag",
    "x-wap-push-flag",
    "x-wap-initiator-uri",
];

/// What `Encoding-Version` says: WSP 1.3.
const ENCODING_VERSION: u64 = 0x13;

/// The WSP PDU for a content entity, and its media type.
pub(super) struct Content {
    pub(super) octets: Vec<u8>,
}

/// Makes the PDU.
pub(super) fn encode(
    fields: &[(String, String)],
    body: &[u8],
    rights: &Rights,
    switches: Switches,
    tid: u8,
) -> Result<Content, Refused> {
    let field =
        |name: &str| fields.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str());
    let text = field("content-type").ok_or_else(|| bad("the content entity has no Content-Type"))?;
    let (kind, _) = multipart::media_type(text).map_err(|e| bad(&format!("content entity: {e}")))?;
    if !rights.allows_type(&kind) {
        return Err(forbidden(format!("this initiator may not push content of the type {kind}")));
    }
    let mut push = Push::of_entity(tid, text, Vec::new())?;
    if let Some(why) = unsigned(&kind, &push.content_type).filter(|_| !rights.unsigned_bootstrap) {
        return Err(forbidden(format!(
            "{why}; sign it, or give this initiator the right unsigned-bootstrap"
        )));
    }
    push.body = match field("content-transfer-encoding").map(str::trim) {
        None => body.to_vec(),
        Some(plain) if ["binary", "8bit", "7bit"].iter().any(|p| plain.eq_ignore_ascii_case(p)) => {
            body.to_vec()
        }
        Some(coded) if coded.eq_ignore_ascii_case("base64") => {
            let text: Vec<u8> = body.iter().copied().filter(|o| !o.is_ascii_whitespace()).collect();
            let decoded = base64::engine::general_purpose::STANDARD.decode(text);
            decoded.map_err(|_| bad("the content entity is not the base64 that it says"))?
        }
        Some(_) => return Err(bad("Content-Transfer-Encoding: expected binary, 8bit, 7bit or base64")),
    };
    let theirs = |name: &str| !OURS.contains(&name.to_ascii_lowercase().as_str());
    for (name, value) in fields.iter().filter(|(name, _)| theirs(name)) {
        push = push.with_field(name, value)?;
    }
    add_own(&mut push, rights, switches)?;
    let mut octets = Vec::with_capacity(push.body.len() + 96);
    push.encode(&mut octets);
    Ok(Content { octets })
}

/// What the gateway says by itself.
fn add_own(push: &mut Push, rights: &Rights, switches: Switches) -> Result<(), Refused> {
    if let Some(uri) = &rights.uri {
        let uri = Text::new(uri.as_bytes()).map_err(|e| bad(&format!("X-Wap-Initiator-URI: {e}")))?;
        push.fields.push(Field::known(FieldCode::INITIATOR_URI, Value::text(uri)));
    }
    if let Some(PushFlag(flag)) = rights.push_flag {
        push.fields.push(Field::known(FieldCode::PUSH_FLAG, Value::integer(u64::from(flag))));
    }
    if switches.content_length {
        let length = u64::try_from(push.body.len()).unwrap_or(u64::MAX);
        push.fields.push(Field::known(FieldCode::CONTENT_LENGTH, Value::integer(length)));
    }
    if switches.encoding_version {
        push.fields.push(Field::known(FieldCode::ENCODING_VERSION, Value::integer(ENCODING_VERSION)));
    }
    Ok(())
}

impl From<EntityError> for Refused {
    fn from(error: EntityError) -> Self {
        bad(&format!("content entity: {error}"))
    }
}

fn bad(why: &str) -> Refused {
    Refused { code: StatusCode::BAD_REQUEST, why: why.to_owned() }
}

fn forbidden(why: String) -> Refused {
    Refused { code: StatusCode::FORBIDDEN, why }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: &str = "AABBCCDDEEFF00112233445566778899AABBCCDD";

    fn pdu(fields: &[(&str, &str)], rights: &Rights) -> Result<Vec<u8>, Refused> {
        let fields: Vec<_> = fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        encode(&fields, b"body", rights, Switches::default(), 7).map(|c| c.octets)
    }

    #[test]
    fn a_signed_provisioning_document_goes_out_as_operators_send_it() {
        let kind = format!("application/vnd.wap.connectivity-wbxml; MAC={MAC}; SEC=1");
        let octets =
            pdu(&[("Content-Type", &kind), ("X-Wap-Application-Id", "wml.ua")], &Rights::all()).unwrap();
        let mut expected = vec![7, 6, 0x2F, 0x1F, 0x2D, 0xB6, 0x91, 0x81, 0x92];
        expected.extend_from_slice(MAC.as_bytes());
        expected.extend_from_slice(b"\0body");
        assert_eq!(octets, expected);
    }

    #[test]
    fn a_notification_keeps_its_application() {
        for application in ["x-wap-application:syncml.dm", "syncml.dm", "7"] {
            let kind = ("content-type", "application/vnd.syncml.notification");
            let octets = pdu(&[kind, ("X-WAP-Application-ID", application)], &Rights::all()).unwrap();
            assert_eq!(octets, b"\x07\x06\x03\xC4\xAF\x87body", "{application}");
        }
    }

    #[test]
    fn rights_say_what_goes_out_and_what_does_not() {
        let si = ("Content-Type", "text/vnd.wap.si; charset=utf-8");
        let plain = pdu(&[si, ("Push-Flag", "7"), ("X-Wap-Initiator-URI", "http://evil/")], &Rights::all());
        assert_eq!(plain.unwrap(), b"\x07\x06\x04\x03\xAD\x81\xEAbody");
        let named = Rights {
            uri: Some("http://op/".into()),
            push_flag: Some(PushFlag(3)),
            content_types: vec!["text/vnd.wap.si".into()],
            ..Rights::all()
        };
        let octets = pdu(&[si], &named).unwrap();
        assert!(octets.ends_with(b"\xB1http://op/\0\xB4\x83body"), "{octets:02X?}");
        let refused = pdu(&[("Content-Type", "text/vnd.wap.sl")], &named).unwrap_err();
        assert_eq!(refused.code, StatusCode::FORBIDDEN);
    }

    #[test]
    fn a_bootstrap_that_nobody_signed_is_refused_unless_that_is_a_right() {
        for kind in [
            "application/vnd.wap.connectivity-wbxml",
            "application/vnd.wap.connectivity-wbxml; SEC=1",
            "application/vnd.syncml.dm+xml",
            "application/x-wap-prov.browser-settings",
            "application/vnd.wap.multipart.mixed",
        ] {
            let refused = pdu(&[("Content-Type", kind)], &Rights::all()).unwrap_err();
            assert_eq!(refused.code, StatusCode::FORBIDDEN, "{kind}");
            assert!(refused.why.contains("unsigned-bootstrap"));
            let privileged = Rights { unsigned_bootstrap: true, ..Rights::all() };
            assert!(pdu(&[("Content-Type", kind)], &privileged).is_ok());
        }
        // What only looks like a signature is none.
        for bad in ["SEC=9", "SEC=1; MAC=12", &format!("SEC=1; MAC={MAC}0")] {
            let kind = format!("application/vnd.wap.connectivity-wbxml; {bad}");
            assert_eq!(
                pdu(&[("Content-Type", &kind)], &Rights::all()).unwrap_err().code,
                StatusCode::BAD_REQUEST
            );
        }
    }

    #[test]
    fn headers_are_read_back_and_base64_is_undone() {
        let fields = [
            ("Content-Type", "application/x-own; name=\"a b\""),
            ("Content-Transfer-Encoding", "base64"),
            ("Cache-Control", "no-cache"),
            ("X-Foo", "bar"),
            ("Content-Language", "de"),
        ];
        let fields: Vec<_> = fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let switches = Switches { content_length: true, encoding_version: true };
        let octets = encode(&fields, b"Ym9k\r\neQ==", &Rights::all(), switches, 1).unwrap().octets;
        let push = Push::decode(&octets).unwrap();
        assert_eq!(push.body, b"body");
        assert_eq!(push.content_type.media().name(), Some("application/x-own"));
        assert_eq!(push.field(FieldCode::CONTENT_LENGTH).and_then(Value::as_integer), Some(4));
        assert_eq!(push.field(FieldCode::ENCODING_VERSION).and_then(Value::as_integer), Some(0x13));
        assert_eq!(push.fields.len(), 5);
        let broken = encode(&fields, b"%%", &Rights::all(), switches, 1).err().unwrap();
        assert_eq!(broken.code, StatusCode::BAD_REQUEST);
    }
}
