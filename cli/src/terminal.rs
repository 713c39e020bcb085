//! The two streams, and what they can show.

use std::env;
use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anstream::adapter::strip_bytes;
use anstream::{AutoStream, ColorChoice};
use clap::ValueEnum;
use clap::builder::styling::{AnsiColor, Color as Ansi, Style};

/// `--color`
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set; elsewhere if FORCE_COLOR is
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Where text goes: findings and tables to stdout, everything else to stderr.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminal {
    pub(crate) color: Color,
    /// Whether lines and boxes may be drawn with more than ASCII.
    pub(crate) unicode: bool,
}

pub(crate) const RED: Style = bold(AnsiColor::Red);
pub(crate) const YELLOW: Style = bold(AnsiColor::Yellow);
pub(crate) const BLUE: Style = bold(AnsiColor::Blue);
pub(crate) const GREEN: Style = bold(AnsiColor::Green);
pub(crate) const CYAN: Style = bold(AnsiColor::Cyan);
pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const FAINT: Style = Style::new().dimmed();

const fn bold(color: AnsiColor) -> Style {
    Style::new().fg_color(Some(Ansi::Ansi(color))).bold()
}

impl Terminal {
    /// Looks at the environment.
    pub(crate) fn new(color: Color) -> Self {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| set(name)).unwrap_or_default();
        let locale = locale.to_ascii_lowercase();
        let unicode = cfg!(windows) || locale.contains("utf-8") || locale.contains("utf8");
        Self { color, unicode }
    }

    fn choice(self) -> ColorChoice {
        match self.color {
            Color::Always => ColorChoice::AlwaysAnsi,
            Color::Never => ColorChoice::Never,
            Color::Auto if set("NO_COLOR").is_some() => ColorChoice::Never,
            Color::Auto => match set("FORCE_COLOR").as_deref() {
                Some("0") => ColorChoice::Never,
                Some(_) => ColorChoice::AlwaysAnsi,
                None => ColorChoice::Auto,
            },
        }
    }

    /// Writes to stdout; colour is taken out where it does not belong.
    pub(crate) fn out(self, text: impl AsRef<[u8]>) -> io::Result<()> {
        let mut out = AutoStream::new(io::stdout().lock(), self.choice());
        match out.current_choice() {
            // In one piece: between two styles of a long report there is often but a word.
            ColorChoice::Never => out.into_inner().write_all(&strip_bytes(text.as_ref()).into_vec())?,
            _ => out.write_all(text.as_ref())?,
        }
        io::stdout().flush()
    }

    /// Writes to stderr. If that fails there is nobody left to tell.
    pub(crate) fn err(self, text: impl AsRef<[u8]>) {
        let mut err = AutoStream::new(io::stderr().lock(), self.choice());
        let _ = err.write_all(text.as_ref()).and_then(|()| err.flush());
    }

    /// Whether stderr shows colours.
    pub(crate) fn colours_err(self) -> bool {
        AutoStream::new(io::stderr(), self.choice()).current_choice() != ColorChoice::Never
    }

    /// Says on stderr that something is going on, while the answer lives: only to a person, and only if it takes long.
    pub(crate) fn progress(self, what: &'static str) -> Option<Progress> {
        self.progress_of(what, |seconds| format!("{seconds} s"))
    }

    /// The same, with a bar for how much of the whole is done.
    pub(crate) fn progress_bar(self, what: &'static str, done: impl Fn() -> f64 + Send + 'static) -> Option<Progress> {
        let (full, empty) = if self.unicode { ("█", "░") } else { ("#", ".") };
        self.progress_of(what, move |_| {
            let done = done().clamp(0.0, 1.0);
            let filled = (0..BAR).take_while(|cell| f64::from(*cell) < done * f64::from(BAR)).count();
            format!("{}{} {:.0} %", full.repeat(filled), empty.repeat(BAR as usize - filled), done * 100.0)
        })
    }

    fn progress_of(self, what: &'static str, how: impl Fn(u64) -> String + Send + 'static) -> Option<Progress> {
        if !io::stderr().is_terminal() {
            return None;
        }
        let (stop, stopped) = mpsc::channel();
        let thread = thread::spawn(move || {
            let start = Instant::now();
            let mut shown = false;
            while stopped.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Timeout) {
                self.err(format!("\r{FAINT}{what}: {}{FAINT:#}", how(start.elapsed().as_secs())));
                shown = true;
            }
            if shown {
                self.err(format!("\r{:60}\r", ""));
            }
        });
        Some(Progress { stop: Some(stop), thread: Some(thread) })
    }
}

/// How many characters wide a bar is.
const BAR: u32 = 30;

/// Something is going on.
pub(crate) struct Progress {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Progress {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It does nothing that could fail, and there is nothing to do about it.
            let _ = thread.join();
        }
    }
}

/// An environment variable that is set and not empty.
fn set(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
