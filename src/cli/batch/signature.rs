//! The files beside a file of results that say whose it is and that it is whole (see [`crate::job::batch::Signed`]).

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use crate::{
    cli::{
        Exit, Failure,
        output::{self, Open},
    },
    ident::{SigningKey, VerifyingKey},
    job::batch::{ResultsDigest, Signed},
};

/// Signs a file of results after each line.
pub(super) struct Signer {
    key: SigningKey,
    digest: ResultsDigest,
    place: Place,
}

/// A file of results and the two beside it.
pub(super) struct Place {
    results: PathBuf,
    name: String,
}

impl Place {
    /// The files beside `results`.
    pub(super) fn beside(results: &Path) -> anyhow::Result<Self> {
        // `sha256sum` writes such names in a way of its own.
        let name = results.file_name().and_then(|name| name.to_str());
        let name = name.filter(|name| !name.contains(['\\', '\n', '\r'])).ok_or_else(|| {
            let why = "results that are signed need a file name in UTF-8 without backslashes and line feeds";
            Failure::because(Exit::Usage, why)
        })?;
        Ok(Self { results: results.to_owned(), name: name.to_owned() })
    }

    fn with(&self, ending: &str) -> PathBuf {
        self.results.with_file_name(format!("{}{ending}", self.name))
    }

    /// What stands beside the file, if anything does. Of a signature and one that was being put in its place when its writer was
    /// ended, the one that fits the statement counts: see [`Place::steps`].
    pub(super) fn read(&self, key: &VerifyingKey) -> anyhow::Result<Option<Signed>> {
        let Some(statement) = optional(&self.with(STATEMENT))? else { return Ok(None) };
        let Some(signature) = optional(&self.with(SIGNATURE))? else { return Ok(None) };
        let signed = |signature| {
            Some(Signed { statement: String::from_utf8_lossy(&statement).into_owned(), signature })
        };
        if !key.verifies(&statement, &signature)
            && let Some(new) = optional(&new(&self.with(SIGNATURE)))?
            && key.verifies(&statement, &new)
        {
            return Ok(signed(new));
        }
        Ok(signed(signature))
    }

    /// Puts a statement and its signature beside the file.
    fn write(&self, signed: &Signed) -> anyhow::Result<()> {
        self.steps(signed).iter().try_for_each(Step::run)
    }

    /// How a statement and its signature get beside the file. Two files cannot change at once, so both are on disk beside the
    /// old pair first, and the signature goes last: whenever the writer is ended, the statement that has its name fits the
    /// signature that has its name, or, between the two renames, the new one beside it, which is what [`Place::read`] takes.
    fn steps<'a>(&self, signed: &'a Signed) -> [Step<'a>; 4] {
        let (statement, signature) = (self.with(STATEMENT), self.with(SIGNATURE));
        [
            Step::Write(new(&signature), &signed.signature),
            Step::Write(new(&statement), signed.statement.as_bytes()),
            Step::Rename(statement),
            Step::Rename(signature),
        ]
    }
}

/// Ending of the statement's name.
const STATEMENT: &str = ".sha256";
/// Ending of the signature's name.
const SIGNATURE: &str = ".sha256.sig";

/// What is to become this file.
fn new(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

/// One step of putting a pair in place.
enum Step<'a> {
    /// Writes a file, to disk.
    Write(PathBuf, &'a [u8]),
    /// Gives what was written for a file its name.
    Rename(PathBuf),
}

impl Step<'_> {
    fn run(&self) -> anyhow::Result<()> {
        match self {
            Self::Write(file, octets) => output::write(file, Open::Over, octets),
            Self::Rename(file) => {
                fs::rename(new(file), file).with_context(|| format!("cannot make {}", file.display()))
            }
        }
    }
}

impl Signer {
    /// A signer of the file, which holds `there` so far: that must be what this key has signed. Says whether the last line is
    /// one that was not signed any more.
    pub(super) fn go_on(key: SigningKey, results: &Path, there: &[u8]) -> anyhow::Result<(Self, bool)> {
        let (place, signed) = Self::signed(&key, results, there)?;
        let mut unsigned = false;
        if let Some((signed, lacks_the_last)) = signed {
            unsigned = lacks_the_last;
            // Who reads the pair without this program takes the files by their names.
            place.write(&signed)?;
        }
        let mut digest = ResultsDigest::default();
        digest.add(there);
        Ok((Self { key, digest, place }, unsigned))
    }

    /// Whether that could be done. Nothing is written.
    ///
    /// # Errors
    /// Exit status 77 when what is there was not signed by this key.
    pub(super) fn check(key: &SigningKey, results: &Path, there: &[u8]) -> anyhow::Result<()> {
        Self::signed(key, results, there).map(drop)
    }

