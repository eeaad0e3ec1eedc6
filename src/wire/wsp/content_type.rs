//! The content type with its parameters (WAP-230, section 8.4.2.24).

use crate::wire::{DecodeError, Encode, Reader, uintvar};

use super::{
    registry::{MediaCode, ParameterCode},
    value::{LENGTH_QUOTE, SHORT_LENGTH, Text, Value, put_integer, put_length, take_counted, take_integer},
};

/// The most parameters of one content type.
pub const MAX_PARAMETERS: usize = 16;

/// A media type, by number or by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum MediaType {
    /// By number.
    Code(MediaCode),
    /// By name.
    Text(Text),
}

impl MediaType {
    /// The name, where it is known.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Code(code) => code.name(),
            Self::Text(text) => text.as_str(),
        }
    }

    /// True when it is this one, by number or by name; letter case does not count.
    pub fn is(&self, code: MediaCode) -> bool {
        match self {
            Self::Code(own) => *own == code,
            Self::Text(_) => match (self.name(), code.name()) {
                (Some(own), Some(name)) => own.eq_ignore_ascii_case(name),
                _ => false,
            },
        }
    }
}

/// The name of a parameter, by number or by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ParameterName {
    /// By number.
    Code(ParameterCode),
    /// By name.
    Text(Text),
}

impl ParameterName {
    fn is(&self, code: ParameterCode) -> bool {
        match self {
            Self::Code(own) => *own == code,
            Self::Text(text) => match (text.as_str(), code.name()) {
                (Some(own), Some(name)) => own.eq_ignore_ascii_case(name),
                _ => false,
            },
        }
    }
}

/// A parameter.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Parameter {
    /// Its name.
    pub name: ParameterName,
    /// Its value.
    pub value: Value,
}

/// How a content type is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContentForm {
    /// One octet, or a text: `B6`. There is no room for parameters.
    Constrained,
    /// Behind its length of 30 or less, in one octet: `03 AE 81 EA`.
    General,
    /// Behind its length as a uintvar, which every longer one needs and a shorter one may have: `1F 03 B6 91 83`. Some
    /// devices read no other form.
    GeneralQuoted,
}

/// A content type.
///
/// | octets           | field                                                     |
/// |------------------|-----------------------------------------------------------|
/// | 80 to FF         | the whole: a media type by number                         |
/// | text, 00         | the whole: a media type by name                           |
/// | 00 to 1E, or 1F and uintvar | length of what follows                         |
/// | number or text   | media type                                                |
/// | number or text   | a parameter's name, then its value; and so on             |
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ContentType {
    media: MediaType,
    parameters: Vec<Parameter>,
    form: ContentForm,
}

impl ContentType {
    /// A media type without parameters, in the shortest form.
    pub fn new(media: MediaType) -> Self {
        let constrained = !matches!(media, MediaType::Code(MediaCode(0x80..)));
        let form = if constrained { ContentForm::Constrained } else { ContentForm::General };
        Self { media, parameters: Vec::new(), form }
    }

    /// The same with one more parameter. At most [`MAX_PARAMETERS`] are kept.
    #[must_use]
    pub fn with_parameter(mut self, code: ParameterCode, value: Value) -> Self {
        self.push(Parameter { name: ParameterName::Code(code), value });
        self
    }

    /// The same with one more parameter by name. At most [`MAX_PARAMETERS`] are kept.
    #[must_use]
    pub fn with_named(mut self, name: Text, value: Value) -> Self {
        self.push(Parameter { name: ParameterName::Text(name), value });
        self
    }

    /// The same with its length written as a uintvar.
    #[must_use]
    pub fn with_quoted_length(mut self) -> Self {
        self.form = ContentForm::GeneralQuoted;
        self
    }

    fn push(&mut self, parameter: Parameter) {
        if self.parameters.len() < MAX_PARAMETERS {
            self.parameters.push(parameter);
        }
        self.form = match self.form {
            ContentForm::GeneralQuoted => ContentForm::GeneralQuoted,
            _ if self.inner().len() > usize::from(SHORT_LENGTH) => ContentForm::GeneralQuoted,
            _ => ContentForm::General,
        };
    }

    /// Media type and parameters, without a length before them.
    fn inner(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match &self.media {
            MediaType::Code(code) => put_integer(code.0, &mut out),
            MediaType::Text(text) => text.encode(&mut out),
        }
        for Parameter { name, value } in &self.parameters {
            match name {
                ParameterName::Code(code) => put_integer(code.0, &mut out),
                ParameterName::Text(text) => text.encode(&mut out),
            }
            value.encode(&mut out);
        }
        out
    }

    /// The media type.
    pub fn media(&self) -> &MediaType {
        &self.media
    }

    /// The parameters in order.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// How it is written.
    pub fn form(&self) -> ContentForm {
        self.form
    }

    /// The value of the first parameter of that name.
    pub fn parameter(&self, code: ParameterCode) -> Option<&Value> {
        self.parameters.iter().find(|p| p.name.is(code)).map(|p| &p.value)
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        const WHAT: &str = "content type";
        let form = match r.peek() {
            Some(0x20..=0x7F) => return Ok(Self::new(MediaType::Text(Text::decode(r, WHAT)?))),
            Some(0x80..) => return Ok(Self::new(MediaType::Code(MediaCode(take_integer(r, WHAT)?)))),
            Some(LENGTH_QUOTE) => ContentForm::GeneralQuoted,
            _ => ContentForm::General,
        };
        let octets = take_counted(r, WHAT)?;
        let base = r.position() - octets.len();
        let mut inner = Reader::new(octets);
        Self::decode_general(&mut inner, form).map_err(|e| e.shifted(base))
    }

    fn decode_general(r: &mut Reader<'_>, form: ContentForm) -> Result<Self, DecodeError> {
        let media = match r.peek() {
            Some(0x20..=0x7F) => MediaType::Text(Text::decode(r, "media type")?),
            _ => MediaType::Code(MediaCode(take_integer(r, "media type")?)),
        };
        let mut content = Self { media, parameters: Vec::new(), form };
        while !r.is_empty() {
            let at = r.position();
            if content.parameters.len() == MAX_PARAMETERS {
                let got = MAX_PARAMETERS + 1;
                return Err(DecodeError::Limit { what: "parameters", at, got, limit: MAX_PARAMETERS });
            }
            let name = match r.peek() {
                Some(0x20..=0x7F) => ParameterName::Text(Text::decode(r, "parameter name")?),
                _ => ParameterName::Code(ParameterCode(take_integer(r, "parameter name")?)),
            };
            if name == ParameterName::Code(ParameterCode::QUALITY) {
                // Its value alone has a form of its own, and it says how well a client likes a type.
                return Err(DecodeError::invalid(
                    "parameter name",
                    at,
                    "a Q factor in the type of a content",
                ));
            }
            content.push(Parameter { name, value: Value::decode(r, "parameter value")? });
        }
        // A length before a single type is kept as it came.
        content.form = form;
        Ok(content)
    }
}

impl Encode for ContentType {
    fn encode(&self, out: &mut Vec<u8>) {
        let mut inner = self.inner();
        match self.form {
            ContentForm::Constrained => {}
            ContentForm::General => put_length(inner.len(), out),
            ContentForm::GeneralQuoted => {
                out.push(LENGTH_QUOTE);
                uintvar::write_length(inner.len(), out);
            }
        }
        out.append(&mut inner);
    }
}
