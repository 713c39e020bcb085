//! Programs as the generator makes them up, and as text.

use std::fmt::Write as _;

/// What every program stands in.
pub const DECLARATIONS: &str = r#"contact {
  email: email?
  timezone: timezone?
  plan: enum { free pro } = free
  visits: number = 0
}

tags { t0 t1 x0 x1 x2 }

event purchase { amount: number }
event visited { amount: number }
event noted { amount: number }

topic offers "Offers"

funnel sales { new -> won }

policy {
  sender "Shop <shop@shop.example>"
  address "Shop GmbH, Teststr. 1, 10115 Berlin"
  quiet hours 22:00 to 06:00
  cap 3 messages per 2d
}
"#;

pub const ZONE: &str = "Europe/Berlin";
pub const TAGS: [&str; 5] = ["t0", "t1", "x0", "x1", "x2"];
pub const EVENTS: [&str; 3] = ["purchase", "visited", "noted"];
pub const MAILS: [&str; 3] = ["first", "second", "third"];
pub const STAGES: [&str; 2] = ["new", "won"];
pub const PLANS: [&str; 2] = ["free", "pro"];

#[derive(Clone, Debug)]
pub struct Program {
    pub journeys: Vec<Journey>,
}

#[derive(Clone, Debug)]
pub struct Journey {
    pub on: On,
    pub filter: Option<Cond>,
    pub per: bool,
    pub reenter: Reenter,
    pub exits: Vec<Exit>,
    /// The event, days, and whether it ends the run.
    pub goal: Option<(Pattern, Option<i32>, bool)>,
    pub marketing: bool,
    pub high: bool,
    /// What `level` is above `visits` at entry.
    pub level: i64,
    pub body: Vec<Step>,
}

#[derive(Clone, Debug)]
pub enum On {
    Tag(usize),
    Untag(usize),
    Event(Pattern),
    PlanTo(usize),
    Opened,
    Call,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reenter {
    Never,
    Always,
    AfterDays(i32),
    Restart,
}

#[derive(Clone, Debug)]
pub enum Exit {
    Event(Pattern),
    When(Cond),
}

/// A declared event, perhaps only with an amount of at least so many.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    pub event: usize,
    pub least: Option<i64>,
}

/// What a wait waits for.
#[derive(Clone, Debug)]
pub enum For {
    Event(Pattern),
    OpenedFirst,
    ClickedLast,
    Tag(usize),
}

#[derive(Clone, Debug)]
pub enum Cond {
    Plan(usize),
    VisitsAtLeast(i64),
    HasTag(usize),
    OpenedFirst,
    OpenedLast,
    ClickedLast,
    Skipped,
    OpenedAny(i32),
    /// Which, at least so often, within so many days, since entry.
    Did(Pattern, Option<u32>, Option<i32>, bool),
    CountAtLeast(Pattern, i64),
    InStage(usize),
    InJourney(usize),
    Level(i64),
    Not(Box<Cond>),
    And(Box<(Cond, Cond)>),
    Or(Box<(Cond, Cond)>),
}

#[derive(Clone, Debug)]
pub enum Step {
    /// The send that has a name; every journey begins with it.
    First,
    Send(usize),
    Wait(i32),
    WaitHours(i64),
    WaitUntilHour(u32),
    WaitFor {
        what: For,
        from_now: bool,
        hours: i64,
        otherwise: Option<Vec<Step>>,
    },
    WaitWhile {
        until: Cond,
        hours: i64,
        otherwise: Option<Vec<Step>>,
    },
    Race(Vec<(For, Vec<Step>)>, i64, Vec<Step>),
    If(Cond, Vec<Step>, Option<Vec<Step>>),
    Choose(Vec<Step>, Vec<Step>),
    Repeat(u32, Option<Cond>, Vec<Step>),
    AddTag(usize),
    RemoveTag(usize),
    AddVisits(i64),
    SetPlan(usize),
    MoveTo(usize),
    Record(i64),
    Unsubscribe,
    Start(usize),
    Stop(usize),
    End,
}

