//! Words of the language and whole statements.

use journey_grammar::{KEYWORDS, SyntaxKind};

use super::{Completion, CompletionKind, Site};
use crate::names::{Field, Kind};
use crate::words;

/// Statements with places to fill in. `$tag` and the like stand for the first that the project declares.
const STATEMENTS: &[(&str, &str)] = &[
    ("send email", "send email $mail"),
    ("send sms", "send sms $sms"),
    ("wait", "wait $duration"),
    ("wait until", "wait until $time"),
    ("wait for", "wait for $event up to $duration"),
    ("wait for opened", "wait for opened up to $duration else {\n  $0\n}"),
    ("wait for first", "wait for first {\n  $event {\n    $0\n  }\n  after $duration {\n  }\n}"),
    ("if", "if $optional is set {\n  $0\n}"),
    ("if else", "if $optional is set {\n  $0\n} else {\n}"),
    ("choose", "choose $enum {\n  $0\n  else {\n  }\n}"),
    ("split", "split $name {\n  50% a {\n    $0\n  }\n  50% b {\n  }\n}"),
    ("repeat", "repeat up to 3 times {\n  $0\n}"),
    ("countdown to", "countdown to $date {\n  30d before {\n    $0\n  }\n}"),
    ("add tag", "add tag $tag"),
    ("remove tag", "remove tag $tag"),
    ("set", "set $attribute to $0"),
    ("move to", "move to $funnel.$0"),
    ("record", "record $event { $0 }"),
    ("subscribe", "subscribe $topic"),
    ("unsubscribe", "unsubscribe $topic"),
    ("suppress", "suppress \"$0\""),
    ("let", "let $name = $0"),
    ("start journey", "start journey $journey"),
    ("stop journey", "stop journey $journey"),
    ("step", "step $name:"),
    ("end", "end"),
    ("on tag", "on tag $tag"),
    ("on created", "on created"),
    ("where", "where $optional is set"),
    ("reenter never", "reenter never"),
    ("reenter always", "reenter always"),
    ("reenter after", "reenter after $duration"),
    ("reenter restart", "reenter restart"),
    ("exit when", "exit when $event"),
    ("exit on goal", "exit on goal"),
    ("goal", "goal $event within $duration"),
    ("topic", "topic $topic"),
    ("hours", "hours weekdays 09:00 to 18:00"),
    ("purpose transactional", "purpose transactional"),
    ("priority high", "priority high"),
    ("holdout", "holdout 5%"),
    ("journey", "journey $name {\n  on tag $tag\n  reenter never\n\n  $0\n  end\n}"),
    ("tags", "tags { $0 }"),
    ("event", "event $name { $0 }"),
    ("topic declaration", "topic $name \"$0\""),
    ("segment", "segment $name = $0"),
    ("funnel", "funnel $name { new -> $0 }"),
    ("contact", "contact {\n  email: email\n  $0\n}"),
    ("policy", "policy {\n  $0\n}"),
    ("test", "test \"$0\" {\n  given contact\n  at 2026-01-05 10:00 tag $tag\n  expect end\n}"),
    ("quiet hours", "quiet hours 21:00 to 08:00"),
    ("cap", "cap 3 messages per 7d"),
    ("sender", "sender \"$0\""),
    ("address", "address \"$0\""),
    ("given contact", "given contact { $0 }"),
    ("expect send", "expect send email $mail"),
    ("expect no send", "expect no send"),
    ("expect end", "expect end"),
    ("expect tag", "expect tag $tag"),
    ("expect wait", "expect wait"),
    ("at", "at 2026-01-05 10:00 tag $tag"),
    ("has tag", "has tag $tag"),
    ("in journey", "in journey $journey"),
    ("was in journey", "was in journey $journey within 30d"),
    ("consents to", "consents to $topic"),
    ("did", "did $event within 30d"),
    ("did not", "did not $event within 30d"),
    ("opened any", "opened any email within 30d"),
    ("count of", "count of $event within 30d"),
    ("sum of", "sum of $event.$0"),
    ("chance", "chance 10%"),
    ("is set", "is set"),
    ("is not set", "is not set"),
    ("is not", "is not"),
    ("not in", "not in [$0]"),
    ("starts with", "starts with \"$0\""),
    ("ends with", "ends with \"$0\""),
    ("up to", "up to $duration"),
    ("else", "else {\n  $0\n}"),
    ("within", "within 30d"),
];

/// Words that begin nothing useful alone, or stand in a phrase above.
const DULL: &[&str] = &["the", "times", "time", "day", "days"];

