//! Settings files of a USIM, from the same settings as a bootstrap: the "3GPP file" beside CP and DM (card sheet, section 9).

use crate::{
    profile::{
        AppId, CardLayout, CardSettings, ConfigText, MmsPreference, MmsPriority, NapAddressType, NasConfig,
    },
    wire::{
        Encode,
        usim::{
            AccessPoints, Configuration, MmsField, MmsParameters, MmsPreferences, NasConfiguration,
            NasParameter, SettingsContent, SettingsFile,
        },
    },
};

use super::{BootstrapError, Settings};

/// MMS over WAP.
const WAP: u8 = 0x01;

/// What goes into settings files, in the order in which they were asked for.
///
/// # Errors
/// [`BootstrapError::Unsuited`] when the settings hold nothing that such a file could.
pub fn usim_files(settings: &Settings, layout: &CardLayout) -> Result<Vec<SettingsContent>, BootstrapError> {
    layout.settings.iter().map(|wanted| content(settings, layout, *wanted)).collect()
}

fn content(
    settings: &Settings,
    layout: &CardLayout,
    wanted: CardSettings,
) -> Result<SettingsContent, BootstrapError> {
    let contents = &layout.contents;
    // A profile that was read has the tables of the files that it asks for.
    let file = file(wanted);
    let missing = BootstrapError::Unsuited { output: file.name(), why: "the profile has no table for it" };
    let parts = match wanted {
        CardSettings::Acl => vec![access_points(settings)?],
        CardSettings::Mmsicp | CardSettings::Mmsucp => vec![mms(settings, file)?],
        CardSettings::Mmsup => contents.mms_preferences.iter().map(preference).collect(),
        CardSettings::Nasconfig => vec![nas(&contents.nas.ok_or(missing)?)],
        CardSettings::Ims => text(contents.ims.as_ref().ok_or(missing)?),
        CardSettings::Mudmid => text(contents.mudmid.as_ref().ok_or(missing)?),
        CardSettings::Xcap => contents.xcap.as_ref().ok_or(missing)?.objects.clone(),
    };
    Ok(SettingsContent { file, parts })
}

fn file(wanted: CardSettings) -> SettingsFile {
    match wanted {
        CardSettings::Acl => SettingsFile::AccessPoints,
        CardSettings::Mmsicp => SettingsFile::MmsIssuer,
        CardSettings::Mmsucp => SettingsFile::MmsUser,
        CardSettings::Mmsup => SettingsFile::MmsPreferences,
        CardSettings::Nasconfig => SettingsFile::Nas,
        CardSettings::Ims => SettingsFile::Ims,
        CardSettings::Xcap => SettingsFile::Xcap,
        CardSettings::Mudmid => SettingsFile::MultiDevice,
    }
}

fn text(config: &ConfigText) -> Vec<Vec<u8>> {
    Configuration { encoding: config.encoding, text: &config.text }.parts()
}

fn nas(config: &NasConfig) -> Vec<u8> {
    let flag = |value: Option<bool>| value.map(u8::from);
    let octet = |parameter| match parameter {
        NasParameter::SignallingPriority => config.signalling_priority,
        NasParameter::NmoIBehaviour => flag(config.nmo_i_behaviour),
        NasParameter::AttachWithImsi => flag(config.attach_with_imsi),
        NasParameter::MinimumSearchTimer => config.minimum_search_timer,
        NasParameter::ExtendedAccessBarring => flag(config.extended_access_barring),
        NasParameter::T3245Behaviour => flag(config.t3245_behaviour),
        NasParameter::OverrideLowPriority => flag(config.override_low_priority),
        NasParameter::OverrideExtendedAccessBarring => flag(config.override_extended_access_barring),
        NasParameter::FastFirstSearch => flag(config.fast_first_search),
    };
    let known = NasParameter::ALL.into_iter().filter_map(|parameter| Some((parameter, octet(parameter)?)));
    NasConfiguration(known.collect()).to_octets()
}

fn preference(wanted: &MmsPreference) -> Vec<u8> {
    let priority = wanted.priority.map(|priority| {
        MmsField::Priority(match priority {
            MmsPriority::Low => 0,
            MmsPriority::Normal => 1,
            MmsPriority::High => 2,
        })
    });
    let fields = [
        wanted.sender_visible.map(MmsField::SenderVisible),
        wanted.delivery_report.map(MmsField::DeliveryReport),
        wanted.read_reply.map(MmsField::ReadReply),
        priority,
        wanted.expiry.map(MmsField::Expiry),
    ];
    let fields = fields.into_iter().flatten().collect();
    MmsPreferences { name: wanted.name.clone(), fields }.to_octets()
}

