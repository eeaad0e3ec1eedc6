//! SMPP PDUs (SMPP 3.4), one after the other as they stand in a stream: header, mandatory parameters, optional ones, and the
//! short message inwards.

mod body;
mod field;
mod message;
mod optional;

use crate::wire::smpp::{Command, Header, LengthError};

use super::{
    Found, Options, Problem,
    scribe::{Scribe, Stopped},
};

const HEADER: &str = "SMPP 3.4, 3.2";

/// Whether octets begin with the header of a PDU that is known. With a length that cannot be, the rest of it has to be as it
/// should.
pub(super) fn begins(octets: &[u8]) -> bool {
    let Some(header) = Header::read(octets).filter(|header| header.command.name().is_some()) else {
        return false;
    };
    let sound = (header.status.0 == 0 || header.command.is_response()) && is_numbered(&header);
    sound || matches!(Header::peek(octets), Ok(Some(_)))
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
        let Some(header) = Header::read(w.rest()) else {
            w.take(Header::OCTETS, "header", HEADER)?;
            return Err(Stopped);
        };
        if let Err(error) = Header::peek(w.rest()) {
            self::header(w, &header, Some(error))?;
            return Err(Stopped);
        }
        let length = usize::try_from(header.length).unwrap_or(usize::MAX);
        let name = header.command.name().unwrap_or("PDU");
        w.region(length, name, body::clause(header.command), |w| {
            self::header(w, &header, None)?;
            body::explain(w, &header, options, found)
        });
    }
    Ok(())
}

fn header(w: &mut Scribe<'_>, header: &Header, impossible: Option<LengthError>) -> Result<(), Stopped> {
    w.take(4, "command_length", HEADER)?;
    match impossible {
        None => w.says(header.length.to_string()),
        Some(error) => w.wrong(format!("{error}; what comes behind the header cannot be told apart")),
    }
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
    if !is_numbered(header) {
        let mark = w.last();
        w.judge(mark, Problem::odd("expected 1 to 7FFFFFFF"));
    }
    Ok(())
}

/// Whether its number is one that a PDU has (SMPP 3.4, 5.1.4). What cannot be read is answered with 0, because its number is
/// not known.
fn is_numbered(header: &Header) -> bool {
    let unread = header.command == Command::GENERIC_NACK && header.sequence == 0;
    unread || (1..=0x7FFF_FFFF).contains(&header.sequence)
}
