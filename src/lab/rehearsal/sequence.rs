//! A message sequence as people draw it: one column per party, time running down.

use std::{fmt, time::Duration};

use serde::Serialize;

/// A party of the main job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Party {
    /// Where the profile is and the reader stands.
    Station,
    /// The card in the reader, later in the phone.
    Card,
    /// The device.
    Phone,
    /// The DM server.
    Server,
    /// Our program, as it takes jobs and pushes.
    Gateway,
    /// The short message service centre.
    Smsc,
}

impl Party {
    /// The parties of a rehearsal with a card, and of one over the air: as many, so that both look alike.
    const WITH_CARD: [Self; 4] = [Self::Station, Self::Card, Self::Phone, Self::Server];
    const OVER_THE_AIR: [Self; 4] = [Self::Gateway, Self::Smsc, Self::Phone, Self::Server];

    fn title(self) -> &'static str {
        match self {
            Self::Station => "station",
            Self::Card => "card",
            Self::Phone => "phone",
            Self::Server => "DM server",
            Self::Gateway => "bootgate",
            Self::Smsc => "SMSC",
        }
    }

    /// Position of its line, in characters.
    fn column(self) -> usize {
        LEFT + match self {
            Self::Station | Self::Gateway => 0,
            Self::Card | Self::Smsc => GAP,
            Self::Phone => 2 * GAP,
            Self::Server => 3 * GAP,
        }
    }
}

/// Characters before the first line: time and size stand there.
const LEFT: usize = 22;
/// Characters from one line to the next.
const GAP: usize = 30;

/// One message, or one thing that a party did by itself (`from` and `to` are the same).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Since the beginning.
    #[serde(rename = "at_ms", serialize_with = "millis")]
    pub at: Duration,
    /// How long it took.
    #[serde(rename = "took_ms", serialize_with = "millis")]
    pub took: Duration,
    /// Who sent.
    pub from: Party,
    /// Who received.
    pub to: Party,
    /// What it was.
    pub what: String,
    /// How many octets went over; 0 when that says nothing.
    pub octets: usize,
}

/// The steps of a run, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct Sequence {
    /// The steps.
    pub steps: Vec<Step>,
}

fn millis<S: serde::Serializer>(d: &Duration, s: S) -> Result<S::Ok, S::Error> {
    // Microseconds are what is measured; more digits would only pretend.
    s.serialize_f64((d.as_secs_f64() * 1e6).round() / 1e3)
}

impl Sequence {
    /// Whether it goes over the air.
    pub fn is_push(&self) -> bool {
        self.steps.iter().any(|step| step.from == Party::Gateway)
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut head: Vec<char> = format!("{:>9} {:>7}", "ms", "octets").chars().collect();
        for party in if self.is_push() { Party::OVER_THE_AIR } else { Party::WITH_CARD } {
            put(&mut head, party.column().saturating_sub(party.title().len() / 2), party.title());
        }
        writeln!(f, "{}", text(&head))?;
        writeln!(f, "{}", text(&lifelines()))?;
        for step in &self.steps {
            step.draw(f)?;
        }
        writeln!(f, "{}", text(&lifelines()))
    }
}

impl Step {
    fn draw(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = lifelines();
        put(&mut line, 0, &format!("{:>9.1}", self.at.as_secs_f64() * 1e3));
        if self.octets > 0 {
            put(&mut line, 10, &format!("{:>7}", self.octets));
        }
        let (from, to) = (self.from.column(), self.to.column());
        if from == to {
            put(&mut line, from, "●");
            put(&mut line, from + 2, &format!("{} ", self.what));
        } else {
            let (left, right) = (from.min(to), from.max(to));
            let room = right - left - 1;
            let what = shortened(&self.what, room.saturating_sub(6));
            let label = format!(" {what} ");
            let lead = room.saturating_sub(label.chars().count()) / 2;
            put(&mut line, left + 1, &"─".repeat(room));
            put(&mut line, left + 1 + lead, &label);
            if to > from {
                put(&mut line, right - 1, "▶");
            } else {
                put(&mut line, left + 1, "◀");
            }
        }
        writeln!(f, "{}", text(&line))
    }
}

fn lifelines() -> Vec<char> {
    let mut line = Vec::new();
    for party in Party::WITH_CARD {
        put(&mut line, party.column(), "│");
    }
    line
}

/// Writes `what` over `line` from position `at`.
fn put(line: &mut Vec<char>, at: usize, what: &str) {
    for (i, c) in what.chars().enumerate() {
        while line.len() <= at + i {
            line.push(' ');
        }
        if let Some(place) = line.get_mut(at + i) {
            *place = c;
        }
    }
}

fn text(line: &[char]) -> String {
    line.iter().collect::<String>().trim_end().to_owned()
}

fn shortened(what: &str, room: usize) -> String {
    if what.chars().count() <= room {
        return what.to_owned();
    }
    what.chars().take(room.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(from: Party, to: Party, what: &str, octets: usize) -> Step {
        let at = Duration::from_micros(1_250);
        Step { at, took: Duration::from_micros(40), from, to, what: what.into(), octets }
    }

    #[test]
    fn arrows_run_between_their_columns() {
        let sequence = Sequence {
            steps: vec![
                step(Party::Station, Party::Station, "build the payload", 512),
                step(Party::Station, Party::Card, "UPDATE BINARY", 260),
                step(Party::Server, Party::Phone, "Status 212", 700),
            ],
        };
        let drawn = sequence.to_string();
        let lines: Vec<&str> = drawn.lines().collect();
        assert_eq!(lines.len(), 6);
        let column = |line: &str, c: char| line.chars().position(|x| x == c);
        assert_eq!(column(lines[2], '●'), Some(LEFT));
        assert_eq!(column(lines[3], '▶'), Some(LEFT + GAP - 1));
        assert_eq!(column(lines[4], '◀'), Some(LEFT + 2 * GAP + 1));
        assert!(lines[3].contains("── UPDATE BINARY ──") && lines[3].contains("260"));
        assert!(lines.iter().all(|l| l.chars().count() <= 120), "{drawn}");
    }

    #[test]
    fn a_long_message_is_shortened_not_spilled() {
        let drawn = step_line("x".repeat(200));
        assert!(drawn.chars().count() <= 120 && drawn.contains('…'), "{drawn}");
    }

    fn step_line(what: String) -> String {
        Sequence { steps: vec![step(Party::Card, Party::Station, &what, 1)] }
            .to_string()
            .lines()
            .nth(2)
            .unwrap()
            .to_owned()
    }
}
