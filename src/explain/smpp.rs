//! SMPP PDUs (SMPP 3.4), one after the other as they stand in a stream: header, mandatory parameters, optional ones, and the
//! short message inwards.

mod body;
mod field;
mod message;
mod optional;

use crate::wire::smpp::{Command, Header};

use super::{
    Found, Options, Problem,
    scribe::{Scribe, Stopped},
};

const HEADER: &str = "SMPP 3.4, 3.2";

/// Whether octets begin with the header of a PDU that is known.
pub(super) fn begins(octets: &[u8]) -> bool {
    matches!(Header::peek(octets), Ok(Some(header)) if header.command.name().is_some())
}

/// Whether octets are PDUs that are known, and nothing else.
pub(super) fn is_whole(octets: &[u8]) -> bool {
    let mut rest = octets;
    while begins(rest) {
        let Ok(Some(header)) = Header::peek(rest) else { return false };
        match usize::try_from(header.length).ok().and_then(|length| rest.get(length..)) {
            Some([]) => return true,
            Some(behind) => rest = behind,
            None => return false,
        }
    }
    false
}

pub(super) fn explain(w: &mut Scribe<'_>, options: &Options, found: &mut Found) -> Result<(), Stopped> {
    while !w.is_empty() {
        let header = match Header::peek(w.rest()) {
            Ok(Some(header)) => header,
            Ok(None) => {
                w.take(Header::OCTETS, "header", HEADER)?;
                return Err(Stopped);
            }
            Err(error) => {
                w.take(4, "command_length", HEADER)?;
                w.wrong(format!("{error}; what comes behind it cannot be told apart"));
                return Err(Stopped);
            }
        };
        let length = usize::try_from(header.length).unwrap_or(usize::MAX);
        let name = header.command.name().unwrap_or("PDU");
        w.region(length, name, body::clause(header.command), |w| {
            self::header(w, &header)?;
            body::explain(w, &header, options, found)
        });
    }
    Ok(())
}

fn header(w: &mut Scribe<'_>, header: &Header) -> Result<(), Stopped> {
    w.take(4, "command_length", HEADER)?;
    w.says(header.length.to_string());
    w.take(4, "command_id", "SMPP 3.4, 5.1.2.1")?;
    match header.command.name() {
        Some(name) => w.says(name),
        None => w.wrong("no command of SMPP 3.4"),
    }
    w.take(4, "command_status", "SMPP 3.4, 5.1.3")?;
    let status = header.status;
    w.says(match (status.name(), status.meaning()) {
        _ if status.0 == 0 => "ESME_ROK".to_owned(),
        (Some(name), Some(meaning)) => format!("ESME_{name}: {meaning}"),
        _ => format!("{status}, of a vendor or later than 3.4"),
    });
    if status.0 != 0 && !header.command.is_response() {
        w.odd("a request has 00000000 here");
    }
    w.take(4, "sequence_number", "SMPP 3.4, 5.1.4")?;
    w.says(header.sequence.to_string());
    // What cannot be read is answered with 0, because its number is not known.
    let unread = header.command == Command::GENERIC_NACK && header.sequence == 0;
    if !(1..=0x7FFF_FFFF).contains(&header.sequence) && !unread {
        let mark = w.last();
        w.judge(mark, Problem::odd("expected 1 to 7FFFFFFF"));
    }
    Ok(())
}
