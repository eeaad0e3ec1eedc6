//! Text → script. A statement that cannot be read is told and left out; the rest is read on, so that all problems come at
//! once.

mod expr;
mod own;
mod tokens;

use super::{
    At, Command, Label, MAX_DEPTH, MAX_PROBLEMS, MAX_STATUS_WORDS, Manner, Position, Problem, ProblemKind,
    Script, Statement, StatusPattern, Switch,
    lex::{self, Line, Token},
};

use tokens::Tokens;

/// What came of reading a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// What could be read.
    pub script: Script,
    /// What could not, in the order of the text. Empty, or warnings only, when the script is whole.
    pub problems: Vec<Problem>,
}

/// Reads a script. It may come from anybody: nothing makes this panic, and size and depth are capped.
pub fn parse(input: &[u8]) -> Parsed {
    let mut problems = Vec::new();
    let lines = lex::lines(input, &mut problems);
    let first = lines.iter().position(|line| !line.text.is_empty());
    let version = first.and_then(|n| lines.get(n)).and_then(version);
    let header = first.filter(|_| version.is_some());
    if let (Some(version), Some(line)) = (version.filter(|v| *v != 1), header.and_then(|n| lines.get(n))) {
        problems.push(Problem::new(line.at, ProblemKind::Version { version }));
    }
    let statements = lines.into_iter().enumerate().filter(|(n, _)| Some(*n) != header).map(|(_, line)| line);
    let mut parser = Parser { lines: statements.peekable(), extended: version.is_some(), problems };
    let mut out = Vec::new();
    while let Some(line) = parser.lines.next() {
        let at = line.at;
        let statement = parser.statement(&line, 0);
        out.push(At::new(at, statement));
    }
    let mut problems = parser.problems;
    problems.sort_by_key(|problem| problem.at);
    problems.truncate(MAX_PROBLEMS);
    Parsed { script: Script { version, statements: out }, problems }
}

/// The version in `REM bootgate N`.
fn version(line: &Line) -> Option<u16> {
    let mut words = line.text.split_ascii_whitespace();
    let header = words.next()?.eq_ignore_ascii_case("REM") && words.next()? == "bootgate";
    let version = words.next()?.parse().ok()?;
    (header && words.next().is_none()).then_some(version)
}

struct Parser<L: Iterator<Item = Line>> {
    lines: std::iter::Peekable<L>,
    extended: bool,
    problems: Vec<Problem>,
}

impl<L: Iterator<Item = Line>> Parser<L> {
    fn statement(&mut self, line: &Line, depth: usize) -> Statement {
        if line.text.is_empty() {
            return Statement::Blank;
        }
        let whole_word = line.rest.first().is_none_or(|(c, _)| c.is_ascii_whitespace());
        if whole_word && line.word == "REM" {
            if line.continued {
                self.problems.push(Problem::new(line.at, ProblemKind::ContinuedRemark));
            }
            return Statement::Remark(line.text.get(3..).unwrap_or_default().trim().to_owned());
        }
        if whole_word && line.word == "SWI" {
            return self.switch(line, depth);
        }
        self.simple(line, whole_word).unwrap_or_else(|problem| {
            self.problems.push(problem);
            Statement::Unreadable
        })
    }

    /// A statement that is one line.
    fn simple(&self, line: &Line, whole_word: bool) -> Result<Statement, Problem> {
        let wrong = |kind| Err(Problem::new(line.at, kind));
        let word = line.word.as_str();
        if is_end(line) {
            return wrong(ProblemKind::StrayEnd { word: line.text.clone() });
        }
        let known = matches!(word, "RST" | "INI" | "CMD" | "OFF");
        let own = matches!(
            word,
            "VAR"
                | "KEY"
                | "PUK"
                | "EFF"
                | "VER"
                | "CHG"
                | "UNB"
                | "ENA"
                | "DIS"
                | "APD"
                | "LET"
                | "OUT"
                | "AST"
                | "SAV"
                | "PUT"
                | "RES"
        );
        if !whole_word || !(known || own) {
            let word: String =
                line.text.split_ascii_whitespace().next().unwrap_or("").chars().take(16).collect();
            return wrong(ProblemKind::UnknownStatement { word, extended: self.extended });
        }
        if own && !self.extended {
            return wrong(ProblemKind::NeedsHeader { what: word.to_owned() });
        }
        let tokens = lex::tokens(&line.rest)?;
        let mut tokens = Tokens::new(&tokens, line.at, self.extended);
        let statement = match word {
            "RST" => Statement::Reset,
            "OFF" => Statement::Off,
            "INI" => Statement::Initialise(tokens.octets()?),
            "CMD" => Statement::Command(command(&mut tokens, Manner::Raw)?),
            "APD" => Statement::Command(command(&mut tokens, Manner::Followed)?),
            _ => own::statement(word, &mut tokens)?,
        };
        tokens.end()?;
        Ok(statement)
    }

