//! Receipts out of deliver_sm and data_sm (SMPP 3.4, sections 5.2.12, 5.3.2.12, .31, .35 and appendix B).

use rusmpp::{
    Pdu,
    tlvs::{Tlv, TlvValue},
};

use crate::wire::smpp::{MessageState, ReceiptText};

/// How an SMSC writes message ids. Some write them in hexadecimal in submit responses and in decimal in receipts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IdForm {
    /// Text, to be compared as it is.
    #[default]
    Text,
    /// A number in hexadecimal.
    Hex,
    /// A number in decimal.
    Decimal,
}

/// What a message of the SMSC says of one of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Report {
    /// The message, as the SMSC writes it.
    pub(super) id: String,
    /// What became of it.
    pub(super) state: MessageState,
    /// The network's error code.
    pub(super) network_error: Option<u32>,
}

impl IdForm {
    /// The id in the form that all of them are brought to: a number as hexadecimal digits without leading zeros, in
    /// lower case. What is no number stays as it is.
    pub fn normalise(self, id: &str) -> String {
        let id = id.trim();
        let number = match self {
            Self::Text => None,
            Self::Hex => u128::from_str_radix(id, 16).ok(),
            Self::Decimal => id.parse::<u128>().ok(),
        };
        number.map_or_else(|| id.to_owned(), |number| format!("{number:x}"))
    }
}

impl std::str::FromStr for IdForm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "hex" => Ok(Self::Hex),
            "decimal" => Ok(Self::Decimal),
            _ => Err(format!("is {text:?}; expected \"text\", \"hex\" or \"decimal\"")),
        }
    }
}

/// The report in a message, when it is one. Parameters count for more than text: they have one meaning only.
pub(super) fn report(pdu: &Pdu) -> Option<Report> {
    let (esm_class, short_message, tlvs) = match pdu {
        Pdu::DeliverSm(pdu) => (u8::from(pdu.esm_class), pdu.short_message().as_ref(), pdu.tlvs()),
        Pdu::DataSm(pdu) => (u8::from(pdu.esm_class), [].as_slice(), pdu.tlvs()),
        _ => return None,
    };
    let mut payload = None;
    let (mut id, mut state, mut network_error) = (None, None, None);
    for value in tlvs.iter().filter_map(Tlv::value) {
        match value {
            TlvValue::ReceiptedMessageId(value) => id = Some(value.to_string()),
            TlvValue::MessageState(value) => state = MessageState::from_octet(u8::from(*value)),
            TlvValue::NetworkErrorCode(value) => network_error = Some(u32::from(value.error_code)),
            TlvValue::MessagePayload(value) => payload = Some(value.value.as_ref()),
            _ => {}
        }
    }
    // Bits 5 to 2: 04h is a receipt, 20h an intermediate notification. Some SMSCs set none and give the parameter.
    let kind = esm_class & 0x3C;
    if id.is_none() && kind != 0x04 && kind != 0x20 {
        return None;
    }
    let text = String::from_utf8_lossy(if short_message.is_empty() {
        payload.unwrap_or(&[])
    } else {
        short_message
    });
    let text = ReceiptText::parse(&text).ok();
    Some(Report {
        id: id.or_else(|| text.as_ref().map(|text| text.id.clone())).filter(|id| !id.is_empty())?,
        state: state.or_else(|| text.as_ref().map(|text| text.state))?,
        network_error: network_error.or_else(|| text.and_then(|text| text.error)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_brought_to_one_form() {
        assert_eq!(IdForm::Hex.normalise("00AB12"), IdForm::Decimal.normalise("0000043794"));
        assert_eq!(IdForm::Hex.normalise(" ab12 "), "ab12");
        assert_eq!(IdForm::Text.normalise("00AB"), "00AB");
        // What is no number is left alone, so that nothing is lost when the setting is wrong.
        assert_eq!(IdForm::Decimal.normalise("m-17"), "m-17");
        assert_eq!(IdForm::Hex.normalise(&"f".repeat(64)), "f".repeat(64));
    }
}
