//! Tests of the message mapping: both directions, both syntaxes, what clients really send.

use super::{auth::UserDigest, *};
use crate::wire::{infoset::Node, vectors};

fn item(target: &str, format: &str, data: Option<Data>) -> Item {
    Item {
        target: Some(Location::new(target)),
        meta: Some(Meta { format: Some(format.to_owned()), ..Meta::default() }),
        data,
        ..Item::default()
    }
}

fn bootstrap(items: Vec<Item>) -> Message {
    let add = Operation { verb: Verb::Add, cmd_id: "1".to_owned(), meta: None, correlator: None, items };
    Message {
        header: Header {
            ver_dtd: "1.2".to_owned(),
            ver_proto: "DM/1.2".to_owned(),
            session_id: "0".to_owned(),
            msg_id: "0".to_owned(),
            target: Location::new("IMEI:1"),
            source: Location::new("http://a/dm"),
            resp_uri: None,
            cred: None,
            meta: None,
        },
        commands: vec![Command::Operation(add)],
        is_final: true,
    }
}

/// Octets worked out by hand from the token tables.
#[test]
fn a_bootstrap_message_both_ways() {
    let message = bootstrap(vec![
        item("./DMAcc/a", "node", None),
        item("./DMAcc/a/AppID", "chr", Some(Data::Text("w7".to_owned()))),
        item("./DMAcc/a/AAuthData", "bin", Some(Data::Octets(vec![0x00, 0xFF]))),
    ]);
    let octets = vectors::hex(
        "02A4016A00 6D 6C 7103312E320001 7203444D2F312E320001 6503300001 5B03300001
         6E 57 03494D45493A310001 01 67 57 03687474703A2F2F612F646D0001 01 01
         6B 45 4B03310001
         54 6E57032E2F444D4163632F61000101 5A 0001 47036E6F64650001 01 01
         0000 54 6E57032E2F444D4163632F612F4170704944000101 5A 0001 47036368720001 01 0000 4F0377370001 01
         54 6E57032E2F444D4163632F612F414175746844617461000101 5A 0001 470362696E0001 01 0000 4FC30200FF01 01
         01 12 01 01",
    );
    assert_eq!(message.encode(Syntax::Wbxml).unwrap(), octets);
    assert_eq!(Message::decode(Syntax::Wbxml, &octets).unwrap(), message);
    for end in 0..octets.len() {
        assert!(Message::decode(Syntax::Wbxml, &octets[..end]).is_err(), "{end}");
    }

    let text = String::from_utf8(message.encode(Syntax::Xml).unwrap()).unwrap();
    assert!(
        text.starts_with(
            r#"<?xml version="1.0" encoding="UTF-8"?><SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2<"#
        ),
        "{text}"
    );
    assert!(
        text.contains(r#"<Meta><Format xmlns="syncml:metinf">b64</Format></Meta><Data>AP8=</Data>"#),
        "{text}"
    );
    for end in 0..text.len() {
        assert!(Message::decode(Syntax::Xml, &text.as_bytes()[..end]).is_err(), "{end}");
    }
}

#[test]
fn a_tree_is_read_in_every_form() {
    let tree = Element::new(Vocabulary::DmDdf, "MgmtTree")
        .with_child(Element::new(Vocabulary::DmDdf, "VerDTD").with_text("1.2"));
    let embedded = Data::embedded(tree.clone()).unwrap();
    let head = vectors::hex("0200006A1B 2D2F2F4F4D412F2F4454442D444D2D44444620312E322F2F454E00 0002 60 77");
    assert!(matches!(&embedded, Data::Octets(octets) if octets.starts_with(&head)));
    let inline = Data::Element(Box::new(tree.clone()));
    let text = Data::Text(xml::write(&tree).unwrap());
    for data in [embedded, inline, text] {
        assert_eq!(data.document().unwrap(), tree);
        let mut message = bootstrap(vec![item("./Inbox", "bin", Some(data))]);
        for syntax in [Syntax::Wbxml, Syntax::Xml] {
            let Command::Operation(add) = &message.commands[0] else { panic!("no Add") };
            // Octets are base64 in XML, so there the receiver decodes first.
            if !(syntax == Syntax::Xml && matches!(add.items[0].data, Some(Data::Octets(_)))) {
                message = Message::decode(syntax, &message.encode(syntax).unwrap()).unwrap();
            }
            let Command::Operation(add) = &message.commands[0] else { panic!("no Add") };
            assert_eq!(add.items[0].data.as_ref().unwrap().document().unwrap(), tree);
        }
    }
    assert!(Data::Text("no document".to_owned()).document().is_err());

    // Its namespace left out, the tree seems to be of the one around it.
    let message = bootstrap(vec![item("./Inbox", "xml", Some(Data::Element(Box::new(tree.clone()))))]);
    let text = String::from_utf8(message.encode(Syntax::Xml).unwrap()).unwrap();
    let sloppy = text.replace(r#" xmlns="syncml:dmddf1.2""#, "");
    assert_ne!(sloppy, text);
    assert_eq!(Message::decode(Syntax::Xml, sloppy.as_bytes()).unwrap(), message);
}

/// No namespaces, white space, unknown elements, meta information in its own root, text as OPAQUE, a command that DM
/// does not use.
#[test]
fn what_sloppy_peers_send_is_read() {
    let text = "<SyncML> <SyncHdr> <VerDTD> 1.2 </VerDTD><VerProto>DM/1.2</VerProto><SessionID>1</SessionID>
        <MsgID>1</MsgID><Target><LocURI>a</LocURI></Target><Source><LocURI>b</LocURI><LocName>n</LocName></Source>
        <NoResp/><Cred><Meta><MetInf><Type>syncml:auth-md5</Type><Format>b64</Format></MetInf></Meta>
        <Data> eA== </Data></Cred><Meta><MaxMsgSize>5000</MaxMsgSize><EMI>x</EMI></Meta></SyncHdr>
        <SyncBody><Alert><CmdID>1</CmdID><Data>1201</Data></Alert><Sync><CmdID>2</CmdID><Target/></Sync><Odd/>
        <Get><CmdID>3</CmdID><Item><Target/><Data> </Data></Item></Get></SyncBody></SyncML>";
    let message = Message::decode(Syntax::Xml, text.as_bytes()).unwrap();
    assert_eq!(message.header.ver_dtd, "1.2");
    assert_eq!(message.header.source.name.as_deref(), Some("n"));
    let cred = message.header.cred.as_ref().unwrap();
    assert_eq!((cred.meta.kind.as_deref(), cred.data.as_str()), (Some("syncml:auth-md5"), "eA=="));
    let meta = message.header.meta.as_ref().unwrap();
    assert_eq!(meta.max_msg_size, Some(5000));
    assert_eq!(meta.other, [("EMI".to_owned(), "x".to_owned())]);
    assert!(!message.is_final);
    let [Command::Alert(alert), Command::Unsupported(sync), Command::Operation(get)] =
        message.commands.as_slice()
    else {
        panic!("{:?}", message.commands)
    };
    assert_eq!(alert.code, AlertCode::CLIENT_INITIATED);
    assert_eq!((sync.name.as_str(), sync.cmd_id.as_str()), ("Sync", "2"));
    assert_eq!(get.items[0].target, None);
    assert_eq!(get.items[0].data, Some(Data::Text(" ".to_owned())));
    assert_eq!(Message::decode(Syntax::Wbxml, &message.encode(Syntax::Wbxml).unwrap()).unwrap(), message);

    // 4F C3 02 "w7": text as OPAQUE.
    let mut root = bootstrap(vec![item("./a", "chr", None)]).to_element();
    let data =
        Element { children: vec![Node::Opaque(b"w7".to_vec())], ..Element::new(Vocabulary::SyncMl, "Data") };
    let Some(Node::Element(body)) = root.children.last_mut() else { panic!("no body") };
    let Some(Node::Element(add)) = body.children.first_mut() else { panic!("no Add") };
    let Some(Node::Element(item)) = add.children.last_mut() else { panic!("no Item") };
    item.children.push(Node::Element(data));
    let Command::Operation(add) = &Message::from_element(&root).unwrap().commands[0] else {
        panic!("no Add")
    };
    assert_eq!(add.items[0].data, Some(Data::Text("w7".to_owned())));
}

#[test]
fn what_the_protocol_needs_is_missed() {
    let whole = bootstrap(vec![item("./a", "node", None)]);
    let status = Status {
        cmd_id: "2".to_owned(),
        msg_ref: "1".to_owned(),
        cmd_ref: "0".to_owned(),
        cmd: "SyncHdr".to_owned(),
        target_refs: vec![],
        source_refs: vec![],
        cred: None,
        chal: None,
        code: StatusCode::OK,
        items: vec![],
    };
    let mut message = whole.clone();
    message.commands.push(Command::Status(Box::new(status)));
    let text = String::from_utf8(message.encode(Syntax::Xml).unwrap()).unwrap();
    assert!(Message::decode(Syntax::Xml, text.as_bytes()).is_ok());
    for name in ["SyncHdr", "SyncBody", "VerDTD", "VerProto", "SessionID", "MsgID", "Source", "CmdRef", "Cmd"]
    {
        let renamed = text.replace(&format!("<{name}>"), "<Odd>").replace(&format!("</{name}>"), "</Odd>");
        let error = Message::decode(Syntax::Xml, renamed.as_bytes()).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
    for (from, to) in [(">200<", ">two hundred<"), (">200<", ">99999<"), ("SyncML", "SyncNL")] {
        let error = Message::decode(Syntax::Xml, text.replace(from, to).as_bytes()).unwrap_err();
        assert_eq!(error.at(), 0, "{error}");
    }
    let size = text.replace("<Format ", "<Size ").replace("</Format>", "</Size>");
    assert!(Message::decode(Syntax::Xml, size.as_bytes()).is_err());
}

#[test]
fn nothing_of_value_is_printed() {
    let mut message = bootstrap(vec![item("./a", "chr", Some(Data::Text("hidden".to_owned())))]);
    message.header.cred = Some(Cred { meta: Meta::default(), data: "hidden".to_owned() });
    assert!(!format!("{message:?} {:?}", message.to_element()).contains("hidden"));
}

/// Every message of the shared vectors means the same in both syntaxes, and survives both.
#[test]
fn shared_vectors() {
    let Some(dm) = vectors::folder("dm") else { return };
    let (mut pairs, mut alone) = (0, 0);
    for name in vectors::names(&dm, "xml") {
        let text = vectors::read(&dm, &name, "xml");
        if name == "ddf12-mgmttree" {
            assert!(Message::decode(Syntax::Xml, &text).is_err(), "a tree is no message");
            continue;
        }
        let from_xml = xml::parse(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        let from_xml = Message::from_element(&vectors::normalised(&from_xml)).unwrap();
        assert!(Message::decode(Syntax::Xml, &text).is_ok());
        if dm.join(format!("{name}.wbxml")).exists() {
            let octets = vectors::read(&dm, &name, "wbxml");
            let root = wbxml::decode(&octets).unwrap().root;
            assert_eq!(Message::from_element(&vectors::normalised(&root)).unwrap(), from_xml, "{name}");
            let message = Message::decode(Syntax::Wbxml, &octets).unwrap();
            let again = message.encode(Syntax::Wbxml).unwrap();
            assert_eq!(Message::decode(Syntax::Wbxml, &again).unwrap(), message, "{name}");
            for end in 0..octets.len() {
                assert!(Message::decode(Syntax::Wbxml, &octets[..end]).is_err(), "{name} {end}");
            }
            pairs += 1;
        } else {
            alone += 1;
        }
        for syntax in [Syntax::Wbxml, Syntax::Xml] {
            let again = Message::decode(syntax, &from_xml.encode(syntax).unwrap()).unwrap();
            assert_eq!(again, from_xml, "{name} {syntax:?}");
        }
    }
    assert_eq!((pairs, alone), (23, 6));
}

#[test]
fn shared_credentials() {
    let Some(dm) = vectors::folder("dm") else { return };
    let table: serde_json::Value = serde_json::from_slice(&vectors::read(&dm, "auth-cred", "json")).unwrap();
    let (mut basic, mut md5) = (0, 0);
    for case in table["vectors"].as_array().unwrap() {
        let field = |name: &str| case[name].as_str().unwrap();
        let (user, secret) = (field("user"), field("password").parse().unwrap());
        match field("type") {
            "syncml:auth-basic" => {
                assert_eq!(auth::basic(user, &secret), field("cred_data"));
                let (name, password) = auth::split_basic(field("cred_data")).unwrap();
                assert_eq!((name.as_str(), password.as_str()), (user, field("password")));
                basic += 1;
            }
            _ => {
                let (digest, nonce) = (UserDigest::new(user, &secret), vectors::hex(field("nonce_hex")));
                assert_eq!(auth::md5(&digest, &nonce), field("cred_data"));
                assert!(auth::verify_md5(&digest, &nonce, field("cred_data")));
                md5 += 1;
            }
        }
    }
    assert_eq!((basic, md5), (3, 4));
}
