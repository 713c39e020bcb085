//! A PostgreSQL of our own on loopback, for tests; or the one whose address `JOURNEY_TEST_POSTGRES` gives.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::foreign::{is_root, skip};

/// The address of a PostgreSQL in which the tests may make databases, instead of one of our own.
const GIVEN: &str = "JOURNEY_TEST_POSTGRES";

/// A cluster. It ends with the process that started it, however that ends.
pub struct Cluster {
    bin: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
    // The script waits for the end of its input: no process outlives the one that holds this.
    _life: ChildStdin,
    keeper: Child,
}

impl Cluster {
    /// Starts one; nothing, with a line that says so, where PostgreSQL is missing.
    pub fn start() -> Option<Self> {
        let bin = binaries().or_else(|| skip("PostgreSQL 14 or newer"))?;
        let folder = tempfile::tempdir().unwrap();
        let port = crate::free_port();
        // It does not want to be root.
        let user = ["postgres", "nobody"].into_iter().find(|user| is_root() && exists(user));
        let script = folder.path().join("keep.sh");
        fs::write(&script, SCRIPT).unwrap();
        if let Some(user) = user {
            let given = Command::new("chown").args(["-R", user]).arg(folder.path()).status().unwrap();
            assert!(given.success());
        }
        let mut command = match user {
            Some(user) => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid", user, "--regid", &group(user), "--clear-groups", "sh"]);
                command
            }
            None => Command::new("sh"),
        };
        command.arg(&script).arg(&bin).arg(folder.path()).arg(port.to_string()).env("LC_ALL", "C");
        let mut keeper = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let life = keeper.stdin.take().unwrap();
        let mut cluster = Self { bin, folder, port, _life: life, keeper };
        let ready = cluster.folder.path().join("ready");
        crate::wait_until("PostgreSQL is ready", Duration::from_secs(60), || {
            let ended = cluster.keeper.try_wait().unwrap();
            assert!(ended.is_none(), "PostgreSQL does not start: {}", cluster.log());
            ready.exists()
        });
        Some(cluster)
    }

    /// A new, empty database; its address.
    pub fn database(&self) -> String {
        create(&self.bin, &self.url("postgres"))
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Stops it as a crash would, and starts it again.
    pub fn crash(&self) {
        self.control("crash");
    }

    /// Hands a word to the script, and waits until it is done.
    fn control(&self, word: &str) {
        let order = self.folder.path().join("order");
        fs::write(self.folder.path().join("order.new"), word).unwrap();
        fs::rename(self.folder.path().join("order.new"), &order).unwrap();
        crate::wait_until("PostgreSQL has restarted", Duration::from_secs(60), || !order.exists());
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Only the folder of a cluster that is gone can be removed.
        fs::write(self.folder.path().join("end"), "").unwrap();
        let _ = self.keeper.wait();
    }
}

/// Makes the cluster and starts it; ends it when its input ends. `setpriv` keeps the process, so that it is our child.
const SCRIPT: &str = r#"
# Whoever started us decides when it is over, not the terminal.
trap '' INT HUP TERM
bin=$1 folder=$2 port=$3
cd "$folder"
"$bin/initdb" -D data -U postgres -A trust --no-sync -E UTF8 >log 2>&1 || exit 1
start() {
    "$bin/pg_ctl" -D data -l log -w -t 60 -s -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
        -c max_connections=200 -c fsync=${JOURNEY_TEST_FSYNC:-off} -c shared_buffers=256MB -c max_wal_size=4GB" start
}
start || exit 1
touch ready
# A reader of our input: when whoever started us is gone, so is its end of the pipe.
exec 3<&0
(cat <&3 >/dev/null; touch end) &
while [ ! -e end ]; do
    if [ -e order ]; then
        "$bin/pg_ctl" -D data -m immediate -s stop
        start
        rm order
    fi
    sleep 0.1
done
"$bin/pg_ctl" -D data -m immediate -s stop
cd /
rm -rf "$folder"
"#;

/// A new, empty database for one test; its address. All tests of a process share one cluster.
pub fn database() -> Option<String> {
    static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
    if let Some(given) = std::env::var(GIVEN).ok().filter(|given| !given.is_empty()) {
        return Some(create(&binaries().or_else(|| skip("psql"))?, &given));
    }
    CLUSTER.get_or_init(Cluster::start).as_ref().map(Cluster::database)
}

/// Makes a database beside the one at this address.
fn create(bin: &Path, url: &str) -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
    let name = format!("t{now}_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let made = Command::new(bin.join("psql")).args(["-q", "-c", &format!("CREATE DATABASE {name}"), url]).output();
    let made = made.expect("psql starts");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let (server, _) = url.rsplit_once('/').expect("an address ends with /DATABASE");
    format!("{server}/{name}")
}

/// Where the newest PostgreSQL keeps its programs.
fn binaries() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let versions = versions.filter_map(|entry| Some(entry.ok()?.path()));
    let newest = versions.filter(|path| number(path).is_some_and(|number| number >= 14)).max_by_key(number)?;
    let bin = newest.join("bin");
    bin.join("initdb").is_file().then_some(bin)
}

fn exists(user: &str) -> bool {
    Command::new("id").arg(user).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|id| id.success())
}

fn group(user: &str) -> String {
    let id = Command::new("id").args(["-gn", user]).output().unwrap();
    String::from_utf8(id.stdout).unwrap().trim().to_owned()
}
