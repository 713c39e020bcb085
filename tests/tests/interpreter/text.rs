//! Programs as text.

use std::fmt::Write as _;

use crate::program::{
    Aggregate, Channel, Cond, DAYS, EVENTS, For, Gathering, INTERESTS, Journey, LINK, Leave, MAILS, NAMES, On, PLANS,
    Pattern, Program, Reenter, SEGMENTS, SENDERS, STAGES, Status, Step, TAGS, TOPICS, Until, WINDOWS, WORDS,
};

impl Program {
    pub fn source(&self) -> String {
        let mut text = String::new();
        for (name, condition) in SEGMENTS.iter().zip(&self.segments) {
            let _ = writeln!(text, "segment {name} = {}", condition.text());
        }
        for (number, journey) in self.journeys.iter().enumerate() {
            journey.write(number, &mut text);
        }
        text
    }
}

impl Channel {
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }
}

fn via(channel: Option<Channel>) -> String {
    channel.map_or_else(String::new, |channel| format!(" via {}", channel.name()))
}

impl Journey {
    fn write(&self, number: usize, text: &mut String) {
        let _ = writeln!(text, "\njourney j{number} {{");
        for on in &self.on {
            let _ = writeln!(text, "  on {}", on.text());
        }
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
        if let Some(collect) = &self.collect {
            let most = collect.most.map_or_else(String::new, |most| format!(" at most {most}"));
            let _ = match collect.until {
                Gathering::Minutes(minutes) => writeln!(text, "  collect for {minutes}m{most} as batch"),
                Gathering::Hour(hour) => writeln!(text, "  collect until {hour:02}:00{most} as batch"),
            };
        }
        if let Some(days) = self.exit_after {
            let _ = writeln!(text, "  exit after {days}d");
        }
        for exit in &self.exits {
            let when: Vec<String> = exit
                .when
                .iter()
                .map(|leave| match leave {
                    Leave::Event(pattern) => pattern.text(),
                    Leave::When(condition) => format!("({})", condition.text()),
                })
                .collect();
            let _ = write!(text, "  exit when {}", when.join(" or "));
            if let Some(then) = &exit.then {
                text.push(' ');
                braces(then, 1, text);
            }
            text.push('\n');
        }
        if let Some((pattern, days, exits)) = &self.goal {
            let within = days.map_or_else(String::new, |days| format!(" within {days}d"));
            let _ = writeln!(text, "  goal {}{within}", pattern.text());
            if *exits {
                text.push_str("  exit on goal\n");
            }
        }
        let _ = match self.topic {
            Some(topic) => writeln!(text, "  topic {}", TOPICS[topic]),
            None => writeln!(text, "  purpose transactional"),
        };
        if let Some(window) = self.hours {
            let _ = writeln!(text, "  hours {}", WINDOWS[window].0);
        }
        match self.priority {
            1 => text.push_str("  priority high\n"),
            -1 => text.push_str("  priority low\n"),
            _ => {}
        }
        if self.holdout > 0 {
            let _ = writeln!(text, "  holdout {}%", self.holdout);
        }
        let _ = writeln!(text, "  let level = visits + {}", self.level);
        block(&self.body, 1, text);
        text.push_str("}\n");
    }
}

impl On {
    fn text(&self) -> String {
        match self {
            Self::Tag(tag) => format!("tag {}", TAGS[*tag]),
            Self::Untag(tag) => format!("untag {}", TAGS[*tag]),
            Self::Event(pattern) => pattern.text(),
            Self::Created => "created".to_owned(),
            Self::Plan(from, to) => format!("plan changes{}", change(*from, *to)),
            Self::Opened(mail) => format!("opened {}", MAILS[*mail]),
            Self::Clicked(mail) => format!("clicked {} link \"{LINK}\"", MAILS[*mail]),
            Self::Bounced(channel) => format!("bounced any {}", channel.name()),
            Self::Sent(mail) => format!("sent {}", MAILS[*mail]),
            Self::Subscribed(topic) => format!("subscribed {}", TOPICS[*topic]),
            Self::Unsubscribed(topic, channel) => {
                let topic = topic.map_or_else(String::new, |topic| format!(" {}", TOPICS[topic]));
                format!("unsubscribed{topic}{}", via(*channel))
            }
            Self::Written(word) => format!("message \"{}\"", WORDS[*word]),
            Self::WrittenVia(channel) => format!("message via {}", channel.name()),
            Self::Enters(segment) => format!("enters {}", SEGMENTS[*segment]),
            Self::Leaves(segment) => format!("leaves {}", SEGMENTS[*segment]),
            Self::Reaches(stage) => format!("reaches sales.{}", STAGES[*stage]),
            Self::BeforeRenewal(days, hour) => format!("{days}d before renewal at {hour:02}:00"),
            Self::Renewal(hour) => format!("renewal at {hour:02}:00"),
            Self::Every(day, hour, segment) => {
                let segment = segment.map_or_else(String::new, |segment| format!(" for {}", SEGMENTS[segment]));
                format!("every {} at {hour:02}:00{segment}", DAYS[*day])
            }
            Self::EveryDay(hour) => format!("every day at {hour:02}:00"),
            Self::Call => "call { amount: number }".to_owned(),
        }
    }
}

