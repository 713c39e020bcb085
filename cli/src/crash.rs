//! What a user sees if we have a bug.

use std::any::Any;
use std::io::{self, Write};
use std::panic::{self, PanicHookInfo};
use std::process::ExitCode;

/// Runs the program; a panic becomes an apology and exit code 2.
pub(crate) fn guard(program: impl FnOnce() -> ExitCode + panic::UnwindSafe) -> ExitCode {
    panic::set_hook(Box::new(|info| {
        let _ = io::stderr().lock().write_all(apology(info).as_bytes());
    }));
    panic::catch_unwind(program).unwrap_or(ExitCode::from(2))
}

fn apology(info: &PanicHookInfo<'_>) -> String {
    let place = info.location().map(|l| format!(" ({}:{})", l.file(), l.line())).unwrap_or_default();
    let (what, version) = (what(info.payload()), env!("CARGO_PKG_VERSION"));
    format!(
        "\nSorry: journey has a bug and had to stop what it was doing.\n\n    {what}{place}\n\n\
         It is not your journey's fault. Please report this text together with your version ({version}), the\n\
         command that you typed and, if you may share it, the file that it was working on.\n"
    )
}

fn what(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no further details")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_apology_and_exit_code_2() {
        let code = guard(|| {
            let empty: Vec<u8> = Vec::new();
            ExitCode::from(empty[std::hint::black_box(7)])
        });
        let _ = panic::take_hook();
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::from(2)));
        assert_eq!(what(&"text"), "text");
        assert_eq!(what(&String::from("owned")), "owned");
        assert_eq!(what(&7), "no further details");
    }
}
