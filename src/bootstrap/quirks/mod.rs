//! Known refusals of devices, as data: what a payload must not hold for which family of devices, with its source.
//!
//! The rules stand in `config/quirks.toml`, which is compiled in. This room holds what they are made of: a closed set of
//! kinds of check ([`Check`]), what they look at ([`Subject`]), and what they find ([`Finding`]).

mod apply;
mod check;
mod select;
mod subject;
mod tac;

pub use check::{Check, Part};
pub use subject::{Sec, Subject, subjects};
pub use tac::{TacError, TacTable};

use serde::{Deserialize, Serialize};

use crate::profile::Severity;

/// The rules that are compiled in.
const BUILTIN: &str = include_str!("../../../config/quirks.toml");

/// Families of devices and the rules about them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quirks {
    /// The families.
    #[serde(rename = "family")]
    families: Vec<Family>,
    /// The rules.
    #[serde(rename = "rule")]
    rules: Vec<Rule>,
}

/// A family of devices that share their software.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Family {
    /// Its name.
    pub id: String,
    /// What it is.
    pub title: String,
    /// Other names that it goes by.
    #[serde(default)]
    pub models: Vec<String>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rule {
    /// Its name.
    pub id: String,
    /// What is refused, and what happens then.
    pub refuses: String,
    /// What to do.
    pub advice: String,
    /// Where the knowledge comes from.
    pub source: String,
    /// How sure it is.
    pub confidence: Confidence,
    /// The families that it is about; empty for all.
    pub families: Vec<String>,
    /// What the breach means on such a device.
    pub severity: Gravity,
    /// When the rule is applied.
    pub when: When,
    /// What is looked for.
    pub check: Check,
}

/// How sure a rule is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// It was seen to happen.
    Run,
    /// It stands in the code of an implementation.
    Read,
    /// It stands in a specification or a maker's document.
    Documented,
    /// Somebody remembers it.
    Remembered,
}

/// What a breach means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gravity {
    /// The device refuses the payload, or ignores a part that it cannot do without.
    Error,
    /// The device takes it otherwise than it was meant.
    Warning,
}

/// When a rule is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// Always: keeping it costs nothing.
    Always,
    /// When its family is asked for: keeping it costs something elsewhere.
    Asked,
}

/// A rule that a payload breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: String,
    /// How bad it is, in the view of what was asked for.
    pub severity: Severity,
    /// Where it is in the payload.
    pub place: String,
    /// Where it is in the profile, as [`crate::profile::Positions`] knows it.
    pub path: String,
    /// What is there and what was expected. It repeats no value.
    pub what: String,
    /// The families that it concerns; empty for all.
    pub families: Vec<String>,
    /// What they do then.
    pub refuses: String,
    /// What to do.
    pub advice: String,
}

/// Why a file of rules cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuirksError {
    /// It is not TOML, or has keys or words that are not known.
    #[error("quirks: {message}")]
    Syntax {
        /// What the reader says.
        message: String,
    },
    /// Two rules, or two families, of one name.
    #[error("quirks: `{id}` stands twice; expected a name of its own")]
    Doubled {
        /// The name.
        id: String,
    },
    /// A rule about a family that is not there.
    #[error("quirks: rule `{rule}` names the family `{family}`, which is not listed; add a [[family]]")]
    UnknownFamily {
        /// The rule.
        rule: String,
        /// The family.
        family: String,
    },
}

impl Quirks {
    /// The rules that are compiled in.
    ///
    /// # Errors
    /// [`QuirksError`], which the tests rule out.
    pub fn builtin() -> Result<Self, QuirksError> {
        Self::parse(BUILTIN)
    }

    /// Reads rules.
    ///
    /// # Errors
    /// [`QuirksError`]
    pub fn parse(text: &str) -> Result<Self, QuirksError> {
        let quirks: Self = toml::from_str(text)
            .map_err(|e| QuirksError::Syntax { message: e.to_string().trim_end().to_owned() })?;
        let mut seen: Vec<&str> = Vec::new();
        for id in quirks.families.iter().map(|f| &f.id).chain(quirks.rules.iter().map(|r| &r.id)) {
            if seen.contains(&id.as_str()) {
                return Err(QuirksError::Doubled { id: id.clone() });
            }
            seen.push(id);
        }
        for rule in &quirks.rules {
            if let Some(family) = rule.families.iter().find(|f| quirks.families.iter().all(|o| o.id != **f)) {
                return Err(QuirksError::UnknownFamily { rule: rule.id.clone(), family: family.clone() });
            }
        }
        Ok(quirks)
    }

    /// The families.
    pub fn families(&self) -> &[Family] {
        &self.families
    }

    /// The rules.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rules about a family: its own, and those about all.
    pub fn rules_for<'a>(&'a self, family: &'a Family) -> impl Iterator<Item = &'a Rule> {
        self.rules.iter().filter(|r| r.families.is_empty() || r.families.contains(&family.id))
    }

    /// The family of that name, or that a model of that name belongs to. Letter case does not count.
    pub fn family(&self, model: &str) -> Option<&Family> {
        let is = |name: &String| name.eq_ignore_ascii_case(model.trim());
        self.families
            .iter()
            .find(|f| is(&f.id))
            .or_else(|| self.families.iter().find(|f| f.models.iter().any(is)))
    }

    /// Applies the rules to payloads that go to one device or population: all rules that always hold, or, for a family,
    /// exactly the rules about it. A rule about some families only is no more than a warning to whoever asks for none.
    /// `before` are payloads that may reach the same device and were looked at already.
    pub fn apply(&self, before: &[Subject], subjects: &[Subject], family: Option<&Family>) -> Vec<Finding> {
        let wanted = |r: &&Rule| match family {
            Some(family) => r.families.is_empty() || r.families.contains(&family.id),
            None => r.when == When::Always,
        };
        let mut out = Vec::new();
        for rule in self.rules.iter().filter(wanted) {
            let general = rule.families.is_empty() || family.is_some();
            let severity = match rule.severity {
                Gravity::Error if general => Severity::Error,
                Gravity::Error | Gravity::Warning => Severity::Warning,
            };
            for breach in apply::breaches(&rule.check, before, subjects) {
                out.push(Finding {
                    rule: rule.id.clone(),
                    severity,
                    place: breach.place,
                    path: breach.path,
                    what: breach.what,
                    families: rule.families.clone(),
                    refuses: rule.refuses.clone(),
                    advice: rule.advice.clone(),
                });
            }
        }
        out
    }
}

#[cfg(test)]
mod tests;
