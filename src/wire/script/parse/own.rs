//! The statements of the superset.

use crate::wire::script::{
    Assertion, At, Comparison, Effect, EffectKind, Expr, KeyChange, KeyDecl, Problem, ProblemKind, Put,
    RECORDS, Statement, Type, VarDecl, lex::Token,
};

use super::tokens::Tokens;

/// The most files that one EFF names.
const MAX_FILES: usize = 64;

pub(super) fn statement(word: &str, tokens: &mut Tokens<'_>) -> Result<Statement, Problem> {
    Ok(match word {
        "VAR" => Statement::Variable(variable(tokens)?),
        "KEY" => Statement::Key(KeyDecl { reference: tokens.key()?, name: tokens.name()? }),
        "EFF" => Statement::Effect(effect(tokens)?),
        "PUK" => Statement::Puk(KeyDecl { reference: tokens.key()?, name: tokens.name()? }),
        "VER" => Statement::Verify(tokens.key()?),
        "CHG" => Statement::ChangeKey(KeyChange::Change(tokens.key()?, new_value(tokens)?)),
        "UNB" => Statement::ChangeKey(KeyChange::Unblock(tokens.key()?, new_value(tokens)?)),
        "ENA" => Statement::ChangeKey(KeyChange::Enable(tokens.key()?)),
        "DIS" => Statement::ChangeKey(KeyChange::Disable(tokens.key()?)),
        "LET" => Statement::Let(tokens.name()?, tokens.octets()?),
        "OUT" => Statement::Output(label(tokens)?, tokens.octets()?),
        "AST" => Statement::Assert(assertion(tokens)?),
        "SAV" => Statement::Save(tokens.path()?),
        "RES" => Statement::Restore(tokens.path()?),
        _ => Statement::Put(put(tokens)?),
    })
}

fn variable(tokens: &mut Tokens<'_>) -> Result<VarDecl, Problem> {
    let name = tokens.name()?;
    let secret = tokens.take(&Token::Word("secret".into()));
    let kinds = [Type::Octets, Type::Digits, Type::Text, Type::Path];
    let kind = match tokens.peek() {
        Some(Token::Word(word)) => kinds.into_iter().find(|kind| kind.name() == word),
        _ => None,
    };
    let kind =
        kind.ok_or_else(|| tokens.wrong("hex, digits, text or path, and `secret` before it if it is one"))?;
    tokens.next();
    let at = tokens.here();
    let mut default: Option<String> = None;
    while let Some(Token::Hex(text) | Token::Word(text) | Token::Text(text)) = tokens.peek() {
        default.get_or_insert_default().push_str(text);
        tokens.next();
    }
    if secret && default.is_some() {
        return Err(Problem::new(at, ProblemKind::SecretInClear));
    }
    Ok(VarDecl { name, kind, secret, default: default.map(|text| At::new(at, text)) })
}

fn effect(tokens: &mut Tokens<'_>) -> Result<Effect, Problem> {
    let kind = match tokens.peek() {
        Some(Token::Word(word)) => EffectKind::ALL.into_iter().find(|kind| kind.name() == word),
        _ => None,
    };
    let kind = kind.ok_or_else(|| tokens.wrong("reads, updates, creates, destroys or keys"))?;
    tokens.next();
    let (by_word, unread_word) = (Token::Word("by".into()), Token::Word("unread".into()));
    let (mut files, mut keys) = (Vec::new(), Vec::new());
    loop {
        match kind {
            EffectKind::Keys => keys.push(tokens.key()?),
            _ => files.push(tokens.path()?),
        }
        let is_end = tokens.is_end() || tokens.is_next(&by_word) || tokens.is_next(&unread_word);
        if is_end || files.len() + keys.len() >= MAX_FILES {
            break;
        }
    }
    let mut by = Vec::new();
    if tokens.take(&by_word) {
        by.push(tokens.key()?);
        while !tokens.is_end() && !tokens.is_next(&unread_word) && by.len() < MAX_FILES {
            by.push(tokens.key()?);
        }
    }
    let changes = !matches!(kind, EffectKind::Reads | EffectKind::Keys);
    let unread = changes && tokens.take(&unread_word);
    Ok(Effect { kind, files, keys, by, unread })
}

/// `${NAME}`, and nothing else: no key stands in a script.
fn new_value(tokens: &mut Tokens<'_>) -> Result<At<String>, Problem> {
    let at = tokens.here();
    match tokens.peek() {
        Some(Token::Name(name)) => {
            tokens.next();
            Ok(At::new(at, name.clone()))
        }
        // What stands there may be a key: it is not repeated.
        _ => Err(Problem::new(at, ProblemKind::NewKeyInClear)),
    }
}

fn label(tokens: &mut Tokens<'_>) -> Result<String, Problem> {
    match tokens.peek() {
        Some(Token::Text(text)) => {
            tokens.next();
            Ok(text.clone())
        }
        _ => Err(tokens.wrong("a label in quotes")),
    }
}

fn assertion(tokens: &mut Tokens<'_>) -> Result<Assertion, Problem> {
    let left = tokens.octets()?;
    let signs = [Comparison::Equal, Comparison::Different, Comparison::BeginsWith];
    let comparison = match tokens.peek() {
        Some(Token::Sign(sign)) => signs.into_iter().find(|comparison| comparison.sign() == sign),
        _ => None,
    };
    let comparison = comparison.ok_or_else(|| tokens.wrong("==, != or ^="))?;
    tokens.next();
    Ok(Assertion { left, comparison, right: tokens.octets()? })
}

/// `PUT PATH octets`, `PUT PATH record 2 octets`, `PUT PATH record ${NAME} octets`.
fn put(tokens: &mut Tokens<'_>) -> Result<Put, Problem> {
    let file: At<Expr> = tokens.path()?;
    let mut record = None;
    if tokens.take(&Token::Word("record".into())) {
        let (at, expected) = (tokens.here(), "the number of a record, 1 to 254, or a variable that is one");
        let number = match tokens.peek() {
            Some(Token::Hex(digits)) => {
                digits.parse().ok().filter(|n| RECORDS.contains(n)).map(|n| Expr::Digits(n.to_string()))
            }
            Some(Token::Name(name)) => Some(Expr::Variable(name.clone())),
            _ => None,
        };
        record = Some(At::new(at, number.ok_or_else(|| tokens.wrong(expected))?));
        tokens.next();
    }
    Ok(Put { file, record, content: tokens.octets()? })
}
