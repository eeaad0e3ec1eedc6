//! Files as scripts name them, and where the commands of a script have led (ETSI TS 102 221, sections 8.3 to 8.5 and
//! 11.1.1; 3GPP TS 51.011, section 6).

use std::{collections::BTreeMap, fmt, str::FromStr};

use crate::wire::Fid;

/// A file: identifiers from the MF (`3F00/7F50/6431`), or behind the AID of an application
/// (`A000000063504B43532D3135/5031`). `/*` at the end stands for everything below.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    aid: Option<Vec<u8>>,
    fids: Vec<Fid>,
    all: bool,
}

/// A text is not the name of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a file is named from the MF, as 3F00/7F50/6431, or from an AID of 5 to 16 octets")]
pub struct PlaceError;

impl Place {
    /// The most identifiers; cards nest far less deep.
    const MAX_DEPTH: usize = 8;

    /// The MF.
    pub fn mf() -> Self {
        Self { aid: None, fids: Vec::new(), all: false }
    }

    /// The directory of an application.
    pub fn application(aid: &[u8]) -> Self {
        Self { aid: Some(aid.to_vec()), fids: Vec::new(), all: false }
    }

    /// The AID that it begins with; none: the MF.
    pub fn aid(&self) -> Option<&[u8]> {
        self.aid.as_deref()
    }

    /// The identifiers below the MF or the application.
    pub fn fids(&self) -> &[Fid] {
        &self.fids
    }

    /// True for a name that ends in `/*`.
    pub fn is_pattern(&self) -> bool {
        self.all
    }

    /// A file in this directory.
    #[must_use]
    pub fn child(&self, fid: Fid) -> Self {
        let mut out = self.clone();
        out.fids.push(fid);
        out
    }

    /// The directory that it is in; none for the MF and for an application.
    pub fn parent(&self) -> Option<Self> {
        let (_, above) = self.fids.split_last()?;
        Some(Self { fids: above.to_vec(), ..self.clone() })
    }

    /// Its own identifier; none for an application.
    pub fn fid(&self) -> Option<Fid> {
        self.fids.last().copied().or_else(|| self.aid.is_none().then_some(Fid::MF))
    }

    /// True when this name stands for `other`: it is the same, or ends in `/*` above it.
    pub fn stands_for(&self, other: &Self) -> bool {
        if self.aid != other.aid {
            return false;
        }
        if self.all { other.fids.starts_with(&self.fids) && other.fids != self.fids } else { self == other }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.aid {
            None => f.write_str("3F00")?,
            Some(aid) => aid.iter().try_for_each(|octet| write!(f, "{octet:02X}"))?,
        }
        self.fids.iter().try_for_each(|fid| write!(f, "/{fid}"))?;
        if self.all { f.write_str("/*") } else { Ok(()) }
    }
}

impl serde::Serialize for Place {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Place {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        let (text, all) = text.strip_suffix("/*").map_or((text, false), |text| (text, true));
        let (root, below) = text.split_once('/').map_or((text, None), |(root, below)| (root, Some(below)));
        let fids: Vec<Fid> = match below {
            None => Vec::new(),
            Some(below) => {
                below.split('/').map(str::parse).collect::<Result<_, _>>().map_err(|_| PlaceError)?
            }
        };
        if fids.len() > Self::MAX_DEPTH {
            return Err(PlaceError);
        }
        if root.eq_ignore_ascii_case("3F00") {
            return Ok(Self { aid: None, fids, all });
        }
        let aid = super::lex::octets(root).filter(|aid| (5..=16).contains(&aid.len())).ok_or(PlaceError)?;
        Ok(Self { aid: Some(aid), fids, all })
    }
}

/// Where a card is after the commands so far, as far as their octets tell. It goes by the identifiers' customs: 3F, 5F and
/// 7F begin directories (TS 51.011, section 6.2), 5015 is DF(PKCS#15), the rest are files. Each logical channel is somewhere
/// else (TS 102 221, section 8.7); where one is that was just opened is not known until something is selected on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    directory: Option<Place>,
    file: Option<Place>,
    application: Option<Place>,
    /// The other channels on which something was selected.
    channels: BTreeMap<u8, Cursor>,
}

