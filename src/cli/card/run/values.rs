//! Values of a script's variables, as the command line gives them.

use std::{collections::BTreeMap, fmt, str::FromStr};

use zeroize::Zeroizing;

use crate::{
    cli::{Exit, Failure, secret::SecretSource},
    wire::script::{Script, Statement, parse},
};

/// Values by the names that a script declares.
pub(in crate::cli) type Values = BTreeMap<String, Zeroizing<String>>;

/// `NAME=VALUE`. Which names are secret only the script tells, so this is kept as it is, and shown to nobody.
#[derive(Clone)]
pub(in crate::cli) struct Assignment(Zeroizing<String>);

impl fmt::Debug for Assignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Assignment(***)")
    }
}

impl FromStr for Assignment {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(Zeroizing::new(text.to_owned())))
    }
}

/// The values, by name. Secrets are fetched now.
pub(in crate::cli) fn given(text: &[u8], set: &[Assignment]) -> anyhow::Result<Values> {
    let script = parse(text).script;
    let mut out = BTreeMap::new();
    for Assignment(assignment) in set {
        let Some((name, value)) = assignment.split_once('=').filter(|(name, _)| !name.is_empty()) else {
            return Err(Failure::because(Exit::Usage, "--set takes NAME=VALUE, as --set SIZE=0800"));
        };
        let source: Result<SecretSource, String> = value.parse();
        let value = match source {
            Ok(source) => source.read(name)?,
            Err(why) if is_secret(&script, name) => {
                return Err(Failure::because(Exit::Usage, format!("--set {name}=…: {why}")));
            }
            Err(_) => Zeroizing::new(value.to_owned()),
        };
        if out.insert(name.to_owned(), value).is_some() {
            return Err(Failure::because(Exit::Usage, format!("--set {name}=… is given twice")));
        }
    }
    Ok(out)
}

fn is_secret(script: &Script, name: &str) -> bool {
    script.statements.iter().any(|statement| match &statement.value {
        Statement::Variable(declared) => declared.secret && declared.name.value == name,
        Statement::Key(key) | Statement::Puk(key) => key.name.value == name,
        _ => false,
    })
}
