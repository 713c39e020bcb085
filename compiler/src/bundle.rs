//! The whole line: files to findings and, if none is an error, to the bundle.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use journey_bytecode::{
    Attribute, Bundle, Channel, Date, Event, Field, NOTICE_CHANNEL, Policy, Program, Purpose, RequestKind, Schema,
    Scores, SlotIx, TestCase, Topic, Type, verify,
};
use rayon::prelude::*;
use smallvec::{SmallVec, smallvec};
use smol_str::SmolStr;

use crate::Compilation;
use crate::check::{self, Checked, Implied, Index, MessageInfo, OwnTerms, SentNames, Source, Table, Uses};
use crate::codegen::{self, TooLarge};
use crate::codes;
use crate::diagnostic::{self, Code, Diagnostic, Severity, Span};
use crate::flow;
use crate::hir::{self, Body, Item, Unsure};
use crate::kept::{Judgements, Kept};
use crate::lint::{self, Lints, Scene};
use crate::messages::{self, FileName, MessageSource, Setting, Sight};
use crate::project::{FileKind, Project};
use crate::shift::Shift;
use crate::sources::{JourneyFile, Sources};
use crate::template::{LocalShape, Piece};
use crate::text::Text;
use crate::typed::{Place, Seen, StepKind};

/// The most bytes of a journey of which surely no table of a program overflows: every entry is at least a byte of source.
const MAX_SMALL: usize = u16::MAX as usize;

/// A journey file, by itself.
struct Unit<'a> {
    path: &'a str,
    journeys: &'a Arc<JourneyFile>,
}

impl Unit<'_> {
    fn source(&self) -> &str {
        self.journeys.tree.text()
    }
}

/// A journey or a test that is to be judged.
struct Asked<'a> {
    /// The number of its file.
    number: usize,
    unit: &'a Unit<'a>,
    text: &'a Text<'a>,
    item: &'a Item,
    /// Where its steps are kept.
    body: Option<&'a OnceLock<Body>>,
    /// What is known of it already.
    known: Option<Arc<Judged>>,
}

impl<'a> Asked<'a> {
    /// The journey with its steps; none if it is a test, or known.
    fn steps(&self) -> Option<(&'a hir::Journey, Cow<'a, Body>)> {
        match self.item {
            Item::Journey(journey) if self.known.is_none() => {
                let read = || self.unit.journeys.body(journey);
                let body = match self.body {
                    Some(kept) => Cow::Borrowed(kept.get_or_init(read)),
                    None => Cow::Owned(read()),
                };
                Some((journey, body))
            }
            _ => None,
        }
    }
}

/// So many are judged together, stage by stage: the code of all stages does not fit into a processor's cache, and the steps
/// of all journeys do not either.
const TOGETHER: usize = 8;

/// What a project is compiled for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Goal {
    /// What is wrong with it.
    Findings,
    /// That, and the bundle.
    Bundle,
    /// What is wrong with it, and what the next state of the project can make use of.
    Later,
}

