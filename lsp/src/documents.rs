//! What is open in the editor, and the projects around it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gen_lsp_types::TextDocumentContentChangeEvent as Change;
use journey_compiler::project::{File, FileId, Project, belongs};
use journey_ide::{Encoding, LineIndex, Snapshot};

use crate::{Disk, convert, uri};

/// What is checked as one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Key {
    /// The project in this directory.
    Project(PathBuf),
    /// A document without a project, by URI.
    Lone(String),
}

/// A text in the editor.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) version: i32,
    text: String,
    /// Whether the editor says that it is a journey, whatever its name.
    is_journey: bool,
    /// The project that it is part of; none if it is no business of ours.
    key: Option<Key>,
    /// Its path in that project.
    path: String,
}

/// A project with open documents.
#[derive(Debug, Default)]
struct Open {
    /// Its files on disk, once read.
    disk: Option<Vec<File>>,
    /// The present state, once asked for.
    snapshot: Option<Snapshot>,
    /// Whether the editor has not yet been told of the present state.
    unchecked: bool,
}

/// All open documents and their projects.
pub(crate) struct Documents<D> {
    disk: D,
    documents: BTreeMap<String, Document>,
    projects: BTreeMap<Key, Open>,
}

impl<D: Disk> Documents<D> {
    pub(crate) const fn new(disk: D) -> Self {
        Self { disk, documents: BTreeMap::new(), projects: BTreeMap::new() }
    }

    pub(crate) fn open(&mut self, uri: String, version: i32, text: String, is_journey: bool) {
        let (key, path) = self.place(&uri, is_journey);
        self.changed(key.as_ref());
        self.documents.insert(uri, Document { version, text, is_journey, key, path });
    }

    /// Applies edits in order; false if no such document is open.
    pub(crate) fn edit(&mut self, uri: &str, version: i32, changes: Vec<Change>, encoding: Encoding) -> bool {
        let Some(document) = self.documents.get_mut(uri) else { return false };
        document.version = version;
        for change in changes {
            match change {
                Change::TextDocumentContentChangeWholeDocument(whole) => document.text = whole.text,
                Change::TextDocumentContentChangePartial(part) => {
                    let lines = LineIndex::new(document.text.as_bytes().into());
                    let offset = |position| lines.offset(convert::from_position(position), encoding) as usize;
                    let (start, end) = (offset(part.range.start), offset(part.range.end));
                    document.text.replace_range(start..end.max(start), &part.text);
                }
            }
        }
        let key = document.key.clone();
        self.changed(key.as_ref());
        true
    }

    pub(crate) fn close(&mut self, uri: &str) {
        if let Some(document) = self.documents.remove(uri) {
            self.changed(document.key.as_ref());
            self.forget_unused();
        }
    }

    /// Files changed on disk: everything is read again when it is next needed.
    pub(crate) fn refresh(&mut self) {
        let places: Vec<_> = self.documents.iter().map(|(uri, d)| (uri.clone(), d.is_journey)).collect();
        for (uri, is_journey) in places {
            let (key, path) = self.place(&uri, is_journey);
            if let Some(document) = self.documents.get_mut(&uri) {
                (document.key, document.path) = (key.clone(), path);
            }
            self.changed(key.as_ref());
        }
        for open in self.projects.values_mut() {
            *open = Open { unchecked: true, ..Open::default() };
        }
        self.forget_unused();
    }

    /// The project that an open document is part of, and its file there. An error is a sentence for the user.
    pub(crate) fn find(&mut self, uri: &str) -> Result<Option<(Key, Snapshot, FileId)>, String> {
        let Some(Document { key: Some(key), path, .. }) = self.documents.get(uri) else { return Ok(None) };
        let (key, path) = (key.clone(), path.clone());
        let snapshot = self.snapshot(&key)?;
        Ok(snapshot.file(&path).map(|file| (key, snapshot, file)))
    }

    /// The present state of a project.
    pub(crate) fn snapshot(&mut self, key: &Key) -> Result<Snapshot, String> {
        let open = self.projects.entry(key.clone()).or_default();
        if let Some(snapshot) = &open.snapshot {
            return Ok(snapshot.clone());
        }
        let mut files = match (key, &open.disk) {
            (Key::Lone(_), _) => Vec::new(),
            (Key::Project(_), Some(files)) => files.clone(),
            (Key::Project(root), None) => open.disk.insert(self.disk.files(root)?).clone(),
        };
        for document in self.documents.values().filter(|d| d.key.as_ref() == Some(key)) {
            let file = File { path: document.path.clone(), bytes: document.text.as_bytes().into() };
            match files.binary_search_by(|other| other.path.cmp(&file.path)) {
                Ok(at) => files.splice(at..=at, [file]).for_each(drop),
                Err(at) => files.insert(at, file),
            }
        }
        let snapshot = Snapshot::new(Project { files, lone: matches!(key, Key::Lone(_)) });
        Ok(open.snapshot.insert(snapshot).clone())
    }