fn change(from: Option<usize>, to: Option<usize>) -> String {
    let from = from.map_or_else(String::new, |from| format!(" from {}", PLANS[from]));
    let to = to.map_or_else(String::new, |to| format!(" to {}", PLANS[to]));
    format!("{from}{to}")
}

fn within(days: Option<i32>) -> String {
    days.map_or_else(String::new, |days| format!(" within {days}d"))
}

impl Pattern {
    pub fn text(&self) -> String {
        format!("{}{}", EVENTS[self.event], self.filter())
    }

    fn filter(&self) -> String {
        self.least.map_or_else(String::new, |least| format!(" where amount >= {least}"))
    }
}

impl For {
    fn text(&self) -> String {
        match self {
            Self::Event(pattern) => pattern.text(),
            Self::SameAmount(event) => format!("{} where amount is trigger.amount", EVENTS[*event]),
            Self::OpenedFirst => "opened hello".to_owned(),
            Self::ClickedLast => "clicked".to_owned(),
            Self::ClickedLink => format!("clicked hello link \"{LINK}\""),
            Self::OpenedAny => "opened any email".to_owned(),
            Self::Tag(tag) => format!("tag {}", TAGS[*tag]),
            Self::PlanTo(plan) => format!("plan changes to {}", PLANS[*plan]),
            Self::Enters(segment) => format!("enters {}", SEGMENTS[*segment]),
            Self::Leaves(segment) => format!("leaves {}", SEGMENTS[*segment]),
            Self::Reaches(stage) => format!("reaches sales.{}", STAGES[*stage]),
            Self::Subscribed(topic) => format!("subscribed {}", TOPICS[*topic]),
            Self::Unsubscribed(topic) => format!("unsubscribed {}", TOPICS[*topic]),
            Self::Written(word) => format!("message \"{}\"", WORDS[*word]),
        }
    }
}