/// Compiles.
pub(crate) fn compile(
    project: &Project,
    sources: &Sources,
    today: Option<Date>,
    kept: &Kept,
    goal: Goal,
) -> (Compilation, Kept) {
    let mut diagnostics = sources.findings.clone();
    let units: Vec<Unit<'_>> = (sources.journeys.iter())
        .filter_map(|journeys| {
            let path = project.file(journeys.file)?.path.as_str();
            diagnostics.extend(journeys.lowered.findings.iter().cloned());
            Some(Unit { path, journeys })
        })
        .collect();
    let files: Vec<Source<'_>> = (units.iter())
        .filter_map(|unit| {
            let bytes = &project.file(unit.journeys.file)?.bytes;
            let text = Text::new(unit.journeys.file, unit.path, unit.source(), bytes);
            Some(Source { text, file: &unit.journeys.lowered.file })
        })
        .collect();
    // A journey file that cannot be read may declare anything.
    let unread = project.ids().filter(|(_, file)| file.kind() == FileKind::Journey).count() > files.len();
    let unsure = if unread { Unsure::ALL } else { Unsure::default() };
    let mut index = Index::build(&files, project.lone, unsure, known_messages(project, sources), &mut diagnostics);
    if !project.lone {
        let items = files.iter().flat_map(|file| file.file.items.iter().map(|item| (item, &file.text)));
        diagnostics.extend(codes::declared(items, &sources.codes));
    }
    index.terms = terms(sources);
    index.services.clone_from(&sources.config.call.services);
    index.notify.clone_from(&sources.config.notify);
    let mut uses = Uses::default();
    index.conditions = check::segments(&index, &files, &mut uses, &mut diagnostics);
    let scores = check::scores(&index, &files, &mut uses, &mut diagnostics);
    // Only tests ask what is sent.
    let tested = files.iter().flat_map(|file| &file.file.items).any(|item| matches!(item, Item::Test(_)));
    let trees = units.iter().filter(|_| tested).map(|unit| &unit.journeys.tree);
    let sent = SentNames::of(trees);
    let mut build = Build::new(&index, sources, sent, (today, goal), diagnostics);
    build.lints.uses = uses;
    build.scores(&scores, files.first().map(|file| &file.text));
    let known = kept.known(sources, project.lone, today, &build.sent);
    let mut items = Vec::new();
    for (number, (unit, file)) in units.iter().zip(&files).enumerate() {
        let mut known = known.judged(number, unit.journeys).into_iter();
        items.extend(unit.journeys.judged().map(|(item, body)| {
            let known = known.next().flatten();
            Asked { number, unit, text: &file.text, item, body, known }
        }));
    }
    // Each by itself, on all cores; what they add up to is gathered in their order.
    let together = (items.len() / (4 * rayon::current_num_threads())).clamp(1, TOGETHER);
    let judged: Vec<(usize, Arc<Judged>)> =
        items.par_chunks(together).flat_map_iter(|asked| build.judge(asked)).collect();
    let mut by_file: Vec<Vec<Arc<Judged>>> = Vec::new();
    if goal == Goal::Later {
        by_file.resize_with(files.len(), Vec::new);
        for (number, judged) in &judged {
            by_file.get_mut(*number).into_iter().for_each(|of_file| of_file.push(Arc::clone(judged)));
        }
    }
    judged.iter().for_each(|(_, judged)| build.add(judged));
    let locals = LocalNames::seen(&build.sights);
    let of_messages = match known.of_messages(&build.purposes, &locals) {
        Some(found) => found.to_vec(),
        None => build.of_messages(&locals),
    };
    let kept = if goal == Goal::Later {
        Kept::new(Judgements {
            sources: sources.clone(),
            lone: project.lone,
            today,
            sent: std::mem::take(&mut build.sent),
            files: by_file,
            purposes: build.purposes.clone(),
            locals: locals.clone(),
            seen_by_messages: build.seen_by_messages(),
            of_messages: of_messages.clone(),
        })
    } else {
        Kept::default()
    };
    build.diagnostics.extend(of_messages);
    (build.finish(project, &files, &locals), kept)
}

/// The messages that there are; one whose file cannot be read is there all the same.
fn known_messages<'a>(project: &Project, sources: &'a Sources) -> Table<(Channel, SmolStr), MessageInfo<'a>> {
    let files = project.ids().filter(|(_, file)| file.kind() == FileKind::Message);
    let names = files.filter_map(|(id, file)| FileName::read(id, &file.path).ok());
    let mut known: Table<_, _> =
        names.map(|name| ((name.channel, name.name), MessageInfo { links: true, ..MessageInfo::default() })).collect();
    known.extend(sources.messages.iter().map(|m| {
        let info = MessageInfo { source: Some(m), links: has_links(m), asks_trigger: m.asks_trigger() };
        ((m.channel, m.name.clone()), info)
    }));
    known
}