fn access_points(settings: &Settings) -> Result<Vec<u8>, BootstrapError> {
    let mut names: Vec<String> = Vec::new();
    for nap in settings.naps.iter().filter(|nap| nap.address_type == NapAddressType::Apn) {
        if !names.contains(&nap.address) {
            names.push(nap.address.clone());
        }
    }
    let list = AccessPoints(names);
    let unsuited = |why| Err(BootstrapError::Unsuited { output: "EF(ACL)", why });
    match (list.0.is_empty(), list.can_be_written()) {
        (true, _) => {
            unsuited("no [[nap]] has an address of type APN; add one, or take acl out of settings-files")
        }
        (_, false) => unsuited("an APN is no name of labels of 1 to 63 characters; correct its `address`"),
        _ => Ok(list.to_octets()),
    }
}

fn mms(settings: &Settings, file: SettingsFile) -> Result<Vec<u8>, BootstrapError> {
    let application = settings.applications.iter().find(|a| a.kind.as_str() == AppId::W4);
    let relay = application.and_then(|a| {
        let server = a.servers.first().map(|server| &server.address);
        a.addresses.first().or(server).cloned()
    });
    let Some(relay) = relay else {
        let why =
            "no [[application]] w4 has an address; add one, or take mmsicp and mmsucp out of settings-files";
        return Err(BootstrapError::Unsuited { output: file.name(), why });
    };
    let parameters =
        MmsParameters { implementation: Some(WAP), relay: Some(relay), ..MmsParameters::default() };
    Ok(parameters.to_octets())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{bootstrap::tests::example, wire::usim};

    fn files(text: &str, card: &str) -> Result<Vec<SettingsContent>, BootstrapError> {
        let text = format!("name = \"x\"\nversion = 1\n{text}\n[card]\n{card}");
        let layout = crate::profile::Profile::parse(&text).unwrap().card;
        usim_files(&example(&text), &layout)
    }

    fn shown(files: &[SettingsContent]) -> Vec<String> {
        let parts = files.iter().flat_map(|content| content.parts.iter().map(|part| (content.file, part)));
        parts.flat_map(|(file, part)| usim::settings(file, part).unwrap()).map(|s| s.value).collect()
    }

    #[test]
    fn what_a_profile_says_goes_into_the_files() {
        let text = "[[nap]]\nid = \"i\"\nname = \"I\"\nbearers = [\"GSM-GPRS\"]\naddress = \"internet.acme\"\n\
                    [[nap]]\nid = \"d\"\nname = \"D\"\nbearers = [\"GSM-CSD\"]\naddress = \"+491\"\naddress-type = \"E164\"\n\
                    [[application]]\nid = \"w4\"\nname = \"MMS\"\naddress = \"http://mms.acme.example\"\nconnect-via = [\"i\"]\n";
        let written = files(text, "settings-files = [\"acl\", \"mmsicp\", \"mmsucp\"]").unwrap();
        let mms = ["WAP", "http://mms.acme.example"];
        assert_eq!(shown(&written), [&["internet.acme"][..], &mms, &mms].concat());
        for one in ["acl", "mmsicp", "mmsucp"] {
            let error = files("", &format!("settings-files = [\"{one}\"]")).unwrap_err().to_string();
            assert!(error.contains("settings-files"), "{one}: {error}");
        }
    }

    #[test]
    fn what_stands_in_tables_goes_into_the_files() {
        let card = "settings-files = [\"mmsup\", \"nasconfig\", \"ims\", \"xcap\", \"mudmid\"]\n\
                    [card.nas-config]\nminimum-search-timer = 5\nfast-first-search = true\n\
                    [card.ims-config]\ntext = \"<i/>\"\n[card.mudmid-config]\nencoding = 1\ntext = \"<m/>\"\n\
                    [card.xcap-config]\nplain-objects = [\"A0028100\"]\n\
                    [[card.mms-preferences]]\nname = \"A\"\nread-reply = true\n[[card.mms-preferences]]\npriority = \"low\"\n";
        let written = files("", card).unwrap();
        assert_eq!(shown(&written), ["A", "yes", "low", "5", "1", "00", "<i/>", "2 octets", "01", "<m/>"]);
        let parts: Vec<usize> = written.iter().map(|content| content.parts.len()).collect();
        assert_eq!(parts, [2, 1, 2, 1, 2]);
    }
}
