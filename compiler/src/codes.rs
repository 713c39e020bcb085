//! Codes of vouchers that stand in files of the project.

use std::collections::HashMap;
use std::sync::Arc;

use journey_bytecode::Codes;
use smol_str::SmolStr;

use crate::diagnostic::{Code, Diagnostic, Span};
use crate::hir::{Item, VoucherDecl};
use crate::project::{CODES, File, FileId, text};
use crate::text::Text;

/// So many codes that stand twice are told of in one file.
const MOST_TOLD: usize = 10;

/// What a file of codes holds.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct CodesFile {
    path: SmolStr,
    /// Whether there is any code.
    any: bool,
}

/// Reads a file of codes. It may be large: nothing of it is kept.
pub(crate) fn read(id: FileId, file: &File) -> (CodesFile, Vec<Diagnostic>) {
    let path = SmolStr::new(&file.path);
    let Ok(listed) = std::str::from_utf8(&file.bytes) else {
        return (CodesFile { path, any: true }, text(id, file).err().into_iter().collect());
    };
    let mut first: HashMap<&str, usize> = HashMap::new();
    let mut findings = Vec::new();
    for (at, code) in Codes::listed(listed) {
        let span = |at: usize| Span::in_bytes(id, &file.bytes, at..at + code.len());
        match first.get(code) {
            Some(before) if findings.len() < MOST_TOLD => findings.push(
                Diagnostic::new(Code::CodeTwice, span(at), format!("the code `{code}` stands here twice"))
                    .label("again")
                    .also(span(*before), "here already")
                    .note("Each code is given to one contact: this one is given once.")
                    .help("remove one of them, or put in the code that was meant"),
            ),
            Some(_) => {}
            None => drop(first.insert(code, at)),
        }
    }
    (CodesFile { path, any: !first.is_empty() }, findings)
}

/// What is wrong with the files that declarations name.
pub(crate) fn declared<'a>(
    items: impl Iterator<Item = (&'a Item, &'a Text<'a>)>,
    files: &[Arc<CodesFile>],
) -> Vec<Diagnostic> {
    let vouchers = items.filter_map(|(item, of)| match item {
        Item::Voucher(declaration) if declaration.from_file => Some((declaration, of)),
        _ => None,
    });
    vouchers.filter_map(|(declaration, of)| missing(declaration, of, files)).collect()
}

fn missing(
    VoucherDecl { name, source, source_loc, .. }: &VoucherDecl,
    text: &Text<'_>,
    files: &[Arc<CodesFile>],
) -> Option<Diagnostic> {
    // Where else it points, its declaration is wrong already.
    if !source.starts_with(CODES) {
        return None;
    }
    let at = text.span(*source_loc);
    match files.iter().find(|file| file.path == *source) {
        Some(file) if file.any => None,
        Some(_) => Some(
            Diagnostic::new(Code::NoCodes, at, format!("there is no code for `{}` in `{source}`", name.text))
                .label("an empty file")
                .note("A run that finds no code left ends as `failed`.")
                .help("put the codes into it, one a line"),
        ),
        None => {
            let known: Vec<String> = files.iter().map(|file| format!("\"{}\"", file.path)).collect();
            let message = format!("there is no file `{source}`, from which `{}` takes its codes", name.text);
            let found = Diagnostic::new(Code::NoCodes, at, message)
                .note("`journey run` and `journey serve` do not start without it.")
                .suggest(&format!("\"{source}\""), known.iter().map(String::as_str));
            let near = !found.fixes.is_empty();
            Some(if near { found } else { found.label("no such file").help("put the codes into it, one a line") })
        }
    }
}
