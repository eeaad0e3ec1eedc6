//! Octets → statements of characters with their places → tokens.

use super::{MAX_LINES, MAX_SIZE, MAX_STATEMENT, Position, Problem, ProblemKind};

/// A statement as it was written, its continuations joined by a blank.
#[derive(Debug)]
pub(super) struct Line {
    /// Where it begins.
    pub(super) at: Position,
    /// Its first three characters, in capitals; fewer when there are fewer.
    pub(super) word: String,
    /// What stands behind them.
    pub(super) rest: Vec<(char, Position)>,
    /// Everything, as written.
    pub(super) text: String,
    /// Whether it goes on in another line.
    pub(super) continued: bool,
}

impl Line {
    /// The first three characters with their places, for a label, which has no word.
    pub(super) fn word_chars(&self) -> Vec<(char, Position)> {
        let place = |n| Position { line: self.at.line, column: self.at.column + n };
        self.text.chars().take(3).enumerate().map(|(n, c)| (c, place(n))).collect()
    }
}

/// The statements of a script. What is too large is cut off where it becomes so, and told.
pub(super) fn lines(input: &[u8], problems: &mut Vec<Problem>) -> Vec<Line> {
    let start = Position { line: 1, column: 1 };
    let Some(input) = (input.len() <= MAX_SIZE).then_some(input) else {
        problems.push(Problem::new(start, ProblemKind::TooLarge { what: "octets", limit: MAX_SIZE }));
        return Vec::new();
    };
    let input = input.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(input);
    let mut out = Vec::new();
    let mut open: Option<Vec<(char, Position)>> = None;
    let mut began = start;
    let mut continued = false;
    let physical = input.strip_suffix(b"\n").unwrap_or(input);
    for (n, octets) in physical.split(|octet| *octet == b'\n').enumerate() {
        let line = n + 1;
        if n >= MAX_LINES {
            let at = Position { line, column: 1 };
            problems.push(Problem::new(at, ProblemKind::TooLarge { what: "lines", limit: MAX_LINES }));
            break;
        }
        let text = String::from_utf8_lossy(octets);
        let text = text.trim_end_matches(['\r', '\u{C}', ' ', '\t']);
        let (text, goes_on) = text.strip_suffix('\\').map_or((text, false), |text| (text, true));
        if open.is_none() {
            began = Position { line, column: 1 };
            continued = false;
        }
        let chars = open.get_or_insert_default();
        let placed = text.chars().enumerate().map(|(c, char)| (char, Position { line, column: c + 1 }));
        if !chars.is_empty() {
            chars.push((' ', Position { line, column: 1 }));
        }
        chars.extend(placed);
        if chars.len() > MAX_STATEMENT {
            let kind = ProblemKind::TooLarge { what: "characters in a statement", limit: MAX_STATEMENT };
            problems.push(Problem::new(began, kind));
            chars.truncate(MAX_STATEMENT);
        }
        continued |= goes_on;
        if !goes_on {
            out.push(statement(open.take().unwrap_or_default(), began, continued));
        }
    }
    if let Some(chars) = open {
        problems.push(Problem::new(began, ProblemKind::Unfinished));
        out.push(statement(chars, began, true));
    }
    out
}

fn statement(chars: Vec<(char, Position)>, began: Position, continued: bool) -> Line {
    let blank = |c: &char| *c == ' ' || *c == '\t' || *c == '\u{C}';
    let first = chars.iter().position(|(c, _)| !blank(c)).unwrap_or(chars.len());
    let chars = chars.get(first..).unwrap_or_default();
    let at = chars.first().map_or(began, |(_, at)| *at);
    let word: String = chars.iter().take(3).map(|(c, _)| c.to_ascii_uppercase()).collect();
    let text: String = chars.iter().map(|(c, _)| *c).collect();
    let rest = chars.get(3..).unwrap_or_default().to_vec();
    Line { at, word, rest, text: text.trim_end().to_owned(), continued }
}

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// Hexadecimal digits and X.
    Hex(String),
    /// Any other word: a name, a path.
    Word(String),
    /// A word with `(` directly behind it: a function begins.
    Call(String),
    /// `${NAME}`.
    Name(String),
    /// `"text"`.
    Text(String),
    /// `==`, `!=`, `^=`.
    Sign(String),
    /// `[ ] ( ) , :` and whatever else stands alone.
    Mark(char),
}

