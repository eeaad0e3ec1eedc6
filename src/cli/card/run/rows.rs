//! Values of a script's variables from a table: one row a card, found by its number.

use std::{collections::BTreeMap, path::Path};

use csv::{ReaderBuilder, Trim};
use zeroize::Zeroizing;

use crate::{
    cli::{Exit, Failure, input, output},
    ident::{Iccid, nearest, printable},
    job::batch::Column,
    wire::script::{Statement, parse},
};

/// The longest table, in octets: as for batches.
const MAX_OCTETS: u64 = 256 * 1024 * 1024;
/// The most problems that are told one by one.
const MAX_PROBLEMS: usize = 20;

/// The values of one card's row, by the names that the script declares.
pub(super) type Values = BTreeMap<String, Zeroizing<String>>;

/// The rows of a table.
pub(super) struct Rows {
    file: String,
    rows: BTreeMap<Iccid, (u64, Values)>,
}

impl Rows {
    /// Reads a table whose columns are `iccid` and variables or keys of the script. Others are for others, which is said,
    /// unless they are nearly one of these. Cells that are empty give no value.
    ///
    /// # Errors
    /// The file cannot be read, or it has no such columns, or a title with a slip in it, or a card that is none or stands
    /// twice: all of them are told, none of the cells is quoted.
    pub(super) fn read(file: &Path, script: &[u8]) -> anyhow::Result<Self> {
        let octets = Zeroizing::new(input::read_most(file, MAX_OCTETS)?);
        let name = file.display().to_string();
        let wrong = |why: String| Failure::because(Exit::Config, why);
        let declared = declared(script);
        let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(&octets[..]);
        let titles =
            reader.headers().map_err(|error| wrong(format!("{name}: no table: {}", kind(&error))))?;
        let named = |title: &str| declared.iter().find(|known| known.eq_ignore_ascii_case(title)).cloned();
        let columns: Vec<Option<String>> = titles.iter().map(named).collect();
        let Some(card) = titles.iter().position(|title| title.eq_ignore_ascii_case("iccid")) else {
            return Err(wrong(format!(
                "{name}:1: no column iccid, by which the row of a card is found; the columns are iccid and the variables \
                 of the script ({})",
                declared.join(", ")
            )));
        };
        let (mut rows, mut problems) = (BTreeMap::new(), Vec::new());
        let meant = |title: &str| title.eq_ignore_ascii_case("iccid") || named(title).is_some();
        for title in titles.iter().filter(|title| !meant(title)) {
            let shown = printable(title);
            // A table of a batch has columns of its own, whatever variables they resemble.
            let near = nearest(title, declared.iter().map(String::as_str));
            match near.filter(|_| Column::from_name(title).is_none()) {
                Some(meant) => problems.push(format!("{name}:1: column {shown}: did you mean `{meant}`?")),
                None => output::note(&format!("{name}:1: nothing in the script uses column {shown}")),
            }
        }
        for record in reader.records() {
            let record = match record {
                Ok(record) => record,
                Err(error) => {
                    let line = error.position().map_or(0, csv::Position::line);
                    problems.push(format!("{name}:{line}: {}", kind(&error)));
                    continue;
                }
            };
            let line = record.position().map_or(0, csv::Position::line);
            let Ok(iccid) = record.get(card).unwrap_or_default().parse::<Iccid>() else {
                problems.push(format!("{name}:{line}: iccid: expected 18 to 20 digits"));
                continue;
            };
            let cells = columns.iter().zip(&record).filter(|(_, cell)| !cell.is_empty());
            let values = cells
                .filter_map(|(column, cell)| Some((column.clone()?, Zeroizing::new(cell.to_owned()))))
                .collect();
            match rows.get(&iccid) {
                Some((first, _)) => {
                    problems.push(format!("{name}:{line}: iccid: this card stands in line {first} already"));
                }
                None => drop(rows.insert(iccid, (line, values))),
            }
        }
        if problems.is_empty() {
            return Ok(Self { file: name, rows });
        }
        let more = problems.len().saturating_sub(MAX_PROBLEMS);
        problems.truncate(MAX_PROBLEMS);
        if more > 0 {
            problems.push(format!("and {more} more"));
        }
        Err(wrong(problems.join("\n")))
    }

    /// Each row: where it stands, as `FILE:LINE`, and its values.
    pub(super) fn each(&self) -> impl Iterator<Item = (String, &Values)> {
        self.rows.values().map(|(line, values)| (format!("{}:{line}", self.file), values))
    }

    /// The row of a card.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn of(&self, card: &Iccid) -> anyhow::Result<&Values> {
        let none = || {
            let why = format!("card {card} has no row in {}; nothing was sent to it", self.file);
            Failure::because(Exit::Failed, why)
        };
        self.rows.get(card).map(|(_, values)| values).ok_or_else(none)
    }
}

/// The names of variables and keys that a script declares.
fn declared(script: &[u8]) -> Vec<String> {
    let statements = parse(script).script.statements;
    let name = |statement: &Statement| match statement {
        Statement::Variable(variable) => Some(variable.name.value.clone()),
        Statement::Key(key) | Statement::Puk(key) => Some(key.name.value.clone()),
        _ => None,
    };
    statements.iter().filter_map(|statement| name(&statement.value)).collect()
}

/// What is wrong with a table, without its content, which the library's message may quote.
fn kind(error: &csv::Error) -> &'static str {
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "not UTF-8",
        csv::ErrorKind::UnequalLengths { .. } => "another number of cells than titles",
        _ => "cannot be read as CSV",
    }
}
