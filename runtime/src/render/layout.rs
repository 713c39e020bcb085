//! The default layout: what Markdown messages look like, and what every marketing message carries at its end.

use pulldown_cmark::{CodeBlockKind, CowStr, Event, Options, Parser, Tag};

use super::html;
use super::locale::{fallbacks, words};
use super::templates::{escape_html, unveil, unveil_html};

/// Markdown, with values veiled, as HTML.
pub(crate) fn markdown(source: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let events = Parser::new_ext(source, options).map(unveil_event);
    let mut out = String::with_capacity(source.len() * 2);
    pulldown_cmark::html::push_html(&mut out, events);
    out
}

fn unveil_event(event: Event<'_>) -> Event<'_> {
    let plain = |text: CowStr<'_>| CowStr::from(unveil(&text).into_owned());
    match event {
        Event::Text(text) => Event::Text(plain(text)),
        Event::Code(text) => Event::Code(plain(text)),
        Event::Html(text) => Event::Html(unveil_html(&text).into_owned().into()),
        Event::InlineHtml(text) => Event::InlineHtml(unveil_html(&text).into_owned().into()),
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Link { link_type, dest_url: plain(dest_url), title: plain(title), id })
        }
        Event::Start(Tag::Image { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Image { link_type, dest_url: plain(dest_url), title: plain(title), id })
        }
        Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(plain(info))))
        }
        other => other,
    }
}

/// What a message in the default layout is made of.
pub(crate) struct Page<'a> {
    pub(crate) language: Option<&'a str>,
    pub(crate) subject: &'a str,
    pub(crate) preheader: Option<&'a str>,
    /// HTML.
    pub(crate) body: &'a str,
    /// HTML, see [`footer`].
    pub(crate) footer: &'a str,
}

/// Mail programs that know no style sheets show these.
fn style(element: &str) -> Option<&'static str> {
    Some(match element {
        "h1" => "margin:0 0 16px;font-size:26px;line-height:1.25;font-weight:700",
        "h2" => "margin:28px 0 12px;font-size:20px;line-height:1.3;font-weight:700",
        "h3" | "h4" | "h5" | "h6" => "margin:24px 0 8px;font-size:17px;line-height:1.4;font-weight:700",
        "p" => "margin:0 0 16px",
        "ul" | "ol" => "margin:0 0 16px;padding-left:24px",
        "li" => "margin:0 0 6px",
        "a" => "color:#0b57d0;text-decoration:underline",
        "img" => "max-width:100%;height:auto;border:0",
        "blockquote" => "margin:0 0 16px;padding:2px 0 2px 16px;border-left:3px solid #c4c7cc",
        "hr" => "margin:28px 0;border:0;border-top:1px solid #c4c7cc",
        "code" => "font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.92em",
        "pre" => "margin:0 0 16px;padding:12px;overflow:auto;border:1px solid #c4c7cc;border-radius:4px",
        "table" => "margin:0 0 16px;border-collapse:collapse",
        "th" | "td" => "padding:6px 12px 6px 0;text-align:left;vertical-align:top;border-bottom:1px solid #c4c7cc",
        _ => return None,
    })
}

/// A whole document.
pub(crate) fn page(page: &Page<'_>) -> String {
    let lang = page.language.map(|tag| escape_html(&tag.replace('_', "-")).into_owned());
    let lang = lang.map(|tag| format!(" lang=\"{tag}\"")).unwrap_or_default();
    let right_to_left = page
        .language
        .is_some_and(|tag| matches!(fallbacks(tag).last().map(String::as_str), Some("ar" | "fa" | "he" | "ur")));
    let dir = if right_to_left { "rtl" } else { "ltr" };
    let subject = escape_html(page.subject);
    let preheader = page.preheader.map(preheader).unwrap_or_default();
    let (body, footer) = (html::add_styles(page.body, style), page.footer);
    format!(
        "<!DOCTYPE html>
<html{lang} dir=\"{dir}\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<meta name=\"color-scheme\" content=\"light dark\">
<meta name=\"supported-color-schemes\" content=\"light dark\">
<title>{subject}</title>
<style>
:root {{ color-scheme: light dark; }}
@media (prefers-color-scheme: dark) {{
  body, .page {{ background: #16181c !important; color: #e6e8eb !important; }}
  .page a {{ color: #8ab4f8 !important; }}
  .footer {{ color: #a4a9b1 !important; }}
}}
</style>
</head>
<body style=\"margin:0;padding:0;background:#ffffff;color:#1d2025\">
{preheader}<!--[if mso]><table role=\"presentation\" width=\"600\" align=\"center\"><tr><td><![endif]-->
<div class=\"page\" role=\"article\" aria-label=\"{subject}\" style=\"box-sizing:border-box;max-width:600px;\
margin:0 auto;padding:32px 20px;font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;\
font-size:16px;line-height:1.55\">
{body}{footer}</div>
<!--[if mso]></td></tr></table><![endif]-->
</body>
</html>
"
    )
}

/// The line that mail programs show beside the subject, and that is not seen in the message.
pub(crate) fn preheader(text: &str) -> String {
    let text = escape_html(text);
    format!("<div style=\"display:none;max-height:0;overflow:hidden;mso-hide:all\">{text}</div>\n")
}

/// The end of a marketing message: who sent it, and how to get no more.
pub(crate) fn footer(language: Option<&str>, address: Option<&str>, unsubscribe: Option<&str>) -> String {
    if address.is_none() && unsubscribe.is_none() {
        return String::new();
    }
    let mut out = "<div class=\"footer\" style=\"margin:36px 0 0;padding:16px 0 0;border-top:1px solid #c4c7cc;\
font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:13px;line-height:1.5;\
color:#5c626b\">\n"
        .to_owned();
    if let Some(address) = address {
        out.push_str(&format!("<p style=\"margin:0 0 6px\">{}</p>\n", escape_html(address).replace('\n', "<br>")));
    }
    if let Some(url) = unsubscribe {
        let (url, text) = (escape_html(url), words(language).1.unsubscribe);
        out.push_str(&format!(
            "<p style=\"margin:0\"><a href=\"{url}\" style=\"color:inherit;text-decoration:underline\">{text}</a></p>\n"
        ));
    }
    out.push_str("</div>\n");
    out
}

/// The same for a message in plain text.
pub(crate) fn text_footer(language: Option<&str>, address: Option<&str>, unsubscribe: Option<&str>) -> String {
    let unsubscribe = unsubscribe.map(|url| format!("{}: {url}", words(language).1.unsubscribe));
    let lines: Vec<&str> = address.into_iter().chain(unsubscribe.as_deref()).collect();
    if lines.is_empty() { String::new() } else { format!("\n\n{}", lines.join("\n")) }
}
