//! What a request sees: one project at one moment, and how the editor calls its files.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use gen_lsp_types as lsp;
use journey_compiler::diagnostic::{Edit, Span};
use journey_compiler::project::FileId;
use journey_ide::{Change, Snapshot, TextRange};

use crate::convert::{self, Client};
use crate::documents::Key;
use crate::uri;

/// A project at one moment.
#[derive(Clone)]
pub(crate) struct View {
    pub(crate) key: Key,
    pub(crate) snapshot: Snapshot,
    pub(crate) client: Arc<Client>,
    /// The open documents, by path: URI and version.
    pub(crate) open: Arc<BTreeMap<String, (String, i32)>>,
}

/// A file of a project.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) view: View,
    pub(crate) file: FileId,
}

impl View {
    /// The URI of a path, as the editor writes it if it is open.
    pub(crate) fn uri_of(&self, path: &str) -> lsp::Uri {
        lsp::Uri(match (self.open.get(path), &self.key) {
            (Some((uri, _)), _) => uri.clone(),
            (None, Key::Project(root)) => uri::of_path(&root.join(path)),
            (None, Key::Lone(uri)) => uri.clone(),
        })
    }

    pub(crate) fn uri(&self, file: FileId) -> lsp::Uri {
        self.uri_of(self.snapshot.path(file))
    }

    pub(crate) fn version(&self, file: FileId) -> Option<i32> {
        self.open.get(self.snapshot.path(file)).map(|(_, version)| *version)
    }

    pub(crate) fn range(&self, span: Span) -> lsp::Range {
        convert::range(&self.snapshot, span, self.client.encoding)
    }

    pub(crate) fn location(&self, span: Span) -> lsp::Location {
        lsp::Location { uri: self.uri(span.file), range: self.range(span) }
    }

    /// A finding as the protocol has it.
    pub(crate) fn diagnostic(&self, d: &journey_compiler::diagnostic::Diagnostic) -> lsp::Diagnostic {
        convert::diagnostic(&self.snapshot, d, &self.client, |span| self.uri(span.file))
    }

    pub(crate) fn text_edit(&self, edit: &Edit) -> lsp::TextEdit {
        lsp::TextEdit { range: self.range(edit.span), new_text: edit.text.clone() }
    }

    /// A change of the project; none if the editor cannot do it.
    pub(crate) fn workspace_edit(&self, change: &Change) -> Option<lsp::WorkspaceEdit> {
        let files_change = !change.create.is_empty() || !change.rename.is_empty();
        if files_change && !self.client.file_operations {
            return None;
        }
        let mut files: Vec<FileId> = change.edits.iter().map(|edit| edit.span.file).collect();
        files.sort();
        files.dedup();
        let edits =
            |file| change.edits.iter().filter(move |edit| edit.span.file == file).map(|edit| self.text_edit(edit));
        if !self.client.versioned_edits {
            let changes = files.into_iter().map(|file| (self.uri(file), edits(file).collect()));
            let changes = Some(changes.collect::<HashMap<_, _>>());
            return Some(lsp::WorkspaceEdit { changes, ..lsp::WorkspaceEdit::default() });
        }
        let document_edit = |uri: lsp::Uri, version, edits: Vec<lsp::TextEdit>| {
            let text_document_identifier = lsp::TextDocumentIdentifier { uri };
            lsp::DocumentChange::from(lsp::TextDocumentEdit {
                text_document: lsp::OptionalVersionedTextDocumentIdentifier { version, text_document_identifier },
                edits: edits.into_iter().map(lsp::Edit::from).collect(),
            })
        };
        let mut changes = Vec::new();
        for (path, text) in &change.create {
            let uri = self.uri_of(path);
            changes.push(lsp::DocumentChange::CreateFile(lsp::CreateFile {
                uri: uri.clone(),
                options: None,
                annotation_id: None,
            }));
            let edit = lsp::TextEdit { range: lsp::Range::default(), new_text: text.clone() };
            changes.push(document_edit(uri, None, vec![edit]));
        }
        changes.extend(
            files.into_iter().map(|file| document_edit(self.uri(file), self.version(file), edits(file).collect())),
        );
        for (file, path) in &change.rename {
            changes.push(lsp::DocumentChange::RenameFile(lsp::RenameFile {
                old_uri: self.uri(*file),
                new_uri: self.uri_of(path),
                options: None,
                annotation_id: None,
            }));
        }
        Some(lsp::WorkspaceEdit { document_changes: Some(changes), ..lsp::WorkspaceEdit::default() })
    }

    /// The path of a URI in this project.
    pub(crate) fn path_of(&self, uri: &str) -> Option<String> {
        let Key::Project(root) = &self.key else { return None };
        let path = uri::to_path(uri)?;
        let relative: &Path = path.strip_prefix(root).ok()?;
        Some(relative.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/"))
    }
}

impl Place {
    pub(crate) fn offset(&self, position: lsp::Position) -> u32 {
        let lines = self.view.snapshot.lines(self.file);
        lines.map_or(0, |lines| lines.offset(convert::from_position(position), self.view.client.encoding))
    }

    pub(crate) fn text_range(&self, range: lsp::Range) -> TextRange {
        let start = self.offset(range.start);
        TextRange::new(start, self.offset(range.end).max(start))
    }

    /// A piece of this file as the protocol has it.
    pub(crate) fn range(&self, range: TextRange) -> lsp::Range {
        self.view.range(self.span(range))
    }

    pub(crate) fn position(&self, offset: u32) -> lsp::Position {
        self.range(TextRange::at(offset)).start
    }

    pub(crate) const fn span(&self, range: TextRange) -> Span {
        Span { file: self.file, start: range.start, end: range.end }
    }

    pub(crate) fn uri(&self) -> lsp::Uri {
        self.view.uri(self.file)
    }
}
