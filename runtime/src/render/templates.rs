//! The template engine: strict, bounded, and escaping by what the text around a hole is.

use std::borrow::Cow;

use journey_bytecode::{Format, TEMPLATE_TESTS};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value};

use super::filters;

/// How much work one template may do: an instruction costs one, 64 bytes of output cost one.
pub(crate) const TEMPLATE_FUEL: u64 = 200_000;

/// How a hole in a text is filled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Escape {
    /// As it is.
    None,
    /// For HTML: text and quoted attributes.
    Html,
    /// For Markdown: no character of the value means anything to Markdown, see [`veil`].
    Markdown,
    /// For the inside of a JSON string.
    Json,
}

impl Escape {
    /// What a body of this format needs.
    pub(crate) const fn of(format: Format) -> Self {
        match format {
            Format::Html => Self::Html,
            Format::Markdown => Self::Markdown,
            Format::Text => Self::None,
            Format::Json => Self::Json,
        }
    }

    /// The end of a template's name, by which the engine knows.
    pub(crate) const fn suffix(self) -> &'static str {
        match self {
            Self::None => ".txt",
            Self::Html => ".html",
            Self::Markdown => ".md",
            Self::Json => ".json",
        }
    }
}

/// An engine without templates.
pub(crate) fn environment() -> Environment<'static> {
    let mut env = Environment::empty();
    env.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    env.set_fuel(Some(TEMPLATE_FUEL));
    env.set_debug(true);
    env.set_auto_escape_callback(|name| {
        let custom = |name| AutoEscape::Custom(Cow::Borrowed(name));
        match name.rsplit_once('.') {
            Some((_, "html")) => AutoEscape::Html,
            Some((_, "md")) => custom("md"),
            Some((_, "json")) => custom("json"),
            _ => AutoEscape::None,
        }
    });
    env.set_formatter(fill);
    filters::add(&mut env);
    for name in TEMPLATE_TESTS {
        match *name {
            "defined" => env.add_test(*name, minijinja::tests::is_defined),
            "undefined" => env.add_test(*name, minijinja::tests::is_undefined),
            _ => {}
        }
    }
    env
}

fn fill(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    // The missing `else` of `{{ a if b }}`.
    if value.is_undefined() {
        return Ok(());
    }
    let text = match (value.as_str(), bool::try_from(value.clone())) {
        (Some(text), _) => Cow::Borrowed(text),
        (None, Ok(truth)) if value.kind() == minijinja::value::ValueKind::Bool => {
            Cow::Borrowed(if truth { "true" } else { "false" })
        }
        _ => Cow::Owned(value.to_string()),
    };
    if value.is_safe() {
        return out.write_str(&text).map_err(Error::from);
    }
    let filled = match state.auto_escape() {
        AutoEscape::None => text,
        AutoEscape::Html => escape_html(&text),
        AutoEscape::Custom(name) if name == "md" => Cow::Owned(veil(&text)),
        AutoEscape::Custom(name) if name == "json" => Cow::Owned(escape_json(&text)),
        _ => return Err(Error::new(ErrorKind::InvalidOperation, "this way of escaping is not known")),
    };
    out.write_str(&filled).map_err(Error::from)
}

/// Text for HTML: between tags and in quoted attributes.
pub(crate) fn escape_html(text: &str) -> Cow<'_, str> {
    html_escape::encode_quoted_attribute(text)
}

/// Text for the inside of a JSON string.
fn escape_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default().to_owned()
}

/// Where the veiled characters begin: in a private area, with no meaning to Markdown or HTML.
const VEIL: u32 = 0xE000;

/// Hides every ASCII character of a value but letters and digits, so that Markdown sees plain letters: no name makes a
/// link, a heading or a tag. [`unveil`] brings them back when the structure is known.
pub(crate) fn veil(text: &str) -> String {
    let veiled = |c: char| char::from_u32(VEIL + u32::from(c)).unwrap_or(c);
    text.chars().map(|c| if c.is_ascii() && !c.is_ascii_alphanumeric() { veiled(c) } else { c }).collect()
}

/// Brings back what [`veil`] hid.
pub(crate) fn unveil(text: &str) -> Cow<'_, str> {
    let hidden = |c: char| u32::from(c).checked_sub(VEIL).and_then(|n| u8::try_from(n).ok()).filter(u8::is_ascii);
    if !text.contains(|c| hidden(c).is_some()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| hidden(c).map_or(c, char::from)).collect())
}

/// The same where the surroundings are HTML: what was hidden comes back escaped.
pub(crate) fn unveil_html(text: &str) -> Cow<'_, str> {
    let Cow::Owned(_) = unveil(text) else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let mut buffer = [0; 4];
        let single: &str = c.encode_utf8(&mut buffer);
        match unveil(single) {
            Cow::Borrowed(same) => out.push_str(same),
            Cow::Owned(hidden) => out.push_str(&escape_html(&hidden)),
        }
    }
    Cow::Owned(out)
}
