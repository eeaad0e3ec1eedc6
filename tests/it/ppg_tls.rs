//! The gateway over HTTPS on a listener of its own, with initiators that show who they are by certificates.

use std::{
    io::{BufRead as _, BufReader},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use bootgate::{
    app::{App, OsRandom, SystemClock, config::Config},
    bearer::ppg::CredentialDigest,
    http,
    ident::Token,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

use crate::{
    peers::{Process, program},
    ppg_http,
    ppg_peers::Site,
};

const QUERY: &[u8] = b"<pap><statusquery-message push-id=\"none\"/></pap>";
const XML: &str = "Content-Type: application/xml";

/// A certificate with its key, as PEM, and its digest.
struct Identity {
    certificate: String,
    key: String,
    digest: String,
}

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // OpenSSL takes a certificate for self-signed when it has the name of its issuer.
    params.distinguished_name.push(DnType::CommonName, "authority of a test");
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn identity(name: &str, of: &Authority) -> Identity {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    let certificate = params.signed_by(&key, of).unwrap();
    let hex = CredentialDigest::of(certificate.der());
    let digest: String = hex.octets().iter().map(|octet| format!("{octet:02x}")).collect();
    Identity { certificate: certificate.pem(), key: key.serialize_pem(), digest }
}

fn client(
    address: std::net::SocketAddr,
    ca: &Authority,
    identity: Option<&Identity>,
) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(ca.der().clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
    let config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let chain = vec![CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap()];
            let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    };
    let connection = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    StreamOwned::new(connection, TcpStream::connect(address).unwrap())
}

fn config(dir: &Path, server: &Identity, ca: &Authority, initiator: &Identity) -> Config {
    for (name, text) in [("server.pem", &server.certificate), ("key.pem", &server.key), ("ca.pem", &ca.pem())]
    {
        std::fs::write(dir.join(name), text).unwrap();
    }
    let ppg = format!(
        "listen = \"127.0.0.1:0\"\ntls-certificate = \"server.pem\"\ntls-key = \"key.pem\"\ntls-client-ca = \"ca.pem\"\n\
         [[ppg.initiator]]\nname = \"by-certificate\"\ncertificate = \"sha256:{}\"\n",
        initiator.digest
    );
    ppg_http::config(dir, "header-timeout = \"500ms\"", &ppg)
}

#[test]
fn certificates_say_who_an_initiator_is() {
    let (ca, other_ca) = (authority(), authority());
    let (server, known) = (identity("localhost", &ca), identity("pi", &ca));
    let (unknown, stranger) = (identity("pi", &ca), identity("pi", &other_ca));
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let address = runtime.block_on(async {
        let config = config(dir.path(), &server, &ca, &known);
        let app = App::in_memory(config, Arc::new(SystemClock), Arc::new(OsRandom));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(http::serve_gateway(listener, app, std::future::pending()));
        address
    });
    // Somebody who never shakes hands holds nobody up.
    let silent = TcpStream::connect(address).unwrap();
    let ask = |identity: Option<&Identity>, fields: &[&str]| {
        ppg_http::exchange(client(address, &ca, identity), fields, QUERY).status
    };
    assert_eq!(ask(Some(&known), &[XML]), 202);
    assert_eq!(ask(Some(&unknown), &[XML]), 401);
    assert_eq!(ask(None, &[XML]), 401);
    assert_eq!(ask(None, &[XML, "Authorization: Basic cGk6c2VjcmV0"]), 202);
    // One that comes from elsewhere ends the connection, and so does plain HTTP.
    assert_eq!(ask(Some(&stranger), &[XML, "Authorization: Basic cGk6c2VjcmV0"]), 0);
    assert_eq!(ppg_http::exchange(TcpStream::connect(address).unwrap(), &[XML], QUERY).status, 0);
    assert_eq!(ppg_http::read_answer(silent).status, 0);
}

#[test]
fn files_that_do_not_do_are_named() {
    let (ca, dir) = (authority(), tempfile::tempdir().unwrap());
    let (server, other) = (identity("localhost", &ca), identity("pi", &ca));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for (file, text) in [("key.pem", "no key"), ("key.pem", &other.key), ("server.pem", ""), ("ca.pem", "x")]
    {
        let config = config(dir.path(), &server, &ca, &other);
        std::fs::write(dir.path().join(file), text).unwrap();
        let app = App::in_memory(config, Arc::new(SystemClock), Arc::new(OsRandom));
        let error = runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            http::serve_gateway(listener, app, std::future::pending()).await.unwrap_err()
        });
        let named = if text == other.key { "server.pem" } else { file };
        assert!(error.to_string().contains(named), "{error}");
    }
}

