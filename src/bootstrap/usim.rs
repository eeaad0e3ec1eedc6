//! Settings files of a USIM, from the same settings as a bootstrap: the "3GPP file" beside CP and DM (card sheet, section 9).

use crate::{
    profile::{AppId, CardSettings, NapAddressType},
    wire::{
        Encode,
        usim::{AccessPoints, MmsParameters, SettingsFile},
    },
};

use super::{BootstrapError, Settings};

/// MMS over WAP.
const WAP: u8 = 0x01;

/// The octets of settings files, in the order in which they were asked for.
///
/// # Errors
/// [`BootstrapError::Unsuited`] when the settings hold nothing that such a file could.
pub fn usim_files(
    settings: &Settings,
    wanted: &[CardSettings],
) -> Result<Vec<(SettingsFile, Vec<u8>)>, BootstrapError> {
    wanted
        .iter()
        .map(|wanted| match wanted {
            CardSettings::Acl => access_points(settings).map(|octets| (SettingsFile::AccessPoints, octets)),
            CardSettings::Mmsicp => mms(settings).map(|octets| (SettingsFile::MmsIssuer, octets)),
        })
        .collect()
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

fn mms(settings: &Settings) -> Result<Vec<u8>, BootstrapError> {
    let application = settings.applications.iter().find(|a| a.kind.as_str() == AppId::W4);
    let relay = application.and_then(|a| {
        let server = a.servers.first().map(|server| &server.address);
        a.addresses.first().or(server).cloned()
    });
    let Some(relay) = relay else {
        let why = "no [[application]] w4 has an address; add one, or take mmsicp out of settings-files";
        return Err(BootstrapError::Unsuited { output: "EF(MMSICP)", why });
    };
    let parameters =
        MmsParameters { implementation: Some(WAP), relay: Some(relay), ..MmsParameters::default() };
    Ok(parameters.to_octets())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{bootstrap::tests::example, wire::usim};

    fn files(text: &str, wanted: &[CardSettings]) -> Result<Vec<(SettingsFile, Vec<u8>)>, BootstrapError> {
        usim_files(&example(&format!("name = \"x\"\nversion = 1\n{text}")), wanted)
    }

    #[test]
    fn what_a_profile_says_goes_into_the_files() {
        let text = "[[nap]]\nid = \"i\"\nname = \"I\"\nbearers = [\"GSM-GPRS\"]\naddress = \"internet.acme\"\n\
                    [[nap]]\nid = \"d\"\nname = \"D\"\nbearers = [\"GSM-CSD\"]\naddress = \"+491\"\naddress-type = \"E164\"\n\
                    [[application]]\nid = \"w4\"\nname = \"MMS\"\naddress = \"http://mms.acme.example\"\nconnect-via = [\"i\"]\n";
        let both = [CardSettings::Acl, CardSettings::Mmsicp];
        let files = files(text, &both).unwrap();
        let shown: Vec<_> = files
            .iter()
            .flat_map(|(file, octets)| usim::settings(*file, octets).unwrap())
            .map(|s| s.value)
            .collect();
        assert_eq!(shown, ["internet.acme", "WAP", "http://mms.acme.example"]);
        for one in both {
            assert!(self::files("", &[one]).unwrap_err().to_string().contains("settings-files"), "{one}");
        }
    }
}