/// What messages say of themselves.
fn terms(sources: &Sources) -> BTreeMap<(Channel, SmolStr), OwnTerms> {
    let telling = sources.messages.iter().filter(|m| m.purpose.is_some() || m.topic.is_some());
    let terms = telling.map(|m| {
        let purpose = m.purpose.as_ref().map(|purpose| purpose.value);
        ((m.channel, m.name.clone()), OwnTerms { purpose, topic: m.topic.as_ref().map(|topic| topic.value.clone()) })
    });
    terms.collect()
}

/// The local variables of the journeys that send a message, by the message; only where there are some.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct LocalNames(BTreeMap<(Channel, SmolStr), BTreeSet<SmolStr>>);

impl LocalNames {
    fn of(&self, message: &MessageSource) -> &BTreeSet<SmolStr> {
        static NONE: BTreeSet<SmolStr> = BTreeSet::new();
        self.0.get(&(message.channel, message.name.clone())).unwrap_or(&NONE)
    }

    fn seen(sights: &[&Sight]) -> Self {
        let mut all: BTreeMap<(Channel, SmolStr), BTreeSet<SmolStr>> = BTreeMap::new();
        for Sight { message, locals, .. } in sights.iter().filter(|sight| !sight.locals.is_empty()) {
            all.entry(message.clone()).or_default().extend(locals.iter().map(|local| local.name.clone()));
        }
        Self(all)
    }
}

/// What a journey or a test is by itself.
#[derive(Clone, Default)]
pub(crate) struct Judged {
    diagnostics: Vec<Diagnostic>,
    implied: Implied,
    lints: Lints,
    program: Option<Program>,
    test: Option<TestCase>,
    /// Messages that it sends, and what for.
    sends: Vec<(Channel, SmolStr, Purpose)>,
    /// The same, with the local variables in sight there.
    sights: Vec<Sight>,
    /// Texts that stand in it.
    inline: Vec<(MessageSource, Purpose)>,
    /// Where the journey is.
    first: Option<Span>,
}

impl Judged {
    /// The same behind a change of its file; none if it holds what cannot be moved: the source map of a program or a test, or
    /// texts, which know their lines.
    pub(crate) fn shifted(&self, shift: Shift) -> Option<Self> {
        if self.program.is_some() || self.test.is_some() || !self.inline.is_empty() {
            return None;
        }
        let mut moved = self.clone();
        moved.diagnostics.iter_mut().for_each(|found| shift.diagnostic(found));
        moved.implied.messages.values_mut().for_each(|at| shift.span(at));
        moved.lints.shift(shift);
        moved.sights.iter_mut().for_each(|sight| shift.span(&mut sight.at));
        moved.first.iter_mut().for_each(|at| shift.span(at));
        Some(moved)
    }

    /// Where it sends messages.
    pub(crate) fn sights(&self) -> &[Sight] {
        &self.sights
    }
}

/// What the journeys add up to.
struct Build<'a> {
    index: &'a Index<'a>,
    schema: Schema,
    sources: &'a Sources,
    sent: SentNames,
    diagnostics: Vec<Diagnostic>,
    implied: Implied,
    programs: Vec<Program>,
    scores: Scores,
    tests: Vec<TestCase>,
    /// Texts that stand in journeys.
    inline: Vec<&'a (MessageSource, Purpose)>,
    /// Whether somebody sends the message for marketing.
    purposes: Table<(Channel, SmolStr), Purpose>,
    /// What is sent, with the local variables in sight there.
    sights: Vec<&'a Sight>,
    /// The first journey, to speak of the file at.
    first: Option<Span>,
    /// The present day, if somebody says it.
    today: Option<Date>,
    goal: Goal,
    lints: Lints,
    /// The names that journeys and tests use.
    uses: Vec<&'a Uses>,
}

