//! What the phone is: the device information and device detail objects (OMA DM Standardized Objects 1.2, sections 5.3
//! and 5.4), which it sends and shows to every server.

use crate::ident::{Imei, Imsi};

use super::tree::{Format, Node, Origin, Tree, TreeError, Uri};

/// What the phone says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `./DevInfo/DevId` is `IMEI:` and these digits.
    pub imei: Imei,
    /// The subscriber. It stands nowhere in the tree; pushed bootstraps are checked with it.
    pub imsi: Option<Imsi>,
    /// `./DevInfo/Man`.
    pub manufacturer: String,
    /// `./DevInfo/Mod`.
    pub model: String,
    /// `./DevInfo/Lang`, for example `en`.
    pub language: String,
    /// `./DevDetail/FwV`.
    pub firmware: String,
    /// `./DevDetail/SwV`.
    pub software: String,
    /// `./DevDetail/HwV`.
    pub hardware: String,
}

/// Number of the virtual phone, where no other is given: a well-known example.
pub const SAMPLE_IMEI: &str = "490154203237518";

impl Identity {
    /// What the virtual phone says it is.
    pub fn virtual_phone(imei: Imei, imsi: Option<Imsi>) -> Self {
        Self {
            imei,
            imsi,
            manufacturer: "bootgate".into(),
            model: "virtual phone".into(),
            language: "en".into(),
            firmware: env!("CARGO_PKG_VERSION").into(),
            software: env!("CARGO_PKG_VERSION").into(),
            hardware: "none".into(),
        }
    }
}

/// The leaves of `./DevInfo`, in the order in which package 1 sends them.
pub(super) const DEV_INFO: [&str; 5] = ["DevId", "Man", "Mod", "DmV", "Lang"];

/// A tree with what a device has from the factory: `./DevInfo`, `./DevDetail`, and `./DMAcc` without accounts.
///
/// # Errors
/// [`TreeError::TooLarge`] for a part of the identity that is longer than a value may be.
pub(super) fn tree(identity: &Identity) -> Result<Tree, TreeError> {
    let dev_id = identity.imei.device_uri();
    let (depth, length, segment) =
        (Uri::MAX_DEPTH.to_string(), Uri::MAX_LENGTH.to_string(), Uri::MAX_SEGMENT.to_string());
    let mut tree = Tree::new();
    let interior = |kind: &str| Node::interior(kind, Origin::Device).permanent();
    let root = Uri::root();
    let (info, detail) = (root.child("DevInfo"), root.child("DevDetail"));
    tree.insert(&info, interior("urn:oma:mo:oma-dm-devinfo:1.0"))?;
    tree.insert(&detail, interior("urn:oma:mo:oma-dm-devdetail:1.0"))?;
    tree.insert(&detail.child("URI"), interior(""))?;
    tree.insert(&root.child("DMAcc"), interior(""))?;
    let mut leaf = |uri: Uri, format: Format, value: &str| {
        tree.insert(&uri, Node::leaf(format, "text/plain", value, Origin::Device)?.permanent())
    };
    let [dev_id_name, man, model, dm_version, language] = DEV_INFO;
    leaf(info.child(dev_id_name), Format::Chr, &dev_id)?;
    leaf(info.child(man), Format::Chr, &identity.manufacturer)?;
    leaf(info.child(model), Format::Chr, &identity.model)?;
    leaf(info.child(dm_version), Format::Chr, "1.2")?;
    leaf(info.child(language), Format::Chr, &identity.language)?;
    leaf(detail.child("URI").child("MaxDepth"), Format::Chr, &depth)?;
    leaf(detail.child("URI").child("MaxTotLen"), Format::Chr, &length)?;
    leaf(detail.child("URI").child("MaxSegLen"), Format::Chr, &segment)?;
    leaf(detail.child("DevTyp"), Format::Chr, "phone")?;
    leaf(detail.child("OEM"), Format::Chr, &identity.manufacturer)?;
    leaf(detail.child("FwV"), Format::Chr, &identity.firmware)?;
    leaf(detail.child("SwV"), Format::Chr, &identity.software)?;
    leaf(detail.child("HwV"), Format::Chr, &identity.hardware)?;
    // Values come whole or not at all.
    leaf(detail.child("LrgObj"), Format::Bool, "false")?;
    Ok(tree)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The phone of the tests of this room.
    pub(in crate::phone) fn identity() -> Identity {
        Identity {
            imei: "490154203237518".parse().unwrap(),
            imsi: None,
            manufacturer: "Acme".into(),
            model: "Rehearsal 1".into(),
            language: "en".into(),
            firmware: "1.0".into(),
            software: "1.1".into(),
            hardware: "A".into(),
        }
    }

    #[test]
    fn the_mandatory_nodes_are_there_and_stay() {
        let tree = tree(&identity()).unwrap();
        assert_eq!(tree.text("./DevInfo/DevId"), Some("IMEI:490154203237518"));
        for name in DEV_INFO {
            assert!(tree.text(&format!("./DevInfo/{name}")).is_some_and(|v| !v.is_empty()), "{name}");
        }
        let detail = [
            "URI/MaxDepth",
            "URI/MaxTotLen",
            "URI/MaxSegLen",
            "DevTyp",
            "OEM",
            "FwV",
            "SwV",
            "HwV",
            "LrgObj",
        ];
        for name in detail {
            assert!(tree.text(&format!("./DevDetail/{name}")).is_some(), "{name}");
        }
        assert_eq!(tree.size(), 1 + 6 + 11 + 1);
        assert!(tree.walk().iter().all(|(_, n)| n.holds_permanent()));
    }
}
