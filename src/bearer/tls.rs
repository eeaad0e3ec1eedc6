//! TLS as a client (RFC 8446 and RFC 5246: versions 1.3 and 1.2): towards SMSCs, gateways of others, and initiators that are
//! told results. The provider `ring` is named outright, so that it does not matter what else the program links.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
    },
};

/// Files of a TLS client, all in PEM.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientFiles {
    /// Certificates that the server's must come from; none for those that the system trusts.
    pub ca: Option<PathBuf>,
    /// Our certificate and its key, for servers that ask for one.
    pub own: Option<(PathBuf, PathBuf)>,
}

/// Whom we trust, and who we are.
#[derive(Clone)]
pub struct ClientTls(Arc<ClientConfig>);

/// A stream in clear or under TLS.
pub(super) trait Octets: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Octets for T {}

impl ClientFiles {
    /// True when nothing is said: the system's trust, and no certificate of our own.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl ClientTls {
    /// Reads the files.
    ///
    /// # Errors
    /// With the file and what is wrong with it.
    pub fn open(files: &ClientFiles) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        match &files.ca {
            Some(path) => {
                for certificate in certificates(path)? {
                    roots.add(certificate).map_err(|e| wrong(path, e))?;
                }
            }
            None => {
                // Those of the system that cannot be read or used are passed over, as its other programs do.
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                if roots.is_empty() {
                    let why = "the system trusts no certificate authority (/etc/ssl/certs, SSL_CERT_FILE); name a file of them";
                    return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
                }
            }
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots);
        let config = match &files.own {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let own = PrivateKeyDer::from_pem_file(key).map_err(|e| wrong(key, e))?;
                let chain = certificates(certificate)?;
                builder.with_client_auth_cert(chain, own).map_err(|e| wrong(certificate, e))?
            }
        };
        Ok(Self(Arc::new(config)))
    }

    /// What the system trusts, read once.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(super) fn system() -> io::Result<Self> {
        static SYSTEM: OnceLock<ClientTls> = OnceLock::new();
        match SYSTEM.get() {
            Some(tls) => Ok(tls.clone()),
            None => Self::open(&ClientFiles::default()).map(|tls| SYSTEM.get_or_init(|| tls).clone()),
        }
    }

    /// Shakes hands with the server of that name (or address) on `stream`.
    pub(super) async fn connect(
        &self,
        name: &ServerName<'static>,
        stream: impl Octets + 'static,
    ) -> io::Result<Box<dyn Octets>> {
        let connector = TlsConnector::from(Arc::clone(&self.0));
        Ok(Box::new(connector.connect(name.clone(), stream).await?))
    }
}

impl PartialEq for ClientTls {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for ClientTls {}

impl std::fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientTls")
    }
}

fn certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let all = read.map_err(|e| wrong(path, e))?;
    if all.is_empty() { Err(wrong(path, "no certificate in PEM is in it")) } else { Ok(all) }
}

fn wrong(path: &Path, why: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("{}: {why}", path.display()))
}
