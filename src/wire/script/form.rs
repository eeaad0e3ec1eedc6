//! Octets of a command → a command: which of the four cases they are (ISO/IEC 7816-3, section 12; TS 51.013, B.4).
//!
//! | octets                   | `[…]`   | case                                    |
//! |--------------------------|---------|-----------------------------------------|
//! | header of 4              | any     | 1: neither data nor answer              |
//! | header, P3 = 00          | absent  | 1, as T=0 writes it                     |
//! | header, P3               | present | 2: P3 is Le                             |
//! | header, Lc, data         | any     | 3                                       |
//! | header, Lc, data, Le     | any     | 4                                       |
//!
//! That brackets tell Le from Lc is our reading of "for an outgoing command". In an `APD`, which is a whole exchange, five
//! octets are always case 2. Extended lengths are not sent.

use crate::wire::apdu::CommandApdu;

use super::{Manner, ProblemKind};

/// Octets of data that fit a command.
const MOST: usize = 255;

/// The command that octets are; `expects_data` when `[…]` stands behind them.
///
/// # Errors
/// [`ProblemKind::ShortHeader`], [`ProblemKind::Length`] or [`ProblemKind::LongData`].
pub fn form(octets: &[u8], manner: Manner, expects_data: bool) -> Result<CommandApdu, ProblemKind> {
    let [cla, ins, p1, p2, rest @ ..] = octets else {
        return Err(ProblemKind::ShortHeader { got: octets.len() });
    };
    let command = CommandApdu::new(*cla, *ins, *p1, *p2);
    let [p3, data @ ..] = rest else { return Ok(command) };
    let lc = usize::from(*p3);
    let too_long = |data: &[u8]| ProblemKind::LongData { got: data.len() };
    let with = |data: &[u8]| command.clone().with_data(data).map_err(|_| too_long(data));
    match data {
        [] if expects_data || manner == Manner::Followed => Ok(command.with_le(*p3)),
        [] if lc == 0 => Ok(command),
        data if data.len() == lc => with(data),
        [data @ .., le] if data.len() == lc && lc > 0 => Ok(with(data)?.with_le(*le)),
        // Whatever P3 says: with Le behind them 256 octets may follow.
        data if data.len() > MOST + 1 => Err(too_long(data)),
        data => Err(ProblemKind::Length { lc, got: data.len() }),
    }
}