impl Status {
    pub fn word(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Opened => "opened",
            Self::Clicked => "clicked",
            Self::Replied => "replied",
            Self::Bounced => "bounced",
            Self::Complained => "complained",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

impl Aggregate {
    /// Over a stretch, as it is written.
    fn of(self, pattern: &Pattern, stretch: &str) -> String {
        let (event, filter) = (EVENTS[pattern.event], pattern.filter());
        let of = |word| format!("({word} of {event}.amount{filter}{stretch})");
        match self {
            Self::Sum => of("sum"),
            Self::Average => of("average"),
            Self::Min => of("min"),
            Self::Max => of("max"),
            Self::First => format!("(first {event}.amount{filter}{stretch})"),
            Self::Last => format!("(last {event}.amount{filter}{stretch})"),
        }
    }
}

impl Cond {
    pub fn text(&self) -> String {
        let list = |conditions: &[Self]| conditions.iter().map(Self::text).collect::<Vec<_>>().join(", ");
        match self {
            Self::Plan(plan) => format!("plan is {}", PLANS[*plan]),
            Self::VisitsAtLeast(least) => format!("visits >= {least}"),
            Self::VisitsBetween(low, high) => format!("visits between {low} and {high}"),
            Self::HasTag(tag) => format!("has tag {}", TAGS[*tag]),
            Self::First(status) => format!("{} hello", status.word()),
            Self::Last(status) => status.word().to_owned(),
            Self::ClickedLink => format!("clicked hello link \"{LINK}\""),
            Self::OpenedAny(times, days) => {
                let times = times.map_or_else(String::new, |times| format!(" at least {times} times"));
                format!("opened any email{times} within {days}d")
            }
            Self::Did(pattern, times, days, since) => {
                let times = times.map_or_else(String::new, |times| format!(" at least {times} times"));
                let since = if *since { " since entry" } else { "" };
                format!("did {}{times}{}{since}", pattern.text(), within(*days))
            }
            Self::DidNot(pattern, days) => format!("did not {} within {days}d", pattern.text()),
            Self::DidOnDays(pattern, times, days) => {
                format!("did {} at least {times} days within {days}d", pattern.text())
            }
            Self::DidSince(event, other) => format!("did {} since last {} at", EVENTS[*event], EVENTS[*other]),
            Self::CountAtLeast(pattern, least) => format!("(count of {}) >= {least}", pattern.text()),
            Self::DistinctAtLeast(event, least) => format!("(count of distinct {}.amount) >= {least}", EVENTS[*event]),
            Self::SumAtLeast(sum, pattern, days, least) => {
                let value = sum.of(pattern, &within(*days));
                format!("{value} is set and {value} >= {least}")
            }
            Self::DidIn(past, bound, times) => {
                format!("did {} {} {times} times{}", past.pattern.text(), bound.text(), past.stretch.text())
            }
            Self::SumIn(sum, past, least) => {
                let value = sum.of(&past.pattern, &past.stretch.text());
                format!("{value} is set and {value} >= {least}")
            }
            Self::OpenedAnyIn(stretch) => format!("opened any email{}", stretch.text()),
            Self::FirstIn(status, stretch) => format!("{} hello{}", status.word(), stretch.text()),
            Self::PlanChangedIn(stretch) => format!("plan changed{}", stretch.text()),
            Self::InStage(stage) => format!("in sales.{}", STAGES[*stage]),
            Self::WasInStage(stage, days) => format!("was in sales.{} within {days}d", STAGES[*stage]),
            Self::InJourney(journey) => format!("in journey j{journey}"),
            Self::WasInJourney(journey, days) => format!("was in journey j{journey}{}", within(*days)),
            Self::InSegment(segment) => format!("in {}", SEGMENTS[*segment]),
            Self::WasInSegment(segment, days) => format!("was in {} within {days}d", SEGMENTS[*segment]),
            Self::PlanChanged(from, to, days) => format!("plan changed{}{}", change(*from, *to), within(*days)),
            Self::Consents(topic, channel) => format!("consents to {}{}", TOPICS[*topic], via(*channel)),
            Self::Reachable(channel) => format!("reachable via {}", channel.name()),
            Self::Interested(interest) => format!("interests contains \"{}\"", INTERESTS[*interest]),
            Self::ScoreAbove(than) => format!("engagement > {than}"),
            Self::ScoreFrom(from) => format!("engagement >= {from}"),
            Self::RenewalWithin(days) => format!("renewal is set and renewal <= today + {days}d"),
            Self::Within(window) => format!("now is within {}", WINDOWS[*window].0),
            Self::Weekday(day) => format!("weekday is {}", DAYS[*day]),
            Self::Compared(left, order, right) => format!("{} {} {}", left.text(), order.text(), right.text()),
            Self::Days(left, order, right) => format!("{} {} {}", left.text(), order.text(), right.text()),
            Self::Named(text, of, name) => format!("{} {} \"{}\"", text.text(), of.text(), NAMES[*name]),
            Self::Domain(which) => {
                format!("email is set and domain of email is \"{}\"", ["example.com", "example.org"][*which])
            }
            Self::RenewalDays(order, days) => {
                format!("renewal is set and days of (renewal - today) {} {days}", order.text())
            }
            Self::Level(least) => format!("level >= {least}"),
            Self::Amount(least) => format!("trigger.amount >= {least}"),
            Self::Gathered(least) => format!("length of batch >= {least}"),
            Self::AtLeast(number, of) => format!("at least {number} of [{}]", list(of)),
            Self::Exactly(number, of) => format!("exactly {number} of [{}]", list(of)),
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

/// A head and its block, on a line of their own.
fn arm(head: &str, steps: &[Step], depth: usize, text: &mut String) {
    let _ = write!(text, "{}{head} ", "  ".repeat(depth));
    braces(steps, depth, text);
    text.push('\n');
}

fn otherwise(steps: Option<&Vec<Step>>, depth: usize, text: &mut String) {
    if let Some(steps) = steps {
        text.push_str(" else ");
        braces(steps, depth, text);
    }
}

/// Arms in braces.
fn arms(head: &str, depth: usize, text: &mut String, inner: impl FnOnce(usize, &mut String)) {
    let _ = writeln!(text, "{head} {{");
    inner(depth + 1, text);
    let _ = write!(text, "{}}}", "  ".repeat(depth));
}

impl Step {
    fn write(&self, depth: usize, text: &mut String) {
        if matches!(self, Self::Level) {
            return;
        }
        text.push_str(&"  ".repeat(depth));
        match self.line() {
            Some(line) => text.push_str(&line),
            None => self.write_blocks(depth, text),
        }
        text.push('\n');
    }

    /// The text of a step without steps of its own.
    fn line(&self) -> Option<String> {
        Some(match self {
            Self::First => "send email first as hello".to_owned(),
            Self::Send(mail) => format!("send email {}", MAILS[*mail]),
            Self::SendAs(mail, subject, from) => {
                let subject = subject.map_or_else(String::new, |name| format!(" with subject \"{}\"", NAMES[name]));
                let from = from.map_or_else(String::new, |from| format!(" from \"{}\"", SENDERS[from]));
                format!("send email {}{subject}{from}", MAILS[*mail])
            }
            Self::SendBy(channels, mail) => {
                let channels: Vec<_> = channels.iter().map(|channel| channel.name()).collect();
                format!("send {} {}", channels.join(" or "), MAILS[*mail])
            }
            Self::SendToSales(mail) => format!("send email {} to sales", MAILS[*mail]),
            Self::Wait(days) => format!("wait {days}d"),
            Self::WaitHours(hours) => format!("wait {hours}h"),
            Self::WaitBetween(from, to) => format!("wait {from}h to {to}h"),
            Self::WaitUntilHour(hour) => format!("wait until {hour:02}:00"),
            Self::WaitUntilDay(day, hour) => format!("wait until {} {hour:02}:00", DAYS[*day]),
            Self::WaitUntilWindow(window) => format!("wait until within {}", WINDOWS[*window].0),
            Self::WaitWithin(hours, window) => format!("wait {hours}h within {}", WINDOWS[*window].0),
            Self::AddTag(tag) => format!("add tag {}", TAGS[*tag]),
            Self::RemoveTag(tag) => format!("remove tag {}", TAGS[*tag]),
            Self::AddVisits(more) => format!("set visits to visits + {more}"),
            Self::Let(id, value) => format!("let n{id} = {}", value.text()),
            Self::SetVisits(number) => format!("set visits to {}", number.text()),
            Self::SetName(name) => format!("set name to {}", name.text()),
            Self::SetRenewalTo(day) => format!("set renewal to {}", day.text()),
            Self::RecordValue(amount) => format!("record noted {{ amount: {} }}", amount.text()),
            Self::SetPlan(plan) => format!("set plan to {}", PLANS[*plan]),
            Self::SetRenewal(days) => format!("set renewal to today + {}d", days),
            Self::AddInterest(interest) => format!("add \"{}\" to interests", INTERESTS[*interest]),
            Self::RemoveInterest(interest) => format!("remove \"{}\" from interests", INTERESTS[*interest]),
            Self::MoveTo(stage) => format!("move to sales.{}", STAGES[*stage]),
            Self::Record(amount) => format!("record noted {{ amount: {amount} }}"),
            Self::Subscribe(topic, channel, until) => {
                let until = match until {
                    Some(Until::Hours(hours)) => format!(" with until now + {hours}h"),
                    Some(Until::Day(day)) => format!(" with until {}", day.text()),
                    None => String::new(),
                };
                format!("subscribe {}{}{until}", TOPICS[*topic], via(*channel))
            }
            Self::Unsubscribe(topic, channel) => {
                let topic = topic.map_or_else(String::new, |topic| format!(" {}", TOPICS[topic]));
                format!("unsubscribe{topic}{}", via(*channel))
            }
            Self::Suppress => "suppress \"no more\"".to_owned(),
            Self::Delete => "delete contact".to_owned(),
            Self::Notify => "notify sales \"A word\"".to_owned(),
            Self::Voucher { id, expires: Some(days) } => {
                format!("voucher gift as code{id} expires {days}d\nwait until code{id}_expires")
            }
            Self::Voucher { id, expires: None } => format!("voucher gift as code{id}"),
            Self::Start(journey, amount) => format!("start journey j{journey} with {{ amount: {amount} }}"),
            Self::Stop(journey) => format!("stop journey j{journey}"),
            Self::Label(id) => format!("step place{id}:"),
            Self::End => "end".to_owned(),
            _ => return None,
        })
    }

    fn write_blocks(&self, depth: usize, text: &mut String) {
        match self {
            Self::WaitRenewal(days, hour, steps) => {
                let _ = write!(text, "wait until renewal - {days}d at {hour:02}:00");
                otherwise(Some(steps), depth, text);
            }
            Self::WaitFor { what, from_now, hours, window, otherwise: steps } => {
                let now = if *from_now { " from now" } else { "" };
                let window = window.map_or_else(String::new, |window| format!(" within {}", WINDOWS[window].0));
                let _ = write!(text, "wait for {}{now} up to {hours}h{window}", what.text());
                otherwise(steps.as_ref(), depth, text);
            }
            Self::WaitWhile { until, hours, otherwise: steps } => {
                let _ = write!(text, "wait until {} up to {hours}h", until.text());
                otherwise(steps.as_ref(), depth, text);
            }
            Self::Race(things, hours, timeout) => arms("wait for first", depth, text, |depth, text| {
                for (what, from_now, steps) in things {
                    let now = if *from_now { " from now" } else { "" };
                    arm(&format!("{}{now}", what.text()), steps, depth, text);
                }
                arm(&format!("after {hours}h"), timeout, depth, text);
            }),
            Self::Countdown(points, steps) => {
                arms("countdown to renewal", depth, text, |depth, text| {
                    for (days, hour, steps) in points {
                        let at = hour.map_or_else(String::new, |hour| format!(" at {hour:02}:00"));
                        let when = match days {
                            0 => "on the day".to_owned(),
                            days if *days < 0 => format!("{}d before", -days),
                            days => format!("{days}d after"),
                        };
                        arm(&format!("{when}{at}"), steps, depth, text);
                    }
                });
                otherwise(Some(steps), depth, text);
            }
            Self::If(cond, then, steps) => {
                let _ = write!(text, "if {} ", cond.text());
                braces(then, depth, text);
                otherwise(steps.as_ref(), depth, text);
            }
            Self::Chance(percent, then) => {
                let _ = write!(text, "if chance {percent}% ");
                braces(then, depth, text);
            }
            Self::Choose(free, pro) => arms("choose plan", depth, text, |depth, text| {
                arm("free", free, depth, text);
                arm("pro", pro, depth, text);
            }),
            Self::ChooseVisits(most, few, one, many) => arms("choose visits", depth, text, |depth, text| {
                arm(&format!("0 to {most}"), few, depth, text);
                arm(&format!("{}", most + 1), one, depth, text);
                arm("else", many, depth, text);
            }),
            Self::Repeat(times, until, steps) => {
                let until = until.as_ref().map_or_else(String::new, |until| format!(" until {}", until.text()));
                let _ = write!(text, "repeat up to {times} times{until} ");
                braces(steps, depth, text);
            }
            Self::Split { id, percent, sides, measure } => {
                arms(&format!("split s{id}"), depth, text, |depth, text| {
                    arm(&format!("{percent}% a"), &sides.0, depth, text);
                    arm(&format!("{}% b", 100 - percent), &sides.1, depth, text);
                });
                if let Some((pattern, days)) = measure {
                    let _ = write!(text, " measure {} within {days}d", pattern.text());
                }
            }
            Self::Call { id, hours, hot, otherwise: steps } => {
                let _ = write!(text, "call crm.grade {{ visits: visits }} as graded{id} up to {hours}h");
                otherwise(steps.as_ref(), depth, text);
                let _ = write!(text, "\n{}if graded{id}.grade is hot ", "  ".repeat(depth));
                braces(hot, depth, text);
            }
            Self::Ask { hours, yes, no, otherwise: steps } => {
                let up_to = hours.map_or_else(String::new, |hours| format!(" up to {hours}h"));
                arms(&format!("ask sales \"Yes or no?\"{up_to}"), depth, text, |depth, text| {
                    arm("yes", yes, depth, text);
                    arm("no", no, depth, text);
                    if let Some(steps) = steps {
                        arm("else", steps, depth, text);
                    }
                });
            }
            _ => {}
        }
    }
}
