//! Text → rows, with everything that is wrong on the way.

use std::{collections::HashMap, fmt::Display, hash::Hash, str::FromStr};

use csv::{ReaderBuilder, StringRecord, Trim};
use zeroize::Zeroize as _;

use super::{
    Batch, CellOpener, Column, Columns, Matching, Row,
    columns::Title,
    problem::{Problem, ProblemKind},
    quotes::open_quote,
    sealed,
};
use crate::{
    card::{Key, KeyId},
    ident::{AdmKey, Iccid, Imei, Imsi},
    job::JobKey,
    wire::arr::KeyRef,
};

/// The longest table, in octets.
pub const MAX_OCTETS: usize = 256 * 1024 * 1024;
/// The most rows.
pub const MAX_ROWS: usize = 1_000_000;
/// The longest cell that means something, in octets.
pub const MAX_FIELD: usize = 256;
/// The longest value of a script's variable, in octets: the largest file of a card, as hexadecimal digits.
pub const MAX_VALUE: usize = 2 * 0x8000;
/// The most columns.
const MAX_COLUMNS: usize = 256;

/// Reads a table: the rows that are whole, and all problems, in order of their lines. Sealed cells are opened with `opener`.
pub fn read(octets: &[u8], columns: &Columns, opener: &dyn CellOpener) -> (Batch, Vec<Problem>) {
    let mut reading = Reading::new(opener);
    reading.table(octets, columns);
    let named = reading.rows.iter().any(|row| row.subscriber.iccid.is_some());
    // Where no row is whole, the titles say how rows were meant to find their cards.
    let matching = if named || reading.rows.is_empty() && reading.has_iccid {
        Matching::ByIccid
    } else {
        Matching::FirstCome
    };
    if matching == Matching::ByIccid {
        let without = reading.rows.iter().filter(|row| row.subscriber.iccid.is_none());
        let problems = without.map(|row| Problem::new(row.line, Some("iccid"), ProblemKind::NoIccid));
        reading.problems.extend(problems);
        reading.rows.retain(|row| row.subscriber.iccid.is_some());
    }
    reading.problems.sort_by_key(|problem| problem.place.line);
    (Batch { rows: reading.rows, matching }, reading.problems)
}

struct Reading<'a> {
    opener: &'a dyn CellOpener,
    rows: Vec<Row>,
    problems: Vec<Problem>,
    iccids: HashMap<Iccid, u64>,
    imsis: HashMap<Imsi, u64>,
    imeis: HashMap<Imei, u64>,
    keys: HashMap<String, u64>,
    adm: AdmKeys,
    /// Whether there is a column for the card.
    has_iccid: bool,
}

/// The administrative keys so far, and the lines where they stood first.
#[derive(Default)]
struct AdmKeys(HashMap<[u8; 8], u64>);

impl Drop for AdmKeys {
    fn drop(&mut self) {
        for (mut key, _) in self.0.drain() {
            key.zeroize();
        }
    }
}

/// A column of the table: what it holds and its title.
struct Head {
    column: Option<Column>,
    /// The variable or key of the script that it holds.
    script: Option<String>,
    title: String,
}

impl<'a> Reading<'a> {
    fn new(opener: &'a dyn CellOpener) -> Self {
        let (rows, problems, adm) = (Vec::new(), Vec::new(), AdmKeys::default());
        let (iccids, imsis, imeis, keys) = Default::default();
        Self { opener, rows, problems, iccids, imsis, imeis, keys, adm, has_iccid: false }
    }

    fn table(&mut self, octets: &[u8], columns: &Columns) {
        if octets.len() > MAX_OCTETS {
            let kind = ProblemKind::Limit { what: "octets of the table", limit: MAX_OCTETS };
            return self.problem(1, None, kind);
        }
        let octets = octets.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(octets);
        if let Err(error) = std::str::from_utf8(octets) {
            let before = octets.get(..error.valid_up_to()).unwrap_or(&[]);
            let line = 1 + before.iter().filter(|o| **o == b'\n').count();
            return self.problem(u64::try_from(line).unwrap_or(u64::MAX), None, ProblemKind::Encoding);
        }
        let open_quote = open_quote(octets, delimiter(octets));
        let mut reader = records(octets);
        let mut record = StringRecord::new();
        let mut heads: Option<Vec<Head>> = None;
        // The text is UTF-8 and lies in memory, so reading cannot fail.
        while let Ok(true) = reader.read_record(&mut record) {
            let line = record.position().map_or(0, |begin| line_of(octets, begin));
            // The record with that cell swallows the rest of the table.
            if let Some((opened, _)) = open_quote.filter(|(_, offset)| reader.position().byte() > *offset) {
                self.problem(opened, None, ProblemKind::OpenQuote);
                break;
            }
            match &heads {
                None => heads = Some(self.titles(line, &record, columns)),
                Some(_) if self.rows.len() >= MAX_ROWS => {
                    self.problem(line, None, ProblemKind::Limit { what: "rows", limit: MAX_ROWS });
                    break;
                }
                Some(heads) => self.row(line, &record, heads),
            }
        }
        if self.rows.is_empty() && self.problems.is_empty() {
            self.problem(1, None, ProblemKind::Empty);
        }
    }

