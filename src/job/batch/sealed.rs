//! Sealed cells of a table: a key that stands there as `sealed:` and base64, sealed for its card and its column, so that it opens
//! in no other place.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use csv::{StringRecord, WriterBuilder};
use zeroize::Zeroizing;

use super::{
    Column, Columns, Problem, Report,
    columns::Title,
    read::{delimiter, records},
};
use crate::ident::Iccid;

/// What a sealed cell begins with.
const MARK: &str = "sealed:";

/// Opens sealed cells.
pub trait CellOpener {
    /// The text that was sealed for the cell of `card` in `column`, which is named as columns are.
    ///
    /// # Errors
    /// Why not, in words.
    fn open(&self, card: &Iccid, column: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, String>;
}

/// Seals cells.
pub trait CellSealer: CellOpener {
    /// Seals a text for the cell of `card` in `column`.
    ///
    /// # Errors
    /// Why not, in words.
    fn seal(&self, card: &Iccid, column: &str, text: &str) -> Result<Vec<u8>, String>;
}

/// Opens nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoOpener;

impl CellOpener for NoOpener {
    fn open(&self, _: &Iccid, _: &str, _: &[u8]) -> Result<Zeroizing<Vec<u8>>, String> {
        Err("there is nothing here to open it with".into())
    }
}

/// Why a table could not be sealed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// It is not sound.
    #[error("the table has errors; `bootgate batch check` lists them")]
    Unsound(Vec<Problem>),
    /// Its rows name no cards.
    #[error("a sealed cell belongs to its card: the table needs the column iccid")]
    NoCards,
    /// It has no keys.
    #[error("no column of the table holds keys, so there is nothing to seal")]
    NoKeys,
    /// A cell could not be sealed.
    #[error("line {line}: {why}")]
    Cell {
        /// Where.
        line: u64,
        /// Why.
        why: String,
    },
}

/// The same table with every key sealed. Remarks and empty lines are left out; cells that are sealed stay as they are.
///
/// # Errors
/// [`SealError`].
pub fn seal(octets: &[u8], columns: &Columns, sealer: &dyn CellSealer) -> Result<Vec<u8>, SealError> {
    let (_, report) = Report::of_sealed_table(octets, columns, sealer);
    if !report.is_sound() {
        return Err(SealError::Unsound(report.problems));
    }
    let octets = octets.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(octets);
    let mut reader = records(octets);
    let mut writer = WriterBuilder::new().delimiter(delimiter(octets)).from_writer(Vec::new());
    let mut record = StringRecord::new();
    let mut heads: Option<Heads> = None;
    // A sound table can be read; what is written goes to memory.
    while let Ok(true) = reader.read_record(&mut record) {
        let Some(heads) = &heads else {
            heads = Some(Heads::of(&record, columns)?);
            let _ = writer.write_record(&record);
            continue;
        };
        if record.iter().all(str::is_empty) {
            continue;
        }
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |why: String| SealError::Cell { line, why };
        let card: Iccid = record
            .get(heads.card)
            .and_then(|cell| cell.parse().ok())
            .ok_or_else(|| cell("the row names no card".into()))?;
        let sealed: Result<Vec<Zeroizing<String>>, String> = record
            .iter()
            .enumerate()
            .map(|(at, text)| match heads.key_at(at) {
                Some(column) if !text.is_empty() && !text.starts_with(MARK) => {
                    let blob = sealer.seal(&card, column, text)?;
                    Ok(Zeroizing::new(format!("{MARK}{}", BASE64.encode(blob))))
                }
                _ => Ok(Zeroizing::new(text.to_owned())),
            })
            .collect();
        let _ = writer.write_record(sealed.map_err(cell)?.iter().map(|text| text.as_bytes()));
    }
    writer.into_inner().map_err(|error| SealError::Cell { line: 0, why: error.to_string() })
}

/// Which cells are which.
struct Heads {
    card: usize,
    keys: Vec<(usize, &'static str)>,
}

impl Heads {
    fn of(titles: &StringRecord, columns: &Columns) -> Result<Self, SealError> {
        let found = |title: &str| match columns.find(title) {
            Title::Meant { column, .. } => column,
            Title::Ignored | Title::Unknown => None,
        };
        let all: Vec<(usize, Column)> =
            titles.iter().enumerate().filter_map(|(at, title)| Some((at, found(title)?))).collect();
        let card = all.iter().find(|(_, column)| *column == Column::Iccid).ok_or(SealError::NoCards)?.0;
        let keys: Vec<_> = all
            .iter()
            .filter(|(_, column)| matches!(column, Column::CardKey(_)))
            .map(|(at, column)| (*at, column.name()))
            .collect();
        if keys.is_empty() { Err(SealError::NoKeys) } else { Ok(Self { card, keys }) }
    }

