//! `journey new`

use std::fs;
use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;

use super::{Exit, Outcome};
use crate::failure::Failure;
use crate::terminal::{BOLD, GREEN, Terminal};

// TEMPLATES: the projects under examples, each with its files, made by build.rs.
include!(concat!(env!("OUT_DIR"), "/templates.rs"));

const IGNORED: &str = "\
# What `journey` makes: mails written to files, bytecode, the database of `journey serve`.
/outbox/
*.journeyc
*.db
*.db-shm
*.db-wal
*.db.lock
";

const EXAMPLES: &str = "\
Examples:
  journey new welcome                   a project in the new directory `welcome`
  journey new shop --template cart      another one to start from";

/// Make a project to start from
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The directory to make; it may exist if it is empty
    #[arg(value_name = "DIR")]
    directory: PathBuf,

    /// What to start from
    #[arg(long, value_name = "NAME", default_value = TEMPLATES.first().map_or("", |template| template.name))]
    #[arg(value_parser = PossibleValuesParser::new(TEMPLATES.iter().map(|template| template.name)))]
    template: String,
}

/// A project to start from.
struct Template {
    name: &'static str,
    /// Path and content.
    files: &'static [(&'static str, &'static str)],
}

pub(super) fn run(args: &Args, terminal: Terminal) -> Outcome {
    let Args { directory, template } = args;
    let template = TEMPLATES.iter().find(|t| t.name == template);
    let template = template.ok_or_else(|| Failure::new(format!("there is no template `{}`", args.template)))?;
    refuse_to_overwrite(directory)?;

    let name = name_of(directory);
    for (path, content) in template.files {
        let content = if *path == "journey.toml" { named(content, &name) } else { (*content).to_owned() };
        write(&directory.join(path), &content)?;
    }
    write(&directory.join(".gitignore"), IGNORED)?;
    write(&directory.join("README.md"), &readme(&name, template))?;

    let shown = directory.display();
    terminal.out(format!(
        "{GREEN}Made{GREEN:#} the project {BOLD}{name}{BOLD:#} in `{shown}`.\n\n\
         Next:\n  journey check {shown}    what is wrong with it (nothing, yet)\n  \
         journey run   {shown}    its contacts walk through it, in virtual time\n"
    ))?;
    Ok(Exit::CLEAN)
}

fn refuse_to_overwrite(directory: &Path) -> Result<(), Failure> {
    let taken = match fs::read_dir(directory) {
        Ok(mut entries) => entries.next().is_some(),
        Err(_) => directory.exists(),
    };
    if taken {
        let message = format!("`{}` exists and is not an empty directory", directory.display());
        return Err(Failure::new(message).help("name a directory that does not exist yet; nothing was changed"));
    }
    Ok(())
}

fn write(path: &Path, content: &str) -> Result<(), Failure> {
    let parent = path.parent().unwrap_or(Path::new("."));
    let written = fs::create_dir_all(parent).and_then(|()| fs::write(path, content));
    written.map_err(|error| Failure::path("cannot write", path, &error))
}

/// The project's name: the directory's.
fn name_of(directory: &Path) -> String {
    let path = std::path::absolute(directory).unwrap_or_else(|_| directory.to_path_buf());
    path.file_name().map_or_else(|| "journeys".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// The settings with the project's own name: the first one in them.
fn named(settings: &str, name: &str) -> String {
    let (before, rest) = settings.split_once("name = ").unwrap_or((settings, ""));
    let (_, after) = rest.split_once('\n').unwrap_or_default();
    // What JSON escapes in a string, TOML escapes the same way.
    format!("{before}name = {}\n{after}", serde_json::Value::from(name))
}

fn readme(name: &str, template: &Template) -> String {
    let journeys = template.files.iter().map(|(path, _)| *path).filter(|path| path.ends_with(".journey"));
    let journeys = journeys.map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
    format!(
        "# {name}\n\n\
         Customer journeys as text.\n\n\
         | Where | What |\n| --- | --- |\n\
         | `journey.toml` | the project's settings |\n\
         | {journeys} | what contacts are like, and what happens to them |\n\
         | `messages/` | what they are sent: one file a message, channel and language |\n\
         | `contacts.csv`, `events.ndjson` | people and events to try it with |\n\n\
         ```sh\n\
         journey check    # what is wrong, why, and what to do\n\
         journey run      # walk the contacts through, in virtual time; mails go to outbox/\n\
         journey serve    # run it for real\n\
         ```\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_directorys() {
        assert_eq!(
            named("[project]\nname = \"nurture\"\ntimezone = \"UTC\"\n", "my \"shop\""),
            "[project]\nname = \"my \\\"shop\\\"\"\ntimezone = \"UTC\"\n"
        );
        assert_eq!(name_of(Path::new("a/shop/")), "shop");
    }

    #[test]
    fn nothing_is_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        assert!(refuse_to_overwrite(directory.path()).is_ok(), "an empty directory is fine");
        assert!(refuse_to_overwrite(&directory.path().join("new")).is_ok());
        fs::write(directory.path().join("x"), "").unwrap();
        assert!(refuse_to_overwrite(directory.path()).is_err());
        assert!(refuse_to_overwrite(&directory.path().join("x")).is_err(), "a file is not");
    }
}