    fn switch(&mut self, line: &Line, depth: usize) -> Statement {
        if depth >= MAX_DEPTH {
            self.problems.push(Problem::new(line.at, ProblemKind::TooDeep));
            return Statement::Unreadable;
        }
        if line.text.len() > 3 {
            let found = line.text.get(3..).unwrap_or_default().trim().to_owned();
            self.problems.push(Problem::new(line.at, ProblemKind::SwitchSyntax { found }));
        }
        let mut labels: Vec<Label> = Vec::new();
        let mut end = line.at;
        loop {
            let Some(next) = self.lines.next() else {
                self.problems.push(Problem::new(line.at, ProblemKind::SwitchNotClosed));
                break;
            };
            if is_end(&next) {
                end = next.at;
                break;
            }
            if next.text.ends_with(':') && next.word != "REM" {
                match label(&next) {
                    Ok(status) => labels.push(Label { status, statements: Vec::new() }),
                    Err(problem) => self.problems.push(problem),
                }
                continue;
            }
            let at = next.at;
            let statement = self.statement(&next, depth + 1);
            match labels.last_mut() {
                Some(label) => label.statements.push(At::new(at, statement)),
                None if matches!(statement, Statement::Blank | Statement::Remark(_)) => {}
                None => {
                    let found = next.text.chars().take(40).collect();
                    self.problems.push(Problem::new(at, ProblemKind::SwitchSyntax { found }));
                }
            }
        }
        if labels.is_empty() {
            self.problems.push(Problem::new(line.at, ProblemKind::SwitchEmpty));
        }
        Statement::Switch(Switch { labels, end: At::new(end, ()) })
    }
}

fn is_end(line: &Line) -> bool {
    ["}", "END", "ESW"].iter().any(|end| line.text.eq_ignore_ascii_case(end))
}

/// `9F XX :` or `(9F XX, 90 00) :`.
fn label(line: &Line) -> Result<At<Vec<StatusPattern>>, Problem> {
    let all: Vec<_> = (line.word_chars().into_iter()).chain(line.rest.iter().copied()).collect();
    let tokens = lex::tokens(&all)?;
    let mut tokens = Tokens::new(&tokens, line.at, false);
    let bracketed = tokens.take(&Token::Mark('('));
    let mut status = Vec::new();
    loop {
        status.push(tokens.status_word()?.value);
        if status.len() > MAX_STATUS_WORDS {
            return Err(Problem::new(line.at, ProblemKind::ManyStatusWords));
        }
        if !tokens.take(&Token::Mark(',')) {
            break;
        }
    }
    if bracketed && !tokens.take(&Token::Mark(')')) {
        return Err(Problem::new(line.at, ProblemKind::NotClosed { open: '(' }));
    }
    tokens.expect(&Token::Mark(':'), "`:` behind the status words of a label")?;
    tokens.end()?;
    Ok(At::new(line.at, status))
}

fn command(tokens: &mut Tokens<'_>, manner: Manner) -> Result<Command, Problem> {
    let octets = tokens.octets()?;
    let mut data = None;
    if let Some(at) = tokens.take_at(&Token::Mark('[')) {
        data = Some(tokens.expected(at)?);
    }
    let mut status = Vec::new();
    if let Some(at) = tokens.take_at(&Token::Mark('(')) {
        status = status_words(tokens, at)?;
    }
    if tokens.is_next(&Token::Mark('[')) {
        let kind = if data.is_none() { ProblemKind::Order } else { tokens.unexpected("nothing more") };
        return Err(Problem::new(tokens.here(), kind));
    }
    Ok(Command { manner, octets, data, status })
}

fn status_words(tokens: &mut Tokens<'_>, open: Position) -> Result<Vec<At<StatusPattern>>, Problem> {
    let mut out = Vec::new();
    loop {
        out.push(tokens.status_word()?);
        if out.len() > MAX_STATUS_WORDS {
            return Err(Problem::new(open, ProblemKind::ManyStatusWords));
        }
        if tokens.take(&Token::Mark(')')) {
            return Ok(out);
        }
        if !tokens.take(&Token::Mark(',')) {
            let kind = match tokens.is_end() {
                true => ProblemKind::NotClosed { open: '(' },
                false => tokens.unexpected("a comma or `)` behind a status word"),
            };
            return Err(Problem::new(tokens.here(), kind));
        }
    }
}
