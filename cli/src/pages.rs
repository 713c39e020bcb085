//! The manual's pages of findings, one a code.

use journey_compiler::diagnostic::Code;

// PAGES: the pages under docs/diagnostics, by file name without `.md`, made by build.rs.
include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// The page of a code, in Markdown.
pub(crate) fn page(code: Code) -> Option<&'static str> {
    let name = code.to_string();
    PAGES.iter().find(|(page, _)| *page == name).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_page() {
        let without = Code::ALL.iter().filter(|code| page(**code).is_none());
        assert_eq!(without.map(|code| format!("{code} {}", code.name())).collect::<Vec<_>>(), [""; 0]);
    }
}
