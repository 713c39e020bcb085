//! A project in one text: `=== PATH` begins a file; `$0` is the cursor, two of them a selection.

use journey_compiler::diagnostic::{Edit, Encoding, Span};
use journey_compiler::project::{DATA, File, FileId, Project};
use journey_ide::{Data, Snapshot, TextRange};

pub(crate) struct Fixture {
    pub(crate) snapshot: Snapshot,
    pub(crate) file: FileId,
    pub(crate) range: TextRange,
}

pub(crate) const SETTINGS: &str = "[project]\nname = \"shop\"\ntimezone = \"Europe/Berlin\"\n";

impl Fixture {
    pub(crate) fn new(text: &str) -> Self {
        let mut files = vec![File { path: "journey.toml".into(), bytes: SETTINGS.as_bytes().into() }];
        let mut cursor = None;
        for part in text.split("=== ").skip(1) {
            let (path, text) = part.split_once('\n').unwrap();
            let places: Vec<usize> = text.match_indices("$0").map(|(at, _)| at).collect();
            if let Some(start) = places.first() {
                let end = places.get(1).map_or(*start, |end| end - 2);
                cursor = Some((path.to_owned(), TextRange::new(*start as u32, end as u32)));
            }
            files.retain(|file| file.path != path);
            files.push(File { path: path.into(), bytes: text.replace("$0", "").as_bytes().into() });
        }
        let snapshot = beside(files);
        let (path, range) = cursor.unwrap_or((snapshot.path(FileId(0)).to_owned(), TextRange::at(0)));
        let file = snapshot.file(&path).unwrap();
        Self { snapshot, file, range }
    }

    /// A place with its text.
    pub(crate) fn place(&self, file: FileId, range: TextRange) -> String {
        let lines = self.snapshot.lines(file).unwrap();
        let at = |offset| {
            let position = lines.position(offset, Encoding::Utf32);
            format!("{}:{}", position.line + 1, position.column + 1)
        };
        let text = &self.snapshot.text(file)[range.to_usize()];
        match text.lines().collect::<Vec<_>>().as_slice() {
            [] => at(range.start),
            [line] => format!("{} `{line}`", at(range.start)),
            [first, .., last] => format!("{} `{first}` .. {} `{last}`", at(range.start), at(range.end)),
        }
    }

    pub(crate) fn span(&self, span: Span) -> String {
        let place = self.place(span.file, TextRange::new(span.start, span.end));
        format!("{}:{place}", self.snapshot.path(span.file))
    }

    /// A file's text after edits, which must not overlap.
    pub(crate) fn apply(&self, file: FileId, edits: &[Edit]) -> String {
        apply(self.snapshot.text(file), edits)
    }
}

/// A project of these files; those that lie beside it are no part of it.
fn beside(mut files: Vec<File>) -> Snapshot {
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let (data, files) = files.into_iter().partition(|file| DATA.contains(&file.path.as_str()));
    let data: Vec<File> = data;
    let data = data.into_iter().map(|File { path, bytes }| Data { path, bytes: Ok(bytes) });
    Snapshot::new(Project { files, lone: false }).with_data(data.collect())
}

pub(crate) fn apply(text: &str, edits: &[Edit]) -> String {
    let mut edits = edits.to_vec();
    edits.sort();
    assert!(edits.windows(2).all(|pair| pair[0].span.end <= pair[1].span.start), "edits overlap: {edits:?}");
    let mut text = text.to_owned();
    for edit in edits.iter().rev() {
        text.replace_range(edit.span.range(), &edit.text);
    }
    text
}

/// The projects that the properties are held to.
pub(crate) fn examples() -> Vec<Snapshot> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut projects: Vec<_> = ["nurture", "cart"].iter().map(|name| root.join(name)).filter(|p| p.is_dir()).collect();
    projects.sort();
    projects.iter().map(|root| read(root)).collect()
}

/// Every example, read once.
pub(crate) fn all_examples() -> &'static [Snapshot] {
    static ALL: std::sync::OnceLock<Vec<Snapshot>> = std::sync::OnceLock::new();
    ALL.get_or_init(|| {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
        let folders = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
        let mut projects: Vec<_> = folders.filter(|folder| folder.join("journey.toml").exists()).collect();
        projects.sort();
        projects.iter().map(|root| read(root)).collect()
    })
}

fn read(root: &std::path::Path) -> Snapshot {
    fn walk(root: &std::path::Path, at: &std::path::Path, files: &mut Vec<File>) {
        for entry in std::fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, files);
            } else {
                let relative = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
                if journey_compiler::project::belongs(&relative) || DATA.contains(&relative.as_str()) {
                    files.push(File { path: relative, bytes: std::fs::read(&path).unwrap().into() });
                }
            }
        }
    }
    let mut files = Vec::new();
    walk(root, root, &mut files);
    beside(files)
}

/// The same project with one file's text replaced.
pub(crate) fn with_text(project: &Project, file: FileId, text: String) -> Project {
    let mut project = project.clone();
    project.files[file.0 as usize].bytes = text.into_bytes().into();
    project
}
