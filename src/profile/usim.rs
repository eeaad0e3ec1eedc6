//! `[card.nas-config]`, `[card.ims-config]` and the others: what goes into settings files of the USIM that no other part of a
//! profile says.

use super::{
    markup, objects,
    terms::{CardSettings, MmsPriority},
    walk::{Notes, Section, Value},
};

/// What goes into settings files of the USIM that no other part of the profile says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UsimContents {
    /// `[card.nas-config]`: EF(NASCONFIG).
    pub nas: Option<NasConfig>,
    /// `[card.ims-config]`: EF(IMSConfigData).
    pub ims: Option<ConfigText>,
    /// `[card.mudmid-config]`: EF(MuDMiDConfigData).
    pub mudmid: Option<ConfigText>,
    /// `[card.xcap-config]`: EF(XCAPConfigData).
    pub xcap: Option<XcapConfig>,
    /// `[[card.mms-preferences]]`: a record of EF(MMSUP) each.
    pub mms_preferences: Vec<MmsPreference>,
}

/// `[card.nas-config]`: what a device does on the non-access stratum (the settings of the management object of 3GPP TS 24.368;
/// what is left open is not written).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NasConfig {
    /// Priority of signalling; 1 is low.
    pub signalling_priority: Option<u8>,
    /// Whether network mode of operation I is heeded.
    pub nmo_i_behaviour: Option<bool>,
    /// Whether the device attaches with the IMSI in another network.
    pub attach_with_imsi: Option<bool>,
    /// The shortest time between searches for a better network, in minutes.
    pub minimum_search_timer: Option<u8>,
    /// Whether extended access barring applies.
    pub extended_access_barring: Option<bool>,
    /// Whether timer T3245 is used.
    pub t3245_behaviour: Option<bool>,
    /// Whether low priority may be overridden.
    pub override_low_priority: Option<bool>,
    /// Whether extended access barring may be overridden.
    pub override_extended_access_barring: Option<bool>,
    /// Whether a better network is searched for soon after power-on.
    pub fast_first_search: Option<bool>,
}

/// A configuration that is one text: which encoding it says it has, and the text, which is a well-formed XML document when that is 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigText {
    /// The octet in object 80. 0 when absent, for XML (remembered); what others mean is not established.
    pub encoding: u8,
    /// The text in object 81.
    pub text: String,
}

/// Data objects as the operator's card sheet has them. `Debug` shows how many: they may hold a password.
#[derive(Clone, PartialEq, Eq)]
pub struct XcapConfig {
    /// Each with tag and length; no tag twice.
    pub objects: Vec<Vec<u8>>,
}

impl std::fmt::Debug for XcapConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "XcapConfig([{} objects])", self.objects.len())
    }
}

/// `[[card.mms-preferences]]`: how messages are sent that say nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MmsPreference {
    /// What the user knows it by.
    pub name: Option<String>,
    /// Whether the receiver sees who sends.
    pub sender_visible: Option<bool>,
    /// Whether a report of delivery is asked for.
    pub delivery_report: Option<bool>,
    /// Whether the receiver is asked to say that it was read.
    pub read_reply: Option<bool>,
    /// How important it is.
    pub priority: Option<MmsPriority>,
    /// After how many seconds it is not delivered any more.
    pub expiry: Option<u32>,
}

pub(super) const NAS_KEYS: &[&str] = &[
    "signalling-priority",
    "nmo-i-behaviour",
    "attach-with-imsi",
    "minimum-search-timer",
    "extended-access-barring",
    "t3245-behaviour",
    "override-low-priority",
    "override-extended-access-barring",
    "fast-first-search",
];
pub(super) const TEXT_KEYS: &[&str] = &["encoding", "text"];
pub(super) const XCAP_KEYS: &[&str] = &["plain-objects"];
pub(super) const MMS_KEYS: &[&str] =
    &["name", "sender-visible", "delivery-report", "read-reply", "priority", "expiry"];

