//! The pages behind the unsubscribe link: plain, without script, in the reader's language.

use crate::render::{escape_html, words};

/// Asks whether to unsubscribe; the buttons post to the page's own address.
pub(super) fn question(language: Option<&str>, topic: Option<&str>) -> String {
    let (tag, words) = words(language);
    let button = |scope: &str, text: &str, class: &str| {
        format!("<button name=\"scope\" value=\"{scope}\" class=\"{class}\">{text}</button>\n")
    };
    let (about, buttons) = match topic {
        Some(topic) => (
            words.about_topic.replace("{}", &escape_html(topic)),
            button("topic", words.button, "first") + &button("all", words.button_all, "other"),
        ),
        None => (words.about_all.to_owned(), button("all", words.button, "first")),
    };
    page(tag, words.question, &format!("<p>{about}</p>\n<form method=\"post\">\n{buttons}</form>\n"))
}

/// Says that it is done.
pub(super) fn done(language: Option<&str>) -> String {
    let (tag, words) = words(language);
    page(tag, words.done, "")
}

/// Says that it is not done.
pub(super) fn sorry(language: Option<&str>) -> String {
    let (tag, words) = words(language);
    page(tag, words.sorry, "")
}

fn page(tag: &str, title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>
<html lang=\"{tag}\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<meta name=\"color-scheme\" content=\"light dark\">
<title>{title}</title>
<style>
body {{ margin: 0; font: 1.0625rem/1.55 system-ui, sans-serif; background: #fff; color: #1d2025; }}
main {{ max-width: 34rem; margin: 0 auto; padding: 4rem 1.25rem; }}
h1 {{ font-size: 1.6rem; line-height: 1.25; margin: 0 0 1rem; }}
button {{ display: block; margin: 1.25rem 0 0; padding: .75rem 1.5rem; font: inherit; border-radius: .4rem; cursor: pointer; }}
.first {{ border: 2px solid #0b57d0; background: #0b57d0; color: #fff; }}
.other {{ border: 2px solid #5c626b; background: transparent; color: inherit; }}
button:focus-visible {{ outline: 3px solid #f2a600; outline-offset: 2px; }}
@media (prefers-color-scheme: dark) {{ body {{ background: #16181c; color: #e6e8eb; }} }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}</main>
</body>
</html>
"
    )
}
