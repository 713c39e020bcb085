//! Something else should stand here: what, and how it is written.

use journey_bytecode::Channel;
use journey_grammar::{Describe, Expected, SyntaxKind};

use super::wording::Context;
use crate::diagnostic::{Applicability, Code, Diagnostic, Edit, Span, nearest, one_of};

/// The most alternatives that one sentence names.
const MAX_NAMED: usize = 4;

pub(super) fn finding(cx: &Context<'_>, expected: &[Expected], found: SyntaxKind, within: SyntaxKind) -> Diagnostic {
    if let Some(finding) = channel(cx, expected) {
        return finding;
    }
    let what = list(expected, within);
    let missing = cx.span.start == cx.span.end || found == SyntaxKind::Eof;
    let before = previous(cx);
    let message = match (missing, before) {
        (true, Some(before)) => format!("{what} is missing after `{before}`"),
        (true, None) => format!("{what} is missing"),
        (false, _) => format!("{} stands where {what} should", describe(cx, found)),
    };
    let code = match expected.first() {
        Some(Expected::Message) => Code::MissingMessage,
        _ => Code::Syntax,
    };
    let names = |one: &Expected| matches!(one, Expected::Name | Expected::Path | Expected::Handle);
    // Behind `send` it rather begins the next step.
    let named =
        !missing && !matches!(within, SyntaxKind::SendStep | SyntaxKind::ChannelList) && expected.iter().any(names);
    let reserved = found.text().filter(|_| named && found.is_reserved());
    let found = cx.found(code, message);
    if let Some(word) = reserved {
        return found.help(format!("`{word}` is a word of the language: choose another name, as `my_{word}`"));
    }
    match example(within, expected) {
        Some(example) => found.help(format!("write it as {example}")),
        None => found,
    }
}

/// `send welcome`: what was read as the channel is the message.
fn channel(cx: &Context<'_>, expected: &[Expected]) -> Option<Diagnostic> {
    let before = previous(cx)?;
    if !expected.contains(&Expected::Message) || Channel::parse(before).is_some() {
        return None;
    }
    let channels = || Channel::ALL.iter().map(|channel| channel.name());
    let end = cx.text().get(..cx.span.start as usize)?.trim_end().len();
    let span = Span::new(cx.file, cx.text(), end - before.len()..end);
    if let Some(near) = nearest(before, channels()) {
        let found =
            Diagnostic::new(Code::MissingMessage, span, format!("`{before}` is no channel, and no message follows"));
        return Some(found.replace_with(before, near));
    }
    let edit = Edit { span: span.before(), text: "email ".to_owned() };
    Some(
        Diagnostic::new(Code::MissingMessage, span, format!("the channel is missing before `{before}`"))
            .help(format!(
                "the channels are {}: write `send email {before}`",
                one_of(channels()).replace(" or ", " and ")
            ))
            .fix("Send it by email", Applicability::Unsafe, vec![edit]),
    )
}

/// The word before the place.
fn previous<'a>(cx: &Context<'a>) -> Option<&'a str> {
    let before = cx.text().get(..cx.span.start as usize)?;
    let at = u32::try_from(before.trim_end().len()).ok()?;
    let token = cx.parse.tree.tokens_at(at).left?;
    let text = token.text();
    (!token.kind().is_trivia() && text.len() <= 40 && !text.contains('`')).then_some(text)
}

fn describe(cx: &Context<'_>, found: SyntaxKind) -> String {
    let written = cx.written();
    let short = written.chars().count() <= 40 && !written.contains(['`', '\n']);
    if short && !written.is_empty() { format!("`{written}`") } else { Describe(found).to_string() }
}

/// What could stand here, in words.
fn list(expected: &[Expected], within: SyntaxKind) -> String {
    if expected.contains(&Expected::Item) {
        return "a journey, a declaration or a step".to_owned();
    }
    let mut names: Vec<String> = Vec::new();
    for one in expected.iter().take(MAX_NAMED) {
        let name = name(*one, within);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => "something else".to_owned(),
    }
}

