//! What other languages say so, and this one otherwise.

use journey_grammar::Habit;

use super::wording::Context;
use crate::diagnostic::{Applicability, Code, Diagnostic, Edit};

pub(super) fn finding(cx: &Context<'_>, habit: Habit, instead: Option<&str>) -> Diagnostic {
    // Where something is missing, the word behind it is shown.
    let next = cx.next_token();
    let missing = cx.written().is_empty();
    let span = if missing { next } else { cx.span };
    let written = cx.text().get(span.range()).unwrap_or_default();
    let (message, help) = wording(habit, written, instead.unwrap_or_default());
    let mut found = cx.found_at(Code::Syntax, span, message);
    if let Some(help) = help {
        found = found.help(help);
    }
    let Some(instead) = instead else { return found };
    let (title, edit) = match (missing, instead) {
        (true, _) => {
            (format!("Write `{instead}` before `{written}`"), Edit { span: cx.span, text: format!("{instead} ") })
        }
        (false, "") => {
            let blank = cx.text().get(next.range()).is_some_and(|next| next.trim().is_empty() && !next.contains('\n'));
            // One blank stays between what was parted.
            let glued =
                cx.text().get(..span.range().start).is_some_and(|before| !before.ends_with(char::is_whitespace));
            let span = if blank && !glued { span.to(next) } else { span };
            (format!("Remove `{written}`"), Edit { span, text: String::new() })
        }
        (false, _) if written == "," => {
            (format!("Replace `,` with `{instead}`"), Edit { span, text: format!(" {instead}") })
        }
        (false, _) => (format!("Replace `{written}` with `{instead}`"), Edit { span, text: instead.to_owned() }),
    };
    let applicability = match habit {
        // Whether a step in a test should happen or follow, and whether a name is that of an event, its author knows.
        Habit::StepInTest | Habit::Did => Applicability::Unsafe,
        // Of `a or b`, it would deny only the first.
        Habit::OtherWords if instead == "if not" => Applicability::Unsafe,
        _ => Applicability::Safe,
    };
    found.fix(title, applicability, vec![edit])
}

