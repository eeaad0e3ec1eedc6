//! Card scripts: the language of 3GPP TS 51.013, Annex B (the same as TS 11.13 and ETSI TS 101 955, Annex B), and a superset
//! of it with variables, keys by reference, declared effects and whole-file statements.
//!
//! This is the language only, and nothing here sends anything: text → [`Script`] → text, the values of its variables, and everything that can be known to
//! be wrong before the first command. It stands in this room and not in `card`, because it does no I/O:
//! a fuzzer, an editor or a build pipeline can check scripts without a reader.
//!
//! # Annex B
//!
//! One statement per line; its first three letters say which. `\` at the end of a line goes on in the next.
//!
//! | statement                 | does                                                                       |
//! |---------------------------|----------------------------------------------------------------------------|
//! | `RST`                     | resets the card                                                            |
//! | `INI octets`              | TERMINAL PROFILE, then fetches and answers proactive commands              |
//! | `CMD octets [data] (sw)`  | one command, sent as it stands; `XX` in data, `X` in status words match all |
//! | `REM text`                | nothing                                                                    |
//! | `OFF`                     | takes the card's power away                                                |
//! | `SWI`                     | branches by the status word of the command before                          |
//!
//! The annex's formal syntax (B.1) was not at hand: what `SWI` looks like, how long data may be that `[…]` checks, and
//! what a nibble `X` in data means are readings that its words allow, not its words. This `SWI` is read:
//!
//! ```text
//! SWI
//! (91 XX) :
//! CMD A0 12 00 00 10 []
//! (90 00) :
//! REM nothing to fetch
//! ESW
//! ```
//!
//! # The superset
//!
//! A script whose first statement is `REM bootgate 1` is version 1 of the superset; to any other tool that line is a
//! comment. Its own statements have three letters too, which the annex leaves to each tool.
//!
//! | statement                      | does                                                                   |
//! |--------------------------------|------------------------------------------------------------------------|
//! | `VAR NAME [secret] TYPE [value]` | declares a variable: `hex`, `digits`, `text` or `path`; a secret has no value here |
//! | `KEY 0A NAME`                  | the key that the script needs, and the secret that holds it            |
//! | `EFF reads\|updates\|creates\|destroys PATH… [by 0A]` | what the script does to which files, and the right it takes |
//! | `VER 0A`                       | presents a key, under the rule that guards all keys                    |
//! | `PUK 01 NAME`                  | the PUK of a PIN that the script needs, and the secret that holds it   |
//! | `CHG 01 ${NEW}`                | gives a key another value, that of a secret variable, under the same rule; declared by `EFF keys 01` |
//! | `UNB 01 ${NEW}`                | gives a PIN another value and all its tries, by its PUK                |
//! | `ENA 01`, `DIS 01`             | switches a PIN on, or off                                              |
//! | `APD octets [data] (sw)`       | as `CMD`, with Lc and Le, followed up (61xx, 9Fxx, 6Cxx, 9300, 91xx)   |
//! | `LET NAME value`               | sets a variable, also from the answer before: `${R}`, `${SW}`          |
//! | `OUT "label" value`            | puts a value into the report                                           |
//! | `AST value == value`           | stops when they differ; also `!=`, and `^=` for "begins with"          |
//! | `SAV PATH`                     | keeps the content of a file in the backup                              |
//! | `PUT PATH value`, `PUT PATH record n value` | writes a file, or record n of it, filled up with FF, and reads it back; n is a number or `${NAME}` |
//! | `RES PATH`                     | puts back what the backup at hand holds of a file                      |
//!
//! Where octets stand, so may `${NAME}`, `"text"`, and functions: see [`Function`].

mod act;
mod ast;
mod check;
mod eval;
mod form;
mod function;
mod lex;
mod parse;
mod place;
mod position;
mod print;
mod problem;
mod value;

pub use act::{Act, Declared, act, act_of, asks_counter, target};
pub use ast::{
    Argument, Assertion, Command, Comparison, Effect, EffectKind, Expected, Expr, KeyChange, KeyDecl, Label,
    Manner, Put, Script, Statement, StatusPattern, Switch, Type, VarDecl,
};
pub use check::{Checked, Need, check};
use eval::RECORDS;
pub use eval::{Environment, evaluate, octets, place as place_of, record as record_of};
pub use form::form;
pub use function::{Function, Parameter};
pub use parse::{Parsed, parse};
pub use place::{Cursor, Place, PlaceError};
pub use position::{At, Position};
pub use problem::{Problem, ProblemKind, Severity};
pub use value::{Octets, Value};

/// The most octets of a script.
pub const MAX_SIZE: usize = 1 << 20;
/// The most lines of a script.
pub const MAX_LINES: usize = 20_000;
/// The most characters of one statement, its continuations included.
pub const MAX_STATEMENT: usize = 8_192;
/// How deep `SWI`, and functions, may be nested.
pub const MAX_DEPTH: usize = 8;
/// The most problems that are told of one script.
pub const MAX_PROBLEMS: usize = 100;
/// The most status words that one command or label may name.
pub const MAX_STATUS_WORDS: usize = 32;

#[cfg(test)]
pub(crate) mod tests;
