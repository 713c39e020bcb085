//! `cargo xtask tree-sitter`: the parser of `editors/tree-sitter`, made from its `grammar.js`. Editors compile it, and none of
//! them makes it, so it is kept.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tree_sitter_generate::{GenerateError, OptLevel, generate_parser_in_directory};

/// The oldest form of parser that all editors read which we name in the manual: Neovim before 0.11 reads no newer one.
const ABI: usize = 14;

/// Makes the parser anew. Node evaluates the grammar.
pub(crate) fn run() -> ExitCode {
    let to = folder().join("src");
    match generate(&to) {
        Ok(()) => {
            println!("{} holds the parser", to.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn folder() -> PathBuf {
    crate::root().join("editors/tree-sitter")
}

fn generate(to: &Path) -> Result<(), GenerateError> {
    let grammar = Some(folder().join("grammar.js"));
    generate_parser_in_directory(folder(), Some(to), grammar, ABI, None, Some("node"), true, OptLevel::default())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;

    #[test]
    fn the_parser_is_what_the_grammar_says() -> Result<(), Box<dyn std::error::Error>> {
        if Command::new("node").arg("--version").output().is_err() {
            eprintln!("SKIPPED: node is missing, which evaluates editors/tree-sitter/grammar.js");
            return Ok(());
        }
        let made = tempfile::tempdir()?;
        generate(made.path())?;
        for file in ["grammar.json", "node-types.json", "parser.c", "tree_sitter/parser.h"] {
            let kept = fs::read(folder().join("src").join(file))?;
            assert!(fs::read(made.path().join(file))? == kept, "`cargo xtask tree-sitter` makes {file} anew");
        }
        Ok(())
    }
}