/// What happens to the contact.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    Tag(usize),
    Untag(usize),
    Event(usize, i64),
    Plan(usize),
    Visits(i64),
    Opened(usize),
    Clicked(usize),
    Unsubscribed,
    Subscribed,
    /// Whether the contact has an address.
    Address(bool),
}

impl Program {
    pub fn source(&self) -> String {
        let mut text = String::new();
        for (number, journey) in self.journeys.iter().enumerate() {
            journey.write(number, &mut text);
        }
        text
    }
}

impl Journey {
    fn write(&self, number: usize, text: &mut String) {
        let _ = writeln!(text, "journey j{number} {{");
        let _ = match &self.on {
            On::Tag(tag) => writeln!(text, "  on tag {}", TAGS[*tag]),
            On::Untag(tag) => writeln!(text, "  on untag {}", TAGS[*tag]),
            On::Event(pattern) => writeln!(text, "  on {}", pattern.text()),
            On::PlanTo(plan) => writeln!(text, "  on plan changes to {}", PLANS[*plan]),
            On::Opened => writeln!(text, "  on opened first"),
            On::Call => writeln!(text, "  on call"),
        };
        if self.per {
            text.push_str("  per trigger.amount\n");
        }
        let _ = match self.reenter {
            Reenter::Never => writeln!(text, "  reenter never"),
            Reenter::Always => writeln!(text, "  reenter always"),
            Reenter::AfterDays(days) => writeln!(text, "  reenter after {days}d"),
            Reenter::Restart => writeln!(text, "  reenter restart"),
        };
        if let Some(filter) = &self.filter {
            let _ = writeln!(text, "  where {}", filter.text());
        }
        for exit in &self.exits {
            let _ = match exit {
                Exit::Event(pattern) => writeln!(text, "  exit when {}", pattern.text()),
                Exit::When(cond) => writeln!(text, "  exit when {}", cond.text()),
            };
        }
        if let Some((pattern, days, exits)) = &self.goal {
            let within = days.map_or_else(String::new, |days| format!(" within {days}d"));
            let _ = writeln!(text, "  goal {}{within}", pattern.text());
            if *exits {
                text.push_str("  exit on goal\n");
            }
        }
        text.push_str(if self.marketing { "  topic offers\n" } else { "  purpose transactional\n" });
        if self.high {
            text.push_str("  priority high\n");
        }
        let _ = writeln!(text, "  let level = visits + {}", self.level);
        block(&self.body, 1, text);
        text.push_str("}\n\n");
    }
}

impl Pattern {
    fn text(&self) -> String {
        let filter = self.least.map_or_else(String::new, |least| format!(" where amount >= {least}"));
        format!("{}{filter}", EVENTS[self.event])
    }
}

impl For {
    fn text(&self) -> String {
        match self {
            Self::Event(pattern) => pattern.text(),
            Self::OpenedFirst => "opened hello".to_owned(),
            Self::ClickedLast => "clicked".to_owned(),
            Self::Tag(tag) => format!("tag {}", TAGS[*tag]),
        }
    }
}

impl Cond {
    pub fn text(&self) -> String {
        match self {
            Self::Plan(plan) => format!("plan is {}", PLANS[*plan]),
            Self::VisitsAtLeast(least) => format!("visits >= {least}"),
            Self::HasTag(tag) => format!("has tag {}", TAGS[*tag]),
            Self::OpenedFirst => "opened hello".to_owned(),
            Self::OpenedLast => "opened".to_owned(),
            Self::ClickedLast => "clicked".to_owned(),
            Self::Skipped => "skipped".to_owned(),
            Self::OpenedAny(days) => format!("opened any email within {days}d"),
            Self::Did(pattern, times, days, since) => {
                let times = times.map_or_else(String::new, |times| format!(" at least {times} times"));
                let days = days.map_or_else(String::new, |days| format!(" within {days}d"));
                let since = if *since { " since entry" } else { "" };
                format!("did {}{times}{days}{since}", pattern.text())
            }
            Self::CountAtLeast(pattern, least) => format!("(count of {}) >= {least}", pattern.text()),
            Self::InStage(stage) => format!("in sales.{}", STAGES[*stage]),
            Self::InJourney(journey) => format!("in journey j{journey}"),
            Self::Level(least) => format!("level >= {least}"),
            Self::Not(inner) => format!("not ({})", inner.text()),
            Self::And(sides) => format!("({}) and ({})", sides.0.text(), sides.1.text()),
            Self::Or(sides) => format!("({}) or ({})", sides.0.text(), sides.1.text()),
        }
    }
}