impl<'a> Build<'a> {
    fn new(
        index: &'a Index<'a>,
        sources: &'a Sources,
        sent: SentNames,
        (today, goal): (Option<Date>, Goal),
        diagnostics: Vec<Diagnostic>,
    ) -> Self {
        Self {
            index,
            schema: index.schema(),
            sources,
            sent,
            diagnostics,
            implied: Implied::default(),
            programs: Vec::new(),
            scores: Scores::default(),
            tests: Vec::new(),
            inline: Vec::new(),
            purposes: Table::default(),
            sights: Vec::new(),
            first: None,
            today,
            goal,
            lints: Lints::default(),
            uses: Vec::new(),
        }
    }

    /// Looks at journeys and tests, at each by itself; with the number of the file.
    fn judge(&self, asked: &[Asked<'_>]) -> Vec<(usize, Arc<Judged>)> {
        let steps: Vec<_> = asked.iter().map(Asked::steps).collect();
        let check = |(asked, steps): (&Asked<'_>, &Option<(&hir::Journey, Cow<'_, Body>)>)| {
            let (journey, body) = steps.as_ref()?;
            Some(Box::new(check::journey(self.index, asked.text, journey, &body.steps)))
        };
        let checked: Vec<_> = asked.iter().zip(&steps).map(check).collect();
        let judged = asked.iter().zip(steps).zip(checked).map(|((asked, steps), checked)| {
            let judged = match (&asked.known, steps, checked) {
                (Some(known), ..) => Arc::clone(known),
                (None, Some((journey, body)), Some(checked)) => {
                    Arc::new(self.journey(journey, &body, checked, asked.text, asked.unit))
                }
                _ => Arc::new(self.test(asked.item, asked.text)),
            };
            (asked.number, judged)
        });
        judged.collect()
    }

    fn test(&self, item: &Item, text: &Text<'_>) -> Judged {
        let Item::Test(test) = item else { return Judged::default() };
        let tested = check::test(self.index, text, test, &self.sent);
        let mut judged = Judged { diagnostics: tested.diagnostics, ..Judged::default() };
        judged.lints.test(tested.case.as_ref(), &tested.uses);
        // Who types runs nothing, and what is kept is copied at each key.
        judged.test = tested.case.filter(|_| self.goal != Goal::Later);
        judged
    }

    /// Follows the ways through a journey whose names and types are checked.
    fn journey(
        &self,
        journey: &hir::Journey,
        body: &Body,
        mut checked: Box<Checked>,
        text: &Text<'_>,
        unit: &Unit<'_>,
    ) -> Judged {
        let mut judged = Judged { first: Some(text.span(journey.head)), ..Judged::default() };
        judged.diagnostics.extend_from_slice(&body.findings);
        self.messages(&checked, text, unit, &mut judged);
        let entry =
            checked.whole.then(|| flow::follow(&mut checked.journey, text, self.index, &mut checked.diagnostics));
        let scene = Scene { index: self.index, config: &self.sources.config.lint, today: self.today, text };
        judged.lints.uses = std::mem::take(&mut checked.uses);
        judged.lints.journey(&scene, (journey, &body.steps), &checked, entry);
        judged.sights = sights(&checked, text);
        let sound = checked.whole && !checked.diagnostics.iter().any(is_error);
        judged.diagnostics.append(&mut checked.diagnostics);
        judged.implied = checked.implied;
        // What is small enough has a program: it need not be made to know that.
        let wanted = self.goal == Goal::Bundle || !checked.is_small || journey.loc.len() as usize > MAX_SMALL;
        if sound && wanted {
            match program(&checked.journey, text) {
                Ok(program) => judged.program = (self.goal == Goal::Bundle).then_some(program),
                Err(finding) => judged.diagnostics.push(finding),
            }
        }
        judged
    }

