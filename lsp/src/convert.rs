//! Our data as the protocol's.

use gen_lsp_types as lsp;
use journey_compiler::diagnostic::{Diagnostic, Severity, Span};
use journey_ide::{Encoding, Position, Snapshot, is_unnecessary};

/// What the editor understands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Client {
    pub(crate) encoding: Encoding,
    /// Findings may point at other places.
    pub(crate) related: bool,
    /// Findings may be marked as unnecessary source.
    pub(crate) tags: bool,
    /// Edits may name the version that they were made for.
    pub(crate) versioned_edits: bool,
    /// It tells of files that change on disk.
    pub(crate) watches: bool,
}

impl Client {
    /// Reads `initialize`, leniently: an editor that sends something odd beside what we need is served all the same.
    pub(crate) fn new(params: &serde_json::Value) -> Self {
        let capability = |path: &str| params.pointer(&format!("/capabilities/{path}"));
        let is = |path: &str| capability(path).and_then(serde_json::Value::as_bool).unwrap_or_default();
        let offered: Vec<_> =
            (capability("general/positionEncodings").and_then(|e| e.as_array()).into_iter().flatten())
                .filter_map(|e| encoding(e.as_str()?))
                .collect();
        // Bytes cost nothing to count; otherwise what the editor likes best.
        let utf8 = offered.iter().find(|e| **e == Encoding::Utf8);
        Self {
            encoding: utf8.or(offered.first()).copied().unwrap_or_default(),
            related: is("textDocument/publishDiagnostics/relatedInformation"),
            tags: capability("textDocument/publishDiagnostics/tagSupport").is_some(),
            versioned_edits: is("workspace/workspaceEdit/documentChanges"),
            watches: is("workspace/didChangeWatchedFiles/dynamicRegistration"),
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
    client: Client,
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
        source: Some("journey".to_owned()),
        message: message(d).into(),
        tags: (client.tags && is_unnecessary(d.code)).then(|| vec![lsp::DiagnosticTag::Unnecessary]),
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
