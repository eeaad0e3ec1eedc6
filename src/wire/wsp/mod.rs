//! The WSP Push PDU of the connectionless service (WAP-230 WSP, sections 8.2.4 and 8.4): what a push carries over SMS and
//! UDP in front of its content.
//!
//! | octets   | field                                                              |
//! |----------|--------------------------------------------------------------------|
//! | 1        | transaction identifier, any                                        |
//! | 1        | PDU type: 06 Push, 07 ConfirmedPush                                |
//! | uintvar  | length of the headers                                              |
//! | …        | headers: the content type, then header fields                      |
//! | the rest | body                                                               |

mod content_type;
mod entity;
mod field;
mod registry;
#[cfg(test)]
mod tests;
mod value;

pub use content_type::{ContentForm, ContentType, MAX_PARAMETERS, MediaType, Parameter, ParameterName};
pub use entity::EntityError;
pub use field::{Field, MAX_FIELDS};
pub use registry::{ApplicationCode, FieldCode, MediaCode, ParameterCode, PushFlag, Sec};
pub use value::{Text, TextError, Token, Value};

use std::{borrow::Cow, fmt};

use super::{DecodeError, Encode, Reader, mac::Mac, uintvar};

/// Which PDU it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PushKind {
    /// 06.
    Push = 0x06,
    /// 07: to be confirmed. It has its place in a WSP session only.
    ConfirmedPush = 0x07,
}

/// A push. `Debug` does not show the body: it holds secrets often enough.
#[derive(Clone, PartialEq, Eq)]
pub struct Push {
    /// Transaction identifier. On the connectionless service any will do.
    pub tid: u8,
    /// Which PDU it is.
    pub kind: PushKind,
    /// The content type.
    pub content_type: ContentType,
    /// The header fields behind it. At most [`MAX_FIELDS`] can be read back.
    pub fields: Vec<Field>,
    /// The content.
    pub body: Vec<u8>,
}

/// What says that a bootstrap comes from where it should: `SEC` and `MAC`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authentication {
    /// Which key was used.
    pub sec: Sec,
    /// The check value; none with USERPINMAC, where the user enters it.
    pub mac: Option<Mac>,
}

/// `SEC` and `MAC` as a message presents them, before anything was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    /// `SEC`; none when it is missing or not a number.
    pub sec: Option<Sec>,
    /// `MAC` as it came, without the quote that is legal in front of it.
    pub mac: Option<String>,
}

/// The application that a push is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApplicationId {
    /// By number.
    Code(ApplicationCode),
    /// By its URI, `x-wap-application:wml.ua`.
    Uri(String),
}

impl Push {
    /// A push without header fields.
    pub fn new(tid: u8, content_type: ContentType, body: Vec<u8>) -> Self {
        Self { tid, kind: PushKind::Push, content_type, fields: Vec::new(), body }
    }

    /// A client provisioning document. Its application is the default one and its type stands first, both as every
    /// operator sends it; the simplest readers know no other form (OMA ProvBoot 1.1, section 6).
    pub fn client_provisioning(tid: u8, authentication: Option<&Authentication>, document: Vec<u8>) -> Self {
        Self::new(tid, authenticated(MediaCode::CONNECTIVITY_WBXML, authentication), document)
    }

    /// A DM bootstrap message. (That the application identifier of notifications goes with it is remembered, not read.)
    pub fn dm_bootstrap(tid: u8, authentication: Option<&Authentication>, message: Vec<u8>) -> Self {
        let content_type = authenticated(MediaCode::SYNCML_DM_WBXML, authentication);
        Self::new(tid, content_type, message).with_application(ApplicationCode::SYNCML_DM)
    }

    /// A package 0 (OMA DM Notification 1.2): type, then application identifier, in that order.
    pub fn notification(tid: u8, package0: Vec<u8>) -> Self {
        let content_type = ContentType::new(MediaType::Code(MediaCode::SYNCML_NOTIFICATION));
        Self::new(tid, content_type, package0).with_application(ApplicationCode::SYNCML_DM)
    }

    /// The same with the application that it is for.
    #[must_use]
    pub fn with_application(mut self, code: ApplicationCode) -> Self {
        self.fields.push(Field::known(FieldCode::APPLICATION_ID, Value::integer(u64::from(code.0))));
        self
    }

    /// The value of the first field of that number. Fields behind a switch to another code page are other fields.
    pub fn field(&self, code: FieldCode) -> Option<&Value> {
        let mut page = 1;
        self.fields.iter().find_map(|field| match field {
            Field::Page(to) => {
                page = *to;
                None
            }
            Field::Known { code: own, value } if *own == code && page == 1 => Some(value),
            Field::Named { name, value }
                if code.name().is_some_and(|n| n.eq_ignore_ascii_case(name.as_str())) =>
            {
                Some(value)
            }
            _ => None,
        })
    }

    /// The application that it is for; none when it does not say, which means `wml.ua`.
    pub fn application(&self) -> Option<ApplicationId> {
        let value = self.field(FieldCode::APPLICATION_ID)?;
        match (value.as_integer().and_then(|n| u32::try_from(n).ok()), value.as_text()) {
            (Some(code), _) => Some(ApplicationId::Code(ApplicationCode(code))),
            (None, Some(text)) => Some(ApplicationId::Uri(text.to_string())),
            (None, None) => None,
        }
    }

