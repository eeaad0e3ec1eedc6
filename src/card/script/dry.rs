//! A dry run: the commands that a script would send, without a card. What depends on an answer is shown as it is written.

use crate::wire::script::{
    Act, At, Checked, Command, Environment, Expr, Manner, Octets, Statement, act, evaluate, octets, place_of,
    record_of,
};

use super::Entry;

/// What a script would send. All branches are shown.
pub fn dry_run(checked: &Checked) -> Vec<Entry> {
    let mut dry = Dry { env: checked.environment.clone(), entries: Vec::new() };
    dry.list(&checked.script.statements);
    dry.entries
}

struct Dry {
    env: Environment,
    entries: Vec<Entry>,
}

impl Dry {
    fn list(&mut self, statements: &[At<Statement>]) {
        statements.iter().for_each(|statement| self.statement(statement.at.line, &statement.value));
    }

    fn statement(&mut self, line: usize, statement: &Statement) {
        let whole = |this: &Self, word: &str, file: &At<Expr>| {
            let place = place_of(file, &this.env).ok().flatten();
            let place = place.map_or_else(|| file.value.to_string(), |place| place.to_string());
            Entry::new(line, format!("{word} {place}"))
        };
        let entry = match statement {
            Statement::Reset => Entry::new(line, "RST"),
            Statement::Off => Entry::new(line, "OFF"),
            Statement::Initialise(profile) => {
                let mut entry = Entry::new(line, "INI");
                entry.sent = octets(profile, &self.env).ok().flatten();
                entry
            }
            Statement::Command(command) => return self.command(line, command),
            Statement::Switch(switch) => {
                for label in &switch.labels {
                    let words: Vec<_> = label.status.value.iter().map(ToString::to_string).collect();
                    let word = format!("SWI ({}) :", words.join(", "));
                    self.entries.push(Entry::new(label.status.at.line, word));
                    self.list(&label.statements);
                }
                Entry::new(switch.end.at.line, "ESW")
            }
            Statement::Verify(key) => Entry::new(line, format!("VER {:02X}", key.value.0))
                .noting("VERIFY *** under the key rule: only when its counter allows it"),
            Statement::ChangeKey(change) => {
                let new = change.new_value().map_or("", |_| " ***");
                Entry::new(line, format!("{} {:02X}{new}", change.word(), change.key().value.0)).noting(
                    format!(
                        "{} ***{new} under the key rule: only when its counter allows it",
                        change.command()
                    ),
                )
            }
            Statement::Let(name, value) => {
                let value = evaluate(value, &self.env).ok().flatten();
                self.env.set(&name.value, value);
                return;
            }
            Statement::Output(label, _) => Entry::new(line, format!("OUT {label}")),
            Statement::Save(file) => whole(self, "SAV", file),
            Statement::Restore(file) => whole(self, "RES", file),
            Statement::Put(put) => {
                let mut entry = whole(self, "PUT", &put.file);
                if let Some(record) = &put.record {
                    let number = record_of(record, &self.env).ok().flatten();
                    let number = number.map_or_else(|| record.value.to_string(), |number| number.to_string());
                    entry.statement.push_str(&format!(" record {number}"));
                }
                entry.sent = octets(&put.content, &self.env).ok().flatten();
                entry
            }
            _ => return,
        };
        self.entries.push(entry);
        self.answered();
    }

    fn command(&mut self, line: usize, command: &Command) {
        let word = match command.manner {
            Manner::Raw => "CMD",
            Manner::Followed => "APD",
        };
        let mut entry = Entry::new(line, word);
        match octets(&command.octets, &self.env).ok().flatten() {
            Some(mut octets) => {
                if let [cla, ins, ..] = *octets.expose()
                    && act(cla, ins) == Act::Verify
                {
                    (5..octets.len()).for_each(|place| octets.hide(place));
                }
                entry.sent = Some(octets);
            }
            None => {
                // Piece by piece, as far as values are known.
                let piece = |item: &At<Expr>| {
                    let known = octets(std::slice::from_ref(item), &self.env).ok().flatten();
                    known.map_or_else(|| item.value.to_string(), |octets: Octets| octets.to_string())
                };
                let pieces: Vec<_> = command.octets.iter().map(piece).collect();
                entry.statement = format!("{word} {}", pieces.join(" "));
            }
        }
        if !command.status.is_empty() {
            let words: Vec<_> = command.status.iter().map(|status| status.value.to_string()).collect();
            entry.note = Some(format!("expects ({})", words.join(", ")));
        }
        self.entries.push(entry);
        self.answered();
    }

    /// There will be an answer, and it is not known.
    fn answered(&mut self) {
        self.env.set("R", None);
        self.env.set("SW", None);
    }
}
