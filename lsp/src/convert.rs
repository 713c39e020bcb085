//! Our data as the protocol's.

use gen_lsp_types as lsp;
use journey_compiler::diagnostic::{Code, Diagnostic, Severity, Span};
use journey_ide::{Encoding, Kind, Position, Snapshot, is_deprecated, is_unnecessary};
use serde_json::Value;

/// What the editor understands.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "one for each thing that an editor may be able to do")]
pub(crate) struct Client {
    pub(crate) encoding: Encoding,
    /// Findings may point at other places.
    pub(crate) related: bool,
    /// Findings may be marked as unnecessary or deprecated source.
    pub(crate) tags: bool,
    /// Findings may link to the page about their code, at this address: `{code}` stands for the code.
    pub(crate) code_page: Option<String>,
    /// It asks for findings itself, and wants to be told when to ask again.
    pub(crate) pulls: bool,
    /// Edits may name the version that they were made for.
    pub(crate) versioned_edits: bool,
    /// Edits may create and rename files.
    pub(crate) file_operations: bool,
    /// It tells of files that change on disk.
    pub(crate) watches: bool,
    /// Completions may have places to fill in.
    pub(crate) snippets: bool,
    /// It shows Markdown.
    pub(crate) markdown: bool,
    /// Definitions may say what they are of.
    pub(crate) links: bool,
    /// Declarations may.
    pub(crate) declaration_links: bool,
    /// Symbols may be inside of each other.
    pub(crate) nested_symbols: bool,
    /// It shows how long work goes on.
    pub(crate) progress: bool,
    /// The commands of its own that code lenses may call.
    pub(crate) commands: Vec<String>,
    /// The folders that are open.
    pub(crate) folders: Vec<String>,
    /// How messages are rendered for it.
    pub(crate) preview: Option<crate::Preview>,
}

impl Client {
    /// Reads `initialize`, leniently: an editor that sends something odd beside what we need is served all the same.
    pub(crate) fn new(params: &Value) -> Self {
        let capability = |path: &str| params.pointer(&format!("/capabilities/{path}"));
        let is = |path: &str| capability(path).and_then(Value::as_bool).unwrap_or_default();
        let list = |value: Option<&Value>| -> Vec<String> {
            let values = value.and_then(Value::as_array).into_iter().flatten();
            values.filter_map(|value| value.as_str().map(str::to_owned)).collect()
        };
        let offered: Vec<_> =
            list(capability("general/positionEncodings")).iter().filter_map(|name| encoding(name)).collect();
        // Bytes cost nothing to count; otherwise what the editor likes best.
        let utf8 = offered.iter().find(|e| **e == Encoding::Utf8);
        let operations = list(capability("workspace/workspaceEdit/resourceOperations"));
        let has = |operation: &str| operations.iter().any(|known| known == operation);
        let versioned_edits = is("workspace/workspaceEdit/documentChanges");
        let option = |path: &str| params.pointer(&format!("/initializationOptions/{path}"));
        let linked = is("textDocument/publishDiagnostics/codeDescriptionSupport");
        let folders = params.get("workspaceFolders").and_then(Value::as_array).into_iter().flatten();
        let folders: Vec<_> = folders.filter_map(|folder| folder.get("uri")?.as_str().map(str::to_owned)).collect();
        let root = params.get("rootUri").and_then(Value::as_str).map(str::to_owned);
        Self {
            encoding: utf8.or(offered.first()).copied().unwrap_or_default(),
            related: is("textDocument/publishDiagnostics/relatedInformation"),
            tags: capability("textDocument/publishDiagnostics/tagSupport").is_some(),
            code_page: option("codePage").and_then(Value::as_str).filter(|_| linked).map(str::to_owned),
            pulls: capability("textDocument/diagnostic").is_some() && is("workspace/diagnostics/refreshSupport"),
            versioned_edits,
            file_operations: versioned_edits && has("create") && has("rename"),
            watches: is("workspace/didChangeWatchedFiles/dynamicRegistration"),
            snippets: is("textDocument/completion/completionItem/snippetSupport"),
            markdown: list(capability("textDocument/hover/contentFormat")).iter().any(|format| format == "markdown"),
            links: is("textDocument/definition/linkSupport"),
            declaration_links: is("textDocument/declaration/linkSupport"),
            nested_symbols: is("textDocument/documentSymbol/hierarchicalDocumentSymbolSupport"),
            progress: is("window/workDoneProgress"),
            commands: list(option("commands")),
            folders: if folders.is_empty() { root.into_iter().collect() } else { folders },
            preview: None,
        }
    }
}

fn encoding(name: &str) -> Option<Encoding> {
    match name {
        "utf-8" => Some(Encoding::Utf8),
        "utf-16" => Some(Encoding::Utf16),
        "utf-32" => Some(Encoding::Utf32),
        _ => None,
    }
}