    /// What its gateway says of it.
    pub fn push_flag(&self) -> Option<PushFlag> {
        let number = self.field(FieldCode::PUSH_FLAG)?.as_integer()?;
        u8::try_from(number).ok().map(PushFlag)
    }

    /// `SEC` and `MAC`; none when it has neither.
    pub fn presented(&self) -> Option<Presented> {
        let sec = self.content_type.parameter(ParameterCode::SEC);
        let mac = self.content_type.parameter(ParameterCode::MAC);
        if sec.is_none() && mac.is_none() {
            return None;
        }
        let number = sec.and_then(|value| match value.as_text().and_then(Text::as_str) {
            Some(digits) => digits.parse().ok(),
            None => value.as_integer().and_then(|n| u8::try_from(n).ok()),
        });
        let mac = mac.and_then(Value::as_text).and_then(Text::as_str).map(|text| {
            let bare = text.strip_prefix('"').unwrap_or(text);
            bare.strip_suffix('"').unwrap_or(bare).to_owned()
        });
        Some(Presented { sec: number.map(Sec), mac })
    }

    /// Reads a push; the body is whatever stands behind the headers.
    ///
    /// # Errors
    /// Any [`DecodeError`]; no length that the octets claim is believed before the octets are there.
    pub fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(octets);
        let tid = r.u8("transaction identifier")?;
        let kind = match r.u8("PDU type")? {
            0x06 => PushKind::Push,
            0x07 => PushKind::ConfirmedPush,
            other => {
                let why = format!("{other:02X}; expected 06 (Push) or 07 (ConfirmedPush)");
                return Err(DecodeError::invalid("PDU type", 1, why));
            }
        };
        let length = uintvar::read_length(&mut r, "headers length")?;
        let base = r.position();
        let mut headers = Reader::new(r.take("headers", length)?);
        let (content_type, fields) = decode_headers(&mut headers).map_err(|e| e.shifted(base))?;
        Ok(Self { tid, kind, content_type, fields, body: r.rest().to_vec() })
    }
}

fn decode_headers(r: &mut Reader<'_>) -> Result<(ContentType, Vec<Field>), DecodeError> {
    let content_type = ContentType::decode(r)?;
    let mut fields = Vec::new();
    while !r.is_empty() {
        if fields.len() == MAX_FIELDS {
            let (at, got) = (r.position(), MAX_FIELDS + 1);
            return Err(DecodeError::Limit { what: "header fields", at, got, limit: MAX_FIELDS });
        }
        fields.push(Field::decode(r)?);
    }
    Ok((content_type, fields))
}

/// The content type of a bootstrap. With a signature its length is written as a uintvar even where one octet would do
/// (`1F 03 B6 91 83`): a device in the field reads nothing else. `SEC` stands before `MAC`, and nothing besides.
fn authenticated(code: MediaCode, authentication: Option<&Authentication>) -> ContentType {
    let mut content_type = ContentType::new(MediaType::Code(code));
    if let Some(Authentication { sec, mac }) = authentication {
        content_type = content_type
            .with_parameter(ParameterCode::SEC, Value::integer(u64::from(sec.0)))
            .with_quoted_length();
        if let Some(mac) = mac {
            content_type = content_type.with_parameter(ParameterCode::MAC, Value::text(Text::of_mac(mac)));
        }
    }
    content_type
}

impl ApplicationId {
    /// The URI.
    pub fn uri(&self) -> Cow<'_, str> {
        match self {
            Self::Code(code) => match code.name() {
                Some(name) if name.contains(':') => Cow::Borrowed(name),
                Some(name) => Cow::Owned(format!("x-wap-application:{name}")),
                None => Cow::Owned(format!("{:02X}", code.0)),
            },
            Self::Uri(uri) => Cow::Borrowed(uri),
        }
    }

    /// True when it is this application, by number or by name; letter case and the prefix do not count.
    pub fn is(&self, code: ApplicationCode) -> bool {
        match self {
            Self::Code(own) => *own == code,
            Self::Uri(uri) => {
                let bare = uri.rsplit_once(':').map_or(uri.as_str(), |(_, name)| name);
                code.name().is_some_and(|name| {
                    name.rsplit_once(':').map_or(name, |(_, n)| n).eq_ignore_ascii_case(bare)
                })
            }
        }
    }
}

impl Encode for Push {
    fn encode(&self, out: &mut Vec<u8>) {
        let mut headers = Vec::new();
        self.content_type.encode(&mut headers);
        self.fields.iter().for_each(|field| field.encode(&mut headers));
        out.extend_from_slice(&[self.tid, self.kind as u8]);
        uintvar::write_length(headers.len(), out);
        out.append(&mut headers);
        out.extend_from_slice(&self.body);
    }
}

impl fmt::Debug for Push {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Push")
            .field("tid", &self.tid)
            .field("kind", &self.kind)
            .field("content_type", &self.content_type)
            .field("fields", &self.fields)
            .field("body", &format_args!("{} octets", self.body.len()))
            .finish()
    }
}