    /// Checks what the journey's messages say of the event that starts it, and the texts that stand in it.
    fn messages(&self, checked: &Checked, text: &Text<'_>, unit: &Unit<'_>, judged: &mut Judged) {
        let purpose = checked.journey.purpose.unwrap_or_default();
        let shapes = &checked.triggers;
        // Without a trigger that is understood, nothing is known of its fields.
        let fields_known = !shapes.is_empty();
        judged.sends.reserve(checked.sends.len());
        for sent in &checked.sends {
            let info = self.index.messages.get(&(sent.channel, sent.message.clone()));
            if let Some(MessageInfo { source: Some(message), asks_trigger, .. }) = info {
                let purpose = if sent.elsewhere { Purpose::Transactional } else { purpose };
                let purpose = message.purpose.as_ref().map_or(purpose, |purpose| purpose.value);
                judged.sends.push((sent.channel, sent.message.clone(), purpose));
                if fields_known && *asks_trigger {
                    judged.diagnostics.extend(message.check_trigger(shapes, sent.at));
                }
            }
        }
        for inline in &checked.inline {
            let piece = Piece::literal(unit.journeys.file, unit.source(), inline.loc.to_usize());
            let (line, _) = text.line_column(inline.loc.start);
            let file = messages::inline(inline.name.clone(), inline.channel, unit.path, piece, line);
            let message = MessageSource {
                name: inline.name.clone(),
                channel: inline.channel,
                purpose: inline.notice.then(|| Setting { value: Purpose::Transactional, span: text.span(inline.loc) }),
                topic: None,
                after_crash: None,
                texts: vec![Arc::new(file)],
            };
            if fields_known {
                judged.diagnostics.extend(message.check_trigger(shapes, text.span(inline.loc)));
            }
            let purpose = if inline.notice { Purpose::Transactional } else { purpose };
            judged.inline.push((message, purpose));
        }
    }

    /// Adds what was found in the next journey or test.
    fn add(&mut self, judged: &'a Judged) {
        self.first = self.first.or(judged.first);
        self.diagnostics.extend_from_slice(&judged.diagnostics);
        self.implied.merge(&judged.implied);
        self.lints.add(&judged.lints);
        self.uses.push(&judged.lints.uses);
        for (channel, message, purpose) in &judged.sends {
            let known = self.purposes.entry((*channel, message.clone())).or_insert(*purpose);
            if *purpose == Purpose::Marketing {
                *known = *purpose;
            }
        }
        self.sights.extend(&judged.sights);
        self.inline.extend(&judged.inline);
        self.programs.extend(judged.program.clone());
        self.tests.extend(judged.test.clone());
    }

    fn scores(&mut self, scores: &[crate::typed::Score], text: Option<&Text<'_>>) {
        let Some(text) = text.filter(|_| !scores.is_empty()) else { return };
        match codegen::scores(scores, text) {
            Ok(made) => self.scores = made,
            Err(TooLarge(what)) => {
                let at = text.span(hir::Loc::default());
                let message = format!("the scores of the project have too many {what}");
                self.diagnostics.push(Diagnostic::new(Code::JourneyTooLarge, at, message).label("too large"));
            }
        }
    }

    /// What is wrong with the messages that have files, by what they are sent for.
    fn of_messages(&self, locals: &LocalNames) -> Vec<Diagnostic> {
        let (schema, policy) = self.seen_by_messages();
        let found = self.sources.messages.par_iter().flat_map_iter(|message| {
            let purpose = self.purposes.get(&(message.channel, message.name.clone())).copied();
            let purpose = purpose.or(message.purpose.as_ref().map(|p| p.value)).unwrap_or_default();
            messages::check(message, &schema, &policy, purpose, locals.of(message))
        });
        found.collect()
    }

