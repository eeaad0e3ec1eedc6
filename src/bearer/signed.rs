//! What tells a device from whom a change of its settings comes: `SEC` and `MAC` of the content type of a push.

use crate::wire::wsp::{ContentType, ParameterCode, Sec};

/// Types that change the settings of a device, and the methods (`SEC`) that it may check them by. What came before CP knows none.
///
/// | type                | methods                                          | clause                                |
/// |---------------------|--------------------------------------------------|---------------------------------------|
/// | CP                  | NETWPIN, USERPIN, USERNETWPIN, USERPINMAC        | OMA Provisioning Bootstrap 1.1, 5.2.2 |
/// | DM                  | NETWORKID, USERPIN, USERPIN_NETWORKID            | OMA DM Security 1.2, 5.7              |
/// | browser settings    | none                                             |                                       |
///
/// (The sheet's words; the numbers of clauses are remembered.)
const SETTINGS: &[(&str, &[Sec])] = &[
    ("text/vnd.wap.connectivity-xml", CP),
    ("application/vnd.wap.connectivity-wbxml", CP),
    ("application/vnd.syncml.dm+wbxml", DM),
    ("application/vnd.syncml.dm+xml", DM),
    ("application/x-wap-prov.browser-settings", &[]),
    ("application/x-wap-prov.browser-bookmarks", &[]),
];
const CP: &[Sec] = &[Sec::NETWPIN, Sec::USERPIN, Sec::USERNETWPIN, Sec::USERPINMAC];
const DM: &[Sec] = &[Sec::NETWPIN, Sec::USERPIN, Sec::USERNETWPIN];

/// Types that hold others, of which any may be one of those above.
const MULTIPART: &[&str] = &["application/vnd.wap.multipart.", "multipart/"];

/// Why a device that takes a push of this media type would have to believe it blindly; none where it changes no settings, or
/// says how it is signed. Whether the check value is right only the device can tell.
pub fn unsigned(media_type: &str, content_type: &ContentType) -> Option<String> {
    let kind = media_type.to_ascii_lowercase();
    if MULTIPART.iter().any(|begin| kind.starts_with(begin)) {
        return Some(format!(
            "{kind} may hold parts that change the settings of a device, and is not signed as one"
        ));
    }
    let (_, methods) = SETTINGS.iter().find(|(own, _)| *own == kind)?;
    let change = format!("{kind} changes the settings of a device");
    if methods.is_empty() {
        return Some(format!("{change}, and knows no signature"));
    }
    let sec = content_type.parameter(ParameterCode::SEC).and_then(|value| value.as_integer());
    let Some(sec) = sec.and_then(|number| u8::try_from(number).ok()).map(Sec) else {
        return Some(format!("{change}, and without SEC nothing tells it from whom that comes"));
    };
    if !methods.contains(&sec) {
        return Some(format!("{change}, and devices do not check it by SEC={sec}"));
    }
    // The PIN that the user enters holds the check value of USERPINMAC.
    if sec != Sec::USERPINMAC && content_type.parameter(ParameterCode::MAC).is_none() {
        return Some(format!("{change}, and SEC={sec} without MAC signs nothing"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::wsp::Push;

    fn why(text: &str) -> Option<String> {
        let push = Push::of_entity(0, text, Vec::new()).unwrap();
        unsigned(text.split(';').next().unwrap().trim(), &push.content_type)
    }

    #[test]
    fn settings_say_how_they_are_signed() {
        let mac = "MAC=00112233445566778899AABBCCDDEEFF00112233";
        let (cp, dm) = ("application/vnd.wap.connectivity-wbxml", "application/vnd.syncml.dm+wbxml");
        for good in [
            "text/vnd.wap.si".to_owned(),
            "application/vnd.syncml.notification".to_owned(),
            format!("{cp}; SEC=0; {mac}"),
            format!("Text/vnd.wap.Connectivity-XML; SEC=USERNETWPIN; {mac}"),
            format!("{cp}; SEC=3"),
            // A device passes over it.
            format!("{cp}; SEC=3; {mac}"),
            format!("{dm}; SEC=2; {mac}"),
        ] {
            assert_eq!(why(&good), None, "{good}");
        }
        for (bad, said) in [
            (cp.to_owned(), "without SEC"),
            (format!("{cp}; {mac}"), "without SEC"),
            (format!("{cp}; SEC=1"), "without MAC"),
            (format!("{dm}; SEC=0"), "without MAC"),
            (format!("{dm}; SEC=3; {mac}"), "SEC=USERPINMAC"),
            (format!("application/x-wap-prov.browser-settings; SEC=1; {mac}"), "knows no signature"),
            ("application/vnd.wap.multipart.mixed".to_owned(), "may hold parts"),
            ("application/vnd.syncml.dm+xml".to_owned(), "without SEC"),
        ] {
            let told = why(&bad).unwrap_or_default();
            assert!(told.contains(said), "{bad}: {told}");
        }
    }
}
