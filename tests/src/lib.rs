//! What the end-to-end suites share: the binary under test, a mail server of our own, mail servers of others, a plain
//! HTTP client, and the workspace's paths.
//!
//! A failure in here is a failing test, so this crate panics where another would return an error.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "support for tests: a failure here is a failing test"
)]

pub mod binary;
pub mod foreign;
pub mod http;
pub mod peer;
pub mod postgres;
pub mod project;
pub mod random;
pub mod sink;
pub mod usage;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// Waits until the condition holds; fails the test, with what was waited for, when it takes longer than allowed.
pub fn wait_until(what: &str, at_most: Duration, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < at_most, "waited {at_most:?} in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A port of the loopback interface that nothing listens on at the moment.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Runs git in a folder, and gives what it prints; fails the test if git fails.
pub fn git(folder: &Path, args: &[&str]) -> String {
    let config = ["-c", "user.name=Ada", "-c", "user.email=ada@walk.example", "-c", "init.defaultBranch=main"];
    let output = Command::new("git").args(config).args(args).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
