//! Documents that are explained and not decoded, and those in XML.

use super::*;

fn span<'a>(explanation: &'a Explanation, name: &str) -> &'a Span {
    let spans = explanation.parts.iter().flat_map(|part| &part.spans);
    spans
        .into_iter()
        .find(|span| span.name == name)
        .unwrap_or_else(|| panic!("{name} is not in\n{explanation}"))
}

#[test]
fn service_indications_and_loadings_have_names() {
    // The vector of the field whose XML another program gives: si-wbxml-dates.
    let indication =
        "02056A0045C60D0378797A008503656D61696C2F3132332F6162632E776D6C000AC307199906251523 1510C30419990630
                      0103596F7520686176652034206E657720656D61696C73000101";
    let push = [hex("010601AE"), hex(indication)].concat();
    let explanation = sound("si", std::slice::from_ref(&push), &Options::default());
    let indication = span(&explanation, "<indication>");
    assert_eq!(indication.value.as_deref(), Some("\"You have 4 new emails\""));
    let said = explanation.to_string();
    for words in [
        "0D in page 0: href=\"http://www.\"",
        "85 in page 0: \".com/\"",
        "1999-06-25T15:23:15Z",
        "1999-06-30T00:00:00Z",
    ] {
        assert!(said.contains(words), "{words}\n{said}");
    }
    let loading = hex("0206 6A00 85 06 0A 03 6100 85 0362 00 01");
    let explanation = sound("sl", &[[hex("010601B0"), loading.clone()].concat()], &Options::default());
    assert_eq!(span(&explanation, "<sl>").value.as_deref(), Some("http://www.a.com/b"));
    // An action that is none, and a time that is none.
    let other = loading.iter().map(|o| if *o == 0x0A { 0x3F } else { *o }).collect::<Vec<u8>>();
    let explanation = unsound("sl", &[[hex("010601B0"), other].concat()], &Options::default());
    assert!(problems(&explanation).iter().any(|p| p.contains("3F is not assigned")), "{explanation}");
    let time = hex("02056A00 45 86 0A C30219AA 01 01");
    let explanation = unsound("si", &[time], &Options::default());
    assert!(problems(&explanation).iter().any(|p| p.contains("a time has 4 to 7 octets")), "{explanation}");
}

#[test]
fn a_notification_of_a_multimedia_message_has_names() {
    let Some(folder) = vectors::folder("push") else { return };
    let pieces = read(&vectors::read(&folder, "mms-notify-ofono-dcsf5", "hex"), Input::Any).unwrap();
    let said = sound("mms", &pieces, &Options::default()).to_string();
    for words in [
        "02: m-notification-ind",
        "X-Mms-Transaction-Id",
        "\"OgQKKB\"",
        "X-Mms-Content-Location",
        "X-Mms-Expiry",
    ] {
        assert!(said.contains(words), "{words}\n{said}");
    }
}

#[test]
fn xml_is_explained_by_line_and_column() {
    let document = "<?xml version=\"1.0\"?>\n<wap-provisioningdoc version=\"1.0\">\n  <characteristic type=\"APPLICATION\">\n    \
                    <parm name=\"NAME\" value=\"A &amp; B\"/>\n  </characteristic>\n</wap-provisioningdoc>\n";
    let explanation = sound("xml", &[document.as_bytes().to_vec()], &Options::default());
    assert_eq!(explanation.parts[0].kind, Some(Kind::CpXml));
    let parm = span(&explanation, "<parm>");
    assert_eq!(parm.value.as_deref(), Some("NAME: A & B"));
    assert_eq!(parm.place, Some(Place { line: 4, column: 5 }));
    assert!(explanation.to_string().contains("line 4, column 5"), "{explanation}");
    for (wrong, why, line) in [
        ("</characteristic>", "expected </characteristic> before it", 6),
        ("type=\"APPLICATION\"", "attribute \"type\"", 3),
        ("&amp; B", "", 0),
    ] {
        let broken = document.replacen(wrong, "", 1);
        if line == 0 {
            sound(wrong, &[broken.into_bytes()], &Options::default());
            continue;
        }
        let explanation = unsound(wrong, &[broken.into_bytes()], &Options::default());
        let spans = &explanation.parts[0].spans;
        let found = spans.iter().find(|s| s.problem.is_some()).unwrap();
        assert_eq!(found.place.map(|p| p.line), Some(line), "{explanation}");
        if !why.contains('"') {
            assert!(problems(&explanation)[0].contains(why), "{explanation}");
        }
    }
    let named = Options { kind: Some(Kind::Dm), ..Options::default() };
    let explanation = unsound("named", &[document.as_bytes().to_vec()], &named);
    assert_eq!(explanation.parts[0].kind, Some(Kind::DmXml));
    assert!(problems(&explanation).iter().any(|p| p.contains("expected the root <SyncML>")), "{explanation}");
}