    /// The place beside the file, and what the key has signed there; whether that lacks the last line.
    fn signed(
        key: &SigningKey,
        results: &Path,
        there: &[u8],
    ) -> anyhow::Result<(Place, Option<(Signed, bool)>)> {
        let place = Place::beside(results)?;
        if there.is_empty() {
            return Ok((place, None));
        }
        let public = key.verifying_key();
        let refuse = |why: String| {
            let file = results.display();
            let advice = "move it away, or name another file with --results";
            Failure::because(Exit::Refused, format!("{file} cannot be gone on with: {why}; {advice}"))
        };
        let signed =
            place.read(&public)?.ok_or_else(|| refuse("it holds results and is not signed".to_owned()))?;
        let unsigned = signed.check_to_go_on(there, &public).map_err(|why| refuse(why.to_string()))?;
        Ok((place, Some((signed, unsigned))))
    }

    /// Takes in what was added to the file, and signs it.
    pub(super) fn add(&mut self, octets: &[u8]) -> anyhow::Result<()> {
        self.digest.add(octets);
        self.place.write(&self.digest.sign(&self.place.name, &self.key))
    }
}

/// Refuses to add to a file that is signed without signing it again: its signature would fit no more. `option`: what names it.
///
/// # Errors
/// Exit status 77.
pub(super) fn refuse_unsigned(results: &Path, option: &str) -> anyhow::Result<()> {
    let mut signature = results.as_os_str().to_owned();
    signature.push(SIGNATURE);
    if fs::symlink_metadata(&signature).is_err() {
        return Ok(());
    }
    let (file, signature) = (output::name(results), output::name(Path::new(&signature)));
    let why = format!(
        "{file} cannot be gone on with: it is signed ({signature} stands beside it), and unsigned results would break that; give \
         --sign-key, or name another file with {option}"
    );
    Err(Failure::because(Exit::Refused, why))
}

/// A short file that need not be there.
fn optional(file: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    use std::io::Read as _;
    let failed = || format!("cannot read {}", file.display());
    let open = match fs::File::open(file) {
        Ok(open) => open,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(failed),
    };
    let mut octets = Vec::new();
    open.take(4096).read_to_end(&mut octets).with_context(failed)?;
    Ok(Some(octets))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ident::signature_tests::SIGN, job::batch::SignedError};

    const FIRST: &[u8] = b"{\"line\":2}\n";
    const BOTH: &[u8] = b"{\"line\":2}\n{\"line\":3}\n";

    fn signed(octets: &[u8]) -> Signed {
        let mut digest = ResultsDigest::default();
        digest.add(octets);
        digest.sign("r.jsonl", &SigningKey::from_pem(SIGN).unwrap())
    }

    /// The writer is ended before, between and in the middle of the steps: some pair always fits, the run is gone on with, and
    /// then the two files fit by their names.
    #[test]
    fn a_pair_fits_wherever_its_writer_is_ended() {
        let key = SigningKey::from_pem(SIGN).unwrap().verifying_key();
        let (old, new_pair) = (signed(FIRST), signed(BOTH));
        for torn in [false, true] {
            for done in 0..=4 {
                let folder = tempfile::tempdir().unwrap();
                let results = folder.path().join("r.jsonl");
                fs::write(&results, BOTH).unwrap();
                let place = Place::beside(&results).unwrap();
                place.write(&old).unwrap();
                let steps = place.steps(&new_pair);
                steps.iter().take(done).for_each(|step| step.run().unwrap());
                if let (true, Some(Step::Write(file, octets))) = (torn, steps.get(done)) {
                    fs::write(file, &octets[..octets.len() / 2]).unwrap();
                }
                let found = place.read(&key).unwrap().unwrap();
                let (fits, pair) = match done {
                    0..=2 => (Err(SignedError::Digest), &old),
                    _ => (Ok(()), &new_pair),
                };
                assert_eq!((&found, found.check(BOTH, &key)), (pair, fits), "{done} steps");

                let (mut signer, unsigned) =
                    Signer::go_on(SigningKey::from_pem(SIGN).unwrap(), &results, BOTH).unwrap();
                assert_eq!(unsigned, done <= 2, "{done} steps");
                let by_name = |ending| fs::read(place.with(ending)).unwrap();
                assert!(key.verifies(&by_name(STATEMENT), &by_name(SIGNATURE)), "{done} steps");
                signer.add(b"{}\n").unwrap();
                let whole = [BOTH, b"{}\n"].concat();
                assert_eq!(place.read(&key).unwrap().unwrap().check(&whole, &key), Ok(()));
            }
        }
    }

    #[test]
    fn a_signature_of_another_key_counts_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let results = folder.path().join("r.jsonl");
        let place = Place::beside(&results).unwrap();
        let forged = Signed { signature: vec![7; 64], ..signed(FIRST) };
        place.write(&forged).unwrap();
        fs::write(new(&place.with(SIGNATURE)), [8; 64]).unwrap();
        let key = SigningKey::from_pem(SIGN).unwrap().verifying_key();
        assert_eq!(place.read(&key).unwrap().unwrap().check(FIRST, &key), Err(SignedError::Signature));
    }
}
