//! Time stamps and validity periods (3GPP TS 23.040, sections 9.2.3.11 and 9.2.3.12).

use std::{fmt, time::Duration};

/// A time in seven octets, kept as they came: year, month, day, hour, minute, second as two swapped decimal digits each, and
/// the zone in quarters of an hour, whose sign is bit 08.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SmsTime(pub [u8; 7]);

impl SmsTime {
    /// A time; none when a part is out of its range. The year has two digits, the zone is in quarters of an hour.
    pub fn new(date: [u8; 3], time: [u8; 3], quarters: i8) -> Option<Self> {
        let ([year, month, day], [hour, minute, second]) = (date, time);
        let fits = year < 100
            && (1..=12).contains(&month)
            && (1..=31).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60
            && quarters.unsigned_abs() < 80;
        let zone = swapped(quarters.unsigned_abs()) | if quarters < 0 { 0x08 } else { 0 };
        let [year, month, day, hour, minute, second] = [year, month, day, hour, minute, second].map(swapped);
        fits.then_some(Self([year, month, day, hour, minute, second, zone]))
    }

    /// Year, month, day, hour, minute, second, and the zone in quarters of an hour; none when an octet is not decimal or
    /// out of its range.
    pub fn parts(&self) -> Option<([u8; 3], [u8; 3], i8)> {
        let [year, month, day, hour, minute, second, zone] = self.0;
        let number = |octet: u8| {
            let (tens, ones) = (octet & 0x0F, octet >> 4);
            (tens < 10 && ones < 10).then_some(10 * tens + ones)
        };
        let date = [number(year)?, number(month)?, number(day)?];
        let time = [number(hour)?, number(minute)?, number(second)?];
        let quarters = i8::try_from(number(zone & 0xF7)?).ok()?;
        let quarters = if zone & 0x08 == 0 { quarters } else { -quarters };
        Self::new(date, time, quarters).map(|_| (date, time, quarters))
    }
}

impl fmt::Display for SmsTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(([year, month, day], [hour, minute, second], quarters)) = self.parts() else {
            return f.write_str("not a time");
        };
        // GSM began in 1992.
        let century = if year < 90 { 20 } else { 19 };
        write!(f, "{century}{year:02}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        let sign = if quarters < 0 { '-' } else { '+' };
        let quarters = quarters.unsigned_abs();
        write!(f, "{sign}{:02}:{:02}", quarters / 4, quarters % 4 * 15)
    }
}

impl fmt::Debug for SmsTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmsTime({self})")
    }
}

/// How long a service centre should try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValidityPeriod {
    /// One octet.
    Relative(u8),
    /// Until a time.
    Absolute(SmsTime),
    /// Seven octets whose first says how the others are to be read; kept as they came.
    Enhanced([u8; 7]),
}

impl ValidityPeriod {
    /// How long a relative period is.
    pub fn duration(&self) -> Option<Duration> {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        const DAY: u64 = 24 * HOUR;
        let Self::Relative(octet) = self else { return None };
        let n = u64::from(*octet);
        Some(Duration::from_secs(match n {
            0..=143 => (n + 1) * 5 * MINUTE,
            144..=167 => 12 * HOUR + (n - 143) * 30 * MINUTE,
            168..=196 => (n - 166) * DAY,
            _ => (n - 192) * 7 * DAY,
        }))
    }
}

/// A number below 100 as two digits, the tens in the low half.
fn swapped(number: u8) -> u8 {
    ((number % 10) << 4) | (number / 10)
}
