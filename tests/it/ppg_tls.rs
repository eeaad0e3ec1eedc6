//! The gateway over HTTPS on a listener of its own, with initiators that show who they are by certificates.

use std::{net::TcpStream, path::Path, sync::Arc};

use bootgate::{
    app::{App, OsRandom, SystemClock, config::Config},
    bearer::ppg::CredentialDigest,
    http,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

use crate::ppg_http;

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
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn identity(name: &str, of: &Authority) -> Identity {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, of).unwrap();
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
