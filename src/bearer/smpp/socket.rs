//! One connection to an SMSC, TCP or TLS over it, as a task: octets go both ways until one side has enough.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
    },
};

/// Octets that are read at once.
const CHUNK: usize = 16 * 1024;

/// Writes that may wait for an SMSC that does not read.
pub(super) const WAITING: usize = 1_024;

/// Where an SMSC listens.
#[derive(Debug, Clone)]
pub struct SmscAddress {
    /// Name or address, and port.
    pub address: Arc<str>,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// TLS from the first octet; none for a connection in clear.
    pub tls: Option<Tls>,
}

/// TLS towards an SMSC: there is no port and no STARTTLS for it, both sides just begin with it (sheet, 3.3).
#[derive(Clone)]
pub struct Tls {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

/// Files for TLS towards an SMSC, all in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificates that the SMSC's must come from.
    pub ca: PathBuf,
    /// The name that its certificate must be for.
    pub name: String,
    /// Our certificate and its key, where the SMSC asks for one.
    pub own: Option<(PathBuf, PathBuf)>,
}

impl Tls {
    /// Reads the files. The provider `ring` is named outright, so that it does not matter what else the program links.
    ///
    /// # Errors
    /// With the file and what is wrong with it.
    pub fn open(files: &TlsFiles) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&files.ca)? {
            roots.add(certificate).map_err(|e| wrong(&files.ca, e))?;
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots);
        let config = match &files.own {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let own = PrivateKeyDer::from_pem_file(key).map_err(|e| wrong(key, e))?;
                builder
                    .with_client_auth_cert(certificates(certificate)?, own)
                    .map_err(|e| wrong(certificate, e))?
            }
        };
        let name = ServerName::try_from(files.name.clone())
            .map_err(|e| io::Error::other(format!("the name of the SMSC: {e}")))?;
        Ok(Self { config: Arc::new(config), name })
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

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tls({:?})", self.name)
    }
}

/// What comes of a connection. Each life of each connection has a number of its own, so that late news is known as such.
#[derive(Debug)]
pub(super) enum News {
    Opened { at: usize, life: u64 },
    Octets { at: usize, life: u64, octets: Bytes },
    Lost { at: usize, life: u64, why: io::Error },
}

/// Opens connection `at` and serves it until it breaks, or until the other end of `writes` is dropped and all is written.
pub(super) async fn run(
    address: SmscAddress,
    (at, life): (usize, u64),
    news: mpsc::Sender<News>,
    mut writes: mpsc::Receiver<Bytes>,
) {
    let opened = match tokio::time::timeout(address.connect_timeout, open(&address)).await {
        Ok(opened) => opened,
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "no connection in time")),
    };
    let stream = match opened {
        Ok(stream) => stream,
        Err(why) => return drop(news.send(News::Lost { at, life, why }).await),
    };
    if news.send(News::Opened { at, life }).await.is_err() {
        return;
    }
    if let Err(why) = serve(stream, (at, life), &news, &mut writes).await {
        drop(news.send(News::Lost { at, life, why }).await);
    }
}

/// A stream in clear or under TLS.
trait Octets: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Octets for T {}

async fn open(address: &SmscAddress) -> io::Result<Box<dyn Octets>> {
    let stream = TcpStream::connect(&*address.address).await?;
    stream.set_nodelay(true)?;
    match &address.tls {
        None => Ok(Box::new(stream)),
        Some(tls) => {
            let connector = TlsConnector::from(Arc::clone(&tls.config));
            Ok(Box::new(connector.connect(tls.name.clone(), stream).await?))
        }
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite,
    (at, life): (usize, u64),
    news: &mpsc::Sender<News>,
    writes: &mut mpsc::Receiver<Bytes>,
) -> io::Result<()> {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let reading = async {
        let mut buffer = BytesMut::new();
        loop {
            buffer.reserve(CHUNK);
            if reader.read_buf(&mut buffer).await? == 0 {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the SMSC closed the connection"));
            }
            // Nobody wants it any more: the writing side ends as well.
            if news.send(News::Octets { at, life, octets: buffer.split().freeze() }).await.is_err() {
                return Ok(());
            }
        }
    };
    let writing = async {
        let mut waiting = Vec::new();
        let mut joined = BytesMut::new();
        while writes.recv_many(&mut waiting, WAITING).await > 0 {
            for octets in waiting.drain(..) {
                joined.extend_from_slice(&octets);
            }
            writer.write_all(&joined).await?;
            joined.clear();
        }
        writer.shutdown().await
    };
    tokio::select! {
        ended = reading => ended,
        ended = writing => ended,
    }
}
