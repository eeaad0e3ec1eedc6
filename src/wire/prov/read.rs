//! The pieces of a document to characteristics and parameters. What is neither is skipped with all that stands in it.

use std::borrow::Cow;

use super::{Characteristic, Item, Parm, ProvDoc, ROOT};
use crate::wire::{
    DecodeError,
    infoset::Vocabulary,
    sink::{Pair, Sink},
};

/// Takes a document, and keeps the first thing that is wrong with it.
#[derive(Default)]
pub(super) struct Builder {
    version: Option<String>,
    characteristics: Vec<Characteristic>,
    /// True when the root has begun.
    begun: bool,
    /// The types and items of the characteristics that are open.
    open: Vec<(Option<String>, Vec<Item>)>,
    /// How many elements are open that are skipped.
    skipped: usize,
    failed: Option<DecodeError>,
}

impl Builder {
    /// The document.
    ///
    /// # Errors
    /// [`DecodeError::Invalid`] when the root is another element, or an attribute that must be there is not.
    pub(super) fn finish(self) -> Result<ProvDoc, DecodeError> {
        match self.failed {
            None => Ok(ProvDoc { version: self.version, characteristics: self.characteristics }),
            Some(error) => Err(error),
        }
    }

    fn fail(&mut self, why: String) {
        self.failed.get_or_insert_with(|| DecodeError::invalid("provisioning document", 0, why));
    }
}

impl<'a> Sink<'a> for Builder {
    fn open(&mut self, _: Vocabulary, name: Cow<'a, str>, attributes: &mut Vec<Pair<'a>>) {
        if self.skipped > 0 {
            self.skipped += 1;
            return;
        }
        if !self.begun {
            self.begun = true;
            self.version = take(attributes, "version");
            if name != ROOT {
                self.fail(format!("the root element is {name}; expected {ROOT}"));
            }
            return;
        }
        match (name.as_ref(), self.open.last_mut()) {
            ("characteristic", _) => self.open.push((take(attributes, "type"), Vec::new())),
            ("parm", Some((_, items))) => {
                // It is empty; whatever stands in it means nothing.
                self.skipped = 1;
                match take(attributes, "name") {
                    Some(name) => items.push(Item::Parm(Parm { name, value: take(attributes, "value") })),
                    None => self.fail(missing("parm", "name")),
                }
            }
            _ => self.skipped = 1,
        }
    }

    fn text(&mut self, _: Cow<'a, str>) {}

    fn opaque(&mut self, _: &'a [u8]) {}

    fn close(&mut self) {
        if self.skipped > 0 {
            self.skipped -= 1;
            return;
        }
        let Some((kind, items)) = self.open.pop() else { return };
        let Some(kind) = kind else { return self.fail(missing("characteristic", "type")) };
        let characteristic = Characteristic { kind, items };
        match self.open.last_mut() {
            Some((_, items)) => items.push(Item::Characteristic(characteristic)),
            None => self.characteristics.push(characteristic),
        }
    }
}

fn missing(element: &str, attribute: &str) -> String {
    format!("a {element} has no {attribute} attribute")
}

/// Takes out the value of an attribute.
fn take(attributes: &mut Vec<Pair<'_>>, name: &str) -> Option<String> {
    let at = attributes.iter().position(|(n, _)| n == name)?;
    Some(attributes.swap_remove(at).1.into_owned())
}