    fn titles(&mut self, line: u64, record: &StringRecord, columns: &Columns) -> Vec<Head> {
        if record.len() > MAX_COLUMNS {
            self.problem(line, None, ProblemKind::Limit { what: "columns", limit: MAX_COLUMNS });
        }
        let mut heads: Vec<Head> = Vec::new();
        for title in record.iter().take(MAX_COLUMNS) {
            // A title is text of the table too, but no secret stands where titles belong; it is cut short all the same.
            let shown: String = title.chars().take(40).collect();
            let (column, script) = match columns.find(title) {
                Title::Meant { column, script } => {
                    let doubled = heads.iter().any(|head| {
                        column.is_some() && head.column == column || script.is_some() && head.script == script
                    });
                    if doubled {
                        let name = column.map_or_else(|| script.unwrap_or_default(), |c| c.name().to_owned());
                        self.problem(line, Some(&shown), ProblemKind::DoubledColumn { name });
                        (None, None)
                    } else {
                        (column, script)
                    }
                }
                Title::Ignored => (None, None),
                Title::Unknown => {
                    let kind = ProblemKind::UnknownColumn {
                        near: columns.nearest(title),
                        expected: columns.expected(),
                    };
                    self.problem(line, Some(&shown), kind);
                    (None, None)
                }
            };
            heads.push(Head { column, script, title: shown });
        }
        self.has_iccid = heads.iter().any(|head| head.column == Some(Column::Iccid));
        for title in columns.absent(record) {
            self.problem(line, Some(title), ProblemKind::AbsentColumn);
        }
        heads
    }

    fn row(&mut self, line: u64, record: &StringRecord, heads: &[Head]) {
        if record.iter().all(str::is_empty) {
            return;
        }
        if record.len() != heads.len() {
            let (got, expected) = (record.len(), heads.len());
            return self.problem(line, None, ProblemKind::Cells { got, expected });
        }
        let before = self.problems.len();
        let mut row = Row { line, ..Row::default() };
        // What a sealed cell is opened for names the card.
        let (card, others): (Vec<_>, Vec<_>) =
            record.iter().zip(heads).partition(|(_, head)| head.column == Some(Column::Iccid));
        for (cell, head) in card.into_iter().chain(others) {
            if cell.is_empty() || (head.column.is_none() && head.script.is_none()) {
                continue;
            }
            let limit = if head.column.is_some() { MAX_FIELD } else { MAX_VALUE };
            if cell.len() > limit {
                let kind = ProblemKind::Limit { what: "octets of a cell", limit };
                self.problem(line, Some(&head.title), kind);
                continue;
            }
            if let Some(column) = head.column {
                self.cell(&mut row, column, cell, &head.title);
            }
            if let Some(name) = &head.script {
                self.value(&mut row, name, cell, &head.title);
            }
        }
        let whole = self.problems.iter().skip(before).all(|p| p.severity == super::Severity::Warning);
        if whole {
            self.rows.push(row);
        }
    }

    fn cell(&mut self, row: &mut Row, column: Column, cell: &str, title: &str) {
        let line = row.line;
        match column {
            Column::Iccid => {
                row.subscriber.iccid = self.read(line, title, cell);
                let iccid = row.subscriber.iccid.clone();
                self.seen(line, title, "ICCID", iccid, |r| &mut r.iccids);
            }
            Column::Imsi => {
                row.subscriber.imsi = self.read(line, title, cell);
                let imsi = row.subscriber.imsi.clone();
                self.seen(line, title, "IMSI", imsi, |r| &mut r.imsis);
            }
            Column::Imei => {
                row.subscriber.imei = self.read(line, title, cell);
                let imei = row.subscriber.imei.clone();
                self.seen(line, title, "IMEI", imei, |r| &mut r.imeis);
            }
            Column::Msisdn => row.subscriber.msisdn = self.read(line, title, cell),
            Column::CardKey(id) => {
                match sealed::opened(cell, row.subscriber.iccid.as_ref(), column.name(), self.opener) {
                    Ok(None) => self.card_key(row, id, cell, title),
                    Ok(Some(text)) => self.card_key(row, id, &text, title),
                    Err(why) => self.problem(line, Some(title), ProblemKind::Cell { why }),
                }
            }
            Column::AllowOnce => match cell.to_ascii_lowercase().as_str() {
                "yes" | "true" | "1" => row.allow_once = true,
                "no" | "false" | "0" => {}
                _ => {
                    let why = "expected yes or no".to_owned();
                    self.problem(line, Some(title), ProblemKind::Cell { why });
                }
            },
            Column::Key => {
                row.key = self.read::<JobKey>(line, title, cell);
                let key = row.key.as_ref().map(|key| key.as_str().to_owned());
                self.seen(line, title, "key", key, |r| &mut r.keys);
            }
        }
    }

