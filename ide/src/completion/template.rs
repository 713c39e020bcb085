//! What can be written in a message: between braces what its checker finds no fault with, and settings above the text.

use std::collections::{BTreeMap, BTreeSet};

use journey_compiler::diagnostic::{Code, Diagnostic};
use journey_compiler::messages::{Channel, Markup, SharedText, Sight, TextFile, Vocabulary, parts};
use journey_compiler::project::FileId;
use journey_compiler::template::{BUILTIN_VARIABLES, LOOP, Piece, TEMPLATE_TESTS, Template};
use journey_grammar::{TextRange, Tree};
use smol_str::SmolStr;

use super::filters::FILTERS;
use super::{Completion, CompletionKind, settings};
use crate::Snapshot;
use crate::hover::short;
use crate::names::{Kind, Symbol};

/// The tags, and what closes them.
const TAGS: &[(&str, &str)] = &[
    ("if", "if ${1:condition} %}$0{% endif"),
    ("elif", "elif ${1:condition}"),
    ("else", "else"),
    ("endif", "endif"),
    ("for", "for ${1:item} in ${2:list} %}$0{% endfor"),
    ("endfor", "endfor"),
    ("set", "set ${1:name} = ${2:value}"),
    ("with", "with ${1:name} = ${2:value} %}$0{% endwith"),
    ("endwith", "endwith"),
];

/// The tags that bring in a partial, and a layout.
const BRINGING: [&str; 2] = ["include", "extends"];

/// How a variable can be written: of several ways the first that fits it and its place is offered.
const VARIABLE: [&str; 3] = ["", " | default(\"${1:there}\")", " | join(\", \")"];

/// In a file below `messages/`.
pub(super) fn in_message(snapshot: &Snapshot, file: FileId, offset: u32) -> Vec<Completion> {
    let text = snapshot.text(file);
    let Some(before) = text.get(..offset as usize) else { return Vec::new() };
    let replace = replaced(before, offset);
    let Some(before) = before.get(..replace.start as usize) else { return Vec::new() };
    let in_settings = settings::are_here(text, before);
    // A setting is a text of its own, and what stands above the text is none of it.
    let from = match text.strip_prefix("---") {
        Some(_) if in_settings => before.rfind('\n').map_or(0, |at| at + 1),
        Some(_) => before.match_indices("\n---").next().map_or(0, |(at, fence)| at + fence.len()),
        None => 0,
    };
    let Some(tag) = before.get(from..).and_then(open_tag) else {
        return if in_settings { settings::offer(snapshot, file, before, replace) } else { Vec::new() };
    };
    let read = snapshot.sources().text_file(file);
    let shared = snapshot.sources().shared().find(|text| text.piece.whole().file == file);
    // A text that messages share is sent with each that brings it in.
    let readers = shared.map(|shared| messages_with(snapshot, &shared.name)).unwrap_or_default();
    let sent = |sight: &Sight| {
        read.is_some_and(|read| is_sent(sight, read)) || readers.iter().any(|read| is_sent(sight, read))
    };
    let unknown = |name: &str| match name {
        "subject" => in_settings || read.is_none_or(|read| read.channel != Channel::Email),
        "confirm_url" => read.is_none_or(|read| read.topic.is_none()),
        _ => false,
    };
    let pen = Pen {
        snapshot,
        before: before.get(from..).unwrap_or_default().to_owned(),
        tag,
        replace,
        vocabulary: snapshot.vocabulary(sent),
        language: read.map(|read| &read.language).or(shared.map(|text| &text.language)).and_then(Option::as_deref),
        markup: read.map(|read| read.markup).or(shared.map(|text| text.markup)),
        unknown: &unknown,
    };
    let mut found = pen.offer();
    // What stands behind the place in the path was meant for another one.
    let rest = text.get(offset as usize..).unwrap_or_default();
    let of_path = rest.find(|c: char| !c.is_alphanumeric() && !"_-./".contains(c)).unwrap_or(rest.len());
    for offer in found.iter_mut().filter(|offer| offer.kind == CompletionKind::Name(Kind::Part)) {
        offer.replace.end += u32::try_from(of_path).unwrap_or_default();
    }
    found
}