pub(crate) const fn encoding_kind(encoding: Encoding) -> lsp::PositionEncodingKind {
    match encoding {
        Encoding::Utf8 => lsp::PositionEncodingKind::UTF8,
        Encoding::Utf16 => lsp::PositionEncodingKind::UTF16,
        Encoding::Utf32 => lsp::PositionEncodingKind::UTF32,
    }
}

pub(crate) const fn from_position(position: lsp::Position) -> Position {
    Position { line: position.line, column: position.character }
}

pub(crate) fn range(snapshot: &Snapshot, span: Span, encoding: Encoding) -> lsp::Range {
    let position = |offset| {
        let position = snapshot.lines(span.file).map(|lines| lines.position(offset, encoding)).unwrap_or_default();
        lsp::Position { line: position.line, character: position.column }
    };
    lsp::Range { start: position(span.start), end: position(span.end) }
}

/// A finding; `uri` names the project's files.
pub(crate) fn diagnostic(
    snapshot: &Snapshot,
    d: &Diagnostic,
    client: &Client,
    uri: impl Fn(Span) -> lsp::Uri,
) -> lsp::Diagnostic {
    let related = || {
        let related = d.secondary.iter().map(|label| lsp::DiagnosticRelatedInformation {
            location: lsp::Location { uri: uri(label.span), range: range(snapshot, label.span, client.encoding) },
            message: label.text.clone(),
        });
        related.collect::<Vec<_>>()
    };
    lsp::Diagnostic {
        range: range(snapshot, d.primary.span, client.encoding),
        severity: Some(match d.severity {
            Severity::Error => lsp::DiagnosticSeverity::Error,
            Severity::Warning => lsp::DiagnosticSeverity::Warning,
            Severity::Hint => lsp::DiagnosticSeverity::Hint,
        }),
        code: Some(lsp::Code::String(d.code.to_string())),
        code_description: client
            .code_page
            .as_ref()
            .map(|page| lsp::CodeDescription { href: lsp::Uri(page.replace("{code}", &d.code.to_string())) }),
        source: Some("journey".to_owned()),
        message: message(d).into(),
        tags: tag(d.code).filter(|_| client.tags).map(|tag| vec![tag]),
        related_information: (client.related && !d.secondary.is_empty()).then(related),
        ..lsp::Diagnostic::default()
    }
}

/// All that there is to say; editors show nothing but this.
fn message(d: &Diagnostic) -> String {
    // A fix says what to do where nothing else does.
    let help = d.help.as_ref().or(d.fixes.first().map(|fix| &fix.title)).map(|help| format!("\nhelp: {help}"));
    let notes = d.notes.iter().map(|note| format!("\nnote: {note}"));
    std::iter::once(d.message.clone()).chain(help).chain(notes).collect()
}

fn tag(code: Code) -> Option<lsp::DiagnosticTag> {
    match (is_unnecessary(code), is_deprecated(code)) {
        (true, _) => Some(lsp::DiagnosticTag::Unnecessary),
        (_, true) => Some(lsp::DiagnosticTag::Deprecated),
        _ => None,
    }
}

/// A text to read, without Markdown's marks if the editor does not know them.
pub(crate) fn markup(client: &Client, text: String) -> lsp::MarkupContent {
    if client.markdown {
        return lsp::MarkupContent { kind: lsp::MarkupKind::Markdown, value: text };
    }
    let lines = text.lines().filter(|line| !line.starts_with("```"));
    let value = lines.collect::<Vec<_>>().join("\n").replace("**", "").replace('`', "");
    lsp::MarkupContent { kind: lsp::MarkupKind::PlainText, value: value.trim().to_owned() }
}

/// Every kind of name, by what completions call it between two requests.
const KINDS: [(&str, Kind); 19] = [
    ("attribute", Kind::Attribute),
    ("tag", Kind::Tag),
    ("event", Kind::Event),
    ("field", Kind::Field),
    ("topic", Kind::Topic),
    ("funnel", Kind::Funnel),
    ("stage", Kind::Stage),
    ("segment", Kind::Segment),
    ("score", Kind::Score),
    ("voucher", Kind::Voucher),
    ("journey", Kind::Journey),
    ("message", Kind::Message),
    ("handle", Kind::Handle),
    ("local", Kind::Local),
    ("value", Kind::Value),
    ("step", Kind::Step),
    ("split", Kind::Split),
    ("side", Kind::Side),
    ("part", Kind::Part),
];

pub(crate) fn kind_name(kind: Kind) -> &'static str {
    KINDS.iter().find(|(_, known)| *known == kind).map_or("contact", |(name, _)| name)
}

pub(crate) fn kind_named(name: &str) -> Option<Kind> {
    KINDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
}
