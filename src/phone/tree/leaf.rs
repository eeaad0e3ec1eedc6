//! The leaves of a tree as a list, for reports.

use serde::Serialize;

use super::{Node, Tree, Uri, is_secret};
use crate::ident::without_imsi;

/// A leaf of the management tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Leaf {
    /// Where it is.
    pub uri: String,
    /// Its format.
    pub format: &'static str,
    /// Its value as text; none for octets that are not text.
    pub value: Option<String>,
}

impl Tree {
    /// The leaves, in the order of the tree; the values of secrets read `***`, and numbers that may be an IMSI are cut short.
    pub fn leaves(&self) -> Vec<Leaf> {
        self.leaves_with(|uri, text| match text {
            _ if is_secret(uri.name()) => Some("***".to_owned()),
            text => text.map(|text| without_imsi(text).into_owned()),
        })
    }

    /// The leaves with their values as they are, secrets among them.
    pub fn exposed_leaves(&self) -> Vec<Leaf> {
        self.leaves_with(|_, text| text.map(str::to_owned))
    }

    fn leaves_with(&self, value: impl Fn(&Uri, Option<&str>) -> Option<String>) -> Vec<Leaf> {
        let leaf = |(uri, node): (Uri, &Node)| {
            node.value()?;
            let value = value(&uri, node.as_text());
            Some(Leaf { uri: uri.to_string(), format: node.format().as_str(), value })
        };
        self.walk().into_iter().filter_map(leaf).collect()
    }
}
