//! The shared test vectors: read at run time from the folder that `BOOTGATE_VECTORS` names, never part of this package.

use serde_json::Value;

/// The cases of a vector file, or none, said on the test's output, when the folder was not given.
#[expect(clippy::print_stdout, reason = "the only way for a test to say that it was not run")]
pub(crate) fn vectors(file: &str) -> Option<Vec<Value>> {
    let Ok(folder) = std::env::var("BOOTGATE_VECTORS") else {
        println!("BOOTGATE_VECTORS not given: shared vectors not run");
        return None;
    };
    let path = std::path::Path::new(&folder).join(file);
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
