//! A document piece by piece: what the readers of WBXML and XML hand out, and what the writers take.
//!
//! A document goes from one syntax into the other ([`super::convert`]) without ever standing in memory as elements; the
//! readers and writers of elements ([`Element`]) are made of the same two parts.

use std::borrow::Cow;

use super::{
    EncodeError,
    infoset::{Attribute, Element, MAX_ATTRIBUTES, Node, Vocabulary},
};

/// Name and value of an attribute, borrowed from the document where they stand there as they are.
pub(super) type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Takes what a reader finds, in the order of the document. It cannot stop the reader: what is wrong with the document
/// itself is told before what is wrong with that which becomes of it, wherever the two stand.
///
/// After a reader has succeeded there was one root, and each `open` had its `close`. After it has failed, what was taken
/// is worth nothing.
pub(super) trait Sink<'a> {
    /// An element begins. Its attributes are taken out, or left.
    fn open(&mut self, vocabulary: Vocabulary, name: Cow<'a, str>, attributes: &mut Vec<Pair<'a>>);
    /// Text, never empty, and never twice running.
    fn text(&mut self, text: Cow<'a, str>);
    /// Octets.
    fn opaque(&mut self, octets: &'a [u8]);
    /// The element that began last ends.
    fn close(&mut self);
}

/// Writes a document piece by piece.
pub(super) trait Output {
    /// Begins an element. [`Self::close`] must follow, after what is in it. No two attributes have the same name: readers
    /// refuse that, and [`put`] does.
    fn open<'v>(
        &mut self,
        vocabulary: Vocabulary,
        name: &str,
        attributes: impl Iterator<Item = (&'v str, &'v str)> + Clone,
    ) -> Result<(), EncodeError>;
    /// Writes text.
    fn text(&mut self, text: &str) -> Result<(), EncodeError>;
    /// Writes octets.
    fn opaque(&mut self, octets: &[u8]) -> Result<(), EncodeError>;
    /// Ends the element that began last.
    fn close(&mut self);
}

/// Writes an element with all that is in it. Recursion is bounded by the limit of depth, which the output, or who calls
/// this, must hold.
pub(super) fn put(element: &Element, output: &mut impl Output) -> Result<(), EncodeError> {
    // Those beyond the limit are refused for their number.
    for (n, Attribute { name, .. }) in element.attributes.iter().enumerate().take(MAX_ATTRIBUTES) {
        if element.attributes.iter().take(n).any(|before| before.name == *name) {
            return Err(EncodeError::Twice { attribute: name.clone(), element: element.name.clone() });
        }
    }
    let attributes = element.attributes.iter().map(|a| (a.name.as_str(), a.value.as_str()));
    output.open(element.vocabulary, &element.name, attributes)?;
    for node in &element.children {
        match node {
            Node::Element(inner) => put(inner, output)?,
            Node::Text(text) => output.text(text)?,
            Node::Opaque(octets) => output.opaque(octets)?,
        }
    }
    output.close();
    Ok(())
}

/// Hands out an element with all that is in it, as a reader would. Recursion is as deep as the element, which a limit of
/// depth was put on when it was read.
pub(super) fn replay<'a>(element: &'a Element, sink: &mut impl Sink<'a>) {
    let borrowed = |a: &'a Attribute| (Cow::Borrowed(a.name.as_str()), Cow::Borrowed(a.value.as_str()));
    let mut attributes = element.attributes.iter().map(borrowed).collect();
    sink.open(element.vocabulary, Cow::Borrowed(&element.name), &mut attributes);
    for node in &element.children {
        match node {
            Node::Element(inner) => replay(inner, sink),
            Node::Text(text) => sink.text(Cow::Borrowed(text)),
            Node::Opaque(octets) => sink.opaque(octets),
        }
    }
    sink.close();
}

/// Makes elements of what is read.
#[derive(Default)]
pub(super) struct Tree {
    open: Vec<Element>,
    root: Option<Element>,
}

impl Tree {
    /// The root, when the reader has succeeded.
    pub(super) fn root(self) -> Option<Element> {
        self.root
    }
}

impl<'a> Sink<'a> for Tree {
    fn open(&mut self, vocabulary: Vocabulary, name: Cow<'a, str>, attributes: &mut Vec<Pair<'a>>) {
        let owned =
            |(name, value): Pair<'a>| Attribute { name: name.into_owned(), value: value.into_owned() };
        let attributes = attributes.drain(..).map(owned).collect();
        self.open.push(Element { vocabulary, name: name.into_owned(), attributes, children: Vec::new() });
    }

    fn text(&mut self, text: Cow<'a, str>) {
        if let Some(parent) = self.open.last_mut() {
            parent.children.push(Node::Text(text.into_owned()));
        }
    }

    fn opaque(&mut self, octets: &'a [u8]) {
        if let Some(parent) = self.open.last_mut() {
            parent.children.push(Node::Opaque(octets.to_vec()));
        }
    }

    fn close(&mut self) {
        let Some(element) = self.open.pop() else { return };
        match self.open.last_mut() {
            Some(parent) => parent.children.push(Node::Element(element)),
            None => self.root = Some(element),
        }
    }
}

/// Writes what is read, and keeps the first thing that cannot be written.
pub(super) struct Forward<O> {
    output: O,
    failed: Option<EncodeError>,
}

impl<O: Output> Forward<O> {
    pub(super) fn to(output: O) -> Self {
        Self { output, failed: None }
    }

    /// The output, when all could be written.
    pub(super) fn finish(self) -> Result<O, EncodeError> {
        match self.failed {
            None => Ok(self.output),
            Some(error) => Err(error),
        }
    }

    fn write(&mut self, piece: impl FnOnce(&mut O) -> Result<(), EncodeError>) {
        if self.failed.is_none() {
            self.failed = piece(&mut self.output).err();
        }
    }
}

impl<'a, O: Output> Sink<'a> for Forward<O> {
    fn open(&mut self, vocabulary: Vocabulary, name: Cow<'a, str>, attributes: &mut Vec<Pair<'a>>) {
        let attributes = attributes.iter().map(|(name, value)| (name.as_ref(), value.as_ref()));
        self.write(|output| output.open(vocabulary, &name, attributes));
    }

    fn text(&mut self, text: Cow<'a, str>) {
        self.write(|output| output.text(&text));
    }

    fn opaque(&mut self, octets: &'a [u8]) {
        self.write(|output| output.opaque(octets));
    }

    fn close(&mut self) {
        self.write(|output| {
            output.close();
            Ok(())
        });
    }
}
