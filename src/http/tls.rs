//! TLS of a listener (RFC 8446 and RFC 5246: versions 1.3 and 1.2), with the provider `ring` named outright, so that it
//! does not matter what else the program links.

use std::{
    io::{Error, ErrorKind},
    path::Path,
    sync::Arc,
};

use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
        server::WebPkiClientVerifier,
    },
};

use crate::app::config::Tls;

/// What takes TLS connections, from the files of the configuration.
///
/// A client certificate may be missing, because an initiator may show who it is by other means; one that is shown must
/// come from those of `tls-client-ca`.
///
/// # Errors
/// With the file and what is wrong with it.
pub(super) fn acceptor(files: &Tls) -> std::io::Result<TlsAcceptor> {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| wrong(&files.certificate, "cannot be used", e))?;
    let builder = match &files.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path)? {
                roots
                    .add(certificate)
                    .map_err(|e| wrong(path, "holds a certificate that nobody can be known by", e))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = verifier.allow_unauthenticated().build();
            builder.with_client_cert_verifier(verifier.map_err(|e| wrong(path, "cannot be used", e))?)
        }
    };
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|e| wrong(&files.key, "is no private key in PEM", e))?;
    let chain = certificates(&files.certificate)?;
    let config = builder.with_single_cert(chain, key);
    let mut config = config.map_err(|e| wrong(&files.certificate, "does not go with the key", e))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn certificates(path: &Path) -> std::io::Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let all = read.map_err(|e| wrong(path, "holds no certificates in PEM", e))?;
    match all.is_empty() {
        true => Err(wrong(path, "holds no certificates in PEM", "there is none")),
        false => Ok(all),
    }
}

fn wrong(path: &Path, what: &str, why: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidInput, format!("{}: {what}: {why}", path.display()))
}
