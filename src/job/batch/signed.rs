//! Results that can be checked away from the station: beside a file of results stand its SHA-256 digest, in the form of
//! `sha256sum`, and the Ed25519 signature (RFC 8032) of that form.
//!
//! | file              | what stands in it                                                        |
//! |-------------------|--------------------------------------------------------------------------|
//! | `NAME`            | the results                                                              |
//! | `NAME.sha256`     | 64 hexadecimal digits, two blanks, `NAME`, a line feed: the statement    |
//! | `NAME.sha256.sig` | 64 octets: the signature of the statement                                |
//!
//! So `sha256sum -c NAME.sha256` and `openssl pkeyutl -verify -rawin` check them without this program. A digest can be carried
//! on from line to line, which a signature of the file itself could not.

use std::{collections::HashMap, fmt};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Bin, Ending};
use crate::ident::{SigningKey, VerifyingKey, counted};

/// A digest that grows with its file.
#[derive(Debug, Clone, Default)]
pub struct ResultsDigest(Sha256);

/// A statement and its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// What `NAME.sha256` holds.
    pub statement: String,
    /// What `NAME.sha256.sig` holds.
    pub signature: Vec<u8>,
}

/// Why results are not what was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignedError {
    /// The signature.
    #[error("the signature does not fit the .sha256 file: that was changed, or another key signed it")]
    Signature,
    /// The statement.
    #[error("the .sha256 file is none: expected 64 hexadecimal digits, two blanks and a name")]
    Statement,
    /// The file.
    #[error("the results are not those that were signed: a line was changed, added or taken away")]
    Digest,
}

impl ResultsDigest {
    /// Takes in more of the file.
    pub fn add(&mut self, octets: &[u8]) {
        self.0.update(octets);
    }

    /// States and signs what the file is so far. `name`: the file's own, without folders.
    pub fn sign(&self, name: &str, key: &SigningKey) -> Signed {
        let statement = format!("{}  {name}\n", self.digits());
        let signature = key.sign(statement.as_bytes()).to_vec();
        Signed { statement, signature }
    }

    fn digits(&self) -> String {
        self.0.clone().finalize().iter().map(|octet| format!("{octet:02x}")).collect()
    }
}

impl Signed {
    /// Checks that a key signed the statement, and that it is about `results`.
    ///
    /// # Errors
    /// [`SignedError`].
    pub fn check(&self, results: &[u8], key: &VerifyingKey) -> Result<(), SignedError> {
        if !key.verifies(self.statement.as_bytes(), &self.signature) {
            return Err(SignedError::Signature);
        }
        let (stated, _name) = self.statement.split_once("  ").ok_or(SignedError::Statement)?;
        if stated.len() != 64 || !stated.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(SignedError::Statement);
        }
        let mut digest = ResultsDigest::default();
        digest.add(results);
        if digest.digits().eq_ignore_ascii_case(stated) { Ok(()) } else { Err(SignedError::Digest) }
    }

    /// As [`Signed::check`], for a file whose writer may have been ended after it had written a line and before it had signed
    /// it. True when the last line is such a one.
    ///
    /// # Errors
    /// [`SignedError`].
    pub fn check_to_go_on(&self, results: &[u8], key: &VerifyingKey) -> Result<bool, SignedError> {
        match self.check(results, key) {
            Err(SignedError::Digest) => {
                let body = results.strip_suffix(b"\n").unwrap_or(results);
                let before = body.iter().rposition(|octet| *octet == b'\n').map_or(0, |at| at + 1);
                self.check(results.get(..before).unwrap_or(&[]), key).map(|()| true)
            }
            other => other.map(|()| false),
        }
    }
}

/// A result as a file of results tells it.
#[derive(Debug, Deserialize)]
struct Entry {
    line: Option<u64>,
    iccid: Option<String>,
    ending: Ending,
}

/// What a file of results comes to. What counts of a card is what was said last.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Sum {
    /// Results.
    pub results: usize,
    /// Cards, those that did not tell their number counted together.
    pub cards: usize,
    /// Cards that hold the bootstrap.
    pub good: usize,
    /// Cards that somebody must look at.
    pub bad: usize,
    /// Lines of the file that are no results.
    pub unreadable: Vec<usize>,
}

