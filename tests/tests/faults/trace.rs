//! What a process did to its database, and what it told its clients meanwhile, in the order of strace's notes.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

/// The system calls that are noted: of the disk, and of sockets.
const CALLS: &str = "openat,pwrite64,write,ftruncate,fallocate,fdatasync,fsync,unlink,unlinkat,rename,renameat,renameat2,\
                     accept4,recvfrom,sendto,writev";

/// A file of the database, also after its name was taken away or given to another one.
pub(crate) type File = usize;

/// Something that happened.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A name was given to a file.
    Named(String, File),
    /// A name was taken away.
    Unnamed(String),
    Written(File, usize, Vec<u8>),
    Cut(File, usize),
    /// What was done to the file is on disk, but for what came since the event of this number.
    Synced(File, usize),
    /// So are the names, but for those since.
    FolderSynced(usize),
    /// These ids were acknowledged.
    Acknowledged(Vec<String>),
    /// A mail left: to this contact, and whether it is the first or the second one.
    Mailed(String, u32),
}

/// A strace that notes all of it in a file.
pub(crate) fn tracing(strace: &Path, notes: &Path) -> Command {
    let mut command = Command::new(strace);
    command.args(["-D", "-f", "--seccomp-bpf", "-qq", "-y", "-xx", "-s", "4194304", "-e"]);
    command.arg(format!("trace={CALLS}")).arg("-o").arg(notes);
    command
}

/// Reads notes, of several processes one after the other.
pub(crate) struct Reader {
    folder: String,
    pub(crate) events: Vec<Event>,
    /// The files by their names.
    names: HashMap<String, File>,
    files: usize,
    /// What was received on a socket since its last answer.
    requests: HashMap<String, Vec<u8>>,
    /// By thread: a call that has begun, and the number of events at that moment.
    begun: HashMap<String, (String, usize)>,
}

