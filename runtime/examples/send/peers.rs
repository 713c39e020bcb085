//! Senders that only send: what they are given goes on the wire, and nothing is rendered, signed or written down.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lettre::address::Envelope;
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// A mail as it goes over the wire.
pub(crate) struct Letter {
    from: String,
    to: String,
    /// With CRLF line ends.
    pub(crate) text: String,
    /// With dots doubled at the beginning of lines, and the end.
    stuffed: String,
}

impl Letter {
    pub(crate) fn new(from: &str, to: &str, text: String) -> Self {
        let stuffed = format!("{}.\r\n", text.replace("\r\n.", "\r\n.."));
        Self { from: from.to_owned(), to: to.to_owned(), text, stuffed }
    }

    fn envelope(&self) -> Envelope {
        Envelope::new(Some(self.from.parse().unwrap()), vec![self.to.parse().unwrap()]).unwrap()
    }
}

/// The next letter of a number that connections share.
struct Pile {
    letters: Arc<Vec<Letter>>,
    next: AtomicUsize,
    count: usize,
}

impl Pile {
    fn of(letters: &Arc<Vec<Letter>>, count: usize) -> Arc<Self> {
        Arc::new(Self { letters: Arc::clone(letters), next: AtomicUsize::new(0), count })
    }

    fn take(&self) -> Option<&Letter> {
        let place = self.next.fetch_add(1, Ordering::Relaxed);
        if place < self.count { self.letters.get(place % self.letters.len()) } else { None }
    }
}

/// One round trip a mail: its end, and who writes the next one to whom.
pub(crate) async fn pipelined(at: &str, connections: usize, letters: &Arc<Vec<Letter>>, count: usize) {
    let pile = Pile::of(letters, count);
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let (pile, stream) = (Arc::clone(&pile), TcpStream::connect(at).await.unwrap());
        stream.set_nodelay(true).unwrap();
        tasks.spawn(async move {
            let mut stream = BufStream::new(stream);
            replies(&mut stream, &["220"]).await;
            write(&mut stream, "EHLO bench\r\n").await;
            replies(&mut stream, &["250"]).await;
            let begin = |letter: &Letter| format!("MAIL FROM:<{}>\r\nRCPT TO:<{}>\r\nDATA\r\n", letter.from, letter.to);
            let Some(mut letter) = pile.take() else { return };
            write(&mut stream, &begin(letter)).await;
            replies(&mut stream, &["250", "250", "354"]).await;
            loop {
                let next = pile.take();
                let end = next.map_or_else(|| "QUIT\r\n".to_owned(), begin);
                write(&mut stream, &format!("{}{end}", letter.stuffed)).await;
                let Some(next) = next else { return replies(&mut stream, &["250", "221"]).await };
                replies(&mut stream, &["250", "250", "250", "354"]).await;
                letter = next;
            }
        });
    }
    tasks.join_all().await;
}

async fn write(stream: &mut BufStream<TcpStream>, text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
}

/// Reads a reply of each code, in this order.
async fn replies(stream: &mut BufStream<TcpStream>, codes: &[&str]) {
    let mut line = String::new();
    for code in codes {
        loop {
            line.clear();
            stream.read_line(&mut line).await.unwrap();
            assert!(line.starts_with(code), "{code} expected: {line}");
            if line.get(3..4) == Some(" ") {
                break;
            }
        }
    }
}

/// lettre's connections over streams without Nagle's algorithm.
pub(crate) async fn lettre(at: &str, connections: usize, letters: &Arc<Vec<Letter>>, count: usize) {
    let pile = Pile::of(letters, count);
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let (pile, stream) = (Arc::clone(&pile), TcpStream::connect(at).await.unwrap());
        stream.set_nodelay(true).unwrap();
        tasks.spawn(async move {
            let hello = ClientId::default();
            let connecting = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello);
            let mut connection = connecting.await.unwrap();
            while let Some(letter) = pile.take() {
                connection.send(&letter.envelope(), letter.text.as_bytes()).await.unwrap();
            }
            connection.quit().await.unwrap();
        });
    }
    tasks.join_all().await;
}

/// lettre's transport with its pool, as its documentation shows it.
pub(crate) async fn lettre_as_it_comes(at: &str, connections: usize, letters: &Arc<Vec<Letter>>, count: usize) {
    let (host, port) = at.split_once(':').unwrap();
    let pool = PoolConfig::new().max_size(u32::try_from(connections).unwrap());
    let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host);
    let transport = builder.port(port.parse().unwrap()).pool_config(pool).build();
    let pile = Pile::of(letters, count);
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let (pile, transport) = (Arc::clone(&pile), transport.clone());
        tasks.spawn(async move {
            while let Some(letter) = pile.take() {
                transport.send_raw(&letter.envelope(), letter.text.as_bytes()).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
}
