//! Script → text, in the style of TS 51.013, B.4: the header on the line of the command, data from the next line on, 16
//! octets to a line. `SWI` is printed as it is read here, which is no more than a reading of the annex.

use std::fmt;

use super::{
    Argument, At, Command, Expected, Expr, Label, Manner, Script, Statement, StatusPattern, VarDecl,
};

const PER_LINE: usize = 16;

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(version) = self.version {
            writeln!(f, "REM bootgate {version}")?;
        }
        self.statements.iter().try_for_each(|statement| writeln!(f, "{}", statement.value))
    }
}

impl fmt::Display for Statement {
    /// The statement without the end of its last line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => Ok(()),
            Self::Remark(text) if text.is_empty() => f.write_str("REM"),
            Self::Remark(text) => write!(f, "REM {text}"),
            Self::Reset => f.write_str("RST"),
            Self::Off => f.write_str("OFF"),
            Self::Initialise(octets) => write!(f, "INI{}", items(octets)),
            Self::Command(command) => command.fmt(f),
            Self::Switch(switch) => {
                writeln!(f, "SWI")?;
                switch.labels.iter().try_for_each(|label| write!(f, "{label}"))?;
                f.write_str("ESW")
            }
            Self::Variable(declared) => declared.fmt(f),
            Self::Key(key) => write!(f, "KEY {:02X} {}", key.reference.value.0, key.name.value),
            Self::Puk(key) => write!(f, "PUK {:02X} {}", key.reference.value.0, key.name.value),
            Self::Effect(effect) => {
                write!(f, "EFF {}", effect.kind.name())?;
                effect.files.iter().try_for_each(|file| write!(f, " {}", file.value))?;
                effect.keys.iter().try_for_each(|key| write!(f, " {:02X}", key.value.0))?;
                let by = if effect.by.is_empty() { "" } else { " by" };
                f.write_str(by)?;
                effect.by.iter().try_for_each(|key| write!(f, " {:02X}", key.value.0))?;
                f.write_str(if effect.unread { " unread" } else { "" })
            }
            Self::Verify(key) => write!(f, "VER {:02X}", key.value.0),
            Self::ChangeKey(change) => {
                write!(f, "{} {:02X}", change.word(), change.key().value.0)?;
                change.new_value().map_or(Ok(()), |new| write!(f, " ${{{}}}", new.value))
            }
            Self::Let(name, value) => write!(f, "LET {}{}", name.value, items(value)),
            Self::Output(label, value) => write!(f, "OUT \"{label}\"{}", items(value)),
            Self::Assert(a) => write!(f, "AST{} {}{}", items(&a.left), a.comparison.sign(), items(&a.right)),
            Self::Save(file) => write!(f, "SAV {}", file.value),
            Self::Restore(file) => write!(f, "RES {}", file.value),
            Self::Put(put) => {
                write!(f, "PUT {}", put.file.value)?;
                put.record.as_ref().map_or(Ok(()), |record| write!(f, " record {}", record.value))?;
                f.write_str(&items(&put.content))
            }
            Self::Unreadable => f.write_str("REM (a statement that could not be read)"),
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.manner {
            Manner::Raw => "CMD",
            Manner::Followed => "APD",
        };
        f.write_str(word)?;
        // Only octets that begin the command can be its header.
        match self.octets.split_first() {
            Some((At { value: Expr::Octets(octets), .. }, rest)) if octets.len() > 5 => {
                let (header, data) = octets.split_at(5);
                write!(f, " {}", hex(header))?;
                data.chunks(PER_LINE).try_for_each(|line| write!(f, " \\\n {}", hex(line)))?;
                f.write_str(&items(rest))?;
            }
            _ => f.write_str(&items(&self.octets))?,
        }
        if let Some(data) = &self.data {
            f.write_str(" \\\n [")?;
            for (n, piece) in data.iter().enumerate() {
                let gap = match n {
                    0 => "",
                    n if n % PER_LINE == 0 => " \\\n ",
                    _ => " ",
                };
                write!(f, "{gap}{}", piece.value)?;
            }
            f.write_str("]")?;
        }
        if !self.status.is_empty() {
            let words: Vec<_> = self.status.iter().map(|status| status.value.to_string()).collect();
            write!(f, " ({})", words.join(", "))?;
        }
        Ok(())
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.status.value.iter().map(ToString::to_string).collect();
        writeln!(f, "({}) :", words.join(", "))?;
        self.statements.iter().try_for_each(|statement| writeln!(f, "{}", statement.value))
    }
}

impl fmt::Display for VarDecl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secret = if self.secret { "secret " } else { "" };
        write!(f, "VAR {} {secret}{}", self.name.value, self.kind.name())?;
        self.default.as_ref().map_or(Ok(()), |text| write!(f, " \"{}\"", text.value))
    }
}

impl fmt::Display for StatusPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, shift) in [12, 8, 4, 0].into_iter().enumerate() {
            let gap = if n == 2 { " " } else { "" };
            if (self.mask >> shift) & 0xF == 0 {
                write!(f, "{gap}X")?;
            } else {
                write!(f, "{gap}{:X}", (self.value >> shift) & 0xF)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for StatusPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Octet { value, mask } => [4, 0].into_iter().try_for_each(|shift| {
                if (mask >> shift) & 0xF == 0 {
                    f.write_str("X")
                } else {
                    write!(f, "{:X}", (value >> shift) & 0xF)
                }
            }),
            Self::Value(expr) => expr.fmt(f),
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Octets(octets) => f.write_str(&hex(octets)),
            Self::Digits(digits) => f.write_str(digits),
            Self::Text(text) => write!(f, "\"{text}\""),
            Self::Path(place) => place.fmt(f),
            Self::Variable(name) => write!(f, "${{{name}}}"),
            Self::Call(function, arguments) => {
                let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
                write!(f, "{}({})", function.name(), arguments.join(", "))
            }
        }
    }
}

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(values) => f.write_str(items(values).trim_start()),
            Self::Number(number) => write!(f, "{number}"),
            Self::Octet(octet) => write!(f, "{octet:02X}"),
            Self::Tag(tag) if *tag > 0xFF => write!(f, "{tag:04X}"),
            Self::Tag(tag) => write!(f, "{tag:02X}"),
        }
    }
}

/// Items with a blank before each.
fn items(items: &[At<Expr>]) -> String {
    items.iter().map(|item| format!(" {}", item.value)).collect()
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect::<Vec<_>>().join(" ")
}
