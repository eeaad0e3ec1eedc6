//! Short text files that somebody names: secrets, keys, configuration.

use std::{fs::File, io, io::Read as _, path::Path};

use zeroize::Zeroizing;

/// The text of a file of at most `most` octets. A pipe or a device that never ends is read no further than that.
///
/// # Errors
/// Those of the operating system; [`io::ErrorKind::InvalidData`] when it is longer, or not UTF-8.
pub fn short_text(path: &Path, most: u64) -> io::Result<Zeroizing<String>> {
    let mut octets = Zeroizing::new(Vec::new());
    File::open(path)?.take(most.saturating_add(1)).read_to_end(&mut octets)?;
    if u64::try_from(octets.len()).unwrap_or(u64::MAX) > most {
        let why = format!("it is longer than {most} octets, so it is another file");
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    match std::str::from_utf8(&octets) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(io::Error::new(io::ErrorKind::InvalidData, "it is not text in UTF-8")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_end_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("text");
        std::fs::write(&file, "MARKED").unwrap();
        assert_eq!(short_text(&file, 6).unwrap().as_str(), "MARKED");
        for (file, most) in [(file.as_path(), 5), (Path::new("/dev/zero"), 4096)] {
            let error = short_text(file, most).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            assert!(error.to_string().contains("longer than") && !error.to_string().contains("MARKED"));
        }
        std::fs::write(&file, b"MARKED\xFF").unwrap();
        assert!(short_text(&file, 100).unwrap_err().to_string().ends_with("UTF-8"));
    }
}
