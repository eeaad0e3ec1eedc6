//! EF(NASCONFIG): data objects of one octet each. Tags 80 to 85 are from implementations; 86 to 88 follow the order of the object
//! of 3GPP TS 24.368 (inferred).

use crate::wire::{DecodeError, tlv};

use super::{Setting, content::shown};

/// What EF(NASCONFIG) can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NasParameter {
    /// 80: priority of signalling; 1 is low.
    SignallingPriority,
    /// 81: whether network mode of operation I is heeded.
    NmoIBehaviour,
    /// 82: whether the device attaches with the IMSI in another network.
    AttachWithImsi,
    /// 83: the shortest time between searches for a better network, in minutes.
    MinimumSearchTimer,
    /// 84: whether extended access barring applies.
    ExtendedAccessBarring,
    /// 85: whether timer T3245 is used.
    T3245Behaviour,
    /// 86: whether low priority may be overridden.
    OverrideLowPriority,
    /// 87: whether extended access barring may be overridden.
    OverrideExtendedAccessBarring,
    /// 88: whether a better network is searched for soon after power-on.
    FastFirstSearch,
}

impl NasParameter {
    /// All of them, in the order of their tags.
    pub const ALL: [Self; 9] = [
        Self::SignallingPriority,
        Self::NmoIBehaviour,
        Self::AttachWithImsi,
        Self::MinimumSearchTimer,
        Self::ExtendedAccessBarring,
        Self::T3245Behaviour,
        Self::OverrideLowPriority,
        Self::OverrideExtendedAccessBarring,
        Self::FastFirstSearch,
    ];

    /// Its tag.
    pub fn tag(self) -> u16 {
        match self {
            Self::SignallingPriority => 0x80,
            Self::NmoIBehaviour => 0x81,
            Self::AttachWithImsi => 0x82,
            Self::MinimumSearchTimer => 0x83,
            Self::ExtendedAccessBarring => 0x84,
            Self::T3245Behaviour => 0x85,
            Self::OverrideLowPriority => 0x86,
            Self::OverrideExtendedAccessBarring => 0x87,
            Self::FastFirstSearch => 0x88,
        }
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::SignallingPriority => "NAS signalling priority",
            Self::NmoIBehaviour => "NMO I behaviour",
            Self::AttachWithImsi => "attach with IMSI",
            Self::MinimumSearchTimer => "minimum periodic search timer",
            Self::ExtendedAccessBarring => "extended access barring",
            Self::T3245Behaviour => "timer T3245 behaviour",
            Self::OverrideLowPriority => "override NAS signalling low priority",
            Self::OverrideExtendedAccessBarring => "override extended access barring",
            Self::FastFirstSearch => "fast first higher priority PLMN search",
        }
    }
}

/// EF(NASCONFIG): parameters with their octets, in the order in which they stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NasConfiguration(pub Vec<(NasParameter, u8)>);

impl crate::wire::Encode for NasConfiguration {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.iter().for_each(|(parameter, octet)| tlv::write(parameter.tag(), &[*octet], out));
    }
}

/// What the file says; objects of other tags or lengths by their octets.
pub(super) fn settings(octets: &[u8]) -> Result<Vec<Setting>, DecodeError> {
    let objects = tlv::parse_padded(octets)?.objects;
    let setting = |object: &tlv::Tlv<'_>| {
        let known = NasParameter::ALL.into_iter().find(|parameter| parameter.tag() == object.tag);
        match (known, object.value) {
            (Some(parameter), [octet]) => Setting::new(parameter.name(), octet.to_string()),
            _ => Setting::new(format!("object {:02X}", object.tag), shown(object.value)),
        }
    };
    Ok(objects.iter().map(setting).collect())
}