/// Files of data objects are smaller than this on every card that is known.
const MAX_TEXT: usize = 0x7F00;
/// Records are numbered up to 254.
const MAX_PREFERENCES: usize = 254;

/// Reads the tables of `[card]` for settings files, and holds them against the files that are wanted.
pub(super) fn read<'i>(
    n: &mut Notes<'i>,
    s: &Section<'_, 'i>,
    wanted: &[CardSettings],
) -> Option<UsimContents> {
    let nas = table(n, s, wanted, CardSettings::Nasconfig, "nas-config");
    let nas = nas.map(|v| n.section(&v, "[card.nas-config]", NAS_KEYS).and_then(|s| nas_config(n, &s, &v)));
    let ims = table(n, s, wanted, CardSettings::Ims, "ims-config");
    let ims = ims.map(|v| n.section(&v, "[card.ims-config]", TEXT_KEYS).and_then(|s| text(n, &s)));
    let mudmid = table(n, s, wanted, CardSettings::Mudmid, "mudmid-config");
    let mudmid = mudmid.map(|v| n.section(&v, "[card.mudmid-config]", TEXT_KEYS).and_then(|s| text(n, &s)));
    let xcap = table(n, s, wanted, CardSettings::Xcap, "xcap-config");
    let xcap = xcap.map(|v| n.section(&v, "[card.xcap-config]", XCAP_KEYS).and_then(|s| xcap_config(n, &s)));
    let mms = table(n, s, wanted, CardSettings::Mmsup, "mms-preferences");
    let mms = mms.map_or(Some(Vec::new()), |v| {
        let sections = n.sections(&v, MAX_PREFERENCES, "[[card.mms-preferences]]", MMS_KEYS);
        if sections.is_empty() {
            n.invalid(&v, "holds no preferences; add [[card.mms-preferences]]");
        }
        sections.iter().map(|s| mms_preference(n, s)).collect()
    });
    Some(UsimContents {
        nas: nas.unwrap_or_default(),
        ims: ims.unwrap_or_default(),
        mudmid: mudmid.unwrap_or_default(),
        xcap: xcap.unwrap_or_default(),
        mms_preferences: mms?,
    })
}

/// The table of a file. It is there when the file is wanted, and only then: neither is of use without the other.
fn table<'a, 'i>(
    n: &mut Notes<'i>,
    s: &Section<'a, 'i>,
    wanted: &[CardSettings],
    file: CardSettings,
    key: &'static str,
) -> Option<Value<'a, 'i>> {
    let found = s.optional(key);
    match (&found, wanted.contains(&file)) {
        (Some(v), false) => {
            n.invalid(v, format!("is for a file that is not written; add \"{file}\" to settings-files"));
        }
        (None, true) => {
            if let Some(v) = s.optional("settings-files") {
                n.invalid(&v, format!("has \"{file}\", and what goes into it is missing: add [card.{key}]"));
            }
        }
        _ => {}
    }
    found
}

fn nas_config<'i>(n: &mut Notes<'i>, s: &Section<'_, 'i>, table: &Value<'_, 'i>) -> Option<NasConfig> {
    let octet = |n: &mut Notes<'i>, key| match s.optional(key) {
        Some(v) => n.number(&v, 0, 0xFF).and_then(|octet| u8::try_from(octet).ok()),
        None => None,
    };
    let flag = |n: &mut Notes<'i>, key| s.optional(key).and_then(|v| n.flag(&v));
    let config = NasConfig {
        signalling_priority: octet(n, "signalling-priority"),
        nmo_i_behaviour: flag(n, "nmo-i-behaviour"),
        attach_with_imsi: flag(n, "attach-with-imsi"),
        minimum_search_timer: octet(n, "minimum-search-timer"),
        extended_access_barring: flag(n, "extended-access-barring"),
        t3245_behaviour: flag(n, "t3245-behaviour"),
        override_low_priority: flag(n, "override-low-priority"),
        override_extended_access_barring: flag(n, "override-extended-access-barring"),
        fast_first_search: flag(n, "fast-first-search"),
    };
    if NAS_KEYS.iter().all(|key| s.optional(key).is_none()) {
        n.invalid(table, format!("says nothing; it may have {}", NAS_KEYS.join(", ")));
    }
    Some(config)
}