    /// The declarations as messages see them: they can say a score like an attribute.
    fn seen_by_messages(&self) -> (Schema, Policy) {
        let mut policy = self.index.policy.clone();
        policy.sender = policy.sender.take().or_else(|| self.sources.config.email.from.clone());
        policy.opt_in.clone_from(&self.sources.config.consent.opt_in);
        policy.holidays.clone_from(&self.sources.holidays);
        let mut schema = self.schema.clone();
        schema.attributes.extend(self.index.scores.keys().map(|name| Attribute {
            name: name.clone(),
            ty: Type::Number,
            optional: false,
            default: None,
        }));
        (schema, policy)
    }

    /// What is wrong with what messages say of local variables, each place once.
    fn of_locals(&self, locals: &LocalNames) -> Vec<Diagnostic> {
        if locals.0.is_empty() {
            return Vec::new();
        }
        let mut places: BTreeSet<(Code, Span)> = self.diagnostics.iter().map(|d| (d.code, d.primary.span)).collect();
        let mut found = Vec::new();
        for Sight { message, locals: seen, at, .. } in &self.sights {
            let (Some(source), Some(all)) = (self.source(message), locals.0.get(message)) else { continue };
            found.extend(source.check_locals(seen, all, &self.schema, *at));
        }
        found.retain(|d| places.insert((d.code, d.primary.span)));
        found
    }

    fn source(&self, (channel, name): &(Channel, SmolStr)) -> Option<&MessageSource> {
        let inline =
            || self.inline.iter().map(|(message, _)| message).find(|m| m.name == *name && m.channel == *channel);
        self.sources.message(*channel, name).or_else(inline)
    }

    fn finish(mut self, project: &Project, files: &[Source<'_>], locals: &LocalNames) -> Compilation {
        let (seen_by_messages, policy) = self.seen_by_messages();
        let of_journeys = self.inline.par_iter().flat_map_iter(|(message, purpose)| {
            messages::check(message, &seen_by_messages, &policy, *purpose, locals.of(message))
        });
        let found: Vec<Diagnostic> = of_journeys.collect();
        self.diagnostics.extend(found);
        let found = self.of_locals(locals);
        self.diagnostics.extend(found);
        self.diagnostics.extend(self.no_way_to_unsubscribe());
        let mut schema = std::mem::take(&mut self.schema);
        if project.lone {
            self.diagnostics.extend(declared_by_use(&self.implied, self.first));
            declare(&self.implied, &mut schema);
        }
        let lints = std::mem::take(&mut self.lints);
        let pressure = lints.finish(&self.uses, self.index, files, self.sources, &mut self.diagnostics);
        lint::settle(&self.sources.journeys, &self.sources.config.lint, &mut self.diagnostics);
        diagnostic::sort(&mut self.diagnostics);
        let hidden = diagnostic::limit(&mut self.diagnostics);
        if self.goal != Goal::Bundle || self.diagnostics.iter().any(is_error) {
            let Self { diagnostics, tests, .. } = self;
            return Compilation { diagnostics, hidden, tests, pressure, ..Compilation::default() };
        }
        let placeholders = (self.implied.messages.iter())
            .map(|((name, channel), at)| messages::placeholder(name, *channel, *at).message());
        let mut texts: Vec<_> = (self.sources.messages.iter())
            .chain(self.inline.iter().map(|(message, _)| message))
            .map(MessageSource::message)
            .chain(placeholders)
            .collect();
        texts.sort_by(|a, b| (&a.name, a.channel).cmp(&(&b.name, b.channel)));
        self.programs.sort_by(|a, b| a.name.cmp(&b.name));
        let config = &self.sources.config.project;
        let bundle = Bundle {
            project: config.name.clone(),
            default_zone: config.timezone.clone(),
            schema,
            policy,
            after_crash: self.sources.config.outbox,
            messages: texts,
            scores: self.scores,
            programs: self.programs,
        };
        let locals = in_sight(&self.sights);
        Compilation { diagnostics: self.diagnostics, hidden, bundle: Some(bundle), tests: self.tests, pressure, locals }
    }
}

impl Build<'_> {
    /// Marketing mail that leaves this machine carries a link by which its reader can leave; it has to lead somewhere.
    fn no_way_to_unsubscribe(&self) -> Option<Diagnostic> {
        let config = &self.sources.config;
        let at = config.email.smtp.as_ref().filter(|smtp| !smtp.is_local())?.at?;
        let is_marketing =
            |channel: &Channel, purpose: &Purpose| *channel == Channel::Email && *purpose == Purpose::Marketing;
        let sent = self.purposes.iter().find(|((channel, _), purpose)| is_marketing(channel, purpose));
        let inline = self.inline.iter().find(|(message, purpose)| is_marketing(&message.channel, purpose));
        let name = sent.map(|((_, name), _)| format!("`{name}`")).or(inline.map(|_| "of a journey".to_owned()))?;
        let message = format!("the marketing mail {name} leaves this machine, and its unsubscribe link leads nowhere");
        let found = Diagnostic::new(Code::NoBaseUrl, at, message);
        config.track.base_url.is_none().then(|| {
            found
                .note("Large mail providers reject marketing mail without one-click unsubscribing, and the law asks for a link that works.")
                .help("write `base_url = \"https://t.example.com\"` below `[track]`: the address under which contacts reach `journey serve`")
        })
    }
}

