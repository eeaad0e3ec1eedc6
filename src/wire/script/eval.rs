//! What expressions come to.

use std::{collections::BTreeMap, ops::RangeInclusive};

use zeroize::Zeroizing;

use crate::wire::tlv;

use super::{
    Argument, At, Expr, Function, Octets, Place, Position, Problem, ProblemKind, Script, Statement, Type,
    Value, VarDecl,
};

/// The numbers that records may have (TS 102 221, section 8.2.2.2).
pub(super) const RECORDS: RangeInclusive<u8> = 1..=254;

/// The values of variables.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Every variable that is declared; none where its value is not known yet.
    values: BTreeMap<String, Option<Value>>,
}

impl Environment {
    /// The variables of a script: `given` values, defaults where none is given, and none where there is no default.
    /// Secrets that are keys are not among them: they never stand in a command.
    ///
    /// # Errors
    /// Every value that does not fit its variable, and every one that no variable takes.
    pub fn new(script: &Script, given: &BTreeMap<String, Zeroizing<String>>) -> Result<Self, Vec<Problem>> {
        let mut out = Self::default();
        let mut problems = Vec::new();
        let mut taken = Vec::new();
        for statement in &script.statements {
            match &statement.value {
                Statement::Variable(declared) => {
                    taken.push(&declared.name.value);
                    match value(declared, given) {
                        Ok(value) => drop(out.values.insert(declared.name.value.clone(), value)),
                        Err(problem) => problems.push(problem),
                    }
                }
                Statement::Key(key) | Statement::Puk(key) => taken.push(&key.name.value),
                _ => {}
            }
        }
        let begin = Position { line: 1, column: 1 };
        for name in given.keys().filter(|name| !taken.contains(name)) {
            let nearest = taken.iter().min_by_key(|t| strsim::damerau_levenshtein(t, name));
            let suggestion = nearest.filter(|t| strsim::damerau_levenshtein(t, name) <= 2);
            let kind = ProblemKind::UnknownVariable {
                name: name.clone(),
                suggestion: suggestion.map(|name| (*name).clone()),
            };
            problems.push(Problem::new(begin, kind));
        }
        if problems.is_empty() { Ok(out) } else { Err(problems) }
    }

    /// Sets a variable; none: it has a value that is not known yet.
    pub fn set(&mut self, name: &str, value: Option<Value>) {
        self.values.insert(name.to_owned(), value);
    }

    /// Forgets a variable: it is unknown from here on.
    pub fn forget(&mut self, name: &str) {
        self.values.remove(name);
    }

    /// Where two ways come together: what both know, and values only where they are the same.
    pub(super) fn join(&mut self, other: &Self) {
        self.values.retain(|name, _| other.values.contains_key(name));
        for (name, value) in &mut self.values {
            if other.values.get(name) != Some(value) {
                *value = None;
            }
        }
    }

    /// What is secret of all values, as runs of octets: what no answer may show either.
    pub fn secrets(&self) -> Vec<Zeroizing<Vec<u8>>> {
        let known = self.values.values().flatten();
        known
            .flat_map(|value| match value {
                Value::Octets(octets) => octets.secrets(),
                Value::Digits(digits, true) => {
                    vec![Zeroizing::new(digits.as_bytes().to_vec()), swapped(digits)]
                }
                _ => Vec::new(),
            })
            .collect()
    }

    /// The names of all variables.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    fn value(&self, name: &str, at: Position) -> Result<Option<Value>, Problem> {
        let suggestion = || {
            let near = |n: &&str| strsim::damerau_levenshtein(n, name) <= 2;
            self.names().filter(near).min_by_key(|n| strsim::damerau_levenshtein(n, name)).map(str::to_owned)
        };
        self.values.get(name).cloned().ok_or_else(|| {
            let kind = ProblemKind::UnknownVariable { name: name.to_owned(), suggestion: suggestion() };
            Problem::new(at, kind)
        })
    }
}

fn value(declared: &VarDecl, given: &BTreeMap<String, Zeroizing<String>>) -> Result<Option<Value>, Problem> {
    let name = &declared.name;
    let wrong = |at, expected| Problem::new(at, ProblemKind::BadValue { name: name.value.clone(), expected });
    match (given.get(&name.value), &declared.default) {
        (Some(text), _) => {
            Value::read(declared.kind, text, declared.secret).map(Some).map_err(|e| wrong(name.at, e))
        }
        (None, Some(text)) => {
            Value::read(declared.kind, &text.value, false).map(Some).map_err(|e| wrong(text.at, e))
        }
        (None, None) => Ok(None),
    }
}

/// What a sequence of items comes to; none when the value of a variable in it is not known yet.
///
/// # Errors
/// [`Problem`]: a variable that does not exist, a type that does not fit, a value that a function does not take.
pub fn evaluate(items: &[At<Expr>], env: &Environment) -> Result<Option<Value>, Problem> {
    let mut all: Option<Value> = None;
    let mut known = true;
    for item in items {
        let Some(value) = one(item, env)? else {
            known = false;
            continue;
        };
        all = Some(match all {
            None => value,
            Some(before) => appended(before, value, item.at)?,
        });
    }
    Ok(all.filter(|_| known))
}

