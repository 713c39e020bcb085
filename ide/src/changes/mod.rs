//! What a change of a project means for people: who enters and leaves, which messages come when, what they consent to.
//! Two versions in, plain data out; layout, comments and the order of files make no difference.

mod compare;
mod elapsed;
mod outline;
mod project;

use journey_compiler::Compilation;
use journey_compiler::project::Project;

pub use elapsed::Elapsed;

/// What is different.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Changes {
    /// Journeys, by name.
    pub journeys: Vec<JourneyChange>,
    /// What holds for all journeys: policy, topics, segments, what is known of contacts.
    pub project: Vec<ProjectChange>,
    /// The texts of messages, by path.
    pub messages: Vec<MessageChange>,
}

/// The most in any 24 hours and in any 7 days, if it is known.
pub type Most = Option<(usize, usize)>;

/// A journey that is not what it was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JourneyChange {
    /// Its name; that of a bare sentence is its file's.
    pub name: String,
    /// Whether it is new or gone.
    pub kind: JourneyKind,
    /// Whom it concerns: its triggers and their conditions, now or, if it is gone, before.
    pub who: Vec<String>,
    /// The most messages that one run sends, before and after.
    pub most_messages: (Option<u64>, Option<u64>),
    /// The same in each week after entry, up to the last with one; the thirteenth stands for all later ones too.
    pub weeks: (Vec<u64>, Vec<u64>),
    /// The most marketing messages of one run in any 24 hours and in any 7 days, before and after; none where it has
    /// errors.
    pub pressure: (Most, Most),
    /// What is different in it; of a new one what it does, of one that is gone what it did.
    pub changes: Vec<Change>,
}

/// What became of a journey.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum JourneyKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It has another name, and does the same.
    Renamed {
        /// Its name before.
        from: String,
    },
    /// It does something else.
    Changed,
}

/// What a change is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Subject {
    /// Who comes in, and how often.
    Entry,
    /// What ends a run.
    Exit,
    /// What contacts agree to.
    Consent,
    /// What is sent.
    Message,
    /// When things happen.
    Timing,
    /// What is decided.
    Decision,
    /// What else is done.
    Action,
    /// What the journey is measured by.
    Goal,
}

impl Subject {
    /// All of them, in the order to tell them.
    pub const ALL: [Self; 8] =
        [Self::Entry, Self::Consent, Self::Message, Self::Timing, Self::Decision, Self::Action, Self::Exit, Self::Goal];

    /// Its name for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Entry => "entry",
            Self::Exit => "exit",
            Self::Consent => "consent",
            Self::Message => "message",
            Self::Timing => "timing",
            Self::Decision => "decision",
            Self::Action => "action",
            Self::Goal => "goal",
        }
    }

    /// Its heading for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Entry => "Who comes in",
            Self::Exit => "What ends it",
            Self::Consent => "Consent",
            Self::Message => "Messages",
            Self::Timing => "Timing",
            Self::Decision => "Decisions",
            Self::Action => "What else is done",
            Self::Goal => "Goal",
        }
    }
}

/// One thing that is different.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// What it is about.
    pub subject: Subject,
    /// How it was; none if it is new.
    pub before: Option<Line>,
    /// How it is; none if it is gone.
    pub after: Option<Line>,
}

/// A statement or clause, in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// What it says.
    pub text: String,
    /// The decisions that lead to it, outermost first.
    pub path: Vec<String>,
    /// When it is reached, counted from entry; none for a clause of the header.
    pub when: Option<Elapsed>,
}

/// Something that holds for all journeys.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProjectChange {
    /// What it is: `policy`, `topic`, `segment`.
    pub what: &'static str,
    /// How it was; none if it is new.
    pub before: Option<String>,
    /// How it is; none if it is gone.
    pub after: Option<String>,
    /// The journeys that speak of it, by name.
    pub journeys: Vec<String>,
}

/// The text of a message that is not what it was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MessageChange {
    /// Its file.
    pub path: String,
    /// Channel and name: `email story`; none for other files below `messages/`.
    pub message: Option<String>,
    /// Whether it is new, gone, or says something else.
    pub kind: TextKind,
    /// The subject before and after, if it is another one.
    pub subject: Option<(Option<String>, Option<String>)>,
    /// How many lines came and went.
    pub lines: (usize, usize),
    /// The journeys that send it, by name.
    pub journeys: Vec<String>,
}

/// What became of a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TextKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It says something else.
    Changed,
}

impl Changes {
    /// What is different between two versions of a project, each with what compiling it gave.
    pub fn between(before: (&Project, &Compilation), after: (&Project, &Compilation)) -> Self {
        let pressure = |name: &str| (pressure(before.1, name), pressure(after.1, name));
        let (before, after) = (project::Content::of(before.0), project::Content::of(after.0));
        Self {
            journeys: compare::journeys(&before.journeys, &after.journeys, &pressure),
            project: project::declarations(&before, &after),
            messages: project::messages(&before, &after),
        }
    }

    /// Whether nothing is different.
    pub fn is_empty(&self) -> bool {
        self.journeys.is_empty() && self.project.is_empty() && self.messages.is_empty()
    }
}

fn pressure(compilation: &Compilation, journey: &str) -> Option<(usize, usize)> {
    let found = compilation.pressure.iter().find(|pressure| pressure.journey == journey);
    found.map(|pressure| (pressure.per_day, pressure.per_week))
}

#[cfg(test)]
mod tests;
