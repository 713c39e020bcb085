//! The stream under an SMTP connection: TCP without Nagle's algorithm, encrypted wherever it leaves this machine.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use lettre::transport::smtp::client::AsyncTokioStream;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The longest reply before encryption.
const MAX_REPLY: usize = 16 * 1024;

/// After STARTTLS a server greets no more; lettre expects it to.
const GREETING: &[u8] = b"220 encrypted\r\n";

/// How a connection is protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Security {
    /// `smtp://`: STARTTLS, or the connection is given up; plain text to this machine alone.
    StartTlsOffHost,
    /// `smtp+starttls://`: STARTTLS, or the connection is given up.
    StartTls,
    /// `smtps://`: encrypted from the first byte.
    Tls,
}

impl Security {
    /// Whether to say STARTTLS to this peer.
    pub(super) fn starts_tls(self, peer: SocketAddr) -> bool {
        match self {
            Self::StartTlsOffHost => !peer.ip().to_canonical().is_loopback(),
            Self::StartTls => true,
            Self::Tls => false,
        }
    }
}

/// A stream that lettre can speak over.
#[derive(Debug)]
pub(super) struct Wire {
    inner: Inner,
    peer: SocketAddr,
    /// What is read before anything from the network.
    ahead: &'static [u8],
}

#[derive(Debug)]
enum Inner {
    Plain(TcpStream),
    Encrypted(Box<TlsStream<TcpStream>>),
}

/// Connects and encrypts. What comes back expects an SMTP client to read the greeting.
pub(super) async fn connect(
    host: &str,
    port: u16,
    security: Security,
    hello: &str,
    tls: &Arc<ClientConfig>,
) -> Result<Wire, String> {
    let mut tcp = TcpStream::connect((host, port)).await.map_err(|error| error.to_string())?;
    // With it, every mail would wait for the receiver's delayed acknowledgement: 44 ms, measured.
    tcp.set_nodelay(true).map_err(|error| error.to_string())?;
    let peer = tcp.peer_addr().map_err(|error| error.to_string())?;
    let starts_tls = security.starts_tls(peer);
    if !starts_tls && security != Security::Tls {
        return Ok(Wire { inner: Inner::Plain(tcp), peer, ahead: b"" });
    }
    if starts_tls {
        start_tls(&mut tcp, hello).await?;
    }
    let name =
        ServerName::try_from(host.to_owned()).map_err(|_| format!("`{host}` is not a name for a certificate"))?;
    let encrypted = TlsConnector::from(Arc::clone(tls)).connect(name, tcp).await;
    let encrypted = encrypted.map_err(|error| format!("the encryption failed: {error}"))?;
    Ok(Wire { inner: Inner::Encrypted(Box::new(encrypted)), peer, ahead: if starts_tls { GREETING } else { b"" } })
}

/// Who may vouch for a mail server: the public roots, and those of a PEM file.
pub(in crate::send) fn trust(extra_pem: Option<&[u8]>) -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for certificate in extra_pem.into_iter().flat_map(CertificateDer::pem_slice_iter) {
        let certificate = certificate.map_err(|error| format!("the certificates cannot be read: {error}"))?;
        roots.add(certificate).map_err(|error| format!("a certificate cannot be used: {error}"))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| error.to_string())?.with_root_certificates(roots).with_no_client_auth();
    Ok(Arc::new(config))
}

/// Speaks up to STARTTLS. Whoever sits between could slip in replies that would count as encrypted: more than one reply at a
/// time ends it.
async fn start_tls(tcp: &mut TcpStream, hello: &str) -> Result<(), String> {
    expect(tcp, "220").await?;
    tcp.write_all(format!("EHLO {hello}\r\n").as_bytes()).await.map_err(|error| error.to_string())?;
    let offers = expect(tcp, "250").await?;
    let mut words = offers.lines().map(|line| line.get(4..).unwrap_or_default().trim());
    if !words.any(|word| word.eq_ignore_ascii_case("STARTTLS")) {
        return Err("the server does not offer STARTTLS, and mail leaves this machine only encrypted".to_owned());
    }
    tcp.write_all(b"STARTTLS\r\n").await.map_err(|error| error.to_string())?;
    expect(tcp, "220").await.map(|_| ())
}

async fn expect(tcp: &mut TcpStream, code: &str) -> Result<String, String> {
    let mut reply = Vec::new();
    loop {
        let mut chunk = [0; 1024];
        let read = tcp.read(&mut chunk).await.map_err(|error| error.to_string())?;
        if read == 0 {
            return Err("the server closed the connection".to_owned());
        }
        reply.extend_from_slice(chunk.get(..read).unwrap_or_default());
        if reply.len() > MAX_REPLY {
            return Err("the server's reply is too long".to_owned());
        }
        let text = String::from_utf8_lossy(&reply);
        let Some(lines) = text.strip_suffix('\n') else { continue };
        let mut lines = lines.lines();
        let is_last = |line: &str| line.as_bytes().get(3) != Some(&b'-');
        match lines.find(|line| is_last(line)) {
            None => {}
            Some(_) if lines.next().is_some() => return Err("the server said more than it was asked".to_owned()),
            Some(last) if last.starts_with(code) => return Ok(text.into_owned()),
            Some(last) => return Err(last.to_owned()),
        }
    }
}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.ahead.is_empty() {
            let ahead = self.ahead;
            let (now, later) = ahead.split_at_checked(buf.remaining()).unwrap_or((ahead, b""));
            buf.put_slice(now);
            self.ahead = later;
            return Poll::Ready(Ok(()));
        }
        match &mut self.inner {
            Inner::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Inner::Encrypted(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.inner {
            Inner::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Inner::Encrypted(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.inner {
            Inner::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Inner::Encrypted(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.inner {
            Inner::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Inner::Encrypted(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