fn appended(before: Value, value: Value, at: Position) -> Result<Value, Problem> {
    let (expected, got) = (before.kind(), value.kind());
    match (before, value) {
        (Value::Octets(mut before), Value::Octets(more)) => {
            before.extend(&more);
            Ok(Value::Octets(before))
        }
        (Value::Digits(mut before, a), Value::Digits(more, b)) => {
            before.push_str(&more);
            Ok(Value::Digits(before, a || b))
        }
        _ => Err(Problem::new(at, ProblemKind::TypeMismatch { expected, got })),
    }
}

/// The octets that items come to.
///
/// # Errors
/// As [`evaluate`], and when they come to something else.
pub fn octets(items: &[At<Expr>], env: &Environment) -> Result<Option<Octets>, Problem> {
    let at = items.first().map_or(Position { line: 1, column: 1 }, |item| item.at);
    match evaluate(items, env)? {
        None => Ok(None),
        Some(Value::Octets(octets)) => Ok(Some(octets)),
        Some(other) => {
            Err(Problem::new(at, ProblemKind::TypeMismatch { expected: "octets", got: other.kind() }))
        }
    }
}

/// The file that an item comes to.
///
/// # Errors
/// As [`evaluate`], and when it comes to something else.
pub fn place(item: &At<Expr>, env: &Environment) -> Result<Option<Place>, Problem> {
    match one(item, env)? {
        None => Ok(None),
        Some(Value::Path(place)) => Ok(Some(place)),
        Some(other) => {
            Err(Problem::new(item.at, ProblemKind::TypeMismatch { expected: "a file", got: other.kind() }))
        }
    }
}

/// The number of the record that an item comes to: digits, or one octet. It is shown, so it is no secret.
///
/// # Errors
/// As [`evaluate`], and when it comes to something else.
pub fn record(item: &At<Expr>, env: &Environment) -> Result<Option<u8>, Problem> {
    let number = match one(item, env)? {
        None => return Ok(None),
        Some(Value::Digits(digits, false)) => digits.parse().ok(),
        Some(Value::Octets(octets)) if !octets.has_secret() && octets.as_text().is_none() => {
            match *octets.expose() {
                [octet] => Some(octet),
                _ => None,
            }
        }
        Some(_) => None,
    };
    let number = number.filter(|number| RECORDS.contains(number));
    number.map(Some).ok_or_else(|| Problem::new(item.at, ProblemKind::RecordNumber))
}

fn one(item: &At<Expr>, env: &Environment) -> Result<Option<Value>, Problem> {
    Ok(Some(match &item.value {
        Expr::Octets(octets) => Value::Octets(Octets::shown(octets)),
        Expr::Text(text) => Value::Octets(Octets::text(text)),
        Expr::Digits(digits) => Value::Digits(Zeroizing::new(digits.clone()), false),
        Expr::Path(place) => Value::Path(place.clone()),
        Expr::Variable(name) => return env.value(name, item.at),
        Expr::Call(function, arguments) => return call(*function, arguments, env, item.at),
    }))
}