/// Certificates in a folder: `ca.pem`, `other.pem`, and `NAME.pem` with `NAME.key` and both in `NAME.both` for each name.
fn folder_with(ca: &Authority, names: &[&str]) -> (tempfile::TempDir, Vec<Identity>) {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: String, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("ca.pem".into(), &ca.pem());
    write("other.pem".into(), &authority().pem());
    let all = names.iter().map(|name| {
        let made = identity(if *name == "server" { "localhost" } else { name }, ca);
        write(format!("{name}.pem"), &made.certificate);
        write(format!("{name}.key"), &made.key);
        write(format!("{name}.both"), &format!("{}{}", made.certificate, made.key));
        made
    });
    let all = all.collect();
    (folder, all)
}

/// `push send` of a small push, in the folder with the certificates.
fn send(folder: &Path, url: &str, more: &[&str], trusted: Option<&str>) -> (i32, String) {
    std::fs::write(folder.join("si.wbxml"), [2, 5, 0x6A, 0]).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootgate"));
    command.args(["push", "send", "--ppg", url, "--ppg-kind", "bootgate", "--to", "+491711234567"]);
    command.args(["--file", "si.wbxml", "--content-type", "application/vnd.wap.sic"]).args(more);
    command.current_dir(folder).env("PW", "secret");
    if let Some(trusted) = trusted {
        command.env("SSL_CERT_FILE", folder.join(trusted)).env_remove("SSL_CERT_DIR");
    }
    let done = command.output().unwrap();
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    (done.status.code().unwrap(), text(&done.stdout) + &text(&done.stderr))
}

#[test]
fn our_initiators_and_pythons_push_over_https_and_are_told_over_https() {
    let ca = authority();
    let (folder, made) = folder_with(&ca, &["server", "pi"]);
    let hear = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let ppg = format!(
        "listen = \"127.0.0.1:0\"\ntls-certificate = \"server.pem\"\ntls-key = \"server.key\"\ntls-client-ca = \"ca.pem\"\n\
         notify-hosts = \"localhost:{hear}\"\nnotify-ca = \"ca.pem\"\nretry = \"100ms\"\n\
         [[ppg.initiator]]\nname = \"by-certificate\"\ncertificate = \"sha256:{}\"\n",
        made[1].digest
    );
    let site = Site::start_in(folder, "", &ppg);
    let folder = site.folder.path();
    let url = site.url.replace("127.0.0.1", "localhost");
    assert!(url.starts_with("https://"), "{url}");
    // By the certificate authority that is named, and by a certificate of its own.
    let own = ["--tls-ca", "ca.pem", "--tls-certificate", "pi.pem", "--tls-key", "pi.key", "--wait"];
    let (exit, said) = send(folder, &url, &own, None);
    assert!(exit == 0 && said.contains("delivered"), "{said}");
    // By what the system trusts, and a password.
    let password = ["--user", "pi", "--password", "env:PW"];
    let (exit, said) = send(folder, &url, &password, Some("ca.pem"));
    assert!(exit == 0 && said.contains("1001"), "{said}");
    // A gateway that nobody trusts is told nothing: neither push nor password.
    for (more, trusted) in
        [(&password[..], Some("other.pem")), (&[&password[..], &["--tls-ca", "other.pem"]].concat(), None)]
    {
        let (exit, said) = send(folder, &url, more, trusted);
        assert!(exit == 69 && said.contains("certificate"), "{exit}: {said}");
    }
    let (exit, said) = send(folder, &url, &["--tls-ca", "missing.pem"], None);
    assert!(exit == 2 && said.contains("missing.pem"), "{exit}: {said}");
    // Python's client, told the result under TLS.
    let told = format!("https://localhost:{hear}/told");
    let actions = serde_json::json!([
        {"do": "push", "id": "tls@py", "to": ["491711111111"], "attributes": {"ppg-notify-requested-to": told}},
        {"do": "heard", "count": 1},
    ]);
    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (ca, both, server) = (at("ca.pem"), at("pi.both"), at("server.both"));
    let hear = hear.to_string();
    let got = site.python_at(
        &url,
        &actions,
        &["--ca", &ca, "--own", &both, "--hear", &hear, "--hear-tls", &server],
    );
    assert_eq!(got[0]["code"], 1001, "{}", got[0]);
    assert_eq!(got[1]["heard"][0]["elements"][0]["message-state"], "delivered", "{}", got[1]);
}