impl Cursor {
    /// After a reset: the MF.
    pub fn reset() -> Self {
        Self { directory: Some(Place::mf()), ..Self::lost() }
    }

    /// Nothing is known.
    pub fn lost() -> Self {
        Self { directory: None, file: None, application: None, channels: BTreeMap::new() }
    }

    /// The same on a logical channel; 0 is the basic one.
    pub(super) fn on(&self, channel: u8) -> Option<&Self> {
        if channel == 0 { Some(self) } else { self.channels.get(&channel) }
    }

    /// The same, to be changed.
    pub(super) fn on_mut(&mut self, channel: u8) -> &mut Self {
        if channel == 0 { self } else { self.channels.entry(channel).or_insert_with(Self::lost) }
    }

    /// A channel was opened or closed.
    pub(super) fn forget(&mut self, channel: u8) {
        self.channels.remove(&channel);
    }

    /// The current directory, where it is known.
    pub fn directory(&self) -> Option<&Place> {
        self.directory.as_ref()
    }

    /// The selected file, where there is one and it is known.
    pub fn file(&self) -> Option<&Place> {
        self.file.as_ref()
    }

    /// A file in the current directory, or the directory itself when it has that identifier.
    pub fn named(&self, fid: Fid) -> Option<Place> {
        let directory = self.directory.as_ref()?;
        Some(if directory.fid() == Some(fid) { directory.clone() } else { directory.child(fid) })
    }

    /// After a SELECT that was carried out, with P1 and data (TS 102 221, table 11.1).
    pub fn select(&mut self, p1: u8, data: &[u8]) {
        let fids = || -> Option<Vec<Fid>> {
            let (pairs, odd) = data.as_chunks::<2>();
            odd.is_empty().then(|| pairs.iter().map(|pair| Fid(u16::from_be_bytes(*pair))).collect())
        };
        let here = self.directory.take();
        self.file = None;
        match (p1, fids().as_deref()) {
            (0x04, _) if (5..=16).contains(&data.len()) => {
                let application = Place::application(data);
                self.application = Some(application.clone());
                self.directory = Some(application);
            }
            (0x03, _) => self.directory = here.and_then(|here| here.parent()),
            (0x00..=0x02, Some([fid])) => self.step(here, *fid),
            (0x00, Some([])) => self.directory = Some(Place::mf()),
            (0x08, Some(fids)) => {
                self.directory = Some(Place::mf());
                self.walk(fids);
            }
            (0x09, Some(fids)) => {
                self.directory = here;
                self.walk(fids);
            }
            _ => self.lose(),
        }
    }

    /// It is not known any more where this channel is.
    pub(super) fn lose(&mut self) {
        (self.directory, self.file, self.application) = (None, None, None);
    }

    /// After CREATE FILE: the new file is the selected one.
    pub fn created(&mut self, place: Option<Place>, is_directory: bool) {
        match (place, is_directory) {
            (None, _) => self.lose(),
            (place, true) => (self.directory, self.file) = (place, None),
            (place, false) => self.file = place,
        }
    }

    /// Where two ways lead that come together: what they have in common.
    #[must_use]
    pub fn joined(self, other: &Self) -> Self {
        if self == *other { self } else { Self::lost() }
    }

    fn walk(&mut self, fids: &[Fid]) {
        for fid in fids {
            let here = self.directory.take();
            self.step(here, *fid);
        }
    }

    fn step(&mut self, here: Option<Place>, fid: Fid) {
        self.file = None;
        self.directory = match (fid, fid.0 >> 8) {
            (Fid::MF, _) => Some(Place::mf()),
            (Fid::CURRENT_APPLICATION, _) => self.application.clone(),
            // The current directory itself.
            _ if here.as_ref().and_then(Place::fid) == Some(fid) => here,
            // First-level directories of the MF.
            (_, 0x7F) => Some(Place::mf().child(fid)),
            (Fid::PKCS15_GENERIC, _) => here.map(|here| here.child(fid)),
            (_, 0x5F) => here.and_then(|here| match here.fids.last() {
                Some(last) if last.0 >> 8 == 0x5F => here.parent().map(|above| above.child(fid)),
                _ => Some(here.child(fid)),
            }),
            _ => {
                self.file = here.as_ref().map(|here| here.child(fid));
                here
            }
        };
    }
}