fn name(expected: Expected, within: SyntaxKind) -> String {
    match expected {
        Expected::Step => "a step such as `send` or `wait`".to_owned(),
        Expected::Clause => "a line such as `on tag lead`".to_owned(),
        Expected::Expression => "a condition or value".to_owned(),
        Expected::Message => "the name of a message".to_owned(),
        Expected::Trigger => "what starts the journey, as `tag lead`,".to_owned(),
        Expected::EventPattern => "an event such as `purchase` or `opened`".to_owned(),
        Expected::Type => "a type such as `text`, `number` or `date`".to_owned(),
        Expected::FieldName => "the name of a field".to_owned(),
        Expected::Name if within == SyntaxKind::SendStep => "a channel such as `email`".to_owned(),
        Expected::Name | Expected::Path => match named(within) {
            Some(what) => format!("the name of {what}"),
            None => "a name".to_owned(),
        },
        other => other.to_string(),
    }
}

/// What a name names, where only one kind of thing can stand.
const fn named(within: SyntaxKind) -> Option<&'static str> {
    Some(match within {
        SyntaxKind::Journey => "the journey",
        SyntaxKind::EventDecl => "the event",
        SyntaxKind::TopicDecl | SyntaxKind::TopicClause => "the topic",
        SyntaxKind::SegmentDecl => "the segment",
        SyntaxKind::FunnelDecl => "the funnel",
        SyntaxKind::TagsDecl | SyntaxKind::TagPattern => "a tag",
        _ => return None,
    })
}

/// How the thing that was being read is written.
fn example(within: SyntaxKind, expected: &[Expected]) -> Option<&'static str> {
    use SyntaxKind as K;
    Some(match within {
        K::Journey | K::BareJourney if expected.contains(&Expected::Step) => {
            "`send email welcome`, `wait 3d`, `if opened end` or `add tag customer`"
        }
        K::SendStep => "`send email welcome`, or with its text: `send sms \"Hi there\"`",
        K::WaitForStep => "`wait for purchase up to 3d`, or `wait for opened story up to 2d else end`",
        K::WaitUntilStep => "`wait until 09:00`, `wait until tuesday 12:00` or `wait until 2026-12-24 08:00`",
        K::SetStep => "`set plan to pro` or `set visits to visits + 1`",
        K::AddStep | K::AddTagStep => "`add tag customer`",
        K::RemoveStep | K::RemoveTagStep => "`remove tag lead`",
        K::WaitStep => "`wait 3d`, `wait until 09:00` or `wait for purchase up to 3d`",
        K::IfStep => "`if opened send email thanks else end`, or with several steps in `{ }`",
        K::TriggerClause => "`on tag lead` or `on purchase where amount > 100 EUR`",
        K::WhereClause => "`where country is DE and email is set`",
        K::ReenterClause => "`reenter never`, `reenter always`, `reenter after 90d` or `reenter restart`",
        K::ExitClause => "`exit when purchase`",
        K::GoalClause => "`goal purchase within 30d`",
        K::HoursClause => "`hours weekdays 09:00 to 18:00`",
        K::ContactDecl | K::FieldList | K::Field => "`first_name: text?`, one attribute a line",
        K::EventDecl => "`event purchase { amount: money }`",
        K::TagsDecl => "`tags { lead customer }`",
        K::TopicDecl => "`topic offers \"Offers and news\"`",
        K::PolicyDecl => "`quiet hours 21:00 to 08:00`, `cap 3 messages per 7d`, `sender \"..\"` or `address \"..\"`",
        K::QuietHoursRule => "`quiet hours 21:00 to 08:00`",
        K::CapRule => "`cap 3 messages per 7d` or `cap sms 1 per 7d`",
        K::SenderRule => "`sender \"Moosbett <hello@moosbett.example>\"`",
        K::AddressRule => "`address \"Moosbett GmbH, Teststr. 1, 53177 Bonn\"`",
        K::EnumType => "`enum { free pro }`",
        K::ListType => "`list of text`",
        K::Journey => "`journey welcome { on tag lead  send email hello }`",
        K::SegmentDecl => "`segment engaged = opened any email within 30d`",
        _ if expected.contains(&Expected::Expression) => "`plan is pro`, `visits > 3` or `opened story`",
        _ => return None,
    })
}