#[test]
fn a_gateway_of_others_under_tls_asks_for_our_certificate() {
    let (folder, _) = folder_with(&authority(), &["server", "pi"]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/peers/tls_ppg.py");
    let mut command = Command::new(program("python3", "python3"));
    command.arg(script).args(["server.pem", "server.key", "ca.pem"]).current_dir(folder.path());
    let mut foreign = Process::start("tls_ppg.py", command.stdout(Stdio::piped()));
    let mut lines = BufReader::new(foreign.child().stdout.take().unwrap()).lines();
    let url = format!("https://localhost:{}/wappush", lines.next().unwrap().unwrap());
    let own = ["--tls-ca", "ca.pem", "--tls-certificate", "pi.pem", "--tls-key", "pi.key"];
    let (exit, said) = send(folder.path(), &url, &own, None);
    assert!(exit == 0 && said.contains("1001"), "{said}");
    let request: serde_json::Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!((&request["client"], &request["path"]), (&"pi".into(), &"/wappush".into()));
    let fields: Vec<&str> = request["fields"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["Connection", "Content-Length", "Content-Type", "Host"], "no field too many");
    // Without it the gateway gives no answer; the same from the configuration.
    let (exit, said) = send(folder.path(), &url, &["--tls-ca", "ca.pem"], None);
    assert!(exit != 0 && !said.contains("1001"), "{exit}: {said}");
    let config = format!(
        "[[push.gateway]]\nname = \"op\"\nkind = \"bootgate\"\nurl = \"{url}\"\ntls-ca = \"ca.pem\"\ntls-certificate = \"pi.pem\"\ntls-key = \"pi.key\"\n"
    );
    let below = folder.path().join("below");
    std::fs::create_dir(&below).unwrap();
    std::fs::write(folder.path().join("site.toml"), config).unwrap();
    std::fs::write(below.join("si.wbxml"), [2, 5, 0x6A, 0]).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootgate"));
    command.args(["push", "send", "--gateway", "op", "--to", "+491711234567", "--file", "si.wbxml"]);
    command.args(["--content-type", "application/vnd.wap.sic", "--config", "../site.toml"]);
    let done = command.current_dir(below).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn an_smsc_under_tls_is_shown_our_certificate() {
    let (folder, _) = folder_with(&authority(), &["server", "pi"]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/peers/tls_front.py");
    let mut fronts = Vec::new();
    let mut front = |folder: &Path, smsc: &str| {
        let (host, port) = smsc.rsplit_once(':').unwrap();
        let mut command = Command::new(program("python3", "python3"));
        command.arg(&script).args(["server.pem", "server.key", "ca.pem", host, port]).current_dir(folder);
        let mut process = Process::start("tls_front.py", command.stdout(Stdio::piped()));
        let mut line = String::new();
        BufReader::new(process.child().stdout.take().unwrap()).read_line(&mut line).unwrap();
        fronts.push(process);
        line.trim().to_owned()
    };
    let inside = folder.path().to_owned();
    // Paths count from the file that says them.
    let site = Site::start_over(folder, "", "", |smsc| {
        let port = front(&inside, smsc);
        format!(
            "address = \"localhost:{port}\"\ntls-ca = \"ca.pem\"\ntls-certificate = \"pi.pem\"\ntls-key = \"pi.key\""
        )
    });
    let push = serde_json::json!([
        {"do": "push", "id": "tls@py", "to": ["491711111111"]},
        {"do": "until", "id": "tls@py", "state": "delivered"},
    ]);
    let got = site.python(&push, &[]);
    assert_eq!(got[1]["elements"][1]["message-state"], "delivered", "{}", got[1]);

    // Without a certificate of ours it never stands.
    let (folder, _) = folder_with(&authority(), &["server"]);
    let inside = folder.path().to_owned();
    let site = Site::start_over(folder, "", "", |smsc| {
        let port = front(&inside, smsc);
        format!("address = \"localhost:{port}\"\ntls-ca = \"ca.pem\"")
    });
    let push = serde_json::json!([
        {"do": "push", "id": "tls@py", "to": ["491711111111"]},
        {"do": "status", "id": "tls@py"},
    ]);
    let got = site.python(&push, &[]);
    assert_eq!(got[1]["elements"][1]["message-state"], "pending", "{}", got[1]);
}

#[test]
fn a_pin_is_told_over_https_alone() {
    let (folder, _) = folder_with(&authority(), &["server"]);
    let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (hear, nobody) = (free().port(), free());
    let token = Token::generate(&OsRandom);
    std::fs::write(folder.path().join("pins.token"), "Marked-token\n").unwrap();
    let chain = folder.path().join("server.both").to_str().unwrap().to_owned();
    let lines = format!(
        "[job]\npin-webhook = \"https://localhost:{hear}/pins\"\npin-webhook-token = \"pins.token\"\n\
         [[api.token]]\nname = \"pipeline\"\ndigest = \"{}\"\n",
        token.digest()
    );
    let site = Site::start_over(folder, &lines, "", |_| format!("address = \"{nobody}\""));
    let profile = include_str!("../../config/profiles/consumer-phone.toml");
    let security = "method = \"userpin\"\npin-length = 9\npin-channel = \"webhook\"";
    let request = serde_json::json!({
        "key": "k", "route": "push", "payload": "cp",
        "profile-toml": profile.replace("method = \"usernetwpin\"", security),
        "subscriber": {"imsi": "262011234567890", "imei": "490154203237518", "msisdn": "491711234567"},
    });
    let url = site.url.replace("/pap", "/api/v1/jobs");
    let told = std::thread::scope(|scope| {
        let port = hear.to_string();
        let actions = serde_json::json!([{"do": "heard", "count": 1}]);
        let (site, chain) = (&site, &chain);
        let listening = scope.spawn(move || site.python(&actions, &["--hear", &port, "--hear-tls", chain]));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let status = runtime.block_on(async {
            let post = reqwest::Client::new().post(url).bearer_auth(token.expose());
            let post = post.header("content-type", "application/json").body(request.to_string());
            post.send().await.unwrap().status()
        });
        assert_eq!(status, 201);
        listening.join().unwrap().remove(0)
    });
    let heard = &told["heard"][0];
    assert_eq!(heard["authorization"], "Bearer Marked-token");
    assert_eq!((&heard["note"]["key"], &heard["note"]["msisdn"]), (&"k".into(), &"491711234567".into()));
    let pin = heard["note"]["user-pin"].as_str().unwrap();
    assert!(pin.len() == 9 && pin.bytes().all(|b| b.is_ascii_digit()), "{pin}");
}
