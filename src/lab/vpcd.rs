//! A virtual card in a virtual reader: the card's side of the wire that vsmartcard's `vpcd` driver speaks. pcscd and every
//! program on top of it then see an ordinary reader with an ordinary card.
//!
//! | octets | field                                                                      |
//! |--------|----------------------------------------------------------------------------|
//! | 0, 1   | length of what follows, most significant octet first                       |
//! | 2..    | from vpcd: one octet is control, 00 power off, 01 power on, 02 reset (none |
//! |        | of these is answered), 04 asks for the ATR; more octets are a command      |
//! |        | APDU. From the card: the ATR, or data and status word                      |
//!
//! Closing the connection pulls the card.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use super::{
    image::ImageError,
    line::{Carried, Line},
    reader::CardHandle,
};

/// Between two tries to connect.
const PAUSE: Duration = Duration::from_millis(50);

/// Why a virtual card could not go into a virtual reader, or fell out of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VpcdError {
    /// No vpcd listens there.
    #[error(
        "no virtual reader takes a card at {address} ({source}); check that pcscd runs with a vpcd reader on that port, \
         and that no other card is in it"
    )]
    Unreachable {
        /// Where.
        address: String,
        /// The last failure.
        source: io::Error,
    },
    /// The connection broke.
    #[error("the connection to the virtual reader broke: {0}")]
    Broken(#[from] io::Error),
    /// The card image could not be saved.
    #[error(transparent)]
    Save(#[from] ImageError),
}

/// Connects to the vpcd at `address`, trying again for as long as `patience`: it may be starting.
///
/// # Errors
/// [`VpcdError::Unreachable`] with the last failure.
pub fn connect(address: &str, patience: Duration) -> Result<TcpStream, VpcdError> {
    let end = Instant::now() + patience;
    loop {
        match TcpStream::connect(address) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(source) if Instant::now() >= end => {
                return Err(VpcdError::Unreachable { address: address.to_owned(), source });
            }
            Err(_) => std::thread::sleep(PAUSE),
        }
    }
}

/// Leaves the card in the reader until vpcd closes the connection, or a fault of `line` pulls it. A slow line takes real time.
/// `changed` is called before an answer is sent when the command changed something that stays.
///
/// An answer that is lost reaches vpcd as one without octets, which is how a reader reports it whose time ran out. A card that
/// is mute sends nothing: the reader waits for as long as its driver lets it.
///
/// # Errors
/// [`VpcdError::Broken`], or what `changed` returns.
pub fn run(
    card: &CardHandle,
    mut stream: TcpStream,
    mut line: Line,
    changed: &mut dyn FnMut(&CardHandle) -> Result<(), ImageError>,
) -> Result<(), VpcdError> {
    line.connect(card);
    let mut seen = card.changes();
    while let Some(message) = receive(&mut stream)? {
        match message.as_slice() {
            [] => {}
            [0x04] => send(&mut stream, &card.atr())?,
            [_] => card.reset(),
            apdu => {
                let before = line.busy();
                let carried = line.carry(card, apdu);
                std::thread::sleep(line.busy().saturating_sub(before));
                if card.changes() != seen {
                    seen = card.changes();
                    changed(card)?;
                }
                match carried {
                    Carried::Answer(answer) => send(&mut stream, &answer)?,
                    Carried::Lost => send(&mut stream, &[])?,
                    Carried::Mute => {}
                    Carried::Pulled => return Ok(()),
                    Carried::PulledUnnoticed => return send(&mut stream, &[]).map_err(VpcdError::from),
                    Carried::PulledWithin(half) => return send(&mut stream, &half).map_err(VpcdError::from),
                }
            }
        }
    }
    Ok(())
}

/// The next message; none when vpcd closed the connection.
fn receive(stream: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0u8; 2];
    if !fill(stream, &mut length)? {
        return Ok(None);
    }
    let mut message = vec![0u8; usize::from(u16::from_be_bytes(length))];
    Ok(fill(stream, &mut message)?.then_some(message))
}

/// Reads until `out` is full; false when the connection was closed. A peer that is killed resets it.
fn fill(stream: &mut TcpStream, out: &mut [u8]) -> io::Result<bool> {
    let mut rest = out;
    while !rest.is_empty() {
        acknowledge_at_once(stream)?;
        match stream.read(rest) {
            Ok(0) => return Ok(false),
            Ok(n) => rest = rest.get_mut(n..).unwrap_or_default(),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) if e.kind() == io::ErrorKind::ConnectionReset => return Ok(false),
            Err(e) => return Err(e),
        }
    }
    Ok(true)
}

