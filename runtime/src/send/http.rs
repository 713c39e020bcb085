//! A small HTTP client for calls of other systems: one request a connection, nothing followed, everything bounded.
//!
//! Addresses of this machine and of private networks are refused unless the project allows them, so that nobody who can
//! write a journey's data reaches into the house (server-side request forgery). A name is resolved once and the
//! connection goes to the address that was looked at. Plain HTTP goes to private addresses alone.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::Verdict;
use super::smtp::trust;

/// The largest answer that is read: 256 KiB.
pub const MAX_ANSWER: usize = 256 * 1024;

/// How much of a refusal is told, in characters.
const SHOWN: usize = 120;

/// How long connecting to one address may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// A client.
#[derive(Clone)]
pub struct HttpClient {
    tls: Arc<ClientConfig>,
    allow_private: bool,
}

impl std::fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpClient").field("allow_private", &self.allow_private).finish_non_exhaustive()
    }
}

/// What the other side said.
#[derive(Debug)]
pub struct HttpAnswer {
    /// The status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl HttpAnswer {
    /// What an answer means that is no success: whether another attempt may go better, and when.
    pub(super) fn refusal(&self) -> Verdict {
        let text = String::from_utf8_lossy(&self.body);
        let text: String = text.chars().filter(|c| !c.is_control()).take(SHOWN).collect();
        let status = self.status;
        let cause =
            if text.is_empty() { format!("it answered {status}") } else { format!("it answered {status}: {text}") };
        let again = status.is_server_error()
            || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS);
        if !again {
            return Verdict::Failed { cause };
        }
        let after = self.headers.get(header::RETRY_AFTER).and_then(|after| after.to_str().ok()?.trim().parse().ok());
        Verdict::Retry { after: after.map(Duration::from_secs), cause }
    }
}

impl From<HttpError> for Verdict {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Refused(cause) => Self::Failed { cause },
            HttpError::Broken(cause) => Self::Retry { after: None, cause },
        }
    }
}

/// Why there is no answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HttpError {
    /// It would be the same the next time.
    #[error("{0}")]
    Refused(String),
    /// Another time it may go well.
    #[error("{0}")]
    Broken(String),
}

impl HttpClient {
    /// A client that trusts the public certificate authorities; `allow_private` lets it into private networks.
    pub fn new(allow_private: bool) -> Result<Self, String> {
        Ok(Self { tls: trust(None)?, allow_private })
    }

    /// The same client, let into private networks: for addresses that stand in the settings.
    #[must_use]
    pub fn allowing_private(&self) -> Self {
        Self { allow_private: true, ..self.clone() }
    }

    /// Sends a body and reads the answer, all within `patience`. A refusal that quotes what let us in is told without it.
    pub async fn post(
        &self,
        url: &str,
        headers: HeaderMap,
        body: Vec<u8>,
        patience: Duration,
    ) -> Result<HttpAnswer, HttpError> {
        let secrets = secrets(&headers);
        let exchange = self.exchange(url, headers, body);
        let late = || HttpError::Broken(format!("no answer within {} s", patience.as_secs_f32().ceil()));
        let mut answer = tokio::time::timeout(patience, exchange).await.unwrap_or_else(|_| Err(late()))?;
        if !answer.status.is_success() {
            answer.body = without(&secrets, answer.body);
        }
        Ok(answer)
    }

