//! PDUs in a stream of octets. Cutting the stream is ours, so that a PDU that cannot be read costs that PDU alone: the
//! codec sees exactly one at a time and cannot read into the next.

use bytes::{Buf, BufMut, BytesMut};
use rusmpp::{
    Command as Codec, CommandStatus as CodecStatus, Pdu,
    decode::DecodeWithLength,
    encode::{Length, owned::Encode},
};

use crate::wire::smpp::{CommandStatus, Header, LengthError};

/// A PDU that came in.
#[derive(Clone)]
pub struct Incoming {
    /// Its header, read by us: it is there even when the body cannot be read.
    pub header: Header,
    /// Its body.
    pub body: Body,
}

/// The body of a PDU.
#[derive(Clone)]
pub enum Body {
    /// There is none.
    None,
    /// As the codec reads it.
    Pdu(Box<Pdu>),
    /// The codec does not read it.
    Unreadable,
}

/// A stream that is cut into PDUs. `Debug` shows no octets.
#[derive(Default)]
pub struct Stream {
    buffer: BytesMut,
}

impl Stream {
    /// Takes octets in.
    pub fn push(&mut self, octets: &[u8]) {
        self.buffer.extend_from_slice(octets);
    }

    /// The next whole PDU.
    ///
    /// # Errors
    /// [`LengthError`]: the stream cannot be followed any more.
    pub fn next_pdu(&mut self) -> Result<Option<Incoming>, LengthError> {
        let Some(header) = Header::peek(&self.buffer)? else { return Ok(None) };
        let length = usize::try_from(header.length).unwrap_or(usize::MAX);
        if self.buffer.len() < length {
            return Ok(None);
        }
        let mut pdu = self.buffer.split_to(length);
        Ok(Some(Incoming { header, body: body(&mut pdu, length) }))
    }
}

/// The body of exactly one PDU.
fn body(pdu: &mut BytesMut, length: usize) -> Body {
    if length == Header::OCTETS {
        return Body::None;
    }
    pdu.advance(4);
    match <Codec as DecodeWithLength>::decode(pdu, length - 4) {
        // Octets behind what was read are allowed: parameters that a bind response or the like should not have.
        Ok((command, _)) => command.pdu().map_or(Body::None, |pdu| Body::Pdu(Box::new(pdu.clone()))),
        Err(_) => Body::Unreadable,
    }
}

/// Writes a PDU.
pub fn encode(status: CommandStatus, sequence: u32, pdu: Pdu, out: &mut BytesMut) {
    let command = Codec::new(CodecStatus::from(status.0), sequence, pdu);
    let length = 4 + command.length();
    out.reserve(length);
    out.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    command.encode(out);
}

impl std::fmt::Debug for Incoming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Incoming({:?}, {})",
            self.header,
            match self.body {
                Body::None => "no body",
                Body::Pdu(_) => "a body",
                Body::Unreadable => "a body that cannot be read",
            }
        )
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Pdu(_) => "Pdu",
            Self::Unreadable => "Unreadable",
        })
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Stream({} octets)", self.buffer.len())
    }
}
