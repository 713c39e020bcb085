//! What is open in the editor, and the projects around it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gen_lsp_types::TextDocumentContentChangeEvent as Change;
use journey_compiler::project::{File, Project, belongs};
use journey_ide::{Data, Encoding, LineIndex, Snapshot};

use crate::convert::Client;
use crate::view::{Place, View};
use crate::{Disk, convert, uri};

/// What some programs write at the beginning of texts.
const BOM: &[u8] = "\u{feff}".as_bytes();

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
    /// The state before, whose unchanged files need not be read again.
    earlier: Option<Snapshot>,
    /// Whether the editor has not yet been told of the present state.
    unchecked: bool,
    /// The documents that changed since it was last told, by URI.
    edited: BTreeSet<String>,
}

/// All open documents and their projects.
pub(crate) struct Documents<D> {
    disk: D,
    documents: BTreeMap<String, Document>,
    projects: BTreeMap<Key, Open>,
    /// The projects in the editor's folders, by folder: they are open whether a document is or not.
    folders: BTreeMap<PathBuf, Vec<PathBuf>>,
}

impl<D: Disk> Documents<D> {
    pub(crate) const fn new(disk: D) -> Self {
        Self { disk, documents: BTreeMap::new(), projects: BTreeMap::new(), folders: BTreeMap::new() }
    }

    /// How messages are rendered.
    pub(crate) fn preview(&self) -> Option<crate::Preview> {
        self.disk.preview()
    }

    /// The editor opened a folder: its projects are checked.
    pub(crate) fn add_folder(&mut self, uri: &str) {
        let Some(folder) = uri::to_path(uri) else { return };
        let projects = self.disk.projects(&folder);
        for root in &projects {
            self.changed(Some(&Key::Project(root.clone())), None);
        }
        self.folders.insert(folder, projects);
    }

    /// The editor closed a folder.
    pub(crate) fn remove_folder(&mut self, uri: &str) {
        if let Some(folder) = uri::to_path(uri) {
            self.folders.remove(&folder);
            self.forget_unused();
        }
    }

    pub(crate) fn open(&mut self, uri: String, version: i32, text: String, is_journey: bool) {
        let (key, path) = self.place(&uri, is_journey);
        self.changed(key.as_ref(), Some(&uri));
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
        self.changed(key.as_ref(), Some(uri));
        true
    }

    pub(crate) fn close(&mut self, uri: &str) {
        if let Some(document) = self.documents.remove(uri) {
            self.changed(document.key.as_ref(), Some(uri));
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
            self.changed(key.as_ref(), None);
        }
        let folders: Vec<_> = self.folders.keys().cloned().collect();
        for folder in folders {
            let projects = self.disk.projects(&folder);
            for root in &projects {
                self.changed(Some(&Key::Project(root.clone())), None);
            }
            self.folders.insert(folder, projects);
        }
        for open in self.projects.values_mut() {
            let earlier = open.snapshot.take().or(open.earlier.take());
            *open = Open { unchecked: true, earlier, edited: std::mem::take(&mut open.edited), ..Open::default() };
        }
        self.forget_unused();
    }

    /// The file of a URI in its project, if we have it. An error is a sentence for the user.
    pub(crate) fn find(&mut self, uri: &str, client: &Arc<Client>) -> Result<Option<Place>, String> {
        let (key, path) = match self.documents.get(uri) {
            Some(document) => (document.key.clone(), document.path.clone()),
            None => self.place(uri, false),
        };
        let Some(key) = key.filter(|key| self.projects.contains_key(key)) else { return Ok(None) };
        let view = self.view(&key, client)?;
        Ok(view.snapshot.file(&path).map(|file| Place { view, file }))
    }

    /// A project as it is now.
    pub(crate) fn view(&mut self, key: &Key, client: &Arc<Client>) -> Result<View, String> {
        let snapshot = self.snapshot(key)?;
        let open = self.documents.iter().filter(|(_, document)| document.key.as_ref() == Some(key));
        let open = open.map(|(uri, document)| (document.path.clone(), (uri.clone(), document.version)));
        Ok(View { key: key.clone(), snapshot, client: Arc::clone(client), open: Arc::new(open.collect()) })
    }

    /// All projects as they are now, as far as they can be read.
    pub(crate) fn views(&mut self, client: &Arc<Client>) -> Vec<View> {
        let keys: Vec<_> = self.projects.keys().cloned().collect();
        keys.iter().filter_map(|key| self.view(key, client).ok()).collect()
    }

    /// The same project with the files beside it, as they stand in the editor if they are open there.
    pub(crate) fn with_data(&self, view: View) -> View {
        let Key::Project(root) = &view.key else { return view };
        let mut data = self.disk.data(root);
        for Data { path, bytes } in &mut data {
            let place = root.join(&*path);
            let mut open = self.documents.iter().filter(|(uri, _)| uri::to_path(uri).as_ref() == Some(&place));
            if let Some((_, document)) = open.next() {
                *bytes = Ok(document.text.as_bytes().into());
            } else if let Ok(text) = bytes
                && let Some(rest) = text.strip_prefix(BOM)
            {
                // Editors do not count it.
                *bytes = Ok(rest.into());
            }
        }
        View { snapshot: view.snapshot.with_data(data), ..view }
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
        let project = Project { files, lone: matches!(key, Key::Lone(_)) };
        let snapshot = match open.earlier.take() {
            Some(earlier) => earlier.later(project),
            None => Snapshot::on(project, self.disk.today()),
        };
        Ok(open.snapshot.insert(snapshot).clone())
    }

    /// A project that the editor has not been told of; it counts as told from now on. And the documents that changed
    /// in it.
    pub(crate) fn next_unchecked(&mut self) -> Option<(Key, BTreeSet<String>)> {
        let (key, open) = self.projects.iter_mut().find(|(_, open)| open.unchecked)?;
        open.unchecked = false;
        Some((key.clone(), std::mem::take(&mut open.edited)))
    }

    /// Whether a project is open.
    pub(crate) fn is_open(&self, key: &Key) -> bool {
        self.projects.contains_key(key)
    }

    /// Whether nothing has changed since this project was handed out.
    pub(crate) fn is_current(&self, key: &Key) -> bool {
        self.projects.get(key).is_some_and(|open| !open.unchecked)
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

    fn changed(&mut self, key: Option<&Key>, document: Option<&str>) {
        if let Some(key) = key {
            let open = self.projects.entry(key.clone()).or_default();
            open.earlier = open.snapshot.take().or(open.earlier.take());
            open.unchecked = true;
            open.edited.extend(document.map(str::to_owned));
        }
    }

    fn forget_unused(&mut self) {
        let (documents, folders) = (&self.documents, &self.folders);
        let in_folder = |key: &Key| match key {
            Key::Project(root) => folders.values().flatten().any(|other| other == root),
            Key::Lone(_) => false,
        };
        self.projects.retain(|key, _| in_folder(key) || documents.values().any(|d| d.key.as_ref() == Some(key)));
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

        fn projects(&self, _: &Path) -> Vec<PathBuf> {
            Vec::new()
        }

        fn today(&self) -> Option<journey_compiler::Date> {
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