fn text<'i>(n: &mut Notes<'i>, s: &Section<'_, 'i>) -> Option<ConfigText> {
    let encoding = s.optional("encoding").map_or(Some(0), |v| n.number(&v, 0, 0xFF));
    let text = s.require(n, "text", "the configuration, between ''' where it has several lines");
    let document = text.as_ref().and_then(|v| n.document(v, MAX_TEXT));
    // Only what 0 stands for is known: a management object in XML.
    if let (Some(v), Some(document), Some(0)) = (&text, &document, encoding)
        && let Some(why) = markup::fault(document)
    {
        n.invalid(v, why);
    }
    Some(ConfigText { encoding: u8::try_from(encoding?).ok()?, text: document? })
}

fn xcap_config<'i>(n: &mut Notes<'i>, s: &Section<'_, 'i>) -> Option<XcapConfig> {
    const EXPECTED: &str = "data objects as hexadecimal digits, for example [\"A0038101 01\"]";
    let v = s.require(n, "plain-objects", EXPECTED)?;
    let mut found: Vec<Vec<u8>> = Vec::new();
    for entry in n.list(&v, 16, EXPECTED) {
        let Some(digits) = n.secret_text(&entry, 2 * MAX_TEXT) else { continue };
        let Some(object) = objects::octets(digits).filter(|octets| objects::is_object(octets)) else {
            n.invalid(
                &entry,
                "is no data object: hexadecimal digits of a tag of one octet, the length, and so many octets",
            );
            continue;
        };
        if !objects::is_whole(&object) {
            n.invalid(
                &entry,
                "holds data objects, as its tag says, and one of them does not end where it does; look at their lengths",
            );
        }
        if found.iter().any(|known| known.first() == object.first()) {
            n.invalid(&entry, "has the tag of another object; a file has one of each");
        }
        found.push(object);
    }
    if found.is_empty() && v.is_empty_array() {
        n.invalid(&v, "holds no data object");
    }
    Some(XcapConfig { objects: found })
}