impl Sum {
    /// Adds up a file of JSON lines.
    pub fn of_lines(octets: &[u8]) -> Self {
        let entries = octets.split(|o| *o == b'\n').enumerate().filter(|(_, line)| !line.is_empty());
        Self::of(entries.map(|(at, line)| (at + 1, serde_json::from_slice(line).ok())))
    }

    /// Adds up a file of CSV.
    pub fn of_csv(octets: &[u8]) -> Self {
        let mut reader = csv::Reader::from_reader(octets);
        // The titles are line 1.
        Self::of(reader.deserialize().enumerate().map(|(at, entry)| (at + 2, entry.ok())))
    }

    fn of(entries: impl Iterator<Item = (usize, Option<Entry>)>) -> Self {
        let mut sum = Self::default();
        let mut last: HashMap<(Option<String>, Option<u64>), Bin> = HashMap::new();
        for (at, entry) in entries {
            let Some(Entry { line, iccid, ending }) = entry else {
                sum.unreadable.push(at);
                continue;
            };
            sum.results += 1;
            // A card is known by its number; one that never told it, by its row if it has one.
            let of_row = line.filter(|_| iccid.is_none());
            last.insert((iccid, of_row), ending.bin());
        }
        sum.cards = last.len();
        sum.good = last.values().filter(|bin| **bin == Bin::Good).count();
        sum.bad = sum.cards - sum.good;
        sum
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (results, cards) = (counted(self.results, "result"), counted(self.cards, "card"));
        write!(f, "{results} of {cards}: {} good, {} bad", self.good, self.bad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::signature_tests::SIGN;

    const LINES: &[u8] =
        b"{\"line\":2,\"iccid\":\"89490200001234567892\",\"ending\":\"failed\",\"bin\":\"bad\"}\n\
        {\"line\":2,\"iccid\":\"89490200001234567892\",\"ending\":\"done\",\"bin\":\"good\"}\n\
        {\"line\":null,\"iccid\":null,\"ending\":\"skipped\",\"bin\":\"bad\"}\n";

    fn signed(octets: &[u8]) -> (Signed, VerifyingKey) {
        let key = SigningKey::from_pem(SIGN).unwrap();
        let mut digest = ResultsDigest::default();
        octets.chunks(7).for_each(|chunk| digest.add(chunk));
        (digest.sign("shift.results.jsonl", &key), key.verifying_key())
    }

    #[test]
    fn what_was_signed_is_known_again_and_nothing_else_is() {
        let (signed, key) = signed(LINES);
        assert!(signed.statement.ends_with("  shift.results.jsonl\n"), "{}", signed.statement);
        assert_eq!(signed.check(LINES, &key), Ok(()));
        assert_eq!(signed.check_to_go_on(LINES, &key), Ok(false));
        for at in (0..LINES.len()).step_by(11) {
            let mut changed = LINES.to_vec();
            changed[at] ^= 1;
            assert_eq!(signed.check(&changed, &key), Err(SignedError::Digest));
        }
        let mut other = signed.clone();
        other.statement = other.statement.to_uppercase();
        assert_eq!(other.check(LINES, &key), Err(SignedError::Signature));
    }

    #[test]
    fn one_line_more_was_written_when_the_writer_was_ended() {
        let (signed, key) = signed(LINES);
        let longer = [LINES, b"{}\n"].concat();
        assert_eq!(signed.check(&longer, &key), Err(SignedError::Digest));
        assert_eq!(signed.check_to_go_on(&longer, &key), Ok(true));
        // A torn line, too; but not two lines, and none less.
        assert_eq!(signed.check_to_go_on(&[LINES, b"{\"li"].concat(), &key), Ok(true));
        assert!(signed.check_to_go_on(&[LINES, b"{}\n{}\n"].concat(), &key).is_err());
        assert!(signed.check_to_go_on(&LINES[..LINES.len() - 1], &key).is_err());
    }

    #[test]
    fn what_was_said_last_of_a_card_counts() {
        let sum = Sum::of_lines(&[LINES, b"what\n"].concat());
        assert_eq!(sum, Sum { results: 3, cards: 2, good: 1, bad: 1, unreadable: vec![4] });
        assert_eq!(sum.to_string(), "3 results of 2 cards: 1 good, 1 bad");
        let csv = b"line,iccid,ending,bin\n2,89490200001234567892,done,good\n,,skipped,bad\nx\n";
        assert_eq!(Sum::of_csv(csv), Sum { results: 2, cards: 2, good: 1, bad: 1, unreadable: vec![4] });
    }
}
