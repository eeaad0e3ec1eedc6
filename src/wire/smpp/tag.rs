//! Optional parameters (SMPP 3.4, section 5.3).

/// The tag of an optional parameter. An open registry: vendors have their own from 1400h to 3FFFh.
///
/// | octets | field                        |
/// |--------|------------------------------|
/// | 0, 1   | tag                          |
/// | 2, 3   | length of the value          |
/// | 4 …    | value                        |
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u16);

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// A number of 1, 2 or 4 octets.
    Number(usize),
    /// Text that ends with 00.
    Text,
    /// Octets.
    Octets,
}

impl Tag {
    /// source_port
    pub const SOURCE_PORT: Self = Self(0x020A);
    /// destination_port
    pub const DESTINATION_PORT: Self = Self(0x020B);
    /// sar_msg_ref_num
    pub const SAR_REFERENCE: Self = Self(0x020C);
    /// sar_total_segments
    pub const SAR_TOTAL: Self = Self(0x020E);
    /// sar_segment_seqnum
    pub const SAR_SEQUENCE: Self = Self(0x020F);
    /// receipted_message_id
    pub const RECEIPTED_MESSAGE_ID: Self = Self(0x001E);
    /// network_error_code: a network type, then two octets of error.
    pub const NETWORK_ERROR_CODE: Self = Self(0x0423);
    /// message_payload
    pub const MESSAGE_PAYLOAD: Self = Self(0x0424);
    /// message_state
    pub const MESSAGE_STATE: Self = Self(0x0427);

    /// Its name in the specification, and what its value is.
    pub fn known(self) -> Option<(&'static str, Form)> {
        use Form::{Number, Octets, Text};
        Some(match self.0 {
            0x0005 => ("dest_addr_subunit", Number(1)),
            0x0006 => ("dest_network_type", Number(1)),
            0x0007 => ("dest_bearer_type", Number(1)),
            0x0008 => ("dest_telematics_id", Number(2)),
            0x000D => ("source_addr_subunit", Number(1)),
            0x000E => ("source_network_type", Number(1)),
            0x000F => ("source_bearer_type", Number(1)),
            0x0010 => ("source_telematics_id", Number(1)),
            0x0017 => ("qos_time_to_live", Number(4)),
            0x0019 => ("payload_type", Number(1)),
            0x001D => ("additional_status_info_text", Text),
            0x001E => ("receipted_message_id", Text),
            0x0030 => ("ms_msg_wait_facilities", Number(1)),
            0x0201 => ("privacy_indicator", Number(1)),
            0x0202 => ("source_subaddress", Octets),
            0x0203 => ("dest_subaddress", Octets),
            0x0204 => ("user_message_reference", Number(2)),
            0x0205 => ("user_response_code", Number(1)),
            0x020A => ("source_port", Number(2)),
            0x020B => ("destination_port", Number(2)),
            0x020C => ("sar_msg_ref_num", Number(2)),
            0x020D => ("language_indicator", Number(1)),
            0x020E => ("sar_total_segments", Number(1)),
            0x020F => ("sar_segment_seqnum", Number(1)),
            0x0210 => ("sc_interface_version", Number(1)),
            0x0302 => ("callback_num_pres_ind", Number(1)),
            0x0303 => ("callback_num_atag", Octets),
            0x0304 => ("number_of_messages", Number(1)),
            0x0381 => ("callback_num", Octets),
            0x0420 => ("dpf_result", Number(1)),
            0x0421 => ("set_dpf", Number(1)),
            0x0422 => ("ms_availability_status", Number(1)),
            0x0423 => ("network_error_code", Octets),
            0x0424 => ("message_payload", Octets),
            0x0425 => ("delivery_failure_reason", Number(1)),
            0x0426 => ("more_messages_to_send", Number(1)),
            0x0427 => ("message_state", Number(1)),
            0x0501 => ("ussd_service_op", Number(1)),
            0x1201 => ("display_time", Number(1)),
            0x1203 => ("sms_signal", Number(2)),
            0x1204 => ("ms_validity", Number(1)),
            0x130C => ("alert_on_message_delivery", Octets),
            0x1380 => ("its_reply_type", Number(1)),
            0x1383 => ("its_session_info", Octets),
            _ => return None,
        })
    }

    /// Whether vendors may give it a meaning of their own.
    pub fn is_of_vendors(self) -> bool {
        (0x1400..=0x3FFF).contains(&self.0)
    }
}

impl std::fmt::Display for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.known() {
            Some((name, _)) => f.write_str(name),
            None => write!(f, "TLV {:04X}h", self.0),
        }
    }
}

impl std::fmt::Debug for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_have_names_or_numbers() {
        assert_eq!(Tag::MESSAGE_PAYLOAD.to_string(), "message_payload");
        assert_eq!(Tag(0x1400).to_string(), "TLV 1400h");
        assert!(Tag(0x1400).is_of_vendors() && !Tag(0x0424).is_of_vendors());
        assert_eq!((0..=u16::MAX).filter(|tag| Tag(*tag).known().is_some()).count(), 44);
    }
}