impl Reader {
    /// Of a database in this folder.
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.canonicalize().unwrap().to_str().unwrap().to_owned(),
            events: Vec::new(),
            names: HashMap::new(),
            files: 0,
            requests: HashMap::new(),
            begun: HashMap::new(),
        }
    }

    /// Reads the notes of one process.
    pub(crate) fn read(&mut self, notes: &str) {
        self.begun.clear();
        self.requests.clear();
        for line in notes.lines() {
            let Some((thread, call)) = line.split_once(' ') else { continue };
            let call = call.trim_start();
            if let Some(start) = call.strip_suffix("<unfinished ...>") {
                self.begins(start);
                self.begun.insert(thread.to_owned(), (start.trim_end().to_owned(), self.events.len()));
            } else if let Some((_, end)) = call.strip_prefix("<... ").and_then(|call| call.split_once(" resumed>")) {
                let (start, since) = self.begun.remove(thread).expect("what is resumed has begun");
                self.ends(&(start + end), since);
            } else if call.starts_with(|c: char| c.is_ascii_lowercase()) {
                let since = self.events.len();
                self.begins(call);
                self.ends(call, since);
            }
        }
    }

    /// What may be on disk, or with a client, as soon as the call has begun.
    fn begins(&mut self, call: &str) {
        let (name, rest) = call.split_once('(').expect("a call has arguments");
        match name {
            "pwrite64" => {
                let Some(file) = self.file(rest) else { return };
                let bytes = text(rest).concat();
                let at = rest.rsplit(", ").next().unwrap_or_default();
                let at = at.split(')').next().unwrap_or_default().trim().parse().expect("pwrite64 says where");
                self.events.push(Event::Written(file, at, bytes));
            }
            "ftruncate" => {
                let Some(file) = self.file(rest) else { return };
                let length = rest.rsplit(", ").next().and_then(|last| last.split(')').next()).unwrap_or_default();
                self.events.push(Event::Cut(file, length.trim().parse().expect("ftruncate says how long")));
            }
            "unlink" | "unlinkat" => {
                let Some(name) = text(rest).first().and_then(|path| self.name(path)) else { return };
                if self.names.remove(&name).is_some() {
                    self.events.push(Event::Unnamed(name));
                }
            }
            "sendto" | "write" | "writev" => {
                let Some(socket) = socket(rest) else { return };
                let sent = text(rest).concat();
                if sent.starts_with(b"HTTP/1.1 202 ") {
                    let request = self.requests.remove(&socket).unwrap_or_default();
                    self.events.push(Event::Acknowledged(ids(&request)));
                }
                self.events.extend(mails(&sent).map(|(contact, number)| Event::Mailed(contact, number)));
            }
            _ => {}
        }
    }

    /// What is so when the call has ended; it began before the event of this number.
    fn ends(&mut self, call: &str, since: usize) {
        let (name, rest) = call.split_once('(').expect("a call has arguments");
        let result = rest.rsplit(" = ").next().unwrap_or_default();
        // It was killed meanwhile.
        if result.starts_with('?') {
            return;
        }
        match name {
            "pwrite64" | "write" if self.file(rest).is_some() => {
                let written: usize = result.trim().parse().expect("what is written to the database is written");
                assert_eq!(written, text(rest).concat().len(), "{name} wrote a part");
                assert_eq!(name, "pwrite64", "SQLite says where it writes");
            }
            "rename" | "renameat" | "renameat2" | "fallocate" => {
                let database = text(rest).iter().any(|path| self.name(path).is_some()) || self.file(rest).is_some();
                assert!(!database, "SQLite does not {name}");
            }
            "openat" if rest.contains("O_CREAT") && !result.starts_with('-') => {
                let Some(name) = described(result).and_then(|path| self.name(&path)) else { return };
                if !self.names.contains_key(&name) {
                    self.names.insert(name.clone(), self.files);
                    self.events.push(Event::Named(name, self.files));
                    self.files += 1;
                }
            }
            "fdatasync" | "fsync" => {
                assert_eq!(result.trim(), "0", "a sync fails");
                if let Some(file) = self.file(rest) {
                    self.events.push(Event::Synced(file, since));
                } else if described(rest).is_some_and(|path| path == self.folder.as_bytes()) {
                    self.events.push(Event::FolderSynced(since));
                }
            }
            "accept4" => _ = socket(result).and_then(|socket| self.requests.remove(&socket)),
            "recvfrom" => {
                let Some(socket) = socket(rest) else { return };
                self.requests.entry(socket).or_default().extend(text(rest).concat());
            }
            _ => {}
        }
    }

    /// The file that the first argument names, if it is one of the database.
    fn file(&self, arguments: &str) -> Option<File> {
        self.names.get(&self.name(&described(arguments)?)?).copied()
    }

    /// The name of a file of the database. The memory that its readers share is not among them: nobody needs it after a crash.
    fn name(&self, path: &[u8]) -> Option<String> {
        let name = std::str::from_utf8(path).ok()?.strip_prefix(&self.folder)?.strip_prefix('/')?;
        ["journey.db", "journey.db-wal", "journey.db-journal"].contains(&name).then(|| name.to_owned())
    }
}

/// The path behind the number of a descriptor: `3</tmp/journey.db>`.
fn described(argument: &str) -> Option<Vec<u8>> {
    let number = argument.trim_start_matches(|c: char| c.is_ascii_digit());
    Some(unescaped(number.strip_prefix('<')?.split('>').next()?))
}

/// The number of a descriptor of a socket.
fn socket(argument: &str) -> Option<String> {
    let is_socket = described(argument)?.windows(7).any(|word| word == b"socket:" || word.starts_with(b"TCP"));
    is_socket.then(|| argument.split('<').next().unwrap_or_default().to_owned())
}

/// The texts between quotes.
fn text(arguments: &str) -> Vec<Vec<u8>> {
    arguments.split('"').skip(1).step_by(2).map(unescaped).collect()
}

/// Bytes as strace writes them: `\x2f\x74`.
fn unescaped(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("bytes are hexadecimal") as u8;
    let bytes = text.as_bytes().chunks_exact(4);
    bytes.map(|escaped| digit(escaped[2]) << 4 | digit(escaped[3])).collect()
}

/// The ids in a request's lines.
fn ids(request: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(request);
    text.split("\"id\":\"").skip(1).filter_map(|rest| Some(rest.split('"').next()?.to_owned())).collect()
}

/// The contacts and numbers of mails of the project `walk`.
fn mails(sent: &[u8]) -> impl Iterator<Item = (String, u32)> {
    let lines: Vec<String> = String::from_utf8_lossy(sent).lines().map(str::to_owned).collect();
    lines.into_iter().filter_map(|line| {
        let (which, address) = line.strip_prefix("Subject: ")?.split_once(" for ")?;
        Some((address.split('@').next()?.to_owned(), u32::from(which == "Second")))
    })
}