/// Adds the words and statements that can stand here.
pub(super) fn offer(site: &Site<'_>, found: &mut Vec<Completion>) {
    for (label, body) in STATEMENTS {
        let filled = Filled::new(site, body);
        let tree = site.accepts(&filled.plain).filter(|tree| is_keyword(site, tree));
        // A topic is named in a journey and declared outside of one, with the same word.
        let kind = tree.as_ref().and_then(|tree| site.first(tree)).map(|token| token.parent().kind());
        if kind.is_some_and(|kind| *label != "topic" || kind == SyntaxKind::TopicClause) {
            let snippet = filled.snippet.contains('$');
            let kind = if snippet { CompletionKind::Snippet } else { CompletionKind::Keyword };
            let detail = words::form(label.split(' ').next().unwrap_or_default()).map(words::Form::text);
            found.push(Completion {
                insert: filled.snippet,
                snippet,
                detail: detail.unwrap_or_default(),
                ..site.completion(*label, kind, 2)
            });
        }
    }
    for (word, kind) in KEYWORDS {
        if DULL.contains(word) || STATEMENTS.iter().any(|(label, _)| label == word) {
            continue;
        }
        // A word that may be a name as well says by what follows whether it is one.
        let fits = site.accepts(word).is_some_and(|tree| is_keyword(site, &tree));
        if fits && !kind.is_verb() && !kind.begins_item() {
            found.push(site.completion(*word, CompletionKind::Keyword, 4));
        }
    }
}

/// Whether the parser took the word for one of the language's, not for a name.
fn is_keyword(site: &Site<'_>, tree: &journey_grammar::Tree) -> bool {
    site.first(tree).is_some_and(|token| {
        let holder = token.parent().kind();
        token.kind().is_keyword()
            && !matches!(
                holder,
                SyntaxKind::Name | SyntaxKind::Path | SyntaxKind::FieldValue | SyntaxKind::Field | SyntaxKind::Error
            )
    })
}

/// A statement with its places filled in.
struct Filled {
    /// As editors take it: `wait ${1:2d}`.
    snippet: String,
    /// With what stands in the places at first.
    plain: String,
}

impl Filled {
    fn new(site: &Site<'_>, body: &str) -> Self {
        let mut filled = Self { snippet: String::new(), plain: String::new() };
        let mut number = 0;
        let mut pieces = body.split('$');
        let first = pieces.next().unwrap_or_default();
        filled.snippet.push_str(first);
        filled.plain.push_str(first);
        for piece in pieces {
            let length = piece.find(|c: char| !c.is_alphanumeric()).unwrap_or(piece.len());
            let (name, rest) = piece.split_at_checked(length).unwrap_or((piece, ""));
            if name == "0" {
                filled.snippet.push_str("$0");
            } else {
                number += 1;
                let value = example(site, name);
                filled.snippet.push_str(&format!("${{{number}:{value}}}"));
                filled.plain.push_str(&value);
            }
            filled.snippet.push_str(rest);
            filled.plain.push_str(rest);
        }
        filled
    }
}

/// What stands in a place at first: the first thing of its kind that the project declares.
fn example(site: &Site<'_>, place: &str) -> String {
    let declarations = site.snapshot.declarations();
    let first =
        |kind: Kind| declarations.items.keys().find(|symbol| symbol.kind == kind).map(|symbol| symbol.name.clone());
    let message = |channel: &str| {
        let mut messages = declarations.messages.iter();
        messages.find(|(_, texts)| texts.iter().any(|text| text.channel == channel)).map(|(name, _)| name.clone())
    };
    let attribute = |fits: fn(&Field) -> bool| {
        declarations.attributes.values().find(|field| fits(field)).map(|field| field.name.clone())
    };
    let known = match place {
        "tag" => first(Kind::Tag),
        "event" => first(Kind::Event),
        "topic" => first(Kind::Topic),
        "journey" => first(Kind::Journey),
        "funnel" => first(Kind::Funnel),
        "mail" => message("email"),
        "sms" => message("sms"),
        "attribute" => attribute(|_| true),
        "optional" => attribute(|field| field.optional),
        "enum" => attribute(|field| !field.values.is_empty()),
        "date" => attribute(|field| matches!(field.ty.as_str(), "date" | "datetime")),
        "duration" => Some("2d".to_owned()),
        "time" => Some("09:00".to_owned()),
        _ => None,
    };
    known.unwrap_or_else(|| place.to_owned())
}
