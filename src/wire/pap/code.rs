//! Status codes (WAP-247-PAP, section 9.13).

use std::fmt;

/// How a message fared: an open registry, so any number may come in.
///
/// | class | meaning |
/// |---|---|
/// | 1xxx | done |
/// | 2xxx | the initiator's fault |
/// | 3xxx | the gateway's fault |
/// | 4xxx | service failed, try again |
/// | 5xxx | the device aborted |
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct StatusCode(pub u16);

impl StatusCode {
    /// The request succeeded.
    pub const OK: Self = Self(1000);
    /// The message was accepted for processing: it is stored, not yet delivered.
    pub const ACCEPTED: Self = Self(1001);
    /// Not understood.
    pub const BAD_REQUEST: Self = Self(2000);
    /// Refused.
    pub const FORBIDDEN: Self = Self(2001);
    /// The address is malformed.
    pub const ADDRESS_ERROR: Self = Self(2002);
    /// No such client.
    pub const ADDRESS_NOT_FOUND: Self = Self(2003);
    /// No such push.
    pub const PUSH_ID_NOT_FOUND: Self = Self(2004);
    /// The client lacks what the content needs.
    pub const CAPABILITIES_MISMATCH: Self = Self(2005);
    /// The client does not support the capabilities that were asked for.
    pub const REQUIRED_CAPABILITIES_NOT_SUPPORTED: Self = Self(2006);
    /// The push id is in use.
    pub const DUPLICATE_PUSH_ID: Self = Self(2007);
    /// The push can no longer be cancelled.
    pub const CANCELLATION_NOT_POSSIBLE: Self = Self(2008);
    /// The gateway failed.
    pub const INTERNAL_SERVER_ERROR: Self = Self(3000);
    /// The gateway does not have this operation.
    pub const NOT_IMPLEMENTED: Self = Self(3001);
    /// The gateway does not speak this version.
    pub const VERSION_NOT_SUPPORTED: Self = Self(3002);
    /// The push is no longer there.
    pub const NOT_POSSIBLE: Self = Self(3003);
    /// Capabilities are not matched here.
    pub const CAPABILITY_MATCHING_NOT_SUPPORTED: Self = Self(3004);
    /// One address at a time.
    pub const MULTIPLE_ADDRESSES_NOT_SUPPORTED: Self = Self(3005);
    /// The content could not be transformed.
    pub const TRANSFORMATION_FAILURE: Self = Self(3006);
    /// The delivery method cannot be had.
    pub const DELIVERY_METHOD_NOT_POSSIBLE: Self = Self(3007);
    /// The client's capabilities are not known (from one source).
    pub const CAPABILITIES_NOT_AVAILABLE: Self = Self(3008);
    /// The network that was required cannot be had.
    pub const REQUIRED_NETWORK_NOT_AVAILABLE: Self = Self(3009);
    /// The bearer that was required cannot be had (from one source).
    pub const REQUIRED_BEARER_NOT_AVAILABLE: Self = Self(3010);
    /// Replacing is not supported (from one source).
    pub const REPLACEMENT_NOT_SUPPORTED: Self = Self(3011);
    /// The service failed.
    pub const SERVICE_FAILURE: Self = Self(4000);
    /// The service is busy (from one source).
    pub const SERVICE_UNAVAILABLE: Self = Self(4001);
    /// The device aborted without a reason.
    pub const DEVICE_ABORTED: Self = Self(5000);

    /// The code of a device that aborted with a WSP reason (`EA` to `EE`): 5026 and up (from one source).
    pub fn aborted(reason: u8) -> Self {
        match reason {
            0xEA..=0xEE => Self(5026 + u16::from(reason - 0xEA)),
            _ => Self::DEVICE_ABORTED,
        }
    }

    /// True when what was asked for was done or taken on.
    pub fn is_success(self) -> bool {
        self.0 / 1000 == 1
    }

    /// True when the same request may succeed later.
    pub fn is_transient(self) -> bool {
        self.0 / 1000 == 4
    }

    /// What it says, in the words of the specification; none for a code that is not known.
    pub fn text(self) -> Option<&'static str> {
        Some(match self.0 {
            1000 => "OK",
            1001 => "accepted for processing",
            2000 => "bad request",
            2001 => "forbidden",
            2002 => "address error",
            2003 => "address not found",
            2004 => "push id not found",
            2005 => "capabilities mismatch",
            2006 => "required capabilities not supported",
            2007 => "duplicate push id",
            2008 => "cancellation not possible",
            3000 => "internal server error",
            3001 => "not implemented",
            3002 => "version not supported",
            3003 => "not possible",
            3004 => "capability matching not supported",
            3005 => "multiple addresses not supported",
            3006 => "transformation failure",
            3007 => "specified delivery method not possible",
            3008 => "capabilities not available",
            3009 => "required network not available",
            3010 => "required bearer not available",
            3011 => "replacement not supported",
            4000 => "service failure",
            4001 => "service unavailable",
            5000 => "device aborted",
            5026 => "device aborted: the user asked for it (USERREQ)",
            5027 => "device aborted: the user refused (USERRFS)",
            5028 => "device aborted: the push cannot be delivered (USERPND)",
            5029 => "device aborted: discarded (USERDCR)",
            5030 => "device aborted: content type cannot be handled (USERDCU)",
            _ => return None,
        })
    }
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text() {
            Some(text) => write!(f, "{} {text}", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}