/// The program of a sound journey, or why there is none.
fn program(journey: &crate::typed::Journey, text: &Text<'_>) -> Result<Program, Diagnostic> {
    let at = text.span(journey.head);
    let program = codegen::generate(journey, text).map_err(|TooLarge(what)| {
        let message = format!("the journey `{}` has too many {what}", journey.name);
        Diagnostic::new(Code::JourneyTooLarge, at, message).label("too large").help("split it into several journeys")
    })?;
    verify(&program).map_err(|error| {
        let message = format!("the program of `{}` is not valid: {error}", journey.name);
        Diagnostic::new(Code::Internal, at, message)
            .label("this journey")
            .note("This is a mistake in journey itself, not in your file.")
    })?;
    Ok(program)
}

fn is_error(d: &Diagnostic) -> bool {
    d.severity == Severity::Error
}

/// The local variables that messages can use, each as the first journey has it that sends the message.
fn in_sight(sights: &[&Sight]) -> BTreeMap<(Channel, SmolStr), Vec<Field>> {
    let mut all: BTreeMap<_, Vec<Field>> = BTreeMap::new();
    for Sight { message, locals, .. } in sights.iter().filter(|sight| !sight.locals.is_empty()) {
        let known = all.entry(message.clone()).or_default();
        for LocalShape { name, ty, optional, fields } in locals {
            let of_answer = |fields: &Vec<Field>| {
                Type::Record(fields.iter().map(|field| (field.name.clone(), field.ty.clone())).collect())
            };
            let ty = fields.as_ref().map(of_answer).or_else(|| ty.clone());
            if let Some(ty) = ty.filter(|_| known.iter().all(|other| other.name != *name)) {
                known.push(Field { name: name.clone(), ty, optional: *optional });
            }
        }
    }
    all
}

/// Where messages are sent, and the local variables in sight there.
fn sights(checked: &Checked, text: &Text<'_>) -> Vec<Sight> {
    let (mut blocks, mut found) = (Vec::with_capacity(16), Vec::with_capacity(checked.sends.len()));
    blocks.push(&checked.journey.body);
    let triggers: Arc<[_]> = checked.triggers.as_slice().into();
    while let Some(block) = blocks.pop() {
        for step in block {
            if let Some((messages, seen)) = said(&step.kind) {
                let locals = seen.locals.iter().filter_map(|(name, slot)| local_shape(name, *slot, checked, seen));
                let (locals, at) = (locals.collect::<Vec<_>>(), text.span(step.head));
                let sight = |message| Sight { message, locals: locals.clone(), triggers: Arc::clone(&triggers), at };
                found.extend(messages.into_iter().map(sight));
            }
            step.kind.each_block(|inner| blocks.push(inner));
        }
    }
    found
}

