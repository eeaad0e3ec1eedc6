//! Elements to XML text.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{is_attribute_name, is_char, is_name, namespace};
use crate::wire::{
    EncodeError,
    infoset::{Element, Node, Vocabulary},
};

const SYNTAX: &str = "XML";

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Line,
    Indented,
    /// Indented, and without a document type.
    Bare,
}

pub(super) fn document(root: &Element, layout: Layout) -> Result<String, EncodeError> {
    root.check_limits()?;
    let mut out = String::from(r#"<?xml version="1.0" encoding="UTF-8"?>"#);
    let mut writer = Writer { out: &mut out, layout, root };
    let typed = root.vocabulary == Vocabulary::Prov && root.name == "wap-provisioningdoc";
    if typed && layout != Layout::Bare {
        writer.new_line(0);
        writer.out.push_str(concat!(
            r#"<!DOCTYPE wap-provisioningdoc PUBLIC "-//WAPFORUM//DTD PROV 1.0//EN" "#,
            r#""http://www.wapforum.org/DTD/prov.dtd">"#
        ));
    }
    writer.new_line(0);
    writer.element(root, None, 0)?;
    if layout != Layout::Line {
        out.push('\n');
    }
    Ok(out)
}

struct Writer<'a> {
    out: &'a mut String,
    layout: Layout,
    root: &'a Element,
}

impl Writer<'_> {
    /// Recursion is bounded: the depth was checked before.
    fn element(
        &mut self,
        element: &Element,
        around: Option<Vocabulary>,
        depth: usize,
    ) -> Result<(), EncodeError> {
        if !is_name(&element.name) {
            return Err(EncodeError::Name { name: element.name.clone(), syntax: SYNTAX });
        }
        let provisioning = |v| v == Vocabulary::Prov;
        if around.is_some_and(|v| provisioning(v) != provisioning(element.vocabulary)) {
            return Err(EncodeError::Foreign {
                name: element.name.clone(),
                document: self.root.name.clone(),
            });
        }
        self.out.push('<');
        self.out.push_str(&element.name);
        if around != Some(element.vocabulary)
            && let Some(namespace) = namespace(element.vocabulary)
        {
            self.out.push_str(" xmlns=\"");
            self.out.push_str(namespace);
            self.out.push('"');
        }
        for (n, attribute) in element.attributes.iter().enumerate() {
            if !is_attribute_name(&attribute.name) {
                return Err(EncodeError::Name { name: attribute.name.clone(), syntax: SYNTAX });
            }
            if element.attributes.iter().take(n).any(|before| before.name == attribute.name) {
                return Err(EncodeError::Twice {
                    attribute: attribute.name.clone(),
                    element: element.name.clone(),
                });
            }
            self.out.push(' ');
            self.out.push_str(&attribute.name);
            self.out.push_str("=\"");
            self.escaped(&attribute.name, &attribute.value, Place::Attribute)?;
            self.out.push('"');
        }
        if element.children.is_empty() {
            self.out.push_str("/>");
            return Ok(());
        }
        self.out.push('>');
        let lines = element.children.iter().all(|n| matches!(n, Node::Element(_)));
        for node in &element.children {
            match node {
                Node::Element(inner) => {
                    if lines {
                        self.new_line(depth + 1);
                    }
                    self.element(inner, Some(element.vocabulary), depth + 1)?;
                }
                Node::Text(text) => self.escaped(&element.name, text, Place::Text)?,
                Node::Opaque(octets) => match std::str::from_utf8(octets) {
                    Ok(text) if text.chars().all(is_char) => {
                        self.escaped(&element.name, text, Place::Text)?;
                    }
                    _ => STANDARD.encode_string(octets, self.out),
                },
            }
        }
        if lines {
            self.new_line(depth);
        }
        self.out.push_str("</");
        self.out.push_str(&element.name);
        self.out.push('>');
        Ok(())
    }

    fn new_line(&mut self, depth: usize) {
        if self.layout != Layout::Line {
            self.out.push('\n');
            for _ in 0..depth {
                self.out.push_str("  ");
            }
        }
    }

    /// Escapes what would be read as something else: markup, and white space that a parser would normalise
    /// (XML 1.0, sections 2.11 and 3.3.3).
    fn escaped(&mut self, name: &str, text: &str, place: Place) -> Result<(), EncodeError> {
        for c in text.chars() {
            match (c, place) {
                ('&', _) => self.out.push_str("&amp;"),
                ('<', _) => self.out.push_str("&lt;"),
                ('>', _) => self.out.push_str("&gt;"),
                ('"', Place::Attribute) => self.out.push_str("&quot;"),
                ('\r', _) => self.out.push_str("&#13;"),
                ('\n', Place::Attribute) => self.out.push_str("&#10;"),
                ('\t', Place::Attribute) => self.out.push_str("&#9;"),
                (c, _) if is_char(c) => self.out.push(c),
                (c, _) => {
                    return Err(EncodeError::Character {
                        place: name.to_owned(),
                        code: u32::from(c),
                        syntax: SYNTAX,
                    });
                }
            }
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Place {
    Text,
    Attribute,
}