/// What is wrong, and what to write.
fn wording(habit: Habit, written: &str, instead: &str) -> (String, Option<String>) {
    let needless = |written: &str, why: &str| format!("`{written}` is not needed: {why}");
    let say = |help: &str| Some(help.to_owned());
    match habit {
        Habit::Then => (needless(written, "a step begins where the one before it ends"), None),
        Habit::Loop => (
            format!("there is no `{written}`: steps are repeated by `repeat`"),
            say(
                "write `repeat up to 5 times until opened { .. }`; to wait until something is so, write `wait until plan is pro`",
            ),
        ),
        Habit::Arrow => (needless(written, "what follows stands in braces"), say("write `pro { send email welcome }`")),
        Habit::EventWord => {
            (needless(written, "an event goes by its name alone"), say("write `on purchase`, `wait for purchase`"))
        }
        Habit::BareTag => ("`has` is missing before `tag`".to_owned(), say("ask for a tag by `has tag vip`")),
        Habit::Tag => (format!("`tag` is missing before `{written}`"), say("ask for a tag by `has tag vip`")),
        Habit::OtherWords => {
            let longer_ago = written.ends_with("more than") && instead == "<";
            let help = longer_ago.then(|| "what is longer ago is before then: `renewal < 3d ago`".to_owned());
            (format!("`{written}` is written `{instead}`"), help)
        }
        Habit::Missing => (format!("`{instead}` is missing before `{written}`"), None),
        Habit::Needless => (format!("`{written}` is not needed"), None),
        Habit::SendWhen => (
            "a message leaves when the journey comes to it".to_owned(),
            say("wait before it: `wait until 09:00 send email offer`, `wait 2d send email offer`"),
        ),
        Habit::SeveralEvents => (
            "the first of several happenings is waited for in braces".to_owned(),
            say("write `wait for first { purchase { .. } cancelled { .. } after 2d { .. } }`"),
        ),
        Habit::SplitName => (
            "a split has a name, by which contacts stay on their side".to_owned(),
            say("write `split first_words { 50% plain { .. } 50% bold { .. } }`"),
        ),
        Habit::SideName => (
            "each side of a split has a name, as reports show it".to_owned(),
            say("write `split first_words { 50% plain { .. } 50% bold { .. } }`"),
        ),
        Habit::Wildcards => (
            format!("there is no `{written}`, and there are no wildcards"),
            say(
                "write `contains \"gmx\"`, `starts with \"info@\"`, `ends with \".de\"`, or a pattern behind `matches`",
            ),
        ),
        Habit::Did => (
            format!("`did` is missing before `{written}`, if it is an event"),
            say("ask for what happened by `did purchase within 30d`, for a moment by `renewal is within next 30d`"),
        ),
        Habit::DidStatus => {
            (needless(written, "what became of a message is asked by one word"), say("write `opened story`"))
        }
        Habit::HowOften => (
            "how often is said with `at least`, `at most` or `exactly`".to_owned(),
            say("write `did purchase at least 3 times`"),
        ),
        Habit::InSegment => {
            (needless(written, "a segment is asked for by `in` and its name"), say("write `in big_spender`"))
        }
        Habit::ChannelOfStatus => (needless(written, "a message goes by its name alone"), say("write `opened story`")),
        Habit::SeveralTags => (
            format!("`{written}` stands where `has tag` should: tags are asked for one by one"),
            say("write `any of [has tag lead, has tag vip]`, or `all of`, or `none of`"),
        ),
        Habit::ContactWord => {
            (needless(written, "an attribute goes by its name"), say("write `plan is pro`, or `contact.plan is pro`"))
        }
        Habit::Stretch => (
            format!("`{written}` is not known: stretches of time have a length"),
            say("write `renewal is within next 30d`, or `month of renewal is month of today`"),
        ),
        Habit::BeforeTopic => {
            (needless(written, "the topic follows at once"), say("write `subscribe news` or `unsubscribe news`"))
        }
        Habit::SecondTrigger => (
            format!("`{written}` stands where the next `on` should"),
            say("begin each happening that starts the journey with `on`, as `on tag lead` and below it `on purchase`"),
        ),
        Habit::State => (
            format!("`{written}` compares, and something that happens should stand here"),
            say("write `plan changes to pro`; conditions stand behind `where`, `if`, `wait until` and `exit when`"),
        ),
        Habit::Distance => (
            format!("`{written}` is a sum, and something that happens should stand here"),
            say("write `on 3d before renewal` or `on 3d after renewal`"),
        ),
        Habit::UpTo => (
            "how long the wait takes at most is written with `up to`".to_owned(),
            say("write `wait for purchase up to 3d`"),
        ),
        Habit::WaitFor => (
            needless(written, "a length of time is waited for without it"),
            say("write `wait 3d`, or `wait for purchase up to 3d`"),
        ),
        Habit::Within => {
            ("how soon a goal counts is written with `within`".to_owned(), say("write `goal purchase within 30d`"))
        }
        Habit::WaitInTest => (
            format!("`{written}` is a step, and a test says when something happens or follows"),
            say("write `after 2d expect ..` or `at 2026-03-02 10:00 expect ..`"),
        ),
        Habit::EventInTest => {
            (format!("`event` is missing before `{written}`"), say("write `event purchase { amount: 20 EUR }`"))
        }
        Habit::StepInTest => (
            format!("`{written}` begins a step, and a test says what happens and what must follow"),
            say(
                "write `expect send email welcome` for what a journey does, or `tag lead` and `event purchase` for what happens",
            ),
        ),
        Habit::ContactInTest => (
            "`given` is missing before `contact`".to_owned(),
            say("write `given contact { plan: pro } consents to offers has tag vip`"),
        ),
        Habit::WithTag => ("a contact of a test `has tag`".to_owned(), say("write `given contact has tag vip`")),
    }
}
