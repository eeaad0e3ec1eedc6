//! Any message survives both syntaxes.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use proptest::{collection::vec, option, prelude::*};

use super::*;

/// Text that survives the trimming of identifiers.
fn any_id() -> impl Strategy<Value = String> {
    prop_oneof!["[!-~]{0,8}", "[!-~][ -~]{0,12}[!-~]", "[ä€\u{1F4F1}]{1,3}"]
}

fn any_location() -> BoxedStrategy<Location> {
    (any_id(), option::of(any_id())).prop_map(|(uri, name)| Location { uri, name }).boxed()
}

fn any_meta() -> BoxedStrategy<Meta> {
    let text = || option::of(any_id());
    let other = (prop_oneof![Just("EMI".to_owned()), Just("Version".to_owned())], any_id());
    let sizes = (option::of(any::<u64>()), option::of(any::<u64>()), option::of(any::<u64>()));
    let format =
        option::of(prop_oneof![Just("chr".to_owned()), Just("node".to_owned()), Just("b64".to_owned())]);
    (format, text(), text(), text(), sizes, vec(other, 0..3))
        .prop_map(|(format, kind, next_nonce, mark, (max_msg_size, max_obj_size, size), other)| Meta {
            format,
            kind,
            next_nonce,
            mark,
            max_msg_size,
            max_obj_size,
            size,
            other,
        })
        .boxed()
}

fn any_data() -> BoxedStrategy<Data> {
    let tree = (any_id(), "[A-Za-z]{1,8}").prop_map(|(text, name)| {
        let mut root =
            Element::new(Vocabulary::DmDdf, "MgmtTree").with_child(Element::new(Vocabulary::DmDdf, name));
        if !text.is_empty() {
            root = root.with_text(text);
        }
        Data::Element(Box::new(root))
    });
    prop_oneof![
        "[ -~\t\n\rä€]{0,20}".prop_map(Data::Text),
        vec(any::<u8>(), 0..20).prop_map(Data::Octets),
        tree
    ]
    .boxed()
}

fn any_item() -> BoxedStrategy<Item> {
    let more = prop_oneof![Just(MoreData::No), Just(MoreData::Yes)];
    (
        option::of(any_location()),
        option::of(any_location()),
        option::of(any_meta()),
        option::of(any_data()),
        more,
    )
        .prop_map(|(target, source, mut meta, data, more_data)| {
            if let Some(Data::Octets(_)) = data {
                meta.get_or_insert_default().format = Some("bin".to_owned());
            }
            Item { target, source, meta, data, more_data }
        })
        .boxed()
}

fn any_cred() -> BoxedStrategy<Cred> {
    (any_meta(), any_id()).prop_map(|(meta, data)| Cred { meta, data }).boxed()
}

fn any_command() -> BoxedStrategy<Command> {
    let verb = proptest::sample::select(vec![
        Verb::Add,
        Verb::Replace,
        Verb::Delete,
        Verb::Get,
        Verb::Exec,
        Verb::Copy,
    ]);
    let items = || vec(any_item(), 0..3);
    let operation = (verb, any_id(), option::of(any_meta()), option::of(any_id()), items()).prop_map(
        |(verb, cmd_id, meta, correlator, items)| {
            Command::Operation(Operation { verb, cmd_id, meta, correlator, items })
        },
    );
    let alert = (any_id(), any::<u16>(), option::of(any_id()), items()).prop_map(
        |(cmd_id, code, correlator, items)| {
            Command::Alert(Alert { cmd_id, code: AlertCode(code), correlator, items })
        },
    );
    let refs = (any_id(), any_id(), vec(any_id(), 0..3), vec(any_id(), 0..3));
    let chal = option::of(any_meta().prop_map(|meta| Chal { meta }));
    let status = (any_id(), any_id(), refs, option::of(any_cred()), chal, any::<u16>(), items()).prop_map(
        |(cmd_id, msg_ref, (cmd_ref, cmd, target_refs, source_refs), cred, chal, code, items)| {
            let code = StatusCode(code);
            let status =
                Status { cmd_id, msg_ref, cmd_ref, cmd, target_refs, source_refs, cred, chal, code, items };
            Command::Status(Box::new(status))
        },
    );
    let results = (any_id(), option::of(any_id()), any_id(), option::of(any_meta()), items()).prop_map(
        |(cmd_id, msg_ref, cmd_ref, meta, items)| {
            Command::Results(Results { cmd_id, msg_ref, cmd_ref, meta, items })
        },
    );
    let unsupported = (proptest::sample::select(vec!["Put", "Map", "Search", "Odd"]), any_id())
        .prop_map(|(name, cmd_id)| Command::Unsupported(Unsupported { name: name.to_owned(), cmd_id }));
    prop_oneof![operation.boxed(), alert.boxed(), status.boxed(), results.boxed(), unsupported.boxed()]
        .prop_recursive(3, 12, 3, |inner| {
            let kind = prop_oneof![Just(GroupKind::Atomic), Just(GroupKind::Sequence)];
            (kind, any_id(), vec(inner, 0..3))
                .prop_map(|(kind, cmd_id, commands)| Command::Group(Group { kind, cmd_id, commands }))
        })
        .boxed()
}

fn any_message() -> BoxedStrategy<Message> {
    let ids = (any_id(), any_id(), any_id(), any_id());
    let rest = (option::of(any_id()), option::of(any_cred()), option::of(any_meta()));
    (ids, any_location(), any_location(), rest, vec(any_command(), 0..4), any::<bool>())
        .prop_map(|(ids, target, source, (resp_uri, cred, meta), commands, is_final)| {
            let (ver_dtd, ver_proto, session_id, msg_id) = ids;
            let header =
                Header { ver_dtd, ver_proto, session_id, msg_id, target, source, resp_uri, cred, meta };
            Message { header, commands, is_final }
        })
        .boxed()
}

/// The message as it comes back from XML: octets are base64 text there, of format b64.
fn as_xml_has_it(mut message: Message) -> Message {
    fn commands(list: &mut [Command]) {
        for command in list {
            let items = match command {
                Command::Operation(o) => &mut o.items,
                Command::Alert(a) => &mut a.items,
                Command::Status(s) => &mut s.items,
                Command::Results(r) => &mut r.items,
                Command::Group(g) => {
                    commands(&mut g.commands);
                    continue;
                }
                Command::Unsupported(_) => continue,
            };
            for item in items {
                if let Some(Data::Octets(octets)) = &item.data {
                    let text = STANDARD.encode(octets);
                    item.data = Some(Data::Text(text));
                    item.meta.get_or_insert_default().format = Some("b64".to_owned());
                }
            }
        }
    }
    commands(&mut message.commands);
    message
}

proptest! {
    #[test]
    fn messages_survive_wbxml(message in any_message()) {
        let octets = message.encode(Syntax::Wbxml).unwrap();
        prop_assert_eq!(Message::decode(Syntax::Wbxml, &octets).unwrap(), message);
    }

    #[test]
    fn messages_survive_xml(message in any_message()) {
        let octets = message.encode(Syntax::Xml).unwrap();
        prop_assert_eq!(Message::decode(Syntax::Xml, &octets).unwrap(), as_xml_has_it(message));
    }
}