    /// A project that the editor has not been told of, in its present state; it counts as told from now on.
    pub(crate) fn next_unchecked(&mut self) -> Option<(Key, Result<Snapshot, String>)> {
        let (key, open) = self.projects.iter_mut().find(|(_, open)| open.unchecked)?;
        open.unchecked = false;
        let key = key.clone();
        let snapshot = self.snapshot(&key);
        Some((key, snapshot))
    }

    /// Whether a project has open documents.
    pub(crate) fn is_open(&self, key: &Key) -> bool {
        self.projects.contains_key(key)
    }

    /// Whether nothing has changed since this project was handed out.
    pub(crate) fn is_current(&self, key: &Key) -> bool {
        self.projects.get(key).is_some_and(|open| !open.unchecked)
    }

    /// The URI of a project's file, as the editor writes it if it is open, and then its version.
    pub(crate) fn uri(&self, key: &Key, snapshot: &Snapshot, file: FileId) -> (String, Option<i32>) {
        let path = snapshot.project().files.get(file.0 as usize).map(|file| file.path.as_str()).unwrap_or_default();
        let open = self.documents.iter().find(|(_, d)| d.key.as_ref() == Some(key) && d.path == path);
        match (open, key) {
            (Some((uri, document)), _) => (uri.clone(), Some(document.version)),
            (None, Key::Project(root)) => (uri::of_path(&root.join(path)), None),
            (None, Key::Lone(uri)) => (uri.clone(), None),
        }
    }

    /// Where a document belongs.
    fn place(&self, uri: &str, is_journey: bool) -> (Option<Key>, String) {
        let Some(path) = uri::to_path(uri) else {
            return (is_journey.then(|| Key::Lone(uri.to_owned())), "untitled.journey".to_owned());
        };
        if let Some(root) = self.disk.root(&path) {
            let relative = relative(&root, &path);
            return (belongs(&relative).then_some(Key::Project(root)), relative);
        }
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let is_journey = is_journey || name.ends_with(".journey");
        (is_journey.then(|| Key::Lone(uri.to_owned())), name)
    }

    fn changed(&mut self, key: Option<&Key>) {
        if let Some(key) = key {
            let open = self.projects.entry(key.clone()).or_default();
            open.snapshot = None;
            open.unchecked = true;
        }
    }

    fn forget_unused(&mut self) {
        let documents = &self.documents;
        self.projects.retain(|key, _| documents.values().any(|d| d.key.as_ref() == Some(key)));
    }
}

fn relative(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use gen_lsp_types as lsp;
    use proptest::prelude::*;

    use super::*;

    /// No disk at all.
    struct Nothing;

    impl Disk for Nothing {
        fn root(&self, _: &Path) -> Option<PathBuf> {
            None
        }

        fn files(&self, _: &Path) -> Result<Vec<File>, String> {
            Ok(Vec::new())
        }
    }

    const URI: &str = "file:///a.journey";

    proptest! {
        /// Editing piece by piece, as an editor tells it, gives the text that the editor has.
        #[test]
        fn edits_keep_both_texts_the_same(
            start in "(\\PC|[\n\ra]){0,40}",
            edits in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), "(\\PC|[\n\r]){0,5}"), 1..10),
            encoding in prop::sample::select(vec![Encoding::Utf8, Encoding::Utf16, Encoding::Utf32]),
        ) {
            let mut documents = Documents::new(Nothing);
            documents.open(URI.to_owned(), 0, start.clone(), true);
            let mut text = start;
            for (from, to, new) in edits {
                let lines = LineIndex::new(text.as_bytes().into());
                // What an editor can point at: not between `\r` and `\n`.
                let inside = |at: usize| text.as_bytes().get(at.wrapping_sub(1)..=at) == Some(b"\r\n");
                let places: Vec<usize> =
                    (0..=text.len()).filter(|at| text.is_char_boundary(*at) && !inside(*at)).collect();
                let (from, to) = (places[from.index(places.len())], places[to.index(places.len())]);
                let (from, to) = (from.min(to), from.max(to));
                let position = |at: usize| {
                    let position = lines.position(at as u32, encoding);
                    lsp::Position { line: position.line, character: position.column }
                };
                let range = lsp::Range { start: position(from), end: position(to) };
                let change = serde_json::json!({ "range": range, "text": new });
                documents.edit(URI, 1, vec![serde_json::from_value(change).unwrap()], encoding);
                text.replace_range(from..to, &new);
                prop_assert_eq!(&documents.documents[URI].text, &text);
            }
        }
    }
}
