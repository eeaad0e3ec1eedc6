//! What keeps a link from its SMSC. The log says it when it begins and, while it lasts, at growing intervals; whoever asks why
//! something waits is told it, too.

use std::{sync::Arc, time::Duration};

use tracing::{debug, info, warn};

use super::Note;

/// How long the same thing is not said again: at first, and at most. Each time twice as long.
const QUIET: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(3_600));

/// What an operator is told of a link.
#[derive(Debug)]
pub(super) struct Trouble {
    name: Arc<str>,
    /// Why a connection ended, in the words of the system, until the machine says what it makes of that.
    ended: Option<String>,
    /// What stands in the way; none while nothing does.
    now: Option<Obstacle>,
}

/// Something that stands in the way.
#[derive(Debug)]
struct Obstacle {
    why: String,
    /// When it may be said again, and how long it is quiet after that.
    again: Duration,
    pause: Duration,
    /// How often it happened since it was said.
    unsaid: u32,
}

/// How loud something is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Voice {
    Warning,
    Notice,
    Quiet,
}

impl Trouble {
    pub(super) fn new(name: Arc<str>) -> Self {
        Self { name, ended: None, now: None }
    }

    /// What stands in the way, as far as it is known.
    pub(super) fn why(&self) -> Option<&str> {
        self.now.as_ref().map(|obstacle| obstacle.why.as_str())
    }

    /// A connection ended so.
    pub(super) fn ended(&mut self, why: String) {
        self.ended = Some(why);
    }

    /// Takes a note down and writes to the log what is worth it; a link that is stopping loses its binds as it should.
    pub(super) fn note(&mut self, note: Note, elapsed: Duration, stopping: bool) {
        let (voice, text) = self.says(note, elapsed, stopping);
        let name = &*self.name;
        match voice {
            Voice::Warning => warn!(smsc = name, "{text}"),
            Voice::Notice => info!(smsc = name, "{text}"),
            Voice::Quiet => debug!(smsc = name, "{text}"),
        }
    }

    fn says(&mut self, note: Note, elapsed: Duration, stopping: bool) -> (Voice, String) {
        let ended = self.ended.take();
        let why = match note {
            Note::Bound => {
                self.now = None;
                return (Voice::Notice, format!("Bound to the SMSC {}", self.name));
            }
            Note::Throttled(status, pause) => {
                let text = format!(
                    "The SMSC {} asks for less ({status}); pausing for {} ms",
                    self.name,
                    pause.as_millis()
                );
                return (Voice::Notice, text);
            }
            Note::Refused(status) => {
                let meaning = status.meaning().unwrap_or("a status of its own");
                format!("it refused the bind with {status}: {meaning}")
            }
            Note::Broken(why) => ended.unwrap_or_else(|| why.to_owned()),
        };
        let text = format!("A bind to the SMSC {} fails: {why}", self.name);
        if stopping {
            return (Voice::Quiet, text);
        }
        match self.now.as_mut().filter(|obstacle| obstacle.why == why) {
            Some(obstacle) if elapsed < obstacle.again => {
                obstacle.unsaid += 1;
                (Voice::Quiet, text)
            }
            Some(obstacle) => {
                obstacle.pause = (obstacle.pause * 2).min(QUIET.1);
                obstacle.again = elapsed + obstacle.pause;
                let times = std::mem::take(&mut obstacle.unsaid) + 1;
                (Voice::Warning, format!("{text} ({times} times since it was last said)"))
            }
            None => {
                self.now = Some(Obstacle { why, again: elapsed + QUIET.0, pause: QUIET.0, unsaid: 0 });
                (Voice::Warning, text)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::smpp::CommandStatus;

    #[test]
    fn the_same_is_said_at_growing_intervals_and_something_else_at_once() {
        let mut trouble = Trouble::new("main".into());
        let broken = || Note::Broken("the connection broke or could not be opened");
        let mut warned = Vec::new();
        // A try each ten seconds, for an hour.
        for second in (0..3_600).step_by(10) {
            trouble.ended("Connection refused".into());
            let (voice, text) = trouble.says(broken(), Duration::from_secs(second), false);
            assert!(text.starts_with("A bind to the SMSC main fails: Connection refused"), "{text}");
            if voice == Voice::Warning {
                warned.push((second, text.contains("times since")));
            }
        }
        assert_eq!(
            warned,
            [(0, false), (60, true), (180, true), (420, true), (900, true), (1_860, true)],
            "60, 120, 240, 480 and 960 seconds between them"
        );
        assert_eq!(trouble.why(), Some("Connection refused"));
        let refused = Note::Refused(CommandStatus::INVALID_PASSWORD);
        let at = Duration::from_secs(3_601);
        let (voice, text) = trouble.says(refused, at, false);
        let said = "A bind to the SMSC main fails: it refused the bind with 0000000Eh: the password is wrong";
        assert_eq!((voice, text.as_str()), (Voice::Warning, said));
        assert_eq!(trouble.says(Note::Bound, at, false).0, Voice::Notice);
        assert_eq!(trouble.why(), None);
        assert_eq!(trouble.says(refused, at, false).0, Voice::Warning, "it stood meanwhile");
        assert_eq!(trouble.says(broken(), at, true).0, Voice::Quiet, "it ends as it should");
    }
}