fn is_sent(sight: &Sight, read: &TextFile) -> bool {
    sight.message.0 == read.channel && sight.message.1 == read.name
}

/// The texts of messages that bring in a partial or layout, be it by another one.
fn messages_with<'s>(snapshot: &'s Snapshot, name: &str) -> Vec<&'s TextFile> {
    let sources = snapshot.sources();
    let brings = |piece: &Piece, all: &BTreeSet<SmolStr>| parts(piece).iter().any(|(path, _)| all.contains(path));
    let mut all = BTreeSet::from([SmolStr::new(name)]);
    loop {
        let more = sources.shared().filter(|text| brings(&text.piece, &all));
        let more: Vec<_> = more.map(|text| text.name.clone()).collect();
        let before = all.len();
        all.extend(more);
        if all.len() == before {
            break;
        }
    }
    let texts = snapshot.files().filter_map(|file| sources.text_file(file));
    texts.filter(|text| brings(&text.body.piece, &all)).collect()
}

/// In a text of a journey.
pub(super) fn in_string(snapshot: &Snapshot, file: FileId, tree: &Tree, offset: u32) -> Vec<Completion> {
    let text = snapshot.text(file);
    let start = tree.tokens_at(offset).left.map_or(0, |token| token.range().start);
    let Some(before) = text.get(..offset as usize) else { return Vec::new() };
    let replace = replaced(before, offset);
    // The place in front of the first quote is no part of the text.
    let Some(written) = text.get(start as usize + 1..replace.start as usize) else { return Vec::new() };
    let written = written.replace("\\\"", "\"");
    let Some(tag) = open_tag(&written) else { return Vec::new() };
    // The step that says it begins before it, and no other one in between.
    let all = snapshot.vocabulary(|sight| sight.at.file == file && sight.at.start <= start);
    let vocabulary = all.map(|mut all| {
        let nearest = all.sights.iter().map(|sight| sight.at.start).max();
        all.sights.retain(|sight| Some(sight.at.start) == nearest);
        all
    });
    let unknown = |name: &str| matches!(name, "subject" | "confirm_url");
    let pen =
        Pen { snapshot, before: written, tag, replace, vocabulary, language: None, markup: None, unknown: &unknown };
    let mut found = pen.offer();
    // A text with quotes inside a text would end it.
    for offer in &mut found {
        offer.insert = offer.insert.replace('"', "'");
    }
    found
}

/// Where the tag begins that is open at the end.
fn open_tag(before: &str) -> Option<usize> {
    let start = before.rfind("{{").max(before.rfind("{%"))?;
    let inside = before.get(start..)?;
    (!inside.contains("}}") && !inside.contains("%}")).then_some(start)
}

/// The word before the end, dots included.
fn word(text: &str) -> &str {
    let start = text
        .rfind(|c: char| !c.is_alphanumeric() && c != '_' && c != '.')
        .map_or(0, |at| at + text.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8));
    text.get(start..).unwrap_or_default()
}

/// The last part of the word, which is replaced.
fn replaced(before: &str, offset: u32) -> TextRange {
    let last = word(before).rsplit('.').next().unwrap_or_default();
    TextRange::new(offset.saturating_sub(u32::try_from(last.len()).unwrap_or_default()), offset)
}

/// Somebody who writes between braces.
struct Pen<'a> {
    snapshot: &'a Snapshot,
    /// The text up to what is being written.
    before: String,
    /// Where the open tag begins in it.
    tag: usize,
    replace: TextRange,
    vocabulary: Option<Vocabulary<'a>>,
    /// The language of the text.
    language: Option<&'a str>,
    /// How the text is written, if it can bring in others.
    markup: Option<Markup>,
    /// The built-in variables that this text does not have.
    unknown: &'a dyn Fn(&str) -> bool,
}

