//! The `journey` binary under test.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The binary, fresh: built by cargo, in the profile of this test, unless `JOURNEY_BIN` names one.
///
/// Cargo hands a package's own tests the path of its binaries, and not those of another package; so it is asked here,
/// once a test process. It has nothing to do when the sources did not change.
pub fn journey() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(given) = std::env::var_os("JOURNEY_BIN") {
            return given.into();
        }
        // target/PROFILE/deps/TEST
        let test = std::env::current_exe().unwrap();
        let folder = test.parent().and_then(Path::parent).expect("a test lies in target/PROFILE/deps");
        let target = folder.parent().expect("a profile's folder lies in the target folder");
        let profile = match folder.file_name().and_then(OsStr::to_str).unwrap() {
            "debug" => "dev",
            other => other,
        };
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        // What cargo told this test about its own package would look like a change to build scripts, and build again.
        for (name, _) in std::env::vars_os() {
            if ["CARGO_MANIFEST_", "CARGO_PKG_"].iter().any(|own| name.to_string_lossy().starts_with(own)) {
                command.env_remove(name);
            }
        }
        let built = command
            .args(["build", "--quiet", "--package", "journey-cli", "--bin", "journey", "--profile", profile])
            .arg("--target-dir")
            .arg(target)
            .current_dir(crate::root())
            .status()
            .expect("cargo starts");
        assert!(built.success(), "the journey binary does not build");
        folder.join(format!("journey{}", std::env::consts::EXE_SUFFIX))
    })
}

/// The binary as a command in a plain environment: no colour, no settings of whoever runs the tests.
pub fn command<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(journey());
    command.args(args);
    for variable in ["RUST_LOG", "FORCE_COLOR", "CLICOLOR_FORCE", "JOURNEY_API_TOKEN", "DATABASE_URL"] {
        command.env_remove(variable);
    }
    command.env("NO_COLOR", "1").env("COLUMNS", "120").stdin(Stdio::null());
    command.env("JOURNEY_CACHE_DIR", journey().with_file_name("journey-cache"));
    command
}

/// Runs the binary to its end.
pub fn run<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Finished {
    Finished::of(command(args).output().expect("journey starts"))
}

/// What a finished process left.
#[derive(Debug)]
pub struct Finished {
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// Its output.
    pub stdout: String,
    /// Its messages.
    pub stderr: String,
}

impl Finished {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
        }
    }

    /// Fails the test unless the process said that all is well.
    #[track_caller]
    #[must_use]
    pub fn success(self) -> Self {
        assert_eq!(self.code, Some(0), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}

/// A running `journey serve`. Dropping it kills it.
pub struct Server {
    child: Child,
    /// Where its HTTP API listens: `127.0.0.1:PORT`.
    pub address: String,
    log: Arc<Mutex<String>>,
    /// The threads that read what it prints.
    pipes: Vec<JoinHandle<()>>,
}

fn serve(project: &Path, address: &str) -> Command {
    command(["serve".as_ref(), project.as_os_str(), "--listen".as_ref(), address.as_ref()])
}

impl Server {
    /// Starts serving a project on a free port and waits until it answers.
    pub fn start(project: &Path) -> Self {
        Self::start_with(project, &[])
    }

    /// The same with something in its environment.
    pub fn start_with(project: &Path, environment: &[(&str, &str)]) -> Self {
        Self::spawn(project, &format!("127.0.0.1:{}", crate::free_port()), environment)
    }

    /// The same at an address that the test has chosen.
    pub fn start_at(project: &Path, address: &str, environment: &[(&str, &str)]) -> Self {
        Self::spawn(project, address, environment)
    }

    fn spawn(project: &Path, address: &str, environment: &[(&str, &str)]) -> Self {
        let mut command = serve(project, address);
        command.envs(environment.iter().copied());
        Self::until_ready(command, address).unwrap_or_else(|(status, log)| panic!("it stopped with {status}:\n{log}"))
    }

    /// The same under a program that starts what stands behind its own arguments, and gives it its own process id, as `strace -D`
    /// does; or what became of it before it answered.
    pub fn start_under(mut outer: Command, project: &Path, address: &str) -> Result<Self, (ExitStatus, String)> {
        let inner = serve(project, address);
        outer.arg(inner.get_program()).args(inner.get_args()).stdin(Stdio::null());
        for (name, value) in inner.get_envs() {
            match value {
                Some(value) => outer.env(name, value),
                None => outer.env_remove(name),
            };
        }
        Self::until_ready(outer, address)
    }

    fn until_ready(mut command: Command, address: &str) -> Result<Self, (ExitStatus, String)> {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("journey serve starts");
        let log = Arc::new(Mutex::new(String::new()));
        let pipes = vec![
            collect(child.stdout.take().unwrap(), Arc::clone(&log)),
            collect(child.stderr.take().unwrap(), Arc::clone(&log)),
        ];
        let mut server = Self { child, address: address.to_owned(), log, pipes };
        let start = Instant::now();
        while crate::http::get(&server.address, "/readyz").is_err() {
            if server.child.try_wait().unwrap().is_some() {
                return Err(server.end());
            }
            assert!(start.elapsed() < Duration::from_secs(60), "journey serve does not answer:\n{}", server.log());
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(server)
    }

    /// All that it has printed so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`: it ends without a chance to tidy up.
    pub fn kill(mut self) {
        self.child.kill().expect("our own child can be killed");
        self.child.wait().unwrap();
    }

    /// SIGTERM: asks it to stop, and waits until it has.
    pub fn terminate(self) -> (ExitStatus, String) {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(told.success());
        self.end()
    }

    /// Waits until it has ended; gives all that it printed.
    pub fn end(mut self) -> (ExitStatus, String) {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                self.pipes.drain(..).for_each(|pipe| pipe.join().unwrap());
                return (status, self.log());
            }
            assert!(start.elapsed() < Duration::from_secs(60), "journey serve does not stop:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A running command that ends only when it is told to. Dropping it kills it.
pub struct Running {
    child: Child,
    log: Arc<Mutex<String>>,
}

impl Running {
    /// Starts it.
    pub fn start<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Self {
        let mut child = command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("journey starts");
        let log = Arc::new(Mutex::new(String::new()));
        collect(child.stdout.take().unwrap(), Arc::clone(&log));
        collect(child.stderr.take().unwrap(), Arc::clone(&log));
        Self { child, log }
    }

    /// All that it has printed so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until it has printed something, and gives back all that it has.
    #[track_caller]
    pub fn until(&self, is_there: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        loop {
            let log = self.log();
            if is_there(&log) {
                return log;
            }
            assert!(start.elapsed() < Duration::from_secs(30), "it does not come:\n{log}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends it; it must be running still.
    pub fn stop(mut self) {
        assert_eq!(self.child.try_wait().unwrap(), None, "it has stopped by itself:\n{}", self.log());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads a pipe to its end beside the test, so that the process never waits for us.
pub(crate) fn collect(pipe: impl Read + Send + 'static, into: Arc<Mutex<String>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines() {
            let Ok(line) = line else { return };
            let mut text = into.lock().unwrap();
            text.push_str(&line);
            text.push('\n');
        }
    })
}