impl Token {
    /// As it is shown in messages.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Hex(s) | Self::Word(s) | Self::Sign(s) => s.clone(),
            Self::Call(s) => format!("{s}("),
            Self::Name(s) => format!("${{{s}}}"),
            Self::Text(_) => "a text in quotes".into(),
            Self::Mark(c) => c.to_string(),
        }
    }
}

/// A token and its place.
pub(super) type Placed = (Token, Position);

/// The tokens of a statement.
pub(super) fn tokens(chars: &[(char, Position)]) -> Result<Vec<Placed>, Problem> {
    let mut out = Vec::new();
    let mut rest = chars;
    while let Some(((c, at), behind)) = rest.split_first() {
        rest = match *c {
            ' ' | '\t' | '\u{C}' => behind,
            '"' => quoted(*at, behind, &mut out)?,
            '$' => named(*at, behind, &mut out)?,
            '=' | '!' | '^' if behind.first().is_some_and(|(c, _)| *c == '=') => {
                out.push((Token::Sign(format!("{c}=")), *at));
                behind.get(1..).unwrap_or_default()
            }
            c if is_word(c) => word(*at, rest, &mut out),
            c if c.is_ascii_graphic() => {
                out.push((Token::Mark(c), *at));
                behind
            }
            _ => return Err(Problem::new(*at, ProblemKind::Character)),
        };
    }
    Ok(out)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-/.*".contains(c)
}

fn word<'c>(at: Position, chars: &'c [(char, Position)], out: &mut Vec<Placed>) -> &'c [(char, Position)] {
    let end = chars.iter().position(|(c, _)| !is_word(*c)).unwrap_or(chars.len());
    let (word, behind) = chars.split_at(end);
    let word: String = word.iter().map(|(c, _)| *c).collect();
    if word.chars().all(|c| c.is_ascii_hexdigit() || c == 'X' || c == 'x') {
        out.push((Token::Hex(word), at));
        return behind;
    }
    match behind.split_first() {
        Some((('(', _), inside)) => {
            out.push((Token::Call(word), at));
            inside
        }
        _ => {
            out.push((Token::Word(word), at));
            behind
        }
    }
}

fn quoted<'c>(
    at: Position,
    chars: &'c [(char, Position)],
    out: &mut Vec<Placed>,
) -> Result<&'c [(char, Position)], Problem> {
    let unfinished = || Problem::new(at, ProblemKind::OpenQuote);
    let end = chars.iter().position(|(c, _)| *c == '"').ok_or_else(unfinished)?;
    let (text, behind) = chars.split_at(end);
    if let Some((_, at)) = text.iter().find(|(c, _)| !c.is_ascii_graphic() && *c != ' ') {
        return Err(Problem::new(*at, ProblemKind::Character));
    }
    out.push((Token::Text(text.iter().map(|(c, _)| *c).collect()), at));
    Ok(behind.get(1..).unwrap_or_default())
}

fn named<'c>(
    at: Position,
    chars: &'c [(char, Position)],
    out: &mut Vec<Placed>,
) -> Result<&'c [(char, Position)], Problem> {
    let wrong = || Problem::new(at, ProblemKind::VariableForm);
    let [('{', _), inside @ ..] = chars else { return Err(wrong()) };
    let end = inside.iter().position(|(c, _)| *c == '}').ok_or_else(wrong)?;
    let (name, behind) = inside.split_at(end);
    let name: String = name.iter().map(|(c, _)| *c).collect();
    if !is_name(&name) {
        return Err(wrong());
    }
    out.push((Token::Name(name), at));
    Ok(behind.get(1..).unwrap_or_default())
}

/// Whether a text can name a variable: a letter, then letters, digits and underscores.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.len() <= 64
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The octets of hexadecimal digits; none when they are odd or not digits.
pub(super) fn octets(digits: &str) -> Option<Vec<u8>> {
    let nibbles: Option<Vec<u8>> =
        digits.chars().map(|c| c.to_digit(16).and_then(|n| u8::try_from(n).ok())).collect();
    let (pairs, odd) = nibbles.as_deref()?.as_chunks::<2>();
    odd.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}
