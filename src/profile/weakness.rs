//! What is weak about the way in which a bootstrap is signed: the method, and the PIN that is its key.
//!
//! The check value stands beside the document in the clear, so whoever captured one message can try PINs on it as fast as
//! a machine computes: four digits were recovered in seconds. Only USERPINMAC sends none.

use crate::ident::Pin;

use super::{SecurityMethod, Warning};

/// Fewer digits than this are few.
const ENOUGH: usize = 8;

/// What is weak about a method, a PIN of `digits` digits and, where it is known, this very PIN.
pub fn weaknesses(method: SecurityMethod, digits: Option<usize>, pin: Option<&Pin>) -> Vec<Warning> {
    let mut found: Vec<Warning> = match method {
        SecurityMethod::NetwPin => vec![Warning::NetwPinAlone],
        SecurityMethod::UserPin => vec![Warning::UserPinAlone],
        SecurityMethod::None => vec![Warning::Unauthenticated],
        SecurityMethod::UserNetwPin | SecurityMethod::UserPinMac => Vec::new(),
    };
    if method.pin_digits().is_none() {
        return found;
    }
    let digits = pin.map(|pin| pin.expose().len()).or(digits);
    if let Some(digits) = digits.filter(|digits| *digits < ENOUGH) {
        found.push(match method {
            SecurityMethod::UserPinMac => Warning::ShortHalf { digits },
            _ => Warning::ShortPin { digits },
        });
    }
    if pin.is_some_and(|pin| is_guessable(pin.expose().as_bytes())) {
        found.push(Warning::GuessablePin);
    }
    found
}

/// Whether digits go up or down by the same step (1111, 1234, 9876, 2468, 8901), or are a shorter row again and again
/// (1212, 123123).
fn is_guessable(digits: &[u8]) -> bool {
    let step = |pair: &[u8]| match pair {
        [a, b] => (10 + b - a) % 10,
        _ => 0,
    };
    let mut steps = digits.windows(2).map(step);
    let counts = steps.next().is_some_and(|first| steps.all(|step| step == first));
    let repeats = |row: usize| {
        digits.len().is_multiple_of(row) && digits.iter().zip(digits.iter().skip(row)).all(|(a, b)| a == b)
    };
    counts || (1..=digits.len() / 2).any(repeats)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_that_are_tried_first() {
        for bad in ["0000", "1111", "1234", "4321", "8901", "2468", "1212", "123123", "48154815", "98765432"]
        {
            assert!(is_guessable(bad.as_bytes()), "{bad}");
        }
        for good in ["4815", "4711", "48151623", "12345679", "1221", "123124", "48150481"] {
            assert!(!is_guessable(good.as_bytes()), "{good}");
        }
    }

    #[test]
    fn each_weakness_of_a_method_and_its_pin() {
        use SecurityMethod::{NetwPin, None as Unsigned, UserNetwPin, UserPin, UserPinMac};
        let codes = |method, digits, pin: Option<&str>| -> Vec<&str> {
            let pin = pin.map(|p| p.parse().unwrap());
            weaknesses(method, digits, pin.as_ref()).into_iter().map(Warning::code).collect()
        };
        assert_eq!(codes(NetwPin, None, Some("1234")), ["netwpin-alone"]);
        assert_eq!(codes(Unsigned, None, None), ["unauthenticated"]);
        assert_eq!(codes(UserPin, None, Some("1234")), ["userpin-alone", "short-pin", "guessable-pin"]);
        assert_eq!(codes(UserNetwPin, Some(4), None), ["short-pin"]);
        assert_eq!(codes(UserNetwPin, Some(4), Some("48151623")), [""; 0]);
        assert_eq!(codes(UserNetwPin, Some(8), None), [""; 0]);
        assert_eq!(codes(UserPinMac, Some(7), None), ["short-half"]);
        assert_eq!(codes(UserPinMac, Some(8), None), [""; 0]);
        let said = weaknesses(UserPin, Some(4), None).into_iter().map(|w| w.to_string()).collect::<String>();
        assert!(said.contains("a PIN of 4 digits is found from one captured message"), "{said}");
    }
}