fn call(
    function: Function,
    arguments: &[Argument],
    env: &Environment,
    at: Position,
) -> Result<Option<Value>, Problem> {
    let wrong = |why: String| Problem::new(at, ProblemKind::Function { function: function.name(), why });
    let mut octets_in: Option<Octets> = None;
    let mut digits_in: Option<(Zeroizing<String>, bool)> = None;
    let mut place_in: Option<Place> = None;
    let (mut numbers, mut tag, mut fill) = (Vec::new(), 0u16, 0xFF);
    for (argument, parameter) in arguments.iter().zip(function.parameters()) {
        match (argument, parameter) {
            (Argument::Value(items), super::Parameter::Value(Type::Path)) => {
                let Some(item) = items.first() else { return Ok(None) };
                place_in = place(item, env)?;
            }
            (Argument::Value(items), super::Parameter::Value(Type::Digits)) => match evaluate(items, env)? {
                None => {}
                Some(Value::Digits(digits, secret)) => digits_in = Some((digits, secret)),
                Some(other) => {
                    let kind = ProblemKind::TypeMismatch { expected: "digits", got: other.kind() };
                    return Err(Problem::new(at, kind));
                }
            },
            (Argument::Value(items), _) => octets_in = octets(items, env)?,
            (Argument::Number(number), _) => numbers.push(usize::from(*number)),
            (Argument::Octet(octet), _) => fill = *octet,
            (Argument::Tag(number), _) => tag = *number,
        }
    }
    let shown = |octets: &[u8]| Value::Octets(Octets::shown(octets));
    Ok(match (function, octets_in, digits_in, place_in) {
        (Function::BcdSwap, _, Some((digits, secret)), _) => {
            let swapped = swapped(&digits);
            Some(Value::Octets(if secret { Octets::hidden(&swapped) } else { Octets::shown(&swapped) }))
        }
        (Function::Ascii, _, Some((digits, secret)), _) => {
            let hidden = || Octets::hidden(digits.as_bytes());
            Some(Value::Octets(if secret { hidden() } else { Octets::text(&digits) }))
        }
        (Function::Luhn, _, Some((mut digits, secret)), _) => {
            let check = luhn(&digits);
            digits.push(check);
            Some(Value::Digits(digits, secret))
        }
        (Function::BcdUnswap, Some(octets), ..) => {
            let digits =
                unswapped(octets.expose()).ok_or_else(|| wrong("these octets are no digits".into()))?;
            Some(Value::Digits(digits, octets.has_secret()))
        }
        (Function::Len | Function::Lv, Some(octets), ..) => {
            let length = u8::try_from(octets.len())
                .map_err(|_| wrong(format!("{} octets, and one octet counts to 255", octets.len())))?;
            let mut out = Octets::shown(&[length]);
            if function == Function::Lv {
                out.extend(&octets);
            }
            Some(Value::Octets(out))
        }
        (Function::Tlv, Some(octets), ..) => {
            let mut whole = Zeroizing::new(Vec::new());
            tlv::write(tag, octets.expose(), &mut whole);
            let header = whole.len().saturating_sub(octets.len());
            let mut out = Octets::shown(whole.get(..header).unwrap_or_default());
            out.extend(&octets);
            Some(Value::Octets(out))
        }
        (Function::Pad, Some(mut octets), ..) => {
            let to = numbers.first().copied().unwrap_or(0);
            let missing = to.checked_sub(octets.len());
            let missing =
                missing.ok_or_else(|| wrong(format!("{} octets are more than {to}", octets.len())))?;
            octets.extend(&Octets::shown(&vec![fill; missing]));
            Some(Value::Octets(octets))
        }
        (Function::Slice, Some(octets), ..) => {
            let (from, count) = (numbers.first().copied().unwrap_or(0), numbers.get(1).copied().unwrap_or(0));
            let slice = octets.slice(from, count);
            Some(Value::Octets(slice.ok_or_else(|| {
                wrong(format!("there are {} octets, none at {from} and {count} more", octets.len()))
            })?))
        }
        (Function::Value, Some(octets), ..) => {
            let parsed = tlv::parse_padded(octets.expose()).map_err(|e| wrong(e.to_string()))?;
            let found = parsed.objects.iter().find(|object| object.tag == tag);
            let found = found.ok_or_else(|| wrong(format!("there is no tag {tag:02X}")))?;
            Some(Value::Octets(octets.slice(found.at, found.value.len()).unwrap_or_default()))
        }
        (Function::Path, _, _, Some(place)) => {
            let below: Vec<u8> = place.fids().iter().flat_map(|fid| fid.octets()).collect();
            Some(shown(&below))
        }
        (Function::Fid, _, _, Some(place)) => {
            let fid = place.fid().ok_or_else(|| wrong("an application has no identifier here".into()))?;
            Some(shown(&fid.octets()))
        }
        (Function::Parent, _, _, Some(place)) => {
            let parent = place.parent().ok_or_else(|| wrong(format!("{place} is in no directory")))?;
            Some(Value::Path(parent))
        }
        _ => None,
    })
}

/// The check digit (ISO/IEC 7812-1, annex B).
fn luhn(digits: &str) -> char {
    let sum: u32 = digits
        .chars()
        .rev()
        .enumerate()
        .map(|(n, c)| {
            let digit = c.to_digit(10).unwrap_or(0) * if n % 2 == 0 { 2 } else { 1 };
            digit / 10 + digit % 10
        })
        .sum();
    char::from_digit((10 - sum % 10) % 10, 10).unwrap_or('0')
}

/// Two digits to an octet, the first in the low half, F behind an odd one (TS 102 221, section 13.2).
fn swapped(digits: &str) -> Zeroizing<Vec<u8>> {
    let digit = |c: u8| c.wrapping_sub(b'0') & 0x0F;
    let octets = digits.as_bytes().chunks(2).map(|pair| match pair {
        [low, high] => digit(*high) << 4 | digit(*low),
        [low] => 0xF0 | digit(*low),
        _ => 0xFF,
    });
    Zeroizing::new(octets.collect())
}

/// Digits with swapped nibbles, up to the first F.
fn unswapped(octets: &[u8]) -> Option<Zeroizing<String>> {
    let mut out = Zeroizing::new(String::with_capacity(octets.len() * 2));
    let nibbles = octets.iter().flat_map(|octet| [octet & 0x0F, octet >> 4]);
    for nibble in nibbles.take_while(|nibble| *nibble != 0x0F) {
        out.push(char::from_digit(u32::from(nibble), 10)?);
    }
    Some(out)
}