/// vpcd sends length and body in two writes, the second of which waits for the acknowledgement of the first: 40 ms for
/// each command unless that is sent at once. The system takes the option back now and then, so it is set before
/// every read.
#[cfg(target_os = "linux")]
fn acknowledge_at_once(stream: &TcpStream) -> io::Result<()> {
    use std::os::linux::net::TcpStreamExt;
    stream.set_quickack(true)
}

#[cfg(not(target_os = "linux"))]
fn acknowledge_at_once(_stream: &TcpStream) -> io::Result<()> {
    Ok(())
}

fn send(stream: &mut TcpStream, body: &[u8]) -> io::Result<()> {
    let length = u16::try_from(body.len()).unwrap_or(u16::MAX);
    let body = body.get(..usize::from(length)).unwrap_or(body);
    let mut message = length.to_be_bytes().to_vec();
    message.extend_from_slice(body);
    stream.write_all(&message)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::{lab::reader::tests::handle, wire::vectors::hex};

    fn ask(vpcd: &mut TcpStream, body: &[u8]) -> Vec<u8> {
        send(vpcd, body).unwrap();
        receive(vpcd).unwrap().unwrap()
    }

    #[test]
    fn control_and_commands_are_told_apart() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let card = handle();
        let inside = card.clone();
        let process = std::thread::spawn(move || {
            let stream = connect(&address, Duration::from_secs(5)).unwrap();
            let mut saved = Vec::new();
            run(&inside, stream, Line::default(), &mut |card| {
                saved.push(card.changes());
                Ok(())
            })
            .unwrap();
            saved
        });
        let (mut vpcd, _) = listener.accept().unwrap();
        send(&mut vpcd, &[0x01]).unwrap();
        assert_eq!(ask(&mut vpcd, &[0x04]), card.atr());
        send(&mut vpcd, &[]).unwrap();
        assert_eq!(ask(&mut vpcd, &hex("0020000A083132333435363738")), [0x90, 0x00]);
        assert_eq!(ask(&mut vpcd, &hex("00A4080C047F506431")), [0x90, 0x00]);
        assert_eq!(ask(&mut vpcd, &hex("00D6000001AA")), [0x90, 0x00]);
        send(&mut vpcd, &[0x02]).unwrap();
        assert_eq!(ask(&mut vpcd, &hex("00D6000001BB")), [0x69, 0x86]);
        drop(vpcd);
        assert_eq!(process.join().unwrap(), [1], "saved once, for the one change");
    }

    #[test]
    fn nobody_there_is_said_after_a_while() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = connect(&free.to_string(), Duration::from_millis(60)).unwrap_err();
        assert!(error.to_string().contains(&free.to_string()), "{error}");
    }

    #[test]
    fn a_message_that_is_cut_short_is_the_end() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let process = std::thread::spawn(move || {
            run(&handle(), connect(&address, Duration::from_secs(5)).unwrap(), Line::default(), &mut |_| {
                Ok(())
            })
        });
        let (mut vpcd, _) = listener.accept().unwrap();
        vpcd.write_all(&[0x00, 0x09, 0x00]).unwrap();
        drop(vpcd);
        assert!(process.join().unwrap().is_ok());
    }

    #[test]
    fn faults_of_the_line_reach_the_reader() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let line = Line::default()
            .with_fault("answer-lost=1".parse().unwrap())
            .with_fault("flipped-answer=2".parse().unwrap())
            .with_fault("pull-in-update=1".parse().unwrap());
        let process = std::thread::spawn(move || {
            run(&handle(), connect(&address, Duration::from_secs(5)).unwrap(), line, &mut |_| Ok(()))
        });
        let (mut vpcd, _) = listener.accept().unwrap();
        assert_eq!(ask(&mut vpcd, &hex("0020000A083132333435363738")), [] as [u8; 0]);
        assert_eq!(ask(&mut vpcd, &hex("00A4080C047F506431")), [0x91, 0x00]);
        send(&mut vpcd, &hex("00D6000001AA")).unwrap();
        assert_eq!(receive(&mut vpcd).unwrap(), None, "the card is gone, and said nothing");
        process.join().unwrap().unwrap();
    }
}
