//! What the values of a profile mean: the readings that [`Notes`] offers.

use toml::{Spanned, de::DeValue};

use super::{
    problem::ProblemKind,
    template::{Placeholder, Template, TemplateError},
    terms::Term,
    url::HttpUrl,
    walk::{Notes, Section, Value, shortened},
};
use crate::ident::nearest;

impl<'i> Notes<'i> {
    fn wrong_type(&mut self, v: &Value<'_, 'i>, expected: &'static str) {
        let got = v.value.type_str();
        self.at(v, ProblemKind::WrongType { key: v.key.clone(), got, expected });
    }

    /// Text of 1 to `max` characters that can be carried, placeholders not looked at.
    fn raw_text<'v>(&mut self, v: &'v Value<'_, 'i>, max: usize, expected: &'static str) -> Option<&'v str> {
        self.carried(v, max, expected, "")
    }

    /// A document of 1 to `max` characters, with ends of lines and tabulators.
    pub(super) fn document(&mut self, v: &Value<'_, 'i>, max: usize) -> Option<String> {
        self.carried(v, max, "a document", "\t\n\r").map(str::to_owned)
    }

    fn carried<'v>(
        &mut self,
        v: &'v Value<'_, 'i>,
        max: usize,
        expected: &'static str,
        controls: &str,
    ) -> Option<&'v str> {
        self.place(&v.path, v.at);
        let Some(text) = v.value.as_str() else {
            self.wrong_type(v, "a string");
            return None;
        };
        let key = v.key.clone();
        if text.is_empty() {
            self.at(v, ProblemKind::Empty { key, expected });
            return None;
        }
        // U+FFFE and U+FFFF are no XML characters (XML 1.0, production 2).
        let bad =
            |c: &char| (c.is_control() && !controls.contains(*c)) || matches!(c, '\u{FFFE}' | '\u{FFFF}');
        if let Some((at, c)) = text.chars().enumerate().find(|(_, c)| bad(c)) {
            self.at(v, ProblemKind::Character { key, code: c.into(), at: at + 1 });
            return None;
        }
        let got = text.chars().count();
        if got > max {
            self.at(v, ProblemKind::TooLong { key, got, max });
            return None;
        }
        Some(text)
    }

    /// Plain text of 1 to `max` characters.
    pub(super) fn text(&mut self, v: &Value<'_, 'i>, max: usize, expected: &'static str) -> Option<String> {
        let text = self.raw_text(v, max, expected)?;
        if Placeholder::ALL.iter().any(|p| text.contains(&format!("{{{p}}}"))) {
            self.at(v, ProblemKind::MisplacedPlaceholder { key: v.key.clone() });
            return None;
        }
        Some(text.to_owned())
    }

    /// Text of digits only.
    pub(super) fn digits(
        &mut self,
        v: &Value<'_, 'i>,
        min: usize,
        max: usize,
        expected: &'static str,
    ) -> Option<String> {
        let text = self.text(v, max, expected)?;
        if text.len() < min || !text.bytes().all(|b| b.is_ascii_digit()) {
            self.invalid(v, format!("expected {expected}, in quotes"));
            return None;
        }
        Some(text)
    }

    /// Text that is carried as it stands and never shown: a secret.
    pub(super) fn secret_text<'v>(&mut self, v: &'v Value<'_, 'i>, max: usize) -> Option<&'v str> {
        self.raw_text(v, max, "a secret")
    }

    /// Text that reads as `T`.
    pub(super) fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(
        &mut self,
        v: &Value<'_, 'i>,
        max: usize,
        expected: &'static str,
    ) -> Option<T> {
        let text = self.text(v, max, expected)?;
        text.parse().map_err(|e: T::Err| self.invalid(v, e.to_string())).ok()
    }

    /// A URL of at most `max` characters.
    pub(super) fn url(&mut self, v: &Value<'_, 'i>, max: usize) -> Option<HttpUrl> {
        self.parse(v, max, "a URL")
    }

    /// Text with placeholders that has at most `max` characters when they are filled in.
    pub(super) fn template(&mut self, v: &Value<'_, 'i>, max: usize) -> Option<Template> {
        let text = self.raw_text(v, usize::MAX, "a name, which may hold placeholders such as {imei}")?;
        let key = v.key.clone();
        match Template::parse(text) {
            Ok(t) if t.max_length() > max => {
                self.at(v, ProblemKind::TooLong { key, got: t.max_length(), max });
                None
            }
            Ok(t) => Some(t),
            Err(TemplateError::Unknown(name)) => {
                let words = Placeholder::ALL.into_iter().map(Placeholder::as_str);
                let suggestion = nearest(&name, words);
                self.at(v, ProblemKind::UnknownPlaceholder { key, name: shortened(&name), suggestion });
                None
            }
            Err(TemplateError::Lone { brace, at }) => {
                self.at(v, ProblemKind::LoneBrace { key, brace, at });
                None
            }
        }
    }

    /// A word of a fixed set.
    pub(super) fn term<T: Term>(&mut self, v: &Value<'_, 'i>) -> Option<T> {
        let text = self.raw_text(v, usize::MAX, "a word of a fixed list")?;
        let found = text.parse().ok();
        if found.is_none() {
            let suggestion = nearest(text, T::WORDS.iter().copied());
            let (value, expected) = (shortened(text), T::WORDS.join(", "));
            self.at(v, ProblemKind::UnknownValue { key: v.key.clone(), value, expected, suggestion });
        }
        found
    }

    /// A whole number in a range.
    pub(super) fn number(&mut self, v: &Value<'_, 'i>, min: u32, max: u32) -> Option<u32> {
        self.place(&v.path, v.at);
        let Some(written) = v.value.as_integer() else {
            self.wrong_type(v, "a whole number");
            return None;
        };
        let number = i64::from_str_radix(written.as_str(), written.radix()).ok();
        let number = number.and_then(|n| u32::try_from(n).ok()).filter(|n| (min..=max).contains(n));
        if number.is_none() {
            let kind = ProblemKind::OutOfRange {
                key: v.key.clone(),
                got: shortened(&written.to_string()),
                min,
                max,
            };
            self.at(v, kind);
        }
        number
    }

    /// A port number.
    pub(super) fn port(&mut self, v: &Value<'_, 'i>) -> Option<u16> {
        self.number(v, 1, 0xFFFF).and_then(|n| u16::try_from(n).ok())
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, v: &Value<'_, 'i>) -> Option<bool> {
        self.place(&v.path, v.at);
        let flag = v.value.as_bool();
        if flag.is_none() {
            self.wrong_type(v, "true or false");
        }
        flag
    }

    /// The entries of an array.
    pub(super) fn list<'a>(
        &mut self,
        v: &Value<'a, 'i>,
        max: usize,
        expected: &'static str,
    ) -> Vec<Value<'a, 'i>> {
        self.place(&v.path, v.at);
        let Some(array) = v.value.as_array() else {
            self.wrong_type(v, expected);
            return Vec::new();
        };
        let got = array.len();
        if got > max {
            self.at(v, ProblemKind::TooMany { key: v.key.clone(), got, max });
        }
        let entry = |(at, e): (usize, &'a Spanned<DeValue<'i>>)| Value {
            key: v.key.clone(),
            path: format!("{}[{at}]", v.path),
            at: e.span().start,
            value: e.get_ref(),
        };
        array.iter().enumerate().map(entry).collect()
    }

    /// The entries of an array of words of a fixed set, each at most once.
    pub(super) fn terms<T: Term + PartialEq + std::fmt::Display>(
        &mut self,
        v: &Value<'_, 'i>,
        expected: &'static str,
    ) -> Vec<T> {
        let mut out = Vec::new();
        for entry in self.list(v, usize::MAX, expected) {
            if let Some(term) = self.term::<T>(&entry) {
                if out.contains(&term) {
                    let (key, value) = (v.key.clone(), term.to_string());
                    self.at(&entry, ProblemKind::DoubledEntry { key, value });
                } else {
                    out.push(term);
                }
            }
        }
        out
    }

    /// The value as a table.
    pub(super) fn section<'a>(
        &mut self,
        v: &Value<'a, 'i>,
        place: &'static str,
        keys: &'static [&'static str],
    ) -> Option<Section<'a, 'i>> {
        match v.value {
            DeValue::Table(table) => Some(Section::open(self, table, place, v.path.clone(), v.at, keys)),
            _ => {
                self.wrong_type(v, "a table");
                None
            }
        }
    }

    /// The value as an array of tables.
    pub(super) fn sections<'a>(
        &mut self,
        v: &Value<'a, 'i>,
        max: usize,
        place: &'static str,
        keys: &'static [&'static str],
    ) -> Vec<Section<'a, 'i>> {
        let entries = self.list(v, max, "an array of tables");
        entries.iter().filter_map(|e| self.section(e, place, keys)).collect()
    }
}
