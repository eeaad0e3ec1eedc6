//! The shared test vectors: read at run time from the folder that `BOOTGATE_VECTORS` names, never part of this package.

#![cfg(test)]

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{
    infoset::{Element, Node},
    wbxml,
};

/// The cases of a vector file, or none, said on the test's output, when the folder was not given.
pub(crate) fn vectors(file: &str) -> Option<Vec<Value>> {
    let path = folder(file)?;
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    Some(serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
}

/// Octets from hexadecimal digits; blanks between them do not count.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> =
        text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16).unwrap()).collect();
    assert!(digits.len().is_multiple_of(2), "odd number of digits: {text}");
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}

/// A folder of the shared vectors, or none, said on the test's output, when they were not given.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    let Ok(root) = std::env::var("BOOTGATE_VECTORS") else {
        // Straight to standard error: what a passing test prints otherwise is swallowed.
        let _ = writeln!(std::io::stderr(), "BOOTGATE_VECTORS not given: shared vectors {name} not run");
        return None;
    };
    Some(Path::new(&root).join(name))
}

/// The names, without ending, of the files that end in `ending`, sorted.
pub(crate) fn names(folder: &Path, ending: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == ending))
        .map(|p| p.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

/// One file of a folder.
pub(crate) fn read(folder: &Path, name: &str, ending: &str) -> Vec<u8> {
    std::fs::read(folder.join(format!("{name}.{ending}"))).unwrap()
}

/// What the XML and the WBXML of one message must agree on: white space between elements is gone and text is
/// trimmed (the XML beside a capture is pretty-printed by a decoder), octets that are a document are its root,
/// other octets are text.
pub(crate) fn normalised(element: &Element) -> Element {
    let mut out = Element { children: Vec::new(), ..element.clone() };
    for node in &element.children {
        let text = match node {
            Node::Element(e) => {
                out.children.push(Node::Element(normalised(e)));
                continue;
            }
            Node::Opaque(octets) => match wbxml::decode(octets) {
                Ok(document) => {
                    out.children.push(Node::Element(normalised(&document.root)));
                    continue;
                }
                Err(_) => String::from_utf8(octets.clone()).unwrap(),
            },
            Node::Text(text) => text.clone(),
        };
        let text = text.trim();
        if !text.is_empty() {
            out.children.push(Node::Text(text.to_owned()));
        }
    }
    out
}