/// Provisioning documents, plain messages, and objects in CDATA, as text, and by themselves.
#[test]
fn xml_hides_what_the_binary_form_hides() {
    let account = "<Node><NodeName>AAuthSecret</NodeName><RTProperties/><Value>s3cret</Value></Node>";
    let tree = format!("<MgmtTree xmlns=\"syncml:dmddf1.2\">{account}</MgmtTree>");
    let escaped = tree.replace('<', "&lt;");
    let item = |target: &str, data: &str| {
        format!(
            "<SyncML><SyncBody><Add><Item><Target><LocURI>{target}</LocURI></Target><Data>{data}</Data></Item></Add></SyncBody></SyncML>"
        )
    };
    let documents = [
        "<wap-provisioningdoc><parm name='AAUTHSECRET' value='s3cret'/></wap-provisioningdoc>".to_owned(),
        "<wap-provisioningdoc><parm value='s3cret' name=\"&bad;\"/></wap-provisioningdoc>".to_owned(),
        item("./DMAcc/x/AppAuth/1/AAuthSecret", "s3cret"),
        item("./DMAcc/x/AppAuth/1/AAuthSecret", "<![CDATA[s3cret]]>"),
        item("./Inbox", &format!("<![CDATA[{tree}]]>")),
        item("./Inbox", &format!("<![CDATA[ <?xml version='1.0'?>{tree} ]]>")),
        item("./Inbox", &escaped),
        item("./Inbox", &tree),
        "<SyncML><SyncHdr><Cred><Data>s3cret</Data></Cred></SyncHdr></SyncML>".to_owned(),
        tree,
    ];
    for document in documents {
        for end in (0..=document.len()).filter(|end| document.is_char_boundary(*end)) {
            // Cut before the secret there is nothing to hide.
            let cut = document.as_bytes()[..end].to_vec();
            let options = Options { kind: Some(Kind::Xml), ..Options::default() };
            let explanation = explain(std::slice::from_ref(&cut), &options).unwrap();
            check_cover(&explanation, &[cut]);
            let printed = format!("{explanation}{}", serde_json::to_string(&explanation).unwrap());
            let secret = !printed.contains("s3cret") && !printed.contains("733363726574");
            assert!(secret, "{end} of {document}\n{explanation}");
        }
    }
}

#[test]
fn our_own_documents_are_sound_as_xml() {
    for (text, kind) in [
        (include_str!("../../../tests/data/bootstrap/consumer-phone.cp.xml"), Kind::CpXml),
        (include_str!("../../../tests/data/bootstrap/consumer-phone.dm.xml"), Kind::DmXml),
        (include_str!("../../../tests/data/bootstrap/iot-module.cp.xml"), Kind::CpXml),
        (include_str!("../../../tests/data/bootstrap/iot-module.dm.xml"), Kind::DmXml),
    ] {
        let explanation = sound("ours", &[text.as_bytes().to_vec()], &shown());
        assert_eq!(explanation.parts[0].kind, Some(kind));
        let taken = simulate(&[text.as_bytes().to_vec()], &Options::default()).unwrap();
        assert!(taken.accepted, "{taken}");
    }
}
