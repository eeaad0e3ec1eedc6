//! Values: octets, texts, files, variables and functions.

use crate::wire::script::{
    Argument, At, Expr, Function, MAX_DEPTH, Parameter, Problem, ProblemKind, Type,
    lex::{self, Token},
};

use super::tokens::{Tokens, odd_digits};

impl Tokens<'_> {
    /// Octets, one item after the other, up to what cannot be one. At least one.
    pub(super) fn octets(&mut self) -> Result<Vec<At<Expr>>, Problem> {
        self.items(Type::Octets, 0)
    }

    /// One item that gives octets.
    pub(super) fn item(&mut self) -> Result<At<Expr>, Problem> {
        self.one(Type::Octets, 0)
    }

    /// A file.
    pub(super) fn path(&mut self) -> Result<At<Expr>, Problem> {
        self.one(Type::Path, 0)
    }

    fn items(&mut self, kind: Type, depth: usize) -> Result<Vec<At<Expr>>, Problem> {
        let mut out = vec![self.one(kind, depth)?];
        while matches!(
            self.peek(),
            Some(Token::Hex(_) | Token::Word(_) | Token::Call(_) | Token::Name(_) | Token::Text(_))
        ) {
            out.push(self.one(kind, depth)?);
        }
        Ok(joined(out))
    }

    fn one(&mut self, kind: Type, depth: usize) -> Result<At<Expr>, Problem> {
        let at = self.here();
        let expr = match self.peek() {
            Some(Token::Hex(digits)) if kind == Type::Path => self.file(digits)?,
            Some(Token::Hex(digits)) if kind == Type::Digits => {
                if !digits.bytes().all(|b| b.is_ascii_digit()) {
                    return Err(self.wrong("decimal digits"));
                }
                Expr::Digits(digits.clone())
            }
            Some(Token::Hex(digits)) => Expr::Octets(octets(digits, at)?),
            Some(Token::Word(word)) if kind == Type::Path => self.file(word)?,
            Some(Token::Text(text)) if kind != Type::Path => {
                self.needs_header("a text in quotes")?;
                Expr::Text(text.clone())
            }
            Some(Token::Name(name)) => {
                self.needs_header("a variable")?;
                Expr::Variable(name.clone())
            }
            Some(Token::Call(name)) => {
                self.needs_header("a function")?;
                let function = Function::named(name).ok_or_else(|| unknown(at, name))?;
                self.next();
                return Ok(At::new(at, self.call(function, depth)?));
            }
            _ => {
                return Err(self.wrong(match kind {
                    Type::Path => "a file, as 3F00/7F50/6431",
                    Type::Digits => "decimal digits",
                    _ => "octets, as two hexadecimal digits each",
                }));
            }
        };
        self.next();
        Ok(At::new(at, expr))
    }

    fn file(&self, word: &str) -> Result<Expr, Problem> {
        word.parse().map(Expr::Path).map_err(|_| self.wrong("a file, as 3F00/7F50/6431 or AID/5031"))
    }

    /// What stands behind `name(`.
    fn call(&mut self, function: Function, depth: usize) -> Result<Expr, Problem> {
        if depth >= MAX_DEPTH {
            return Err(Problem::new(self.here(), ProblemKind::TooDeep));
        }
        let mut arguments = Vec::new();
        for (n, parameter) in function.parameters().iter().enumerate() {
            if n > 0 && !self.take(&Token::Mark(',')) {
                if *parameter == Parameter::OptionalOctet {
                    break;
                }
                return Err(self.wrong_arguments(function));
            }
            arguments.push(match parameter {
                Parameter::Value(Type::Path) => Argument::Value(vec![self.one(Type::Path, depth + 1)?]),
                Parameter::Value(kind) => Argument::Value(self.items(*kind, depth + 1)?),
                Parameter::Number => Argument::Number(self.number(function)?),
                Parameter::OptionalOctet => match self.hex(function)?.as_slice() {
                    [octet] => Argument::Octet(*octet),
                    _ => return Err(self.wrong_arguments(function)),
                },
                Parameter::Tag => match self.hex(function)?.as_slice() {
                    [tag] => Argument::Tag(u16::from(*tag)),
                    [a, b] => Argument::Tag(u16::from_be_bytes([*a, *b])),
                    _ => return Err(self.wrong_arguments(function)),
                },
            });
        }
        if !self.take(&Token::Mark(')')) {
            return Err(self.wrong_arguments(function));
        }
        Ok(Expr::Call(function, arguments))
    }

    fn number(&mut self, function: Function) -> Result<u16, Problem> {
        let number = match self.peek() {
            Some(Token::Hex(digits)) => digits.parse().ok(),
            _ => None,
        };
        let number = number.ok_or_else(|| self.wrong_arguments(function))?;
        self.next();
        Ok(number)
    }

    fn hex(&mut self, function: Function) -> Result<Vec<u8>, Problem> {
        let octets = match self.peek() {
            Some(Token::Hex(digits)) => lex::octets(digits),
            _ => None,
        };
        let octets = octets.ok_or_else(|| self.wrong_arguments(function))?;
        self.next();
        Ok(octets)
    }

    fn wrong_arguments(&self, function: Function) -> Problem {
        let takes = match function {
            Function::BcdSwap | Function::Luhn | Function::Ascii => "digits",
            Function::BcdUnswap | Function::Lv | Function::Len => "octets",
            Function::Tlv => "a tag and octets, as tlv(83, 6F 07)",
            Function::Pad => "octets, a decimal number and, if not FF, an octet, as pad(${X}, 16, FF)",
            Function::Slice => "octets and two decimal numbers, as slice(${R}, 0, 2)",
            Function::Value => "octets and a tag, as value(${R}, 62)",
            Function::Path | Function::Fid | Function::Parent => "a file",
        };
        Problem::new(self.here(), ProblemKind::Arguments { function: function.name(), takes })
    }
}

fn octets(digits: &str, at: crate::wire::script::Position) -> Result<Vec<u8>, Problem> {
    if digits.contains(['X', 'x']) {
        return Err(Problem::new(at, ProblemKind::Wildcard));
    }
    lex::octets(digits).ok_or_else(|| odd_digits(at, digits))
}

fn unknown(at: crate::wire::script::Position, name: &str) -> Problem {
    let expected: Vec<_> = Function::ALL.iter().map(|f| f.name()).collect();
    let name = name.chars().take(32).collect();
    Problem::new(at, ProblemKind::UnknownFunction { name, expected: expected.join(", ") })
}

/// Octets, and digits, that stand side by side are one: how they are grouped says nothing.
fn joined(items: Vec<At<Expr>>) -> Vec<At<Expr>> {
    let mut out: Vec<At<Expr>> = Vec::new();
    for item in items {
        match (out.last_mut().map(|last| &mut last.value), &item.value) {
            (Some(Expr::Octets(octets)), Expr::Octets(more)) => octets.extend_from_slice(more),
            (Some(Expr::Digits(digits)), Expr::Digits(more)) => digits.push_str(more),
            _ => out.push(item),
        }
    }
    out
}
