//! The tokens of one statement, taken one after the other.

use crate::wire::{
    arr::KeyRef,
    script::{
        At, Expected, Position, Problem, ProblemKind, StatusPattern,
        lex::{self, Placed, Token},
    },
};

pub(super) struct Tokens<'t> {
    rest: &'t [Placed],
    /// Where the statement begins, for what is missing at its end.
    begin: Position,
    last: Position,
    extended: bool,
}

impl<'t> Tokens<'t> {
    pub(super) fn new(tokens: &'t [Placed], begin: Position, extended: bool) -> Self {
        Self { rest: tokens, begin, last: begin, extended }
    }

    /// Where the next token is, or the last one was.
    pub(super) fn here(&self) -> Position {
        self.rest.first().map_or(self.last.max(self.begin), |(_, at)| *at)
    }

    pub(super) fn peek(&self) -> Option<&'t Token> {
        self.rest.first().map(|(token, _)| token)
    }

    pub(super) fn next(&mut self) -> Option<&'t Placed> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        self.last = first.1;
        Some(first)
    }

    pub(super) fn is_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn is_next(&self, token: &Token) -> bool {
        self.peek() == Some(token)
    }

    pub(super) fn take(&mut self, token: &Token) -> bool {
        self.take_at(token).is_some()
    }

    pub(super) fn take_at(&mut self, token: &Token) -> Option<Position> {
        let at = self.here();
        self.is_next(token).then(|| {
            self.next();
            at
        })
    }

    pub(super) fn expect(&mut self, token: &Token, expected: &'static str) -> Result<(), Problem> {
        if self.take(token) { Ok(()) } else { Err(self.wrong(expected)) }
    }

    pub(super) fn end(&self) -> Result<(), Problem> {
        if self.is_end() { Ok(()) } else { Err(self.wrong("the end of the statement")) }
    }

    /// What is said of the next token when `expected` should stand there.
    pub(super) fn unexpected(&self, expected: &'static str) -> ProblemKind {
        let found =
            self.peek().map_or_else(|| "the end of the statement".into(), |t| format!("`{}`", t.shown()));
        ProblemKind::Expected { expected, found }
    }

    pub(super) fn wrong(&self, expected: &'static str) -> Problem {
        Problem::new(self.here(), self.unexpected(expected))
    }

    /// Refuses what only the superset has.
    pub(super) fn needs_header(&self, what: &str) -> Result<(), Problem> {
        if self.extended {
            return Ok(());
        }
        Err(Problem::new(self.here(), ProblemKind::NeedsHeader { what: what.to_owned() }))
    }

    /// A status word, its digits grouped as one likes.
    pub(super) fn status_word(&mut self) -> Result<At<StatusPattern>, Problem> {
        let at = self.here();
        let mut digits = String::new();
        while let Some(Token::Hex(more)) = self.peek() {
            digits.push_str(more);
            self.next();
        }
        let wrong = |found: String| Problem::new(at, ProblemKind::StatusWord { found });
        if digits.is_empty() {
            return Err(wrong(self.peek().map(Token::shown).unwrap_or_default()));
        }
        match nibbles(&digits).as_slice() {
            [a, b, c, d] => {
                let word = |of: fn(&(u8, u8)) -> u8| {
                    [a, b, c, d].iter().fold(0u16, |sum, nibble| sum << 4 | u16::from(of(nibble)))
                };
                Ok(At::new(at, StatusPattern { value: word(|n| n.0), mask: word(|n| n.1) }))
            }
            _ => Err(wrong(digits.chars().take(16).collect())),
        }
    }

    /// Expected data up to `]`.
    pub(super) fn expected(&mut self, open: Position) -> Result<Vec<At<Expected>>, Problem> {
        let mut out = Vec::new();
        loop {
            let at = self.here();
            match self.peek() {
                None => return Err(Problem::new(open, ProblemKind::NotClosed { open: '[' })),
                Some(Token::Mark(']')) => {
                    self.next();
                    return Ok(out);
                }
                Some(Token::Hex(digits)) => {
                    self.next();
                    let nibbles = nibbles(digits);
                    let (pairs, odd) = nibbles.as_chunks::<2>();
                    if !odd.is_empty() {
                        return Err(odd_digits(at, digits));
                    }
                    out.extend(pairs.iter().map(|[high, low]| {
                        let (value, mask) = (high.0 << 4 | low.0, high.1 << 4 | low.1);
                        At::new(at, Expected::Octet { value, mask })
                    }));
                }
                Some(_) => {
                    let item = self.item()?;
                    out.push(At::new(item.at, Expected::Value(item.value)));
                }
            }
        }
    }

    /// A key reference.
    pub(super) fn key(&mut self) -> Result<At<KeyRef>, Problem> {
        let at = self.here();
        let found = self.peek().map(Token::shown).unwrap_or_default();
        let octets = match self.peek() {
            Some(Token::Hex(digits)) => lex::octets(digits),
            _ => None,
        };
        match octets.as_deref() {
            Some([reference]) => {
                self.next();
                Ok(At::new(at, KeyRef(*reference)))
            }
            _ => Err(Problem::new(at, ProblemKind::KeyReference { found })),
        }
    }

    /// The name of a variable, bare.
    pub(super) fn name(&mut self) -> Result<At<String>, Problem> {
        let at = self.here();
        match self.peek() {
            Some(Token::Word(name) | Token::Hex(name)) if lex::is_name(name) => {
                self.next();
                Ok(At::new(at, name.clone()))
            }
            _ => Err(self.wrong("the name of a variable: a letter, then letters, digits and _")),
        }
    }
}

/// Digits that are no whole octets.
pub(super) fn odd_digits(at: Position, digits: &str) -> Problem {
    let last = digits.chars().last().unwrap_or('0').to_ascii_uppercase();
    Problem::new(at, ProblemKind::OddDigits { digits: digits.chars().count(), last })
}

/// Each digit's value, and which of its bits are compared.
fn nibbles(digits: &str) -> Vec<(u8, u8)> {
    let nibble = |c: char| c.to_digit(16).and_then(|n| u8::try_from(n).ok());
    digits.chars().map(|c| nibble(c).map_or((0, 0), |n| (n, 0xF))).collect()
}