    /// The value of a variable or key of the script; whether it is one is looked at with the script.
    fn value(&mut self, row: &mut Row, name: &str, cell: &str, title: &str) {
        match sealed::opened(cell, row.subscriber.iccid.as_ref(), name, self.opener) {
            Ok(text) => row.values.set(name, text.as_ref().map_or(cell, |text| text.as_str())),
            Err(why) => self.problem(row.line, Some(title), ProblemKind::Cell { why }),
        }
    }

    fn card_key(&mut self, row: &mut Row, id: KeyId, cell: &str, title: &str) {
        let line = row.line;
        let is_adm = id.reference().is_some_and(|key| !matches!(key, KeyRef::PIN1 | KeyRef::PIN2));
        if !is_adm {
            match Key::read(id, cell) {
                Ok(key) => row.keys.push(key),
                Err(why) => self.problem(line, Some(title), ProblemKind::Cell { why }),
            }
            return;
        }
        let (Some(reference), Some(key)) = (id.reference(), self.read::<AdmKey>(line, title, cell)) else {
            return;
        };
        // Two keys of one card may well be the same.
        let before = *self.adm.0.entry(*key.expose()).or_insert(line);
        if before != line {
            self.problem(line, Some(title), ProblemKind::SharedKey { before });
        }
        row.keys.push(Key::adm(reference, key));
    }

    fn read<T: FromStr<Err: Display>>(&mut self, line: u64, title: &str, cell: &str) -> Option<T> {
        match cell.parse() {
            Ok(value) => Some(value),
            Err(why) => {
                let why = T::Err::to_string(&why);
                self.problem(line, Some(title), ProblemKind::Cell { why });
                None
            }
        }
    }

    /// Says so when a value stood before.
    fn seen<T: Eq + Hash>(
        &mut self,
        line: u64,
        title: &str,
        what: &'static str,
        value: Option<T>,
        lines: fn(&mut Self) -> &mut HashMap<T, u64>,
    ) {
        let Some(value) = value else { return };
        if let Some(before) = lines(self).get(&value).copied() {
            self.problem(line, Some(title), ProblemKind::Duplicate { what, before });
        } else {
            lines(self).insert(value, line);
        }
    }

    fn problem(&mut self, line: u64, column: Option<&str>, kind: ProblemKind) {
        self.problems.push(Problem::new(line, column, kind));
    }
}

/// The line of a record: the reader's position is in front of the empty lines and remarks before it.
fn line_of(octets: &[u8], begin: &csv::Position) -> u64 {
    let mut line = begin.line();
    let at = usize::try_from(begin.byte()).unwrap_or(usize::MAX);
    let mut rest = octets.get(at..).unwrap_or(&[]);
    loop {
        let skipped = match rest.first() {
            Some(b'\r') => 1,
            Some(b'\n' | b'#') => {
                line += 1;
                rest.iter().position(|o| *o == b'\n').map_or(rest.len(), |end| end + 1)
            }
            _ => return line,
        };
        rest = rest.get(skipped..).unwrap_or(&[]);
    }
}

/// Reads records of a table: no title line of its own, cells without the blanks around them, no remarks.
pub(super) fn records(octets: &[u8]) -> csv::Reader<&[u8]> {
    ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .comment(Some(b'#'))
        .delimiter(delimiter(octets))
        .from_reader(octets)
}

/// What stands between cells: spreadsheets write a semicolon where the comma is the decimal point.
pub(super) fn delimiter(octets: &[u8]) -> u8 {
    let titles =
        octets.split(|o| *o == b'\n').find(|line| !line.starts_with(b"#") && !line.trim_ascii().is_empty());
    let count = |delimiter: u8| titles.map_or(0, |line| line.iter().filter(|o| **o == delimiter).count());
    [b',', b';', b'\t'].into_iter().rev().max_by_key(|d| count(*d)).unwrap_or(b',')
}