    fn key_at(&self, at: usize) -> Option<&'static str> {
        self.keys.iter().find(|(key, _)| *key == at).map(|(_, name)| *name)
    }
}

/// The text of a sealed cell; none when it is not sealed.
pub(super) fn opened(
    cell: &str,
    card: Option<&Iccid>,
    column: &str,
    opener: &dyn CellOpener,
) -> Result<Option<Zeroizing<String>>, String> {
    let Some(sealed) = cell.strip_prefix(MARK) else { return Ok(None) };
    let card = card.ok_or("a sealed cell belongs to its card: the row needs an ICCID")?;
    let blob = BASE64.decode(sealed).map_err(|_| "what follows sealed: is not base64")?;
    let text =
        opener.open(card, column, &blob).map_err(|why| format!("the sealed cell does not open: {why}"))?;
    let text = std::str::from_utf8(&text).map_err(|_| "what was sealed is not text")?;
    Ok(Some(Zeroizing::new(text.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{card::KeyId, wire::arr::KeyRef};

    /// Seals by putting the place before the text.
    struct Place;

    impl CellOpener for Place {
        fn open(&self, card: &Iccid, column: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, String> {
            let place = format!("{}/{column}/", card.digits());
            let text = sealed.strip_prefix(place.as_bytes()).ok_or("it was sealed for another place")?;
            Ok(Zeroizing::new(text.to_vec()))
        }
    }

    impl CellSealer for Place {
        fn seal(&self, card: &Iccid, column: &str, text: &str) -> Result<Vec<u8>, String> {
            Ok(format!("{}/{column}/{text}", card.digits()).into_bytes())
        }
    }

    const PLAIN: &str = "# of Monday\nBox;Serial;ADM1;pin;imei\n1;89490200001234567892;MARKED-A;4815;490154203237518\n\n\
        2;89490200001234567900;MARKED-B;;490154203237526\n";

    fn columns() -> Columns {
        Columns::parse("ignore = [\"Box\"]\n[columns]\niccid = \"Serial\"").unwrap()
    }

    #[test]
    fn a_sealed_table_is_the_same_table_without_its_keys() {
        let sealed = seal(PLAIN.as_bytes(), &columns(), &Place).unwrap();
        let text = String::from_utf8(sealed.clone()).unwrap();
        assert!(
            !text.contains("MARKED") && !text.contains("4815") && text.contains("490154203237518"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 3);

        let (plain, _) = Report::of_table(PLAIN.as_bytes(), &columns());
        let (opened, report) = Report::of_sealed_table(&sealed, &columns(), &Place);
        assert!(report.is_sound(), "{:?}", report.problems);
        let keys = |batch: &super::super::Batch| -> Vec<Vec<KeyId>> {
            batch.rows.iter().map(|row| row.keys.iter().map(|key| key.id).collect()).collect()
        };
        assert_eq!(keys(&opened), keys(&plain));
        let adm = KeyId::Key(KeyRef::ADM1);
        assert_eq!(keys(&opened), [vec![adm, KeyId::Key(KeyRef::PIN1)], vec![adm]]);
        // Sealing again changes nothing.
        assert_eq!(seal(&sealed, &columns(), &Place).unwrap(), sealed);
    }

    #[test]
    fn a_cell_that_was_moved_does_not_open() {
        let sealed = String::from_utf8(seal(PLAIN.as_bytes(), &columns(), &Place).unwrap()).unwrap();
        let swapped = sealed.replace("67892", "X").replace("67900", "67892").replace('X', "67900");
        let (batch, report) = Report::of_sealed_table(swapped.as_bytes(), &columns(), &Place);
        assert!(batch.rows.is_empty());
        let told: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
        assert!(
            told.iter().any(|p| p.contains("does not open: it was sealed for another place")),
            "{told:?}"
        );
        let (_, report) = Report::of_table(sealed.as_bytes(), &columns());
        assert!(report.problems.iter().any(|p| p.to_string().contains("nothing here to open it with")));
    }

    #[test]
    fn what_cannot_be_sealed_is_told() {
        let error = |text: &str| seal(text.as_bytes(), &Columns::default(), &Place).unwrap_err();
        assert_eq!(error("iccid,imei\n89490200001234567892,490154203237518\n"), SealError::NoKeys);
        assert_eq!(error("imei,adm1\n490154203237518,MARKED-A\n"), SealError::NoCards);
        assert!(matches!(error("iccid,adm1\n89490200001234567892,12\n"), SealError::Unsound(_)));
    }
}
