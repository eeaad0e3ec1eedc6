//! What `bootgate card run --help` says: examples, the language of scripts, its functions, and the scripts that come along.

use crate::{card::script::SHIPPED, wire::script::Function};

pub(super) const EXAMPLES: &str = "Examples:
  bootgate card run survey -r 'bay 0 00 00'
  bootgate card run --check --format json *.scr
  bootgate card run erase --set ADM=@adm.key --dry-run
  bootgate card run mine.scr -r 'bay 0 00 00' --rows shift.csv --keys csv:keys.csv --backup card.json
  bootgate card run back-up -r 'bay 0 00 00' --backup card.json
  bootgate card run restore -r 'bay 0 00 00' --set ADM=env:ADM --restore card.json --no-backup --yes
  bootgate card run --print create-bootstrap-tree > mine.scr

Nothing is sent while --check finds an error. Keys are presented under the rule that guards all keys, also where a script \
carries VERIFY as octets; a script that changes the card asks first, and needs --backup or --no-backup.

Exit status: 0 when the script came to its end, 1 when the card answered something else than it expects, 2 usage, 69 \
reader or card unavailable, 77 key refused or not presented, 78 when the script has an error";

/// The language and the scripts that come along, below the examples.
pub(super) fn whole() -> String {
    let functions = Function::ALL.map(|function| {
        let (form, gives) = function.usage();
        format!("  {form:<22}  {gives}")
    });
    let scripts = SHIPPED.map(|script| format!("  {:<22}  {}", script.name, script.title()));
    format!(
        "{EXAMPLES}\n\n{LANGUAGE}\n\nFunctions of the superset, within any value, as PUT 3F00/2FE2 bcd-swap(luhn(${{N}})):\n{}\n\n\
         Scripts that come with bootgate (`card run --print NAME` shows one, as a start for one of your own):\n{}",
        functions.join("\n"),
        scripts.join("\n")
    )
}

const LANGUAGE: &str = "Statements of the annex:
  RST, OFF                       resets the card, takes its power away
  INI octets                     TERMINAL PROFILE, then answers proactive commands
  CMD octets [data] (sw)         one command as it stands; X in status words and XX in data match all
  SWI … ESW                      branches by the status word of the command before
  REM text                       nothing

Statements of the superset (first line: REM bootgate 1):
  VAR NAME [secret] TYPE [value] a variable; TYPE is hex, digits, text or path
  KEY 0A NAME, PUK 01 NAME       a key that the script needs, and the secret that holds it
  EFF reads|updates|creates|destroys PATH… [by 0A] [unread], EFF keys 01   what the script does
  VER 0A                         presents a key
  CHG 01 ${NEW}, UNB 01 ${NEW}, ENA 01, DIS 01   another value, unblocks, switches on, off
  APD octets [data] (sw)         as CMD, with Lc and Le, and followed up (61xx, 6Cxx, …)
  LET NAME value                 sets a variable, also from the answer before: ${R}, ${SW}
  OUT \"label\" value              puts a value into the report
  AST value == value             stops when they differ; also !=, and ^= for \"begins with\"
  PUT PATH [record N] value      writes a file or a record, and reads it back; N may be ${NAME}
  SAV PATH, RES PATH             keeps a file in the backup, puts it back from there";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_and_every_script_is_named() {
        let help = whole();
        let readme = include_str!("../../../../README.md");
        for function in Function::ALL {
            let (form, _) = function.usage();
            assert!(form.starts_with(&format!("{}(", function.name())), "{form}");
            assert!(help.contains(form) && readme.contains(&format!("`{form}`")), "{form}");
        }
        for script in SHIPPED {
            let name = script.name;
            assert!(help.contains(&format!("  {name} ")) && readme.contains(&format!("`{name}`")), "{name}");
        }
    }
}
