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

    /// What stands beside the file, if anything does.
    pub(super) fn read(&self) -> anyhow::Result<Option<Signed>> {
        let Some(statement) = optional(&self.with(".sha256"))? else { return Ok(None) };
        let Some(signature) = optional(&self.with(".sha256.sig"))? else { return Ok(None) };
        Ok(Some(Signed { statement: String::from_utf8_lossy(&statement).into_owned(), signature }))
    }

    /// As [`Place::read`], but a signature that was being put in place when its writer was ended counts too.
    fn read_to_go_on(&self, key: &VerifyingKey) -> anyhow::Result<Option<Signed>> {
        let Some(statement) = optional(&self.with(".sha256"))? else { return Ok(None) };
        for ending in [".sha256.sig", ".sha256.sig.new"] {
            if let Some(signature) = optional(&self.with(ending))?
                && key.verifies(&statement, &signature)
            {
                return Ok(Some(Signed {
                    statement: String::from_utf8_lossy(&statement).into_owned(),
                    signature,
                }));
            }
        }
        self.read()
    }

    /// Puts a statement and its signature beside the file. Whenever this is ended, one pair is there that fits.
    fn write(&self, signed: &Signed) -> anyhow::Result<()> {
        let new = |ending: &str| self.with(&format!("{ending}.new"));
        output::write(&new(".sha256.sig"), Open::Over, &signed.signature)?;
        output::write(&new(".sha256"), Open::Over, signed.statement.as_bytes())?;
        for ending in [".sha256", ".sha256.sig"] {
            let to = self.with(ending);
            fs::rename(new(ending), &to).with_context(|| format!("cannot make {}", to.display()))?;
        }
        Ok(())
    }
}

impl Signer {
    /// A signer of the file, which holds `there` so far: that must be what this key has signed. Says whether the last line is
    /// one that was not signed any more.
    pub(super) fn go_on(key: SigningKey, results: &Path, there: &[u8]) -> anyhow::Result<(Self, bool)> {
        let place = Place::beside(results)?;
        let public = key.verifying_key();
        let mut unsigned = false;
        if !there.is_empty() {
            let refuse = |why: String| {
                let file = results.display();
                let advice = "move it away, or name another file with --results";
                Failure::because(Exit::Refused, format!("{file} cannot be gone on with: {why}; {advice}"))
            };
            let signed = place
                .read_to_go_on(&public)?
                .ok_or_else(|| refuse("it holds results and is not signed".to_owned()))?;
            unsigned = signed.check_to_go_on(there, &public).map_err(|why| refuse(why.to_string()))?;
        }
        let mut digest = ResultsDigest::default();
        digest.add(there);
        Ok((Self { key, digest, place }, unsigned))
    }

    /// Takes in what was added to the file, and signs it.
    pub(super) fn add(&mut self, octets: &[u8]) -> anyhow::Result<()> {
        self.digest.add(octets);
        self.place.write(&self.digest.sign(&self.place.name, &self.key))
    }

    /// Signs another file, as it is now.
    pub(super) fn sign_whole(&self, file: &Path) -> anyhow::Result<()> {
        let octets = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let place = Place::beside(file)?;
        let mut digest = ResultsDigest::default();
        digest.add(&octets);
        place.write(&digest.sign(&place.name, &self.key))
    }
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