impl Pen<'_> {
    fn offer(&self) -> Vec<Completion> {
        let inside = self.before.get(self.tag..).unwrap_or_default();
        if let Some(found) = self.shared_texts(inside).or_else(|| self.compared()) {
            return found;
        }
        let path = word(inside);
        let lead = inside.get(..inside.len() - path.len()).unwrap_or_default().trim_end();
        let block = lead.starts_with("{%");
        let words: Vec<&str> = lead.trim_start_matches(['{', '%', '-']).split_whitespace().collect();
        let all = match words.as_slice() {
            [] if block => self.tags(),
            ["for" | "set" | "with"] if block => Offers::new(),
            ["filter"] if block => self.filters(),
            _ if lead.ends_with('|') => self.filters(),
            [.., "is"] | [.., "is", "not"] => self.words(TEMPLATE_TESTS, CompletionKind::Keyword),
            _ if !path.is_empty() => self.parts(path),
            _ => self.values(),
        };
        all.into_values().collect()
    }

    /// Whether the checker finds no fault with this text in its place.
    fn fits(&self, text: &str, only_syntax: bool) -> bool {
        let whole = format!("{}{text}", self.before);
        let (start, end) = (self.before.len(), whole.len());
        let template = Template::draft(&whole, self.tag);
        let found = match (&self.vocabulary, only_syntax) {
            (Some(vocabulary), false) => vocabulary.judge(&template, self.language),
            _ => template.findings,
        };
        let concerns = |found: &Diagnostic| {
            let at = found.primary.span;
            match found.code {
                Code::TemplateSyntax | Code::UnsupportedTag => at.end as usize > self.tag,
                _ => !only_syntax && (at.start as usize) < end && at.end as usize > start,
            }
        };
        !found.iter().any(concerns)
    }

    /// The first of several ways to write something that fits.
    fn first_that_fits(&self, forms: impl IntoIterator<Item = String>, mut offer: Completion) -> Option<Completion> {
        for form in forms {
            offer.snippet = form.contains('$');
            offer.insert = form;
            if self.fits(&offer.text(), false) {
                return Some(offer);
            }
        }
        None
    }

    fn filters(&self) -> Offers {
        let offer = |(name, forms, detail): &super::filters::Filter| {
            let offer = Completion { detail: (*detail).into(), ..plain(name, CompletionKind::Function, self.replace) };
            self.first_that_fits(forms.iter().map(|form| (*form).to_owned()), offer)
        };
        by_label(FILTERS.iter().filter_map(offer))
    }

    /// The values of what is compared with the text that is being written: `{% if plan == "`.
    fn compared(&self) -> Option<Vec<Completion>> {
        const HERE: &str = "HERE";
        let template = Template::draft(&format!("{}{HERE}", self.before), self.tag);
        let compared = template.compared.iter().find(|compared| compared.text == HERE)?;
        let usage = template.uses.get(compared.with)?;
        let declarations = self.snapshot.declarations();
        let (symbols, name) = match usage.is_trigger() {
            true => (self.trigger_fields(), usage.path.get(1)?),
            false => (self.attributes(), usage.path.first()?),
        };
        let symbol = symbols.into_iter().find(|offer| offer.label == *name)?.symbol?;
        let owner = match symbol.kind {
            Kind::Field => format!("{}.{}", symbol.owner, symbol.name),
            _ => symbol.name,
        };
        let values = declarations.field(&owner)?.values.iter();
        let offer =
            |value: &String| of_symbol(self.snapshot, Symbol::new(Kind::Value, &*owner, &**value), self.replace);
        Some(values.map(offer).collect())
    }

    /// The partials or layouts that can stand here: `{% include "` names one.
    fn shared_texts(&self, inside: &str) -> Option<Vec<Completion>> {
        let tag = inside.strip_prefix("{%")?.trim_start_matches('-').trim_start();
        let (word, rest) = tag.split_once(char::is_whitespace)?;
        let layout = BRINGING.iter().position(|known| *known == word)? == 1;
        let rest = rest.trim_start();
        let typed = rest.strip_prefix(['"', '\'']);
        if typed.is_none() && !rest.is_empty() || typed.is_some_and(|typed| typed.contains(['"', '\''])) {
            return Some(Vec::new());
        }
        let length = u32::try_from(typed.map_or(0, str::len)).unwrap_or_default();
        let replace = TextRange::new(self.replace.start.saturating_sub(length), self.replace.end);
        let offer = |name: &SmolStr| {
            let offer = of_symbol(self.snapshot, Symbol::global(Kind::Part, name.as_str()), replace);
            let insert = if typed.is_some() { name.to_string() } else { format!("\"{name}\"") };
            Completion { insert, ..offer }
        };
        Some(by_label(self.shared(layout).map(offer)).into_values().collect())
    }

    /// The names of the partials or layouts that this text can bring in.
    fn shared(&self, layout: bool) -> impl Iterator<Item = &SmolStr> {
        let fits = move |text: &&SharedText| {
            let own = self.markup;
            let markup =
                own.is_some_and(|own| if layout { own.stands_in(text.markup) } else { own.takes(text.markup) });
            markup && text.name.starts_with("layouts/") == layout
        };
        self.snapshot.sources().shared().filter(fits).map(|text| &text.name)
    }

    /// The tags that bring in other texts, where there are some.
    fn bringing(&self) -> Vec<Completion> {
        let first = self.before.get(..self.tag).is_some_and(|before| before.trim().is_empty());
        let can = [true, first]
            .into_iter()
            .zip(BRINGING)
            .enumerate()
            .filter(|(at, (stands, _))| *stands && self.shared(*at == 1).next().is_some());
        let offer = |word: &str| Completion {
            insert: format!("{word} \"$1\""),
            snippet: true,
            ..plain(word, CompletionKind::Keyword, self.replace)
        };
        can.map(|(_, (_, word))| offer(word)).collect()
    }

    /// What a tag asks for is for the writer to say: only where the tag can stand is judged.
    fn tags(&self) -> Offers {
        let offer = |(label, body): &(&str, &str)| Completion {
            insert: (*body).to_owned(),
            snippet: body.contains('$'),
            ..plain(label, CompletionKind::Keyword, self.replace)
        };
        by_label(TAGS.iter().map(offer).filter(|offer| self.fits(&offer.text(), true)).chain(self.bringing()))
    }

    fn words(&self, words: &[&str], kind: CompletionKind) -> Offers {
        let offers = words.iter().map(|word| plain(word, kind, self.replace));
        by_label(offers.filter(|offer| self.fits(&offer.insert, false)))
    }

    /// What can stand behind a dot.
    fn parts(&self, path: &str) -> Offers {
        self.variables(self.candidates(path))
    }

    fn candidates(&self, path: &str) -> Vec<Completion> {
        match path {
            "contact." => self.attributes(),
            "trigger." => self.trigger_fields(),
            "loop." => LOOP.iter().map(|part| plain(part, CompletionKind::Keyword, self.replace)).collect(),
            _ => {
                let parts = self.vocabulary.iter().flat_map(Vocabulary::parts);
                parts.map(|part| plain(part, CompletionKind::Constant, self.replace)).collect()
            }
        }
    }

    fn values(&self) -> Offers {
        let mut candidates = self.attributes();
        candidates.extend(self.locals());
        let own = own_names(self.before.get(..self.tag).unwrap_or_default());
        candidates.extend(own.into_iter().map(|name| plain(name, CompletionKind::Constant, self.replace)));
        let roots = ["trigger", "loop"].map(|root| plain(root, CompletionKind::Keyword, self.replace));
        // What has no text of its own may have parts that have.
        let whole: Vec<Completion> = candidates.iter().chain(&roots).cloned().collect();
        let mut offers = self.variables(candidates);
        // Those of the project have a value if the policy gives them one; nothing can stand in for it.
        let builtin: Vec<&str> = BUILTIN_VARIABLES.iter().copied().filter(|name| !(self.unknown)(name)).collect();
        offers.extend(self.words(&builtin, CompletionKind::Constant));
        for root in whole {
            let path = format!("{}.", root.label);
            if !offers.contains_key(&root.label) && self.candidates(&path).iter().any(|part| self.has(&path, part)) {
                offers.insert(root.label.clone(), Completion { insert: path, ..root });
            }
        }
        offers
    }

    fn has(&self, path: &str, part: &Completion) -> bool {
        VARIABLE.iter().any(|form| {
            let written = Completion { insert: format!("{path}{}{form}", part.label), snippet: true, ..part.clone() };
            self.fits(&written.text(), false)
        })
    }

    fn variables(&self, candidates: Vec<Completion>) -> Offers {
        let forms = |name: &str| VARIABLE.map(|form| format!("{name}{form}"));
        by_label(candidates.into_iter().filter_map(|offer| self.first_that_fits(forms(&offer.label), offer)))
    }

    fn attributes(&self) -> Vec<Completion> {
        let names = self.vocabulary.iter().flat_map(|all| &all.schema.attributes).map(|attribute| &attribute.name);
        let declared = &self.snapshot.declarations().attributes;
        let kind = |name: &str| if declared.contains_key(name) { Kind::Attribute } else { Kind::Score };
        names.map(|name| of_symbol(self.snapshot, Symbol::global(kind(name), name.as_str()), self.replace)).collect()
    }

    /// The local variables of the journeys that send the text.
    fn locals(&self) -> Vec<Completion> {
        let seen = self.vocabulary.iter().flat_map(|all| &all.sights).flat_map(|sight| &sight.locals);
        seen.map(|local| plain(&local.name, CompletionKind::Name(Kind::Local), self.replace)).collect()
    }

    fn trigger_fields(&self) -> Vec<Completion> {
        let sights = self.vocabulary.iter().flat_map(|all| &all.sights);
        let triggers = sights.flat_map(|sight| sight.triggers.iter());
        let fields = triggers.flat_map(|trigger| {
            let named = |field| (&trigger.name, field);
            trigger.fields.iter().flatten().map(named)
        });
        let offer = |(event, name): (&String, &str)| {
            let symbol = Symbol::new(Kind::Field, event.as_str(), name);
            of_symbol(self.snapshot, symbol, self.replace)
        };
        fields.map(|(event, field)| offer((event, field.name.as_str()))).collect()
    }
}