/// The messages that a step may say; nearly always one.
type Said = SmallVec<[(Channel, SmolStr); 1]>;

/// The messages that a step may say, and what they may use.
fn said(step: &StepKind) -> Option<(Said, &Seen)> {
    let notice = |message: &SmolStr| smallvec![(NOTICE_CHANNEL, message.clone())];
    match step {
        StepKind::Send(send) => Some((send.choices.iter().cloned().collect(), &send.seen)),
        StepKind::Notify(told) => Some((notice(&told.message), &told.seen)),
        StepKind::Request(request) => match &request.kind {
            RequestKind::Ask { message, .. } => Some((notice(message), &request.seen)),
            RequestKind::Call { .. } | RequestKind::Voucher { .. } => None,
        },
        _ => None,
    }
}

/// A local variable as a message sees it.
fn local_shape(name: &SmolStr, slot: SlotIx, checked: &Checked, seen: &Seen) -> Option<LocalShape> {
    let known = checked.journey.slots.get(slot.index())?;
    // Where not all is understood, nobody knows what is unset.
    let unset = |place: &Place| checked.whole && !seen.set.contains(place);
    let optional = known.optional && unset(&Place::Slot(slot));
    let fields = known.answer.as_ref().map(|fields| {
        let field = |field: &Field| {
            let place = Place::Answer(slot, field.name.clone(), !field.optional);
            Field { optional: (optional || field.optional) && unset(&place), ..field.clone() }
        };
        fields.iter().map(field).collect()
    });
    Some(LocalShape { name: name.clone(), ty: known.ty.clone(), optional, fields })
}

/// Whether a text of the message has something that can be clicked.
fn has_links(message: &MessageSource) -> bool {
    message.texts.iter().any(|text| {
        let body = text.body.piece.text();
        ["http://", "https://", "href=", "]("].iter().any(|sign| body.contains(sign))
    })
}

/// One hint for all names that a lone file declares by using them.
fn declared_by_use(implied: &Implied, at: Option<Span>) -> Option<Diagnostic> {
    let groups = [
        ("tags", implied.tags.iter().map(|tag| format!("`{tag}`")).collect::<Vec<_>>()),
        ("events", implied.events.keys().map(|event| format!("`{event}`")).collect()),
        ("topics", implied.topics.iter().map(|topic| format!("`{topic}`")).collect()),
        ("systems", implied.services.iter().map(|service| format!("`{service}`")).collect()),
        ("messages", implied.messages.keys().map(|(name, channel)| format!("`{channel} {name}`")).collect()),
    ];
    let named: Vec<_> = (groups.into_iter().filter(|(_, names)| !names.is_empty()))
        .map(|(what, names)| format!("{what} {}", names.join(", ")))
        .collect();
    let message = "names are taken as declared by their use, because this file has no project";
    Some(
        Diagnostic::new(Code::DeclaredByUse, at.filter(|_| !named.is_empty())?, message)
            .label(named.join("; "))
            .help("`journey new` makes a project, in which every name is checked"),
    )
}

/// Adds what a lone file declares by using it.
fn declare(implied: &Implied, schema: &mut Schema) {
    schema.tags.extend(implied.tags.iter().cloned());
    schema.tags.sort();
    schema.events.extend(implied.events.iter().map(|(name, fields)| {
        Event {
            name: name.clone(),
            fields: (fields.iter())
                .map(|(name, ty)| Field { name: name.clone(), ty: ty.clone().unwrap_or(Type::Text), optional: true })
                .collect(),
        }
    }));
    schema.events.sort_by(|a, b| a.name.cmp(&b.name));
    let topic = |name: &SmolStr| Topic { name: name.clone(), title: name.replace('_', " ") };
    schema.topics.extend(implied.topics.iter().map(topic));
    schema.topics.sort_by(|a, b| a.name.cmp(&b.name));
}