    async fn exchange(&self, url: &str, headers: HeaderMap, body: Vec<u8>) -> Result<HttpAnswer, HttpError> {
        let refused = |why: &str| HttpError::Refused(format!("the address cannot be called: {why}"));
        let uri: Uri = url.parse().map_err(|_| refused("it is not an address"))?;
        let secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(refused("it begins with neither `https://` nor `http://`")),
        };
        let host = uri.host().ok_or_else(|| refused("it names no host"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let stream = self.connect(&host, port, secure).await?;
        let mut request =
            Request::builder().method(Method::POST).uri(uri.path_and_query().map_or("/", |path| path.as_str()));
        if let Some(all) = request.headers_mut() {
            all.extend(headers);
            let authority = uri.authority().map_or(host.as_str(), axum::http::uri::Authority::as_str);
            if let Ok(authority) = HeaderValue::try_from(authority) {
                all.insert(header::HOST, authority);
            }
            all.insert(header::USER_AGENT, HeaderValue::from_static("journey"));
            all.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        let request =
            request.body(Full::new(Bytes::from(body))).map_err(|error| HttpError::Refused(error.to_string()))?;
        if !secure {
            return talk(stream, request).await;
        }
        let name = ServerName::try_from(host.clone()).map_err(|_| refused("its host has no valid name"))?;
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        let broken = |error| HttpError::Broken(format!("TLS to {host} failed: {error}"));
        talk(connector.connect(name, stream).await.map_err(broken)?, request).await
    }

    /// Connects to the first address of the host that may be called and answers.
    async fn connect(&self, host: &str, port: u16, secure: bool) -> Result<TcpStream, HttpError> {
        let unknown = |error| HttpError::Broken(format!("the host {host} is not found: {error}"));
        let all: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await.map_err(unknown)?.collect();
        let allowed = |address: &&SocketAddr| if is_public(address.ip()) { secure } else { self.allow_private };
        let mut last = None;
        for address in all.iter().filter(allowed) {
            match tokio::time::timeout(CONNECT_PATIENCE, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = Some(error.to_string()),
                Err(_) => last = Some("it does not answer".to_owned()),
            }
        }
        Err(match last {
            Some(why) => HttpError::Broken(format!("cannot connect to {host}: {why}")),
            None if all.iter().any(|address| is_public(address.ip())) => {
                HttpError::Refused(format!("{host} must be called with `https://`"))
            }
            None => HttpError::Refused(format!(
                "{host} is on this machine or in a private network; `allow_private = true` below `[call]` allows that"
            )),
        })
    }
}

/// What lets us in: the sensitive headers, without the word for their kind.
fn secrets(headers: &HeaderMap) -> Vec<String> {
    let sensitive = headers.values().filter(|value| value.is_sensitive()).filter_map(|value| value.to_str().ok());
    sensitive
        .filter_map(|value| value.rsplit(' ').next())
        .filter(|value| !value.is_empty())
        .map(str::to_owned)
        .collect()
}

fn without(secrets: &[String], body: Bytes) -> Bytes {
    let text = String::from_utf8_lossy(&body);
    match secrets.iter().any(|secret| text.contains(secret)) {
        true => Bytes::from(secrets.iter().fold(text.into_owned(), |text, secret| text.replace(secret, "…"))),
        false => body,
    }
}

async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<HttpAnswer, HttpError> {
    let broken = |error: &dyn std::fmt::Display| HttpError::Broken(format!("the connection broke: {error}"));
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|error| broken(&error))?;
    let exchange = async {
        let answer = sender.send_request(request).await.map_err(|error| broken(&error))?;
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(|error| {
            let too_long = error.is::<http_body_util::LengthLimitError>();
            match too_long {
                true => HttpError::Refused(format!("the answer is longer than {} KiB", MAX_ANSWER / 1024)),
                false => broken(&error),
            }
        })?;
        Ok(HttpAnswer { status: parts.status, headers: parts.headers, body: body.to_bytes() })
    };
    tokio::pin!(exchange);
    tokio::select! {
        answer = &mut exchange => answer,
        // The connection may be closed by the other side before the answer is read to its end.
        ended = connection => match ended {
            Ok(()) => exchange.await,
            Err(error) => Err(broken(&error)),
        },
    }
}

/// Whether an address is one of the open internet.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let special = a == 0 || a >= 240 || (a == 192 && b == 0 && c == 0) || (a == 198 && (18..20).contains(&b));
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_documentation()
                || shared
                || special)
        }
        IpAddr::V6(v6) => {
            if let Some(v4) = v6.to_ipv4() {
                return is_public(IpAddr::V4(v4));
            }
            let [first, second, ..] = v6.segments();
            // Only 2000::/3 is given out; 6to4 and Teredo, and NAT64 outside of it, lead to IPv4 addresses in disguise.
            first & 0xe000 == 0x2000 && first != 0x2002 && !(first == 0x2001 && (second == 0 || second == 0xdb8))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_is_not_the_internet() {
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "198.18.0.1",
            "192.0.0.8",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "2001:0:1::",
            "ff02::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in ["93.184.216.34", "1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    #[tokio::test]
    async fn private_addresses_are_refused_by_number_and_by_name() {
        let client = HttpClient::new(false).unwrap();
        for url in ["http://127.0.0.1:9/", "http://localhost:9/", "https://[::1]:9/x", "http://2130706433:9/"] {
            let error = client.post(url, HeaderMap::new(), Vec::new(), Duration::from_secs(5)).await.unwrap_err();
            assert!(matches!(error, HttpError::Refused(_) | HttpError::Broken(_)), "{url}: {error}");
            assert!(!error.to_string().contains("cannot connect"), "{url}: {error}");
        }
        for url in ["ftp://x.example", "nonsense", "http:///x"] {
            let error = client.post(url, HeaderMap::new(), Vec::new(), Duration::from_secs(5)).await.unwrap_err();
            assert!(matches!(error, HttpError::Refused(_)), "{url}: {error}");
        }
    }

    /// Takes one request and answers it with these bytes.
    async fn server(answer: Vec<u8>) -> (String, tokio::task::JoinHandle<String>) {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = Vec::new();
            while !asked.ends_with(b"{}") {
                let mut chunk = [0; 1024];
                let read = stream.read(&mut chunk).await.unwrap();
                asked.extend_from_slice(&chunk[..read]);
            }
            // A client that has read enough goes away.
            let _ = stream.write_all(&answer).await;
            String::from_utf8(asked).unwrap()
        });
        (address, asked)
    }

    #[tokio::test]
    async fn a_request_gets_its_answer_and_no_more() {
        let client = HttpClient::new(true).unwrap();
        let headers = || HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        let patience = Duration::from_secs(20);
        let post = async |url: String| client.post(&url, headers(), b"{}".to_vec(), patience).await;

        let answer = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 2\r\n\r\nok".to_vec();
        let (address, asked) = server(answer).await;
        let answer = post(format!("http://{address}/grade?x=1")).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.body.as_ref()), (302, b"ok".as_slice()), "nothing is followed");
        let asked = asked.await.unwrap();
        assert!(asked.starts_with("POST /grade?x=1 HTTP/1.1\r\n"), "{asked}");
        assert!(asked.to_lowercase().contains(&format!("\r\nhost: {address}\r\n")), "{asked}");

        let mut long = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
        long.resize(MAX_ANSWER + 100, b'x');
        let (address, _asked) = server(long).await;
        let error = post(format!("http://{address}/")).await.unwrap_err();
        assert!(matches!(&error, HttpError::Refused(why) if why.contains("longer")), "{error}");

        let (address, _asked) = server(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf".to_vec()).await;
        let error = post(format!("http://{address}/")).await.unwrap_err();
        assert!(matches!(error, HttpError::Broken(_)), "{error}");

        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let slow = client.post(&format!("http://{address}/"), headers(), Vec::new(), Duration::from_millis(200)).await;
        assert!(matches!(slow, Err(HttpError::Broken(why)) if why.contains("no answer")));
        drop(listener);
        let gone = client.post(&format!("http://{address}/"), headers(), Vec::new(), patience).await;
        assert!(matches!(gone, Err(HttpError::Broken(why)) if why.contains("cannot connect")));
    }
}
