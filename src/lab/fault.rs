//! What goes wrong between a reader and a virtual card, and with the card's counters.

use std::{fmt, str::FromStr};

use crate::wire::apdu::StatusWord;

/// Something that goes wrong. Commands are counted from 1, from the moment that the card was put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The card is pulled before command `n` reaches it.
    CutBefore(usize),
    /// The card is pulled when it has carried out command `n`; its answer does not arrive.
    CutAfter(usize),
    /// As [`Fault::CutAfter`], but the reader reports success with no octets, as some do.
    EmptyAnswer(usize),
    /// The card carries out command `n`; its answer does not arrive. Later commands work.
    AnswerLost(usize),
    /// The card carries out command `n` and reports trouble with its memory (6581).
    MemoryTrouble(usize),
    /// The card is pulled in the middle of its answer to command `n`, which it has carried out; the reader hands on the half that
    /// came as if it were all.
    HalfAnswer(usize),
    /// One bit of the answer to command `n` arrives turned round: the last of that octet, counted from 1; the two last octets are
    /// the status word.
    FlippedAnswer(usize, usize),
    /// The card carries out its n-th UPDATE, of a record or of data objects too, and answers this status word.
    UpdateSays(usize, StatusWord),
    /// The card does not carry out its n-th UPDATE, of a record or of data objects too, and answers this status word.
    UpdateNotDone(usize, StatusWord),
    /// The card is pulled when it has carried out the n-th UPDATE BINARY; its answer does not arrive.
    PullInUpdate(usize),
    /// The card is pulled in the middle of its n-th UPDATE, of a record or of data objects (SET DATA) too: half of the octets are written, the next one is
    /// erased.
    TornUpdate(usize),
    /// The card carries out the n-th UPDATE BINARY and answers no more; it stays in the reader.
    MuteInUpdate(usize),
    /// The card answers neither command `n` nor any later one, nor a reset.
    MuteFrom(usize),
    /// The card never answers.
    Mute,
    /// No PIN or key of the card has more than so many tries left.
    CounterLow(u8),
    /// The card does not tell the counters of its PINs and keys: VERIFY without data is 6700.
    CounterNotTold,
}

/// There is no such fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no fault; there are cut-before=N, cut-after=N, empty-answer=N, answer-lost=N, memory-trouble=N, \
     half-answer=N, flipped-answer=N[:OCTET], pull-in-update=N, torn-update=N, mute-in-update=N, update-says=N:SW, update-not-done=N:SW, \
     mute=N (N and OCTET from 1), mute, counter-low=TRIES and counter-not-told"
)]
pub struct FaultError(String);

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let unknown = || FaultError(text.to_owned());
        let Some((name, number)) = text.split_once('=') else {
            return match text {
                "mute" => Ok(Self::Mute),
                "counter-not-told" => Ok(Self::CounterNotTold),
                _ => Err(unknown()),
            };
        };
        if name == "counter-low" {
            return number.parse().map(Self::CounterLow).map_err(|_| unknown());
        }
        if let "flipped-answer" | "update-says" | "update-not-done" = name {
            let (n, what) = number.split_once(':').map_or((number, None), |(n, what)| (n, Some(what)));
            let n = n.parse().ok().filter(|n| *n > 0).ok_or_else(unknown)?;
            if name == "flipped-answer" {
                let octet = what.map_or(Some(1), |what| what.parse().ok().filter(|octet| *octet > 0));
                return octet.map(|octet| Self::FlippedAnswer(n, octet)).ok_or_else(unknown);
            }
            let four_digits = |what: &&str| what.len() == 4 && what.bytes().all(|b| b.is_ascii_hexdigit());
            let sw = what.filter(four_digits).and_then(|what| u16::from_str_radix(what, 16).ok());
            let sw = sw.map(StatusWord).ok_or_else(unknown)?;
            return Ok(match name {
                "update-says" => Self::UpdateSays(n, sw),
                _ => Self::UpdateNotDone(n, sw),
            });
        }
        let n = number.parse().ok().filter(|n| *n > 0).ok_or_else(unknown)?;
        Ok(match name {
            "cut-before" => Self::CutBefore(n),
            "cut-after" => Self::CutAfter(n),
            "empty-answer" => Self::EmptyAnswer(n),
            "answer-lost" => Self::AnswerLost(n),
            "memory-trouble" => Self::MemoryTrouble(n),
            "half-answer" => Self::HalfAnswer(n),
            "pull-in-update" => Self::PullInUpdate(n),
            "torn-update" => Self::TornUpdate(n),
            "mute-in-update" => Self::MuteInUpdate(n),
            "mute" => Self::MuteFrom(n),
            _ => return Err(unknown()),
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::CutBefore(n) => write!(f, "cut-before={n}"),
            Self::CutAfter(n) => write!(f, "cut-after={n}"),
            Self::EmptyAnswer(n) => write!(f, "empty-answer={n}"),
            Self::AnswerLost(n) => write!(f, "answer-lost={n}"),
            Self::MemoryTrouble(n) => write!(f, "memory-trouble={n}"),
            Self::HalfAnswer(n) => write!(f, "half-answer={n}"),
            Self::FlippedAnswer(n, 1) => write!(f, "flipped-answer={n}"),
            Self::FlippedAnswer(n, octet) => write!(f, "flipped-answer={n}:{octet}"),
            Self::UpdateSays(n, sw) => write!(f, "update-says={n}:{:04X}", sw.0),
            Self::UpdateNotDone(n, sw) => write!(f, "update-not-done={n}:{:04X}", sw.0),
            Self::PullInUpdate(n) => write!(f, "pull-in-update={n}"),
            Self::TornUpdate(n) => write!(f, "torn-update={n}"),
            Self::MuteInUpdate(n) => write!(f, "mute-in-update={n}"),
            Self::MuteFrom(n) => write!(f, "mute={n}"),
            Self::Mute => f.write_str("mute"),
            Self::CounterLow(n) => write!(f, "counter-low={n}"),
            Self::CounterNotTold => f.write_str("counter-not-told"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_is_written_as_it_is_read() {
        for text in [
            "cut-before=3",
            "cut-after=1",
            "empty-answer=2",
            "answer-lost=9",
            "memory-trouble=4",
            "half-answer=6",
            "flipped-answer=5",
            "flipped-answer=5:3",
            "update-says=2:63C1",
            "update-not-done=1:6F00",
            "pull-in-update=3",
            "torn-update=2",
            "mute-in-update=1",
            "mute=7",
            "mute",
            "counter-low=1",
            "counter-low=0",
            "counter-not-told",
        ] {
            assert_eq!(text.parse::<Fault>().unwrap().to_string(), text);
        }
        let wrong = [
            "flipped-answer=1:0",
            "flipped-answer=0:1",
            "update-says=1",
            "update-says=1:63c",
            "update-says=1:+3C1",
        ];
        for bad in wrong.into_iter().chain([
            "",
            "cut",
            "cut-before",
            "cut-before=0",
            "cut-before=-1",
            "mute=",
            "counter-low=256",
        ]) {
            let error = bad.parse::<Fault>().unwrap_err().to_string();
            assert!(error.contains("flipped-answer=N[:OCTET]"), "{error}");
        }
    }
}
