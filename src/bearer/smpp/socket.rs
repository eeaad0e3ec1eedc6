//! One connection to an SMSC, TCP or TLS over it, as a task: octets go both ways until one side has enough.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
};
use tokio_rustls::rustls::pki_types::ServerName;

use crate::bearer::tls::{ClientFiles, ClientTls, Octets};

/// Octets that are read at once.
const CHUNK: usize = 16 * 1024;

/// Writes that may wait for an SMSC that does not read.
pub(super) const WAITING: usize = 1_024;

/// How long an SMSC may take no octet of what is written: then its connection is lost.
const STUCK: Duration = Duration::from_secs(60);

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
    client: ClientTls,
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
    /// Reads the files.
    ///
    /// # Errors
    /// With the file and what is wrong with it.
    pub fn open(files: &TlsFiles) -> io::Result<Self> {
        let TlsFiles { ca, name, own } = files;
        let client = ClientTls::open(&ClientFiles { ca: Some(ca.clone()), own: own.clone() })?;
        let name = ServerName::try_from(name.clone())
            .map_err(|e| io::Error::other(format!("the name of the SMSC: {e}")))?;
        Ok(Self { client, name })
    }
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

async fn open(address: &SmscAddress) -> io::Result<Box<dyn Octets>> {
    let stream = TcpStream::connect(&*address.address).await?;
    stream.set_nodelay(true)?;
    match &address.tls {
        None => Ok(Box::new(stream)),
        Some(tls) => tls.client.connect(&tls.name, stream).await,
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
            while joined.has_remaining() {
                if within(STUCK, writer.write_buf(&mut joined)).await? == 0 {
                    return Err(io::ErrorKind::WriteZero.into());
                }
            }
            // What TLS holds back.
            within(STUCK, writer.flush()).await?;
        }
        within(STUCK, writer.shutdown()).await
    };
    tokio::select! {
        ended = reading => ended,
        ended = writing => ended,
    }
}

async fn within<T>(limit: Duration, writing: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let stuck = |_| io::Error::new(io::ErrorKind::TimedOut, "the SMSC reads nothing of what is written");
    tokio::time::timeout(limit, writing).await.map_err(stuck).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It must end by itself: the machine opens the next connection, and would leave one behind each time.
    #[tokio::test(start_paused = true)]
    async fn a_connection_ends_whose_other_side_never_reads() {
        let (ours, theirs) = tokio::io::duplex(64);
        let (news, mut told) = mpsc::channel(1);
        let (to, mut writes) = mpsc::channel(WAITING);
        let serving = tokio::spawn(async move { serve(ours, (0, 1), &news, &mut writes).await });
        to.send(Bytes::from_static(&[7; 100])).await.unwrap();
        drop(to);
        let begun = tokio::time::Instant::now();
        let ended = serving.await.unwrap().unwrap_err();
        assert_eq!((ended.kind(), begun.elapsed()), (io::ErrorKind::TimedOut, STUCK));
        assert!(told.recv().await.is_none());
        drop(theirs);
    }

    /// One that reads slowly is not cut off.
    #[tokio::test(start_paused = true)]
    async fn a_connection_stays_whose_other_side_reads_slowly() {
        let (ours, mut theirs) = tokio::io::duplex(1);
        let (news, _told) = mpsc::channel(1);
        let (to, mut writes) = mpsc::channel(WAITING);
        let serving = tokio::spawn(async move { serve(ours, (0, 1), &news, &mut writes).await });
        to.send(Bytes::from_static(b"submit")).await.unwrap();
        drop(to);
        let mut read = Vec::new();
        for _ in 0..6 {
            tokio::time::sleep(STUCK * 3 / 4).await;
            read.push(theirs.read_u8().await.unwrap());
        }
        assert_eq!(read, b"submit");
        serving.await.unwrap().unwrap();
    }
}