fn block(steps: &[Step], depth: usize, text: &mut String) {
    for step in steps {
        step.write(depth, text);
    }
}

fn braces(steps: &[Step], depth: usize, text: &mut String) {
    text.push_str("{\n");
    block(steps, depth + 1, text);
    let _ = write!(text, "{}}}", "  ".repeat(depth));
}

fn otherwise(steps: Option<&Vec<Step>>, depth: usize, text: &mut String) {
    if let Some(steps) = steps {
        text.push_str(" else ");
        braces(steps, depth, text);
    }
}

impl Step {
    fn write(&self, depth: usize, text: &mut String) {
        text.push_str(&"  ".repeat(depth));
        let _ = match self {
            Self::First => write!(text, "send email first as hello"),
            Self::Send(mail) => write!(text, "send email {}", MAILS[*mail]),
            Self::Wait(days) => write!(text, "wait {days}d"),
            Self::WaitHours(hours) => write!(text, "wait {hours}h"),
            Self::WaitUntilHour(hour) => write!(text, "wait until {hour:02}:00"),
            Self::WaitFor { what, from_now, hours, otherwise: steps } => {
                let now = if *from_now { " from now" } else { "" };
                let _ = write!(text, "wait for {}{now} up to {hours}h", what.text());
                otherwise(steps.as_ref(), depth, text);
                Ok(())
            }
            Self::WaitWhile { until, hours, otherwise: steps } => {
                let _ = write!(text, "wait until {} up to {hours}h", until.text());
                otherwise(steps.as_ref(), depth, text);
                Ok(())
            }
            Self::Race(arms, hours, timeout) => {
                text.push_str("wait for first {\n");
                for (what, steps) in arms {
                    let _ = write!(text, "{}{} ", "  ".repeat(depth + 1), what.text());
                    braces(steps, depth + 1, text);
                    text.push('\n');
                }
                let _ = write!(text, "{}after {hours}h ", "  ".repeat(depth + 1));
                braces(timeout, depth + 1, text);
                write!(text, "\n{}}}", "  ".repeat(depth))
            }
            Self::If(cond, then, steps) => {
                let _ = write!(text, "if {} ", cond.text());
                braces(then, depth, text);
                otherwise(steps.as_ref(), depth, text);
                Ok(())
            }
            Self::Choose(free, pro) => {
                let _ = write!(text, "choose plan {{\n{}free ", "  ".repeat(depth + 1));
                braces(free, depth + 1, text);
                let _ = write!(text, "\n{}pro ", "  ".repeat(depth + 1));
                braces(pro, depth + 1, text);
                write!(text, "\n{}}}", "  ".repeat(depth))
            }
            Self::Repeat(times, until, steps) => {
                let until = until.as_ref().map_or_else(String::new, |until| format!(" until {}", until.text()));
                let _ = write!(text, "repeat up to {times} times{until} ");
                braces(steps, depth, text);
                Ok(())
            }
            Self::AddTag(tag) => write!(text, "add tag {}", TAGS[*tag]),
            Self::RemoveTag(tag) => write!(text, "remove tag {}", TAGS[*tag]),
            Self::AddVisits(more) => write!(text, "set visits to visits + {more}"),
            Self::SetPlan(plan) => write!(text, "set plan to {}", PLANS[*plan]),
            Self::MoveTo(stage) => write!(text, "move to sales.{}", STAGES[*stage]),
            Self::Record(amount) => write!(text, "record noted {{ amount: {amount} }}"),
            Self::Unsubscribe => write!(text, "unsubscribe offers"),
            Self::Start(journey) => write!(text, "start journey j{journey}"),
            Self::Stop(journey) => write!(text, "stop journey j{journey}"),
            Self::End => write!(text, "end"),
        };
        text.push('\n');
    }
}