fn mms_preference<'i>(n: &mut Notes<'i>, s: &Section<'_, 'i>) -> Option<MmsPreference> {
    let name = s.optional("name").map(|v| n.text(&v, 32, "a name"));
    let flag = |n: &mut Notes<'i>, key| s.optional(key).and_then(|v| n.flag(&v));
    let priority = s.optional("priority").and_then(|v| n.term(&v));
    let expiry = s.optional("expiry").and_then(|v| n.number(&v, 1, 0x7FFF_FFFF));
    Some(MmsPreference {
        name: name.unwrap_or_default(),
        sender_visible: flag(n, "sender-visible"),
        delivery_report: flag(n, "delivery-report"),
        read_reply: flag(n, "read-reply"),
        priority,
        expiry,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;

    fn contents(text: &str) -> Result<UsimContents, Vec<String>> {
        let text = format!("name = \"x\"\nversion = 4\n[card]\n{text}");
        let problems =
            |problems: Vec<crate::profile::Problem>| problems.iter().map(ToString::to_string).collect();
        Profile::parse(&text).map(|p| p.card.contents).map_err(problems)
    }

    #[test]
    fn tables_are_read() {
        let all = "settings-files = [\"nasconfig\", \"ims\", \"mudmid\", \"xcap\", \"mmsup\"]\n\
                   [card.nas-config]\nsignalling-priority = 1\nattach-with-imsi = true\n\
                   [card.ims-config]\ntext = '''\n<a>\n\t1</a>'''\n\
                   [card.mudmid-config]\nencoding = 2\ntext = \"<b/>\"\n\
                   [card.xcap-config]\nplain-objects = [\"A0 03 810101\"]\n\
                   [[card.mms-preferences]]\nname = \"Standard\"\ndelivery-report = true\npriority = \"high\"\nexpiry = 86400\n";
        let read = contents(all).unwrap();
        assert_eq!(read.nas.unwrap().signalling_priority, Some(1));
        assert_eq!(read.ims, Some(ConfigText { encoding: 0, text: "<a>\n\t1</a>".into() }));
        assert_eq!(read.mudmid.unwrap().encoding, 2);
        assert_eq!(read.xcap.unwrap().objects, [[0xA0, 0x03, 0x81, 0x01, 0x01]]);
        assert_eq!(read.mms_preferences[0].priority, Some(MmsPriority::High));
        assert_eq!(contents(""), Ok(UsimContents::default()));
    }

    #[test]
    fn a_file_and_its_table_are_of_use_together_alone() {
        for (bad, why) in [
            ("[card.ims-config]\ntext = \"<a/>\"\n", "add \"ims\" to settings-files"),
            ("settings-files = [\"xcap\"]\n", "add [card.xcap-config]"),
            ("settings-files = [\"mmsup\"]\n", "add [card.mms-preferences]"),
            ("settings-files = [\"gbabp\"]\n", "is of one run of the authentication"),
            ("settings-files = [\"mmsn\"]\n", "come from the network"),
            ("settings-files = [\"nasconfig\"]\n[card.nas-config]\n", "says nothing"),
            ("settings-files = [\"ims\"]\n[card.ims-config]\ntext = \"\"\n", "empty"),
            (
                "settings-files = [\"ims\"]\n[card.ims-config]\ntext = \"<a>\\n<b></a>\"\n",
                "is no XML document: line 2, column",
            ),
            (
                "settings-files = [\"mudmid\"]\n[card.mudmid-config]\ntext = '<!DOCTYPE a SYSTEM \"x\"><a/>'\n",
                "a document type; leave it out",
            ),
            (
                "settings-files = [\"xcap\"]\n[card.xcap-config]\nplain-objects = [\"A0 03 810201\"]\n",
                "does not end where it does",
            ),
            ("settings-files = [\"ims\"]\n[card.ims-config]\ntext = \"\\u0001\"\n", "character"),
            (
                "settings-files = [\"xcap\"]\n[card.xcap-config]\nplain-objects = [\"A00481\"]\n",
                "no data object",
            ),
            (
                "settings-files = [\"xcap\"]\n[card.xcap-config]\nplain-objects = [\"5C00\"]\n",
                "no data object",
            ),
            (
                "settings-files = [\"xcap\"]\n[card.xcap-config]\nplain-objects = [\"8000\", \"8000\"]\n",
                "tag of another",
            ),
            ("settings-files = [\"xcap\"]\n[card.xcap-config]\nplain-objects = []\n", "no data object"),
        ] {
            let problems = contents(bad).unwrap_err();
            assert!(problems.len() == 1 && problems[0].contains(why), "{bad}: {problems:?}");
        }
    }

    #[test]
    fn files_that_other_parts_of_the_profile_fill_want_these_parts() {
        let codes = |text: &str| -> Vec<String> {
            let checked = crate::profile::check(&format!("name = \"x\"\nversion = 4\n{text}"));
            assert!(checked.profile.is_some(), "{:?}", checked.problems);
            let files = checked.problems.iter().map(|p| p.code().to_owned());
            files.filter(|code| code.contains("-file-")).collect()
        };
        let card = "[card]\nsettings-files = [\"acl\", \"mmsucp\"]\n";
        assert_eq!(codes(card), ["acl-file-without-apn", "mms-file-without-address"]);
        let parts = "[[nap]]\nid = \"i\"\nname = \"I\"\nbearers = [\"GSM-GPRS\"]\naddress = \"internet.acme\"\n\
                     [[application]]\nid = \"w4\"\nname = \"MMS\"\naddress = \"http://mms.acme.example\"\nconnect-via = [\"i\"]\n";
        assert!(codes(&format!("{parts}{card}")).is_empty());
        assert!(codes("").is_empty());
    }
}
