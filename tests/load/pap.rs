//! A client of PAP over HTTP that keeps its connections, written by hand: nothing of the gateway's is in it, and it costs
//! little, so that it is never what is measured.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Where pushes are posted, and as whom.
#[derive(Debug, Clone)]
pub struct Target {
    pub path: &'static str,
    /// The value of `Authorization`.
    pub authorization: &'static str,
}

/// One connection at a time, opened when it is needed.
pub struct Client {
    target: Target,
    stream: Option<(SocketAddr, TcpStream)>,
    buffer: Vec<u8>,
}

/// `Content-Type` of a push.
pub const PUSH: &str = "multipart/related; boundary=mime; type=\"application/xml\"";
/// `Content-Type` of everything else.
pub const XML: &str = "application/xml";

impl Client {
    pub fn new(target: &Target) -> Self {
        Self { target: target.clone(), stream: None, buffer: Vec::new() }
    }

    /// Posts, and gives back the body of the answer.
    ///
    /// # Errors
    /// When there was no whole answer: what was posted may have been taken or not.
    pub async fn post(&mut self, at: SocketAddr, content_type: &str, body: &str) -> io::Result<&str> {
        let mut stream = match self.stream.take() {
            Some((open, stream)) if open == at => stream,
            _ => TcpStream::connect(at).await?,
        };
        stream.set_nodelay(true)?;
        let Target { path, authorization } = self.target;
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\nContent-Type: {content_type}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await?;
        self.buffer.clear();
        let (start, keeps) = loop {
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&self.buffer[..end]).to_ascii_lowercase();
                let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
                let length: usize = field("content-length:").and_then(|n| n.parse().ok()).unwrap_or(0);
                let keeps = field("connection:") != Some("close");
                while self.buffer.len() < end + 4 + length {
                    self.more(&mut stream).await?;
                }
                break (end + 4, keeps);
            }
            self.more(&mut stream).await?;
        };
        if keeps {
            self.stream = Some((at, stream));
        }
        std::str::from_utf8(&self.buffer[start..]).map_err(io::Error::other)
    }

    async fn more(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        match stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// The body of a push of so many octets to the `n`-th number, with the id `n@load`.
pub fn push(n: u32, octets: usize) -> String {
    format!(
        "--mime\r\nContent-Type: application/xml\r\n\r\n<?xml version=\"1.0\"?>\n\
         <!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP 1.0//EN\" \"http://www.wapforum.org/DTD/pap_1.0.dtd\">\n\
         <pap><push-message push-id=\"{n}@load\"><address address-value=\"WAPPUSH=+{}/TYPE=PLMN@ppg\"/>\
         </push-message></pap>\r\n\
         --mime\r\nContent-Type: application/vnd.wap.sic\r\n\r\n{:x>octets$}\r\n--mime--\r\n",
        number(n),
        ""
    )
}

/// The `n`-th number.
pub fn number(n: u32) -> String {
    format!("49171{n:07}")
}

/// Octets of a push that goes in so many segments (128 octets in each of several, section 5 of the sheet).
pub fn octets(segments: usize) -> usize {
    match segments {
        1 => 6,
        several => 128 * several - 40,
    }
}

/// The code of an answer.
pub fn code(answer: &str) -> Option<u16> {
    let rest = answer.split_once("code")?.1.trim_start_matches([' ', '=']);
    rest.trim_start_matches(['"', '\'']).get(..4)?.parse().ok()
}

/// The value of an attribute of an answer.
pub fn attribute<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = answer.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}
