//! Sessions against scripted servers, and against messages captured from another implementation. Nothing here waits:
//! a session knows no clock.

mod server;

use server::{Server, alert, at, get, group, meta, operation, replace, secret, with};

use super::*;
use crate::{
    phone::{device, tree::Origin},
    wire::{
        syncml::{Cred, Data, GroupKind, Item, Location, Unsupported, Verb, auth},
        vectors,
    },
};

/// Octets that count up, so that every nonce is another one.
struct Counting(std::sync::atomic::AtomicU8);

impl Random for Counting {
    fn fill(&self, out: &mut [u8]) {
        out.fill(self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    }
}

fn random() -> Counting {
    Counting(std::sync::atomic::AtomicU8::new(0xA0))
}

const ACCOUNT: [(&str, &str); 15] = [
    ("AppID", "w7"),
    ("ServerID", "acme.dm"),
    ("Name", "Acme"),
    ("AppAddr/1/Addr", "http://dm.example/dm"),
    ("AppAddr/1/Port/1/PortNbr", "8080"),
    ("AppAuth/1/AAuthLevel", "CLCRED"),
    ("AppAuth/1/AAuthType", "DIGEST"),
    ("AppAuth/1/AAuthName", "dev1"),
    ("AppAuth/1/AAuthSecret", "devpw"),
    ("AppAuth/1/AAuthData", "bm9uY2VDMQ=="),
    ("AppAuth/2/AAuthLevel", "SRVCRED"),
    ("AppAuth/2/AAuthType", "DIGEST"),
    ("AppAuth/2/AAuthName", "acme.dm"),
    ("AppAuth/2/AAuthSecret", "srvpw"),
    ("AppAuth/2/AAuthData", "bm9uY2VTMQ=="),
];

/// A phone with one account, that of [`ACCOUNT`] with some of its leaves changed, taken away (empty) or added.
fn phone(changes: &[(&str, &str)]) -> Tree {
    let mut tree = device::tree(&device::tests::identity()).unwrap();
    let mut leaves: Vec<(&str, &str)> = ACCOUNT.to_vec();
    for (name, value) in changes {
        leaves.retain(|(n, _)| n != name);
        if !value.is_empty() {
            leaves.push((name, value));
        }
    }
    for (name, value) in leaves {
        let node = Node::text(value, Origin::Bootstrap(1)).unwrap();
        tree.insert(&format!("./DMAcc/1/{name}").parse().unwrap(), node).unwrap();
    }
    let acl = crate::phone::tree::Acl::parse("Get=acme.dm&Replace=acme.dm&Delete=acme.dm").unwrap();
    tree.set_acl(&"./DMAcc/1".parse().unwrap(), acl).unwrap();
    tree
}

fn start(tree: &Tree, syntax: Syntax) -> Result<ClientSession, StartError> {
    ClientSession::start(
        tree,
        0,
        &Invitation::of_client(&"acme.dm".parse().unwrap(), 0x2A),
        syntax,
        &random(),
    )
}

/// A session whose server has proved itself and sent these commands, and the server, which has heard the answer.
fn executed(tree: &Tree, commands: Vec<Command>) -> (ClientSession, Server) {
    let mut session = start(tree, Syntax::Wbxml).unwrap();
    let mut server = Server::new(Syntax::Wbxml, &session.first().unwrap());
    server.proving("acme.dm", "srvpw", b"nonceS1").talk(&mut session, 212, commands);
    (session, server)
}

/// The codes that a list of commands is answered with, without that of the header.
fn codes(tree: &Tree, commands: Vec<Command>) -> Vec<String> {
    executed(tree, commands).1.statuses().into_iter().skip(1).collect()
}

#[test]
fn both_prove_themselves_and_the_device_is_read() {
    for syntax in [Syntax::Wbxml, Syntax::Xml] {
        let mut session = start(&phone(&[]), syntax).unwrap();
        let first = session.first().unwrap();
        assert_eq!(first.url, "http://dm.example:8080/dm");
        let mut server = Server::new(syntax, &first);
        let header = &server.heard.header;
        assert_eq!((header.session_id.as_str(), header.msg_id.as_str()), ("2A", "1"));
        assert_eq!(header.source.uri, "IMEI:490154203237518");
        assert_eq!(header.source.name.as_deref(), Some("dev1"));
        assert!(server.was_given("dev1", "devpw", b"nonceC1"));
        let [Command::Alert(a), Command::Operation(o)] = server.heard.commands.as_slice() else { panic!() };
        assert_eq!((a.code, o.verb, o.items.len()), (AlertCode::CLIENT_INITIATED, Verb::Replace, 5));
        assert!(server.heard.is_final);

        server.proving("acme.dm", "srvpw", b"nonceS1").challenging("syncml:auth-md5", b"nonceC2");
        server.talk(
            &mut session,
            212,
            vec![get("2", &["./DevInfo/DevId", "./DevDetail", "./DevDetail/LrgObj"])],
        );
        assert_eq!(
            server.statuses(),
            ["SyncHdr 212", "Get ./DevInfo/DevId 200", "Get ./DevDetail 200", "Get ./DevDetail/LrgObj 200"]
        );
        assert!(server.heard.header.cred.is_none(), "212 holds for the session");
        let results = server.results();
        let values: Vec<&Data> = results[0].items.iter().map(|i| i.data.as_ref().unwrap()).collect();
        assert!(*values[0] == Data::Text("IMEI:490154203237518".into()));
        assert!(*values[1] == Data::Text("DevTyp/FwV/HwV/LrgObj/OEM/SwV/URI".into()));
        let formats: Vec<_> =
            results[0].items.iter().map(|i| i.meta.as_ref().unwrap().format.as_deref().unwrap()).collect();
        assert_eq!(formats, ["chr", "node", "bool"]);
        assert_eq!(results[0].cmd_ref, "2");
        let nonce = server.challenged_with().unwrap();
        assert_eq!(nonce.len(), 16);

        let outcome = server.end(&mut session, 200, Vec::new());
        assert!(outcome.authenticated_both_ways(), "{outcome}");
        assert_eq!((outcome.end, outcome.messages, outcome.commands.len()), (End::Complete, 2, 3));

        // The next session begins with the nonces that this one left, in the form in which the account had them.
        let tree = session.into_tree();
        assert_eq!(tree.text("./DMAcc/1/AppAuth/1/AAuthData"), Some("bm9uY2VDMg=="));
        let mut session = start(&tree, syntax).unwrap();
        let mut server = Server::new(syntax, &session.first().unwrap());
        assert!(server.was_given("dev1", "devpw", b"nonceC2"));
        server.proving("acme.dm", "srvpw", &nonce).talk(&mut session, 212, vec![get("2", &["."])]);
        assert_eq!(server.statuses(), ["SyncHdr 212", "Get . 200"]);
    }
}

#[test]
fn a_nonce_that_nobody_confirmed_is_not_kept() {
    let (session, _) = executed(&phone(&[]), vec![get("2", &["./DevInfo"])]);
    assert_eq!(session.outcome().end, End::Interrupted);
    assert_eq!(session.into_tree().text("./DMAcc/1/AppAuth/2/AAuthData"), Some("bm9uY2VTMQ=="));
}

#[test]
fn a_wrong_server_executes_nothing_and_gets_one_more_chance() {
    let tree = phone(&[]);
    let mut session = start(&tree, Syntax::Wbxml).unwrap();
    let mut server = Server::new(Syntax::Wbxml, &session.first().unwrap());
    let commands =
        || vec![get("2", &["./DevInfo/DevId"]), replace("3", "./DMAcc/1/Name", "Evil"), alert("4", 1100)];
    server.proving("acme.dm", "wrong", b"nonceS1").challenging("syncml:auth-md5", b"evil");
    server.talk(&mut session, 212, commands());
    assert_eq!(
        server.statuses(),
        ["SyncHdr 401", "Get ./DevInfo/DevId 401", "Replace ./DMAcc/1/Name 401", "Alert 401"]
    );
    assert!(server.results().is_empty());
    let nonce = server.challenged_with().unwrap();

    let outcome = server.proving("acme.dm", "wrong", &nonce).end(&mut session, 200, commands());
    assert_eq!((outcome.end, outcome.server), (End::ServerNotAuthenticated, ServerAuth::Wrong));
    assert!(!outcome.authenticated_both_ways());
    assert!(session.into_tree() == tree, "neither values nor nonces of a server that lied are kept");

    // Had it been a nonce out of step, the same answer would have mended it.
    let mut session = start(&tree, Syntax::Wbxml).unwrap();
    let mut right = Server::new(Syntax::Wbxml, &session.first().unwrap());
    right.proving("acme.dm", "srvpw", b"stale").talk(&mut session, 212, commands());
    let nonce = right.challenged_with().unwrap();
    right.proving("acme.dm", "srvpw", &nonce).talk(&mut session, 200, vec![get("2", &["./DevInfo/DevId"])]);
    assert_eq!(right.statuses(), ["SyncHdr 212", "Get ./DevInfo/DevId 200"]);
    assert!(right.end(&mut session, 200, Vec::new()).authenticated_both_ways());
}

#[test]
fn a_server_without_credentials_is_asked_for_them_only_when_it_wants_something() {
    let tree = phone(&[]);
    let mut session = start(&tree, Syntax::Xml).unwrap();
    let mut server = Server::new(Syntax::Xml, &session.first().unwrap());
    server.talk(&mut session, 212, vec![get("2", &["./DevInfo"])]);
    assert_eq!(server.statuses(), ["SyncHdr 407", "Get ./DevInfo 407"]);
    // Nothing was proved with the nonce of the account yet: it may be used still.
    server.proving("acme.dm", "srvpw", b"nonceS1").talk(&mut session, 200, vec![get("2", &["./DevInfo"])]);
    assert_eq!(server.statuses(), ["SyncHdr 212", "Get ./DevInfo 200"]);

    let mut session = start(&tree, Syntax::Xml).unwrap();
    let mut server = Server::new(Syntax::Xml, &session.first().unwrap());
    let outcome = server.end(&mut session, 212, Vec::new());
    assert_eq!((outcome.end, outcome.server), (End::ServerNotAuthenticated, ServerAuth::Missing));
}

#[test]
fn an_account_that_asks_for_no_credentials_of_the_server_takes_its_commands() {
    let none: Vec<(&str, &str)> =
        ACCOUNT.iter().filter(|(n, _)| n.starts_with("AppAuth/2")).map(|(n, _)| (*n, "")).collect();
    let mut session = start(&phone(&none), Syntax::Wbxml).unwrap();
    let mut server = Server::new(Syntax::Wbxml, &session.first().unwrap());
    server.challenging("syncml:auth-md5", b"nonceC2").talk(&mut session, 212, vec![get("2", &["./DevInfo"])]);
    assert_eq!(server.statuses(), ["SyncHdr 200", "Get ./DevInfo 200"]);
    let outcome = server.end(&mut session, 200, Vec::new());
    assert_eq!((outcome.end, outcome.server), (End::Complete, ServerAuth::NotAsked));
    assert_eq!(session.into_tree().text("./DMAcc/1/AppAuth/1/AAuthData"), Some("bm9uY2VDMg=="));
}

#[test]
fn a_stale_nonce_is_mended_by_one_challenge() {
    let mut session = start(&phone(&[]), Syntax::Wbxml).unwrap();
    let mut server = Server::new(Syntax::Wbxml, &session.first().unwrap());
    server.challenging("syncml:auth-md5", b"fresh").talk(&mut session, 401, Vec::new());
    let header = &server.heard.header;
    assert_eq!((header.session_id.as_str(), header.msg_id.as_str()), ("2A", "2"));
    assert!(server.was_given("dev1", "devpw", b"fresh"));
    assert_eq!(server.statuses(), ["SyncHdr 407"], "the server's own credentials are still to come");
    let [_, Command::Alert(_), Command::Operation(o)] = server.heard.commands.as_slice() else { panic!() };
    assert_eq!((o.items.len(), server.heard.is_final), (5, true));
    server.proving("acme.dm", "srvpw", b"nonceS1").talk(&mut session, 212, vec![get("2", &["./DevInfo"])]);
    let outcome = server.end(&mut session, 200, Vec::new());
    assert!(outcome.authenticated_both_ways());
    assert_eq!(outcome.messages, 3);
    // A 212 without a nonce leaves the one that was used.
    assert_eq!(session.into_tree().text("./DMAcc/1/AppAuth/1/AAuthData"), Some("ZnJlc2g="));
}

#[test]
fn a_server_that_proves_itself_with_its_challenge_needs_no_second_round() {
    let mut session = start(&phone(&[]), Syntax::Wbxml).unwrap();
    let mut server = Server::new(Syntax::Wbxml, &session.first().unwrap());
    server.proving("acme.dm", "srvpw", b"nonceS1").challenging("syncml:auth-md5", b"fresh");
    server.talk(&mut session, 407, Vec::new());
    assert_eq!(server.statuses(), ["SyncHdr 212"]);
    let outcome = server.end(&mut session, 212, Vec::new());
    assert!(outcome.authenticated_both_ways());
}

#[test]
fn a_wrong_password_is_not_tried_again() {
    let tree = phone(&[("AppAuth/1/AAuthSecret", "wrong")]);
    let mut session = start(&tree, Syntax::Wbxml).unwrap();
    let mut server = Server::new(Syntax::Wbxml, &session.first().unwrap());
    server.challenging("syncml:auth-md5", b"n2").talk(&mut session, 401, Vec::new());
    let outcome = server.challenging("syncml:auth-md5", b"n3").end(&mut session, 401, Vec::new());
    assert_eq!((outcome.end, outcome.messages), (End::ClientRefused { code: 401 }, 2));
    assert!(session.into_tree() == tree, "nonces of a peer that proved nothing are not kept");
}

#[test]
fn another_scheme_is_used_only_when_the_account_has_it() {
    let mut session = start(&phone(&[]), Syntax::Wbxml).unwrap();
    let mut server = Server::new(Syntax::Wbxml, &session.first().unwrap());
    let outcome = server.challenging("syncml:auth-basic", b"").end(&mut session, 407, Vec::new());
    assert_eq!(outcome.client, ClientAuth::Refused { code: 407 });

    let both = [
        ("AppAuth/3/AAuthLevel", "CLCRED"),
        ("AppAuth/3/AAuthType", "BASIC"),
        ("AppAuth/3/AAuthName", "dev1"),
        ("AppAuth/3/AAuthSecret", "basicpw"),
    ];
    let mut session = start(&phone(&both), Syntax::Wbxml).unwrap();
    let mut server = Server::new(Syntax::Wbxml, &session.first().unwrap());
    assert!(server.was_given("dev1", "devpw", b"nonceC1"), "without AAuthPref the stronger goes first");
    server.challenging("syncml:auth-basic", b"").talk(&mut session, 407, Vec::new());
    let cred = server.heard.header.cred.as_ref().unwrap();
    assert_eq!(cred.data, auth::basic("dev1", &secret("basicpw")));

    let preferred: Vec<(&str, &str)> = both.into_iter().chain([("AAuthPref", "BASIC")]).collect();
    let mut session = start(&phone(&preferred), Syntax::Wbxml).unwrap();
    let server = Server::new(Syntax::Wbxml, &session.first().unwrap());
    assert_eq!(server.heard.header.cred.unwrap().meta.kind.as_deref(), Some("syncml:auth-basic"));
}

#[test]
fn a_server_may_prove_itself_by_basic_credentials() {
    let tree = phone(&[("AppAuth/2/AAuthType", "BASIC"), ("AppAuth/2/AAuthData", "")]);
    let mut session = start(&tree, Syntax::Wbxml).unwrap();
    let mut server = Server::new(Syntax::Wbxml, &session.first().unwrap());
    let basic =
        |pw| Some(Cred { meta: meta("syncml:auth-basic", None), data: auth::basic("acme.dm", &secret(pw)) });
    server.cred = basic("nope");
    server.talk(&mut session, 212, vec![get("2", &["./DevInfo"])]);
    assert_eq!(server.statuses()[0], "SyncHdr 401");
    server.cred = basic("srvpw");
    server.talk(&mut session, 212, vec![get("2", &["./DevInfo"])]);
    assert_eq!(server.statuses(), ["SyncHdr 212", "Get ./DevInfo 200"]);
    assert!(server.challenged_with().is_none());
}

#[test]
fn credentials_that_hold_for_one_message_are_sent_again() {
    let mut session = start(&phone(&[]), Syntax::Wbxml).unwrap();
    let mut server = Server::new(Syntax::Wbxml, &session.first().unwrap());
    server.proving("acme.dm", "srvpw", b"nonceS1").challenging("syncml:auth-md5", b"n2");
    server.talk(&mut session, 200, vec![get("2", &["./DevInfo"])]);
    assert!(server.was_given("dev1", "devpw", b"n2"));
    server.challenging("syncml:auth-md5", b"n3").talk(&mut session, 401, Vec::new());
    assert!(server.was_given("dev1", "devpw", b"n3"));
    assert_eq!(server.statuses(), ["SyncHdr 200", "Get ./DevInfo 200"], "the same package again");
}

#[test]
fn commands_are_answered_by_the_codes_of_the_standard() {
    let tree = phone(&[]);
    for (command, wanted) in [
        (get("2", &["./Nope"]), "Get ./Nope 404"),
        (get("2", &["./A//B"]), "Get ./A//B 400"),
        (get("2", &["./DMAcc/1/AppAuth/1/AAuthSecret"]), "Get ./DMAcc/1/AppAuth/1/AAuthSecret 405"),
        (get("2", &["./DMAcc/1/AppAuth/1/AAuthData"]), "Get ./DMAcc/1/AppAuth/1/AAuthData 405"),
        (get("2", &["./Inbox"]), "Get ./Inbox 405"),
        (get("2", &["./DevInfo?list=TNDS"]), "Get ./DevInfo?list=TNDS 406"),
        (get("2", &["./DevInfo?prop=Title"]), "Get ./DevInfo?prop=Title 406"),
        (replace("2", "./DevInfo/Lang", "de"), "Replace ./DevInfo/Lang 405"),
        (replace("2", "./DMAcc/1/Nope", "x"), "Replace ./DMAcc/1/Nope 404"),
        (replace("2", "./DMAcc/1", "x"), "Replace ./DMAcc/1 405"),
        (replace("2", "./DMAcc/1/Name", "New"), "Replace ./DMAcc/1/Name 200"),
        (replace("2", ".?prop=ACL", "Get=*"), "Replace .?prop=ACL 425"),
        (replace("2", "./DMAcc/1/Name?prop=Format", "bin"), "Replace ./DMAcc/1/Name?prop=Format 405"),
        (operation(Verb::Add, "2", vec![with("./DMAcc/1/Name", "chr", "x")]), "Add ./DMAcc/1/Name 418"),
        (operation(Verb::Add, "2", vec![with("./DMAcc/1/New", "chr", "x")]), "Add ./DMAcc/1/New 425"),
        (operation(Verb::Add, "2", vec![with("./DevInfo/Lang/x", "chr", "x")]), "Add ./DevInfo/Lang/x 405"),
        (operation(Verb::Add, "2", vec![with("./Fresh/x", "hex", "x")]), "Add ./Fresh/x 415"),
        (operation(Verb::Add, "2", vec![with("./Fresh/x", "chr", "x")]), "Add ./Fresh/x 200"),
        (operation(Verb::Delete, "2", vec![at("./DevInfo")]), "Delete ./DevInfo 405"),
        (operation(Verb::Delete, "2", vec![at(".")]), "Delete . 405"),
        (operation(Verb::Delete, "2", vec![at("./DMAcc/1/Name")]), "Delete ./DMAcc/1/Name 200"),
        (operation(Verb::Exec, "2", vec![at("./DMAcc/1")]), "Exec ./DMAcc/1 405"),
        (operation(Verb::Exec, "2", vec![at("./Nope")]), "Exec ./Nope 404"),
        (operation(Verb::Get, "2", Vec::new()), "Get 412"),
        (operation(Verb::Replace, "2", vec![Item::default()]), "Replace 412"),
        (operation(Verb::Get, "2", vec![at(&"x/".repeat(600))]), "Get"),
        (alert("2", 1100), "Alert 406"),
        (Command::Unsupported(Unsupported { name: "Put".into(), cmd_id: "2".into() }), "Put 406"),
    ] {
        let got = codes(&tree, vec![command]);
        assert_eq!(got.len(), 1, "{wanted}: {got:?}");
        assert!(got[0].starts_with(wanted), "{wanted}: {got:?}");
    }
    let long = format!("./{}", "x".repeat(300));
    assert_eq!(codes(&tree, vec![get("2", &[&long])]), [format!("Get {long} 414")]);
    let chunk = Item { more_data: crate::wire::syncml::MoreData::Yes, ..with("./Fresh", "chr", "x") };
    assert_eq!(codes(&tree, vec![operation(Verb::Add, "2", vec![chunk])]), ["Add ./Fresh 406"]);
}

#[test]
fn a_copy_goes_from_leaf_to_leaf_and_never_shows_a_secret() {
    let copy = |from: &str, to: &str| {
        let item = Item { source: Some(Location::new(from)), ..at(to) };
        vec![operation(Verb::Copy, "2", vec![item])]
    };
    let tree = phone(&[]);
    assert_eq!(codes(&tree, copy("./DevInfo/Man", "./Mine")), ["Copy ./Mine 200"]);
    assert_eq!(codes(&tree, copy("./DevInfo", "./Mine")), ["Copy ./Mine 403"]);
    assert_eq!(codes(&tree, copy("./Nope", "./Mine")), ["Copy ./Mine 404"]);
    assert_eq!(codes(&tree, copy("./DMAcc/1/AppAuth/1/AAuthSecret", "./Mine")), ["Copy ./Mine 403"]);
    assert_eq!(codes(&tree, copy("./DevInfo/Man", "./DMAcc/1/Name")), ["Copy ./DMAcc/1/Name 200"]);
    assert_eq!(codes(&tree, copy("./DevInfo/Man", "./DMAcc/1/Copy")), ["Copy ./DMAcc/1/Copy 425"]);
}

#[test]
fn what_a_server_adds_where_it_could_not_replace_is_its_own() {
    let commands = vec![
        operation(Verb::Add, "2", vec![with("./Mine", "node", "")]),
        operation(Verb::Add, "3", vec![with("./Mine/x", "chr", "1")]),
        get("4", &["./Mine?prop=ACL", "./Mine/x?prop=ACL", "./Mine/x"]),
        replace("5", "./Mine?prop=ACL", "Get=*&Replace=acme.dm"),
        get("6", &["./Mine?prop=ACL", "./Mine/x", "./Mine/x?prop=Size", "./Mine?prop=Name"]),
    ];
    let (_, server) = executed(&phone(&[]), commands);
    assert_eq!(
        server.statuses()[1..],
        [
            "Add ./Mine 200",
            "Add ./Mine/x 200",
            // The list that the node was given names no Get: lists are never merged with those above.
            "Get ./Mine?prop=ACL 425",
            "Get ./Mine/x?prop=ACL 425",
            "Get ./Mine/x 425",
            "Replace ./Mine?prop=ACL 200",
            "Get ./Mine?prop=ACL 200",
            "Get ./Mine/x 200",
            "Get ./Mine/x?prop=Size 200",
            "Get ./Mine?prop=Name 200"
        ]
    );
    let values: Vec<_> = server.results()[0].items.iter().map(|i| i.data.clone().unwrap()).collect();
    let text = |t: &str| Data::Text(t.into());
    assert!(values == [text("Get=*&Replace=acme.dm"), text("1"), text("1"), text("Mine")]);
}

#[test]
fn an_atomic_does_all_or_nothing() {
    let tree = phone(&[]);
    let commands = vec![group(
        GroupKind::Atomic,
        "10",
        vec![
            replace("11", "./DMAcc/1/Name", "Changed"),
            replace("12", "./Nope/X", "x"),
            replace("13", "./DMAcc/1/Name", "Again"),
        ],
    )];
    let (mut session, mut server) = executed(&tree, commands);
    // The first three as a client in the field answers them.
    assert_eq!(
        server.statuses()[1..],
        ["Atomic 507", "Replace ./DMAcc/1/Name 216", "Replace ./Nope/X 404", "Replace ./DMAcc/1/Name 215"]
    );
    server.end(&mut session, 200, Vec::new());
    assert_eq!(session.into_tree().text("./DMAcc/1/Name"), Some("Acme"));

    let done = vec![group(
        GroupKind::Atomic,
        "10",
        vec![
            replace("11", "./DMAcc/1/Name", "One"),
            group(GroupKind::Sequence, "12", vec![replace("13", "./DMAcc/1/Name", "Two")]),
        ],
    )];
    let (mut session, mut server) = executed(&tree, done);
    assert_eq!(
        server.statuses()[1..],
        ["Atomic 200", "Replace ./DMAcc/1/Name 200", "Sequence 200", "Replace ./DMAcc/1/Name 200"]
    );
    server.end(&mut session, 200, Vec::new());
    assert_eq!(session.into_tree().text("./DMAcc/1/Name"), Some("Two"));
}

#[test]
fn an_atomic_holds_neither_get_nor_atomic() {
    let tree = phone(&[]);
    let inner = group(GroupKind::Atomic, "11", vec![replace("12", "./DMAcc/1/Name", "x")]);
    assert_eq!(
        codes(&tree, vec![group(GroupKind::Atomic, "10", vec![inner])]),
        ["Atomic 507", "Atomic 500", "Replace ./DMAcc/1/Name 215"]
    );
    let (_, server) = executed(&tree, vec![group(GroupKind::Atomic, "10", vec![get("11", &["./DevInfo"])])]);
    assert_eq!(server.statuses()[1..], ["Atomic 507", "Get ./DevInfo 500"]);
    assert!(server.results().is_empty());
}

#[test]
fn a_sequence_goes_on_after_a_failure() {
    let commands = vec![group(
        GroupKind::Sequence,
        "20",
        vec![
            replace("21", "./DMAcc/1/Name", "Seq"),
            replace("22", "./Nope", "x"),
            get("23", &["./DMAcc/1/Name"]),
        ],
    )];
    let (_, server) = executed(&phone(&[]), commands);
    assert_eq!(
        server.statuses()[1..],
        ["Sequence 200", "Replace ./DMAcc/1/Name 200", "Replace ./Nope 404", "Get ./DMAcc/1/Name 200"]
    );
    assert!(server.results()[0].items[0].data == Some(Data::Text("Seq".into())));
}

#[test]
fn results_wait_for_the_servers_final() {
    let mut session = start(&phone(&[]), Syntax::Wbxml).unwrap();
    let mut server = Server::new(Syntax::Wbxml, &session.first().unwrap());
    server.is_final = false;
    server.proving("acme.dm", "srvpw", b"nonceS1").talk(
        &mut session,
        212,
        vec![get("2", &["./DevInfo/Man"])],
    );
    assert_eq!(server.statuses(), ["SyncHdr 212", "Get ./DevInfo/Man 200"]);
    assert!(server.results().is_empty() && !server.heard.is_final);
    assert!(
        server
            .heard
            .commands
            .iter()
            .any(|c| matches!(c, Command::Alert(a) if a.code == AlertCode::NEXT_MESSAGE))
    );
    server.talk(&mut session, 200, vec![get("2", &["./DevInfo/Mod"])]);
    assert_eq!(server.results().len(), 2);
    assert!(server.heard.is_final);
    assert_eq!(server.results()[0].msg_ref.as_deref(), Some("1"));
    assert_eq!(server.results()[1].msg_ref.as_deref(), Some("2"));
}

#[test]
fn answers_that_do_not_fit_come_in_several_messages() {
    let mut session = start(&phone(&[]), Syntax::Wbxml).unwrap();
    let mut server = Server::new(Syntax::Wbxml, &session.first().unwrap());
    server.max_msg_size = Some(700);
    let gets = (2..12).map(|n| get(&n.to_string(), &["./DevInfo/DevId"])).collect();
    server.proving("acme.dm", "srvpw", b"nonceS1").talk(&mut session, 212, gets);
    let (mut statuses, mut results, mut messages) = (0, 0, 0);
    loop {
        messages += 1;
        assert!(server.heard.encode(Syntax::Wbxml).unwrap().len() <= 700);
        statuses += server.statuses().iter().filter(|s| s.starts_with("Get")).count();
        results += server.results().len();
        if server.heard.is_final {
            break;
        }
        server.talk(&mut session, 200, vec![alert("2", 1222)]);
    }
    assert_eq!((statuses, results), (10, 10));
    assert!(messages > 2);
    assert_eq!(server.end(&mut session, 200, Vec::new()).end, End::Complete);
}

#[test]
fn a_value_that_fits_into_no_message_is_not_sent_in_pieces() {
    let mut tree = phone(&[]);
    let big = Node::text(&"x".repeat(2000), Origin::Device).unwrap();
    tree.insert(&"./Big".parse().unwrap(), big).unwrap();
    let mut session = start(&tree, Syntax::Wbxml).unwrap();
    let mut server = Server::new(Syntax::Wbxml, &session.first().unwrap());
    server.max_msg_size = Some(1000);
    server.proving("acme.dm", "srvpw", b"nonceS1");
    server.talk(&mut session, 212, vec![get("2", &["./Big"]), get("3", &["./DevInfo"])]);
    assert_eq!(server.statuses(), ["SyncHdr 212", "Get ./Big 413", "Get ./DevInfo 200"]);
    assert_eq!(server.results().len(), 1);
}

#[test]
fn octets_travel_raw_in_wbxml_and_as_base64_in_xml() {
    for (syntax, format, data) in [
        (Syntax::Wbxml, "bin", Data::Octets(vec![0, 1, 0xFF])),
        (Syntax::Xml, "b64", Data::Text("AAH/".into())),
    ] {
        let mut tree = phone(&[]);
        let node = Node::leaf(Format::Bin, "a/b", [0, 1, 0xFF], Origin::Device).unwrap();
        tree.insert(&"./Raw".parse().unwrap(), node).unwrap();
        let mut session = start(&tree, syntax).unwrap();
        let mut server = Server::new(syntax, &session.first().unwrap());
        server.proving("acme.dm", "srvpw", b"nonceS1").talk(&mut session, 212, vec![get("2", &["./Raw"])]);
        let item = &server.results()[0].items[0];
        assert_eq!(item.meta.as_ref().unwrap().format.as_deref(), Some(format));
        assert_eq!(item.meta.as_ref().unwrap().kind.as_deref(), Some("a/b"));
        assert!(item.data.as_ref() == Some(&data));
    }
}

#[test]
fn what_a_server_writes_into_its_account_goes_before_what_it_says_in_a_challenge() {
    let rotate = vec![
        replace("2", "./DMAcc/1/AppAuth/1/AAuthSecret", "fresh secret"),
        operation(Verb::Replace, "3", vec![with("./DMAcc/1/AppAuth/1/AAuthData", "b64", "cm90YXRlZA==")]),
    ];
    let mut session = start(&phone(&[]), Syntax::Wbxml).unwrap();
    let mut server = Server::new(Syntax::Wbxml, &session.first().unwrap());
    server.proving("acme.dm", "srvpw", b"nonceS1").challenging("syncml:auth-md5", b"n2");
    server.talk(&mut session, 212, rotate);
    server.end(&mut session, 200, Vec::new());
    let mut session = start(&session.into_tree(), Syntax::Wbxml).unwrap();
    let server = Server::new(Syntax::Wbxml, &session.first().unwrap());
    assert!(server.was_given("dev1", "fresh secret", b"rotated"));
}

#[test]
fn a_server_may_take_its_own_account_away() {
    let (mut session, mut server) =
        executed(&phone(&[]), vec![operation(Verb::Delete, "2", vec![at("./DMAcc/1")])]);
    assert_eq!(server.end(&mut session, 200, Vec::new()).end, End::Complete);
    assert!(session.into_tree().node(&"./DMAcc/1".parse().unwrap()).is_none());
}

#[test]
fn an_abort_is_not_answered() {
    let mut session = start(&phone(&[]), Syntax::Wbxml).unwrap();
    let mut server = Server::new(Syntax::Wbxml, &session.first().unwrap());
    let outcome =
        server.proving("acme.dm", "srvpw", b"nonceS1").end(&mut session, 212, vec![alert("2", 1223)]);
    assert_eq!(outcome.end, End::Aborted);
    assert!(matches!(session.on_reply("", b""), Err(SessionError::OutOfTurn { .. })));
    assert!(matches!(session.first(), Err(SessionError::OutOfTurn { .. })));
}

#[test]
fn other_refusals_end_the_session() {
    for code in [400, 500, 503, 513] {
        let mut session = start(&phone(&[]), Syntax::Wbxml).unwrap();
        let mut server = Server::new(Syntax::Wbxml, &session.first().unwrap());
        assert_eq!(server.end(&mut session, code, Vec::new()).end, End::Refused { code });
    }
    let mut session = start(&phone(&[]), Syntax::Wbxml).unwrap();
    let mut server = Server::new(Syntax::Wbxml, &session.first().unwrap());
    assert_eq!(
        server.end(&mut session, 401, Vec::new()).end,
        End::ClientRefused { code: 401 },
        "without a challenge"
    );
}

#[test]
fn a_session_has_an_end() {
    let (mut session, mut server) = executed(&phone(&[]), vec![get("2", &["./DevInfo"])]);
    let outcome = loop {
        let body = server.say(200, vec![get("2", &["./DevInfo"])]);
        match session.on_reply("application/vnd.syncml.dm+wbxml", &body).unwrap() {
            Next::Send(request) => server.hear(&request),
            Next::Done(outcome) => break outcome,
        }
    };
    assert_eq!((outcome.end, outcome.messages), (End::TooManyMessages, MAX_MESSAGES));
}

#[test]
fn the_response_uri_is_followed_but_not_out_of_tls() {
    let mut session = start(&phone(&[]), Syntax::Wbxml).unwrap();
    let mut server = Server::new(Syntax::Wbxml, &session.first().unwrap());
    server.resp_uri = Some("http://dm.example:8080/dm?sid=1".into());
    server.proving("acme.dm", "srvpw", b"nonceS1").talk(&mut session, 212, vec![get("2", &["./DevInfo"])]);
    assert_eq!(server.heard.header.target.uri, "http://dm.example:8080/dm?sid=1");
    let tls = phone(&[("AppAddr/1/Addr", "https://dm.example/dm")]);
    for bad in ["http://dm.example/dm", "ftp://dm.example", "dm.example", ""] {
        let mut session = start(&tls, Syntax::Wbxml).unwrap();
        let mut server = Server::new(Syntax::Wbxml, &session.first().unwrap());
        server.resp_uri = Some(bad.into());
        let body = server.say(212, Vec::new());
        let refused = session.on_reply("application/vnd.syncml.dm+wbxml", &body);
        assert!(matches!(refused, Err(SessionError::BadRespUri)), "{bad}");
    }
}

#[test]
fn answers_that_are_not_answers_are_refused_by_name() {
    let tree = phone(&[]);
    let wbxml = "application/vnd.syncml.dm+wbxml";
    let reply = |content_type: &str, change: &dyn Fn(&mut Message), length: usize| {
        let mut session = start(&tree, Syntax::Wbxml).unwrap();
        let mut server = Server::new(Syntax::Wbxml, &session.first().unwrap());
        let mut message = Message::decode(Syntax::Wbxml, &server.say(212, Vec::new())).unwrap();
        change(&mut message);
        let mut body = message.encode(Syntax::Wbxml).unwrap();
        body.resize(body.len().max(length), 0);
        let result = session.on_reply(content_type, &body);
        if result.is_err() {
            let again = session.on_reply(content_type, &body);
            assert!(matches!(again, Err(SessionError::OutOfTurn { .. })));
            assert_eq!(session.outcome().end, End::Interrupted);
        }
        result.err().map(|e| e.to_string()).unwrap_or_default()
    };
    let same = |_: &mut Message| {};
    assert_eq!(reply(wbxml, &same, 0), "");
    assert_eq!(reply("Application/vnd.syncml+wbxml; charset=utf-8", &same, 0), "");
    assert!(reply("application/vnd.syncml.dm+xml", &same, 0).contains("answered in kind"));
    assert!(reply("text/html", &same, 0).contains("text/html"));
    assert!(reply(wbxml, &same, MAX_MESSAGE + 1).contains("the phone takes 65536"));
    assert!(reply(wbxml, &|m| m.header.session_id = "2B".into(), 0).contains("SessionID"));
    assert!(reply(wbxml, &|m| m.header.ver_proto = "DM/1.1".into(), 0).contains("VerProto"));
    assert!(reply(wbxml, &|m| m.header.target.uri = "IMEI:1".into(), 0).contains("Target"));
    assert!(reply(wbxml, &|m| m.commands.clear(), 0).contains("no Status for the SyncHdr of message 1"));
}

#[test]
fn every_truncation_of_an_answer_is_refused() {
    let tree = phone(&[]);
    for syntax in [Syntax::Wbxml, Syntax::Xml] {
        let mut first = start(&tree, syntax).unwrap();
        let mut server = Server::new(syntax, &first.first().unwrap());
        let body = server.proving("acme.dm", "srvpw", b"nonceS1").say(212, vec![get("2", &["./DevInfo"])]);
        for end in 0..body.len() {
            let mut session = start(&tree, syntax).unwrap();
            session.first().unwrap();
            let refused = session.on_reply(content_type_of(syntax), &body[..end]);
            assert!(matches!(refused, Err(SessionError::Malformed(_))), "{end} of {}", body.len());
        }
    }
}

#[test]
fn a_session_that_cannot_work_is_not_begun() {
    let refused = |changes: &[(&str, &str)]| start(&phone(changes), Syntax::Wbxml).err().unwrap();
    assert!(matches!(refused(&[("ServerID", "other")]), StartError::NoAccount { .. }));
    assert_eq!(refused(&[("AppAuth/1/AAuthType", "HMAC")]), StartError::NoCredentials { level: "CLCRED" });
    assert_eq!(refused(&[("AppAuth/1/AAuthName", "")]), StartError::NoCredentials { level: "CLCRED" });
    assert_eq!(refused(&[("AppAuth/2/AAuthSecret", "")]), StartError::NoCredentials { level: "SRVCRED" });
    let zero = ClientSession::start(
        &phone(&[]),
        0,
        &Invitation::of_client(&"acme.dm".parse().unwrap(), 0),
        Syntax::Xml,
        &random(),
    );
    assert_eq!(zero.err(), Some(StartError::SessionNumber));
}

#[test]
fn nothing_secret_is_shown() {
    let mut session = start(&phone(&[]), Syntax::Wbxml).unwrap();
    let first = session.first().unwrap();
    let mut server = Server::new(Syntax::Wbxml, &first);
    let outcome = server.proving("acme.dm", "srvpw", b"nonceS1").end(&mut session, 212, Vec::new());
    let shown = format!("{first:?} {outcome} {outcome:?} {}", serde_json::to_string(&outcome).unwrap());
    for secret in ["devpw", "srvpw", "nonce", "Gf4w1XJyxidvVC4UvdXs6w=="] {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
}

/// A phone whose account and identity are those of a client that was captured.
fn captured(device_id: &str, changes: &[(&str, &str)]) -> Tree {
    let mut tree = phone(changes);
    tree.set_value(&"./DevInfo/DevId".parse().unwrap(), device_id.as_bytes(), None, None).unwrap();
    tree
}

/// The session of a client in the field with a server in the field: our phone sends the same credentials, takes the
/// server's for good, and answers the same Get.
#[test]
fn a_captured_server_is_understood() {
    let Some(folder) = vectors::folder("dm") else { return };
    let tree = captured(
        "000000011234564",
        &[
            ("ServerID", "funambol"),
            ("AppAddr/1/Addr", "http://127.0.0.1:8080/funambol/dm"),
            ("AppAuth/2/AAuthName", "funambol"),
        ],
    );
    let server_id = "funambol".parse().unwrap();
    let mut session =
        ClientSession::start(&tree, 0, &Invitation::of_client(&server_id, 0x530B), Syntax::Wbxml, &random())
            .unwrap();
    let ours = Message::decode(Syntax::Wbxml, &session.first().unwrap().body).unwrap();
    let theirs =
        Message::decode(Syntax::Wbxml, &vectors::read(&folder, "moto-pkg1-md5-wbxml", "wbxml")).unwrap();
    assert_eq!(ours.header.session_id, theirs.header.session_id);
    assert_eq!(ours.header.source, theirs.header.source);
    assert_eq!(ours.header.target.uri, theirs.header.target.uri);
    assert!(ours.header.cred == theirs.header.cred);

    let reply = vectors::read(&folder, "fnbl-pkg2-md5-wbxml", "wbxml");
    let Next::Send(request) = session.on_reply("application/vnd.syncml.dm+wbxml", &reply).unwrap() else {
        panic!()
    };
    assert_eq!(request.url, "http://127.0.0.1:8080/funambol/dm?sid=W0JANTUwZjY5NGYtMTc5NTM0MjQyOTc1MA");
    let mut server = Server::new(Syntax::Wbxml, &request);
    assert_eq!(server.statuses(), ["SyncHdr 212", "Get ./DevDetail/FwV 200", "Get ./DevInfo/DevId 200"]);
    assert_eq!(server.results()[0].items.len(), 2);
    assert!(server.end(&mut session, 200, Vec::new()).authenticated_both_ways());
    let nonce = session.into_tree();
    assert_eq!(nonce.text("./DMAcc/1/AppAuth/1/AAuthData"), Some("OXhXbHVSNn9RQFB8MiZRWg=="));
}

/// The same server with a password that the phone does not have: refused as the captured client refuses it.
#[test]
fn a_captured_server_with_the_wrong_password_is_refused() {
    let Some(folder) = vectors::folder("dm") else { return };
    let tree = captured(
        "DMCtest",
        &[
            ("AppAuth/1/AAuthType", "BASIC"),
            ("AppAuth/1/AAuthName", "funambol"),
            ("AppAuth/1/AAuthSecret", "funambol"),
        ],
    );
    let server_id = "acme.dm".parse().unwrap();
    let mut session =
        ClientSession::start(&tree, 0, &Invitation::of_client(&server_id, 1), Syntax::Wbxml, &random())
            .unwrap();
    let ours = Message::decode(Syntax::Wbxml, &session.first().unwrap().body).unwrap();
    let theirs = Message::decode(Syntax::Wbxml, &vectors::read(&folder, "ldm-pkg1-wbxml", "wbxml")).unwrap();
    assert!(ours.header.cred == theirs.header.cred);
    let reply = vectors::read(&folder, "fnbl-pkg2-get-wbxml", "wbxml");
    let Next::Send(request) = session.on_reply("application/vnd.syncml+wbxml", &reply).unwrap() else {
        panic!()
    };
    let ours = Server::new(Syntax::Wbxml, &request);
    assert_eq!(ours.statuses(), ["SyncHdr 401", "Get ./DevDetail/FwV 401", "Get ./DevInfo/DevId 401"]);
    assert!(ours.challenged_with().is_some() && ours.results().is_empty());
    let theirs = vectors::read(&folder, "ldm-pkg3-servercred-401-wbxml", "wbxml");
    let theirs = Message::decode(Syntax::Wbxml, &theirs).unwrap();
    assert_eq!(ours.heard.header.msg_id, theirs.header.msg_id);
    assert_eq!(ours.heard.header.target, theirs.header.target);
    // The second message of that server, which never saw our challenge, does not help it.
    let reply = vectors::read(&folder, "fnbl-pkg2-retry-wbxml", "wbxml");
    let Next::Done(outcome) = session.on_reply("application/vnd.syncml+wbxml", &reply).unwrap() else {
        panic!()
    };
    assert_eq!(outcome.end, End::ServerNotAuthenticated);
}