type Offers = BTreeMap<String, Completion>;

/// Each once.
fn by_label(offers: impl Iterator<Item = Completion>) -> Offers {
    let mut all = Offers::new();
    for offer in offers {
        all.entry(offer.label.clone()).or_insert(offer);
    }
    all
}

/// The names that a template makes itself: of its loops, and what it sets.
fn own_names(before: &str) -> Vec<&str> {
    let tags = before.split("{%").skip(1).filter_map(|rest| rest.split("%}").next());
    let names = tags.flat_map(|tag| {
        let (word, rest) = tag.trim_start_matches('-').trim().split_once(' ').unwrap_or_default();
        let names = match word {
            "for" => rest.split(" in ").next(),
            "set" | "with" => rest.split('=').next(),
            _ => None,
        };
        names.into_iter().flat_map(|names| names.split(',')).map(str::trim).filter(|name| !name.is_empty())
    });
    names.collect()
}

pub(super) fn of_symbol(snapshot: &Snapshot, symbol: Symbol, replace: TextRange) -> Completion {
    let detail = short(snapshot.declarations(), &symbol);
    let kind = CompletionKind::Name(symbol.kind);
    Completion { detail, symbol: Some(symbol.clone()), ..plain(&symbol.name, kind, replace) }
}

pub(super) fn plain(label: &str, kind: CompletionKind, replace: TextRange) -> Completion {
    Completion {
        label: label.to_owned(),
        kind,
        detail: String::new(),
        insert: label.to_owned(),
        snippet: false,
        replace,
        rank: 1,
        symbol: None,
    }
}
