//! Where a table has a quotation mark that nothing closes: the reader takes all that follows for one cell (RFC 4180,
//! section 2, rules 5 to 7).

/// The line of the quotation mark that opens a cell and is not closed, and its offset. Cells are as the reader sees them: a quotation mark
/// opens one only at its beginning, and lines that begin with `#` are remarks.
pub(super) fn open_quote(octets: &[u8], delimiter: u8) -> Option<(u64, u64)> {
    let mut line = 1;
    let mut at = At::Line;
    let mut opened = (1, 0);
    for (offset, octet) in (0..).zip(octets) {
        at = match (at, octet) {
            (At::Quoted, b'"') => At::Closed,
            (At::Quoted, _) => At::Quoted,
            // Two of them are one that belongs to the text.
            (At::Closed, b'"') => At::Quoted,
            (At::Line, b'#') => At::Remark,
            (At::Remark, b'\n') => At::Line,
            (At::Remark, _) => At::Remark,
            (_, b'\n' | b'\r') => At::Line,
            (_, octet) if *octet == delimiter => At::Cell,
            (At::Line | At::Cell, b'"') => {
                opened = (line, offset);
                At::Quoted
            }
            _ => At::Text,
        };
        line += u64::from(*octet == b'\n');
    }
    matches!(at, At::Quoted).then_some(opened)
}

/// What was before.
#[derive(Clone, Copy)]
enum At {
    /// Nothing: a line begins.
    Line,
    /// A delimiter: a cell begins.
    Cell,
    /// The text of a cell without quotation marks, or what stands behind them.
    Text,
    /// A cell between quotation marks.
    Quoted,
    /// A quotation mark in such a cell: its end, or the first of two.
    Closed,
    /// A remark.
    Remark,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_is_open_where_it_opens_a_cell() {
        for (table, line) in [
            ("a,b\n1,2\n", None),
            ("a,b\n\"1\",\"2\"\"x\"\n", None),
            ("a,b\n1\" wide,2\n", None),
            ("# \"a remark\na\n1\n", None),
            ("a\n\"1\n2\"\n", None),
            ("a,b\n1,\"2\n3,4\n", Some(2)),
            ("a\n\"1\"\"\n", Some(2)),
            ("\"a", Some(1)),
            ("a\r\nb\r\n\"c\r\n", Some(3)),
        ] {
            assert_eq!(open_quote(table.as_bytes(), b',').map(|(line, _)| line), line, "{table:?}");
        }
    }
}
