//! Bytes to text: a file is UTF-8, not too large, and text at all.

use super::{File, FileId, MAX_FILE};
use crate::diagnostic::{Code, Diagnostic, Encoding, LineIndex, Span, quote};

/// The text of a file, or the one finding that says why it has none.
pub fn text(id: FileId, file: &File) -> Result<&str, Diagnostic> {
    let File { path, bytes } = file;
    if bytes.len() > MAX_FILE {
        let message = format!("{} is too large: a file may have {MAX_FILE} bytes (1 MiB)", quote(path));
        return Err(Diagnostic::new(Code::FileTooLarge, Span::beginning(id), message).help(
            "split it into several files; every `.journey` file of a project sees the declarations of all others",
        ));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(not_utf8(id, file, 0, "is saved as UTF-16").note("The first two bytes are the mark of UTF-16."));
    }
    if is_binary(bytes) {
        return Err(not_text(id, path));
    }
    std::str::from_utf8(bytes).map_err(|error| bad_byte(id, file, error.valid_up_to()))
}

fn bad_byte(id: FileId, file: &File, at: usize) -> Diagnostic {
    let byte = file.bytes.get(at).copied().unwrap_or_default();
    let place = LineIndex::new(file.bytes.clone()).position(u32::try_from(at).unwrap_or(u32::MAX), Encoding::Utf32);
    let (line, column) = (place.line + 1, place.column + 1);
    let what = format!("is not valid UTF-8 at line {line}, column {column}");
    let found = not_utf8(id, file, at, &what).label(format!("this byte is 0x{byte:02X}"));
    match byte {
        // Letters with accents in the encoding that Western European and American systems used.
        0xC0..=0xFF => {
            found.note(format!("In the older encoding Windows-1252 this byte would be `{}`.", char::from(byte)))
        }
        _ => found,
    }
}

fn not_utf8(id: FileId, file: &File, at: usize, what: &str) -> Diagnostic {
    let span = Span::in_bytes(id, &file.bytes, at..at + 1);
    Diagnostic::new(Code::NotUtf8, span, format!("{} {what}", quote(&file.path)))
        .help("save the file as UTF-8; editors offer it as \"encoding\" when saving")
}

fn not_text(id: FileId, path: &str) -> Diagnostic {
    Diagnostic::new(Code::NotText, Span::beginning(id), format!("{path} is not a text file", path = quote(path)))
        .note("It holds bytes that no text has, as an image or an archive does.")
        .help("remove it from the project, or put the text in its place")
}

/// Bytes that were never text: a NUL, or more than a tenth that no encoding prints.
fn is_binary(bytes: &[u8]) -> bool {
    let strange = || bytes.iter().filter(|byte| is_strange(**byte)).count();
    // Without a stop at the first one the machine takes many at once.
    bytes.iter().fold(false, |any, byte| any | is_strange(*byte))
        && (bytes.contains(&0) || strange() > bytes.len() / 10)
}

const fn is_strange(byte: u8) -> bool {
    byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c)
}
