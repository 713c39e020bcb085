//! The pages behind the unsubscribe link: plain, without script, in the reader's language.

use smol_str::SmolStr;

use crate::render::{escape_html, words};

/// A topic, and whether its messages are wanted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Wish {
    pub(super) topic: SmolStr,
    pub(super) title: String,
    pub(super) wanted: bool,
}

/// Shows which topics are wanted, to change them.
pub(super) fn preferences(language: Option<&str>, wishes: &[Wish], saved: bool) -> String {
    let (tag, words) = words(language);
    let rows = wishes.iter().map(|Wish { topic, title, wanted }| {
        let (topic, title) = (escape_html(topic), escape_html(title));
        let checked = if *wanted { " checked" } else { "" };
        format!("<label><input type=\"checkbox\" name=\"topic\" value=\"{topic}\"{checked}> {title}</label>\n")
    });
    let rows: String = rows.collect();
    let saved = if saved { format!("<p role=\"status\">{}</p>\n", words.saved) } else { String::new() };
    let (save, all) = (words.save, words.button_all);
    let body = format!(
        "{saved}<form method=\"post\">\n<fieldset><legend>{}</legend>\n{rows}</fieldset>\n\
         <button class=\"first\">{save}</button>\n<button name=\"all\" value=\"off\" class=\"other\">{all}</button>\n</form>\n",
        words.topics
    );
    page(tag, words.preferences, &body)
}

/// Asks whether a subscription is meant; the button posts to the page's own address.
pub(super) fn confirm(language: Option<&str>, topic: &str) -> String {
    let (tag, words) = words(language);
    let about = words.confirm_about.replace("{}", &escape_html(topic));
    let button = words.confirm_button;
    let body = format!("<p>{about}</p>\n<form method=\"post\">\n<button class=\"first\">{button}</button>\n</form>\n");
    page(tag, words.confirm, &body)
}

/// Says that the subscription is confirmed.
pub(super) fn confirmed(language: Option<&str>) -> String {
    let (tag, words) = words(language);
    page(tag, words.confirmed, "")
}

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

/// Asks a colleague; the buttons post to the page's own address.
pub(super) fn decide(question: &str, answers: &[SmolStr]) -> String {
    let button = |answer: &SmolStr| {
        let answer = escape_html(answer);
        format!("<button name=\"answer\" value=\"{answer}\" class=\"other\">{answer}</button>\n")
    };
    let buttons: String = answers.iter().map(button).collect();
    page("en", &escape_html(question), &format!("<form method=\"post\">\n{buttons}</form>\n"))
}

/// Says that the answer is noted.
pub(super) fn decided(question: &str, answer: &str) -> String {
    let body =
        format!("<p>Your answer is noted: <strong>{}</strong>. The first answer counts.</p>\n", escape_html(answer));
    page("en", &escape_html(question), &body)
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
fieldset {{ border: 0; margin: 0; padding: 0; }}
label {{ display: block; padding: .5rem 0; }}
input {{ width: 1.1rem; height: 1.1rem; vertical-align: -.15rem; margin-right: .4rem; }}
button:focus-visible, input:focus-visible {{ outline: 3px solid #f2a600; outline-offset: 2px; }}
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
