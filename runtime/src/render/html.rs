//! A small reader of HTML: enough to find links and to make text of it, by the tokenizer's rules of the HTML standard. What
//! it does not change, it gives back byte for byte.

use std::borrow::Cow;
use std::ops::Range;

/// A piece of HTML; all pieces together are the whole.
#[derive(Debug)]
enum Piece<'a> {
    /// Text between tags.
    Text(&'a str),
    /// A tag.
    Tag(Tag<'a>),
    /// A comment, a document type, or a tag that never ends.
    Other(&'a str),
}

impl<'a> Piece<'a> {
    fn raw(&self) -> &'a str {
        match self {
            Self::Text(raw) | Self::Other(raw) => raw,
            Self::Tag(tag) => tag.raw,
        }
    }
}

/// A tag.
#[derive(Debug)]
struct Tag<'a> {
    raw: &'a str,
    /// In small letters.
    name: String,
    closing: bool,
    attributes: Vec<Attribute<'a>>,
}

/// An attribute with a value.
#[derive(Debug)]
struct Attribute<'a> {
    /// In small letters.
    name: String,
    /// As it stands in the source.
    value: &'a str,
    /// Where the value stands in the tag, its quotes included.
    place: Range<usize>,
}

impl Tag<'_> {
    fn opens(&self, name: &str) -> bool {
        !self.closing && self.name == name
    }

    /// The value of an attribute, its entities decoded.
    fn attribute(&self, name: &str) -> Option<Cow<'_, str>> {
        let attribute = self.attributes.iter().find(|attribute| attribute.name == name)?;
        Some(html_escape::decode_html_entities(attribute.value))
    }
}

/// Elements whose content is no markup.
const RAW_TEXT: &[&str] = &["iframe", "noembed", "noframes", "script", "style", "textarea", "title", "xmp"];

struct Pieces<'a> {
    rest: &'a str,
    /// The raw-text element that we are in.
    raw_text: Option<String>,
}

fn pieces(html: &str) -> Pieces<'_> {
    Pieces { rest: html, raw_text: None }
}

impl<'a> Pieces<'a> {
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    /// Up to and with the end mark, or everything.
    fn take_through(&mut self, from: usize, end: &str) -> &'a str {
        let found = self.rest.get(from..).and_then(|rest| rest.find(end));
        self.take(found.map_or(self.rest.len(), |at| from + at + end.len()))
    }

    fn text(&mut self) -> Piece<'a> {
        let end = match &self.raw_text {
            Some(name) => end_of_raw_text(self.rest, name),
            // The first character may be a `<` that begins no tag.
            None => {
                let mut places = self.rest.match_indices('<').map(|(at, _)| at);
                places.find(|at| begins_markup(self.rest.get(*at..).unwrap_or_default())).unwrap_or(self.rest.len())
            }
        };
        self.raw_text = None;
        Piece::Text(self.take(end))
    }
}

fn begins_markup(rest: &str) -> bool {
    let mut chars = rest.chars().skip(1);
    match chars.next() {
        Some('!' | '?') => true,
        Some('/') => chars.next().is_some(),
        Some(c) => c.is_ascii_alphabetic(),
        None => false,
    }
}

/// Where the end tag of a raw-text element begins.
fn end_of_raw_text(rest: &str, name: &str) -> usize {
    let is_end = |at: usize| {
        let after = rest.get(at + 2..).unwrap_or_default();
        let (found, after) = after.split_at_checked(name.len()).unwrap_or_default();
        found.eq_ignore_ascii_case(name)
            && after.starts_with(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>'))
    };
    rest.match_indices("</").map(|(at, _)| at).find(|at| is_end(*at)).unwrap_or(rest.len())
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        if let Some(name) = &self.raw_text {
            if end_of_raw_text(self.rest, name) > 0 {
                return Some(self.text());
            }
            self.raw_text = None;
        }
        if !self.rest.starts_with('<') || !begins_markup(self.rest) {
            return Some(self.text());
        }
        if self.rest.starts_with("<!-->") || self.rest.starts_with("<!--->") {
            return Some(Piece::Other(self.take_through(0, ">")));
        }
        if self.rest.starts_with("<!--") {
            return Some(Piece::Other(self.take_through(4, "-->")));
        }
        let name_from = if self.rest.starts_with("</") { 2 } else { 1 };
        if !self.rest.get(name_from..).unwrap_or_default().starts_with(|c: char| c.is_ascii_alphabetic()) {
            return Some(Piece::Other(self.take_through(0, ">")));
        }
        match read_tag(self.rest, name_from) {
            Some(tag) => {
                self.take(tag.raw.len());
                if !tag.closing && RAW_TEXT.contains(&tag.name.as_str()) {
                    self.raw_text = Some(tag.name.clone());
                }
                Some(Piece::Tag(tag))
            }
            None => Some(Piece::Other(self.take(self.rest.len()))),
        }
    }
}

/// Reads the tag that the text begins with; `None` if it never ends.
fn read_tag(text: &str, name_from: usize) -> Option<Tag<'_>> {
    let end_of = |from: usize, stop: fn(char) -> bool| -> Option<usize> {
        let rest = text.get(from..)?;
        Some(rest.find(stop).map_or(text.len(), |at| from + at))
    };
    let mut at = end_of(name_from, |c| c.is_ascii_whitespace() || matches!(c, '/' | '>'))?;
    let name = text.get(name_from..at)?.to_ascii_lowercase();
    let mut attributes = Vec::new();
    loop {
        at = end_of(at, |c| !c.is_ascii_whitespace() && c != '/')?;
        if text.get(at..)?.starts_with('>') {
            break;
        }
        let from = at;
        // An equals sign at the beginning belongs to the name.
        let first = text.get(at..)?.chars().next()?.len_utf8();
        at = end_of(at + first, |c| c.is_ascii_whitespace() || matches!(c, '/' | '>' | '='))?;
        let attribute = text.get(from..at)?.to_ascii_lowercase();
        let after_space = end_of(at, |c| !c.is_ascii_whitespace())?;
        if !text.get(after_space..)?.starts_with('=') {
            continue;
        }
        let begin = end_of(after_space + 1, |c| !c.is_ascii_whitespace())?;
        let (value, place) = match text.get(begin..)?.chars().next()? {
            quote @ ('"' | '\'') => {
                let end = begin + 1 + text.get(begin + 1..)?.find(quote)?;
                (text.get(begin + 1..end)?, begin..end + 1)
            }
            '>' => (text.get(begin..begin)?, begin..begin),
            _ => {
                let end = end_of(begin, |c| c.is_ascii_whitespace() || c == '>')?;
                (text.get(begin..end)?, begin..end)
            }
        };
        at = place.end;
        attributes.push(Attribute { name: attribute, value, place });
    }
    Some(Tag { raw: text.get(..at + 1)?, name, closing: name_from == 2, attributes })
}

/// Attributes that hold an address.
const ADDRESSES: &[&str] =
    &["action", "background", "cite", "data", "formaction", "href", "longdesc", "poster", "src", "xlink:href"];

/// Makes the links of a message what they should be: `change` gets the address of each link (of `a`, `area` and Outlook's
/// shapes) in order and may give another. Addresses that would run a script are cut off everywhere.
pub(crate) fn rewrite_links(html: &str, change: &mut dyn FnMut(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(html.len() + html.len() / 2);
    for piece in pieces(html) {
        match piece {
            Piece::Tag(tag) if !tag.closing => {
                let mut done = 0;
                for attribute in &tag.attributes {
                    let Some(new) = new_address(&tag, attribute, change) else { continue };
                    out.push_str(tag.raw.get(done..attribute.place.start).unwrap_or_default());
                    out.push('"');
                    out.push_str(&super::templates::escape_html(&new));
                    out.push('"');
                    done = attribute.place.end;
                }
                out.push_str(tag.raw.get(done..).unwrap_or_default());
            }
            // What Outlook alone reads.
            Piece::Other(comment) if comment.starts_with("<!--[if") && comment.ends_with("<![endif]-->") => {
                let (head, rest) = comment.split_at_checked(4).unwrap_or((comment, ""));
                let (inner, tail) = rest.split_at_checked(rest.len() - "<![endif]-->".len()).unwrap_or((rest, ""));
                out.push_str(head);
                out.push_str(&rewrite_links(inner, change));
                out.push_str(tail);
            }
            piece => out.push_str(piece.raw()),
        }
    }
    out
}

fn new_address(
    tag: &Tag<'_>,
    attribute: &Attribute<'_>,
    change: &mut dyn FnMut(&str) -> Option<String>,
) -> Option<String> {
    if !ADDRESSES.contains(&attribute.name.as_str()) {
        return None;
    }
    let decoded = html_escape::decode_html_entities(attribute.value);
    // Browsers drop these before they look at the scheme.
    let address: String =
        decoded.trim_matches(|c: char| c <= ' ').chars().filter(|c| !matches!(c, '\t' | '\r' | '\n')).collect();
    let scheme = address.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase()).unwrap_or_default();
    let picture = attribute.name == "src" && address.to_ascii_lowercase().starts_with("data:image/");
    if matches!(scheme.as_str(), "javascript" | "vbscript") || scheme == "data" && !picture {
        return Some("#".to_owned());
    }
    let is_link = matches!(tag.name.as_str(), "a" | "area") || tag.name.starts_with("v:");
    if is_link && attribute.name == "href" && matches!(scheme.as_str(), "http" | "https") {
        change(&address)
    } else {
        None
    }
}

/// Gives every opening tag the style of its element; what it says itself counts before that.
pub(crate) fn add_styles(html: &str, style: impl Fn(&str) -> Option<&'static str>) -> String {
    let mut out = String::with_capacity(html.len() * 2);
    for piece in pieces(html) {
        let styled = match &piece {
            Piece::Tag(tag) if !tag.closing => style(&tag.name).zip(Some(tag)),
            _ => None,
        };
        match styled {
            Some((style, tag)) => {
                let own = tag.attributes.iter().find(|attribute| attribute.name == "style");
                let value = tag.attribute("style").unwrap_or_default();
                let place = own.map_or(1 + tag.name.len()..1 + tag.name.len(), |own| own.place.clone());
                let head = tag.raw.get(..place.start).unwrap_or_default();
                let rest = tag.raw.get(place.end..).unwrap_or_default();
                match own {
                    Some(_) => {
                        out.push_str(&format!("{head}\"{style};{}\"{rest}", super::templates::escape_html(&value)))
                    }
                    None => out.push_str(&format!("{head} style=\"{style}\"{rest}")),
                }
            }
            None => out.push_str(piece.raw()),
        }
    }
    out
}

/// Puts something at the beginning of the body, and something at its end.
pub(crate) fn wrap_body(html: &str, begin: &str, end: &str) -> String {
    let mut out = String::with_capacity(html.len() + begin.len() + end.len());
    let (mut after_open, mut before_close) = (None, None);
    for piece in pieces(html) {
        if let Piece::Tag(tag) = &piece
            && tag.closing
            && (tag.name == "body" || tag.name == "html" && before_close.is_none())
        {
            before_close = Some(out.len());
        }
        out.push_str(piece.raw());
        if after_open.is_none() && matches!(&piece, Piece::Tag(tag) if tag.opens("body")) {
            after_open = Some(out.len());
        }
    }
    out.insert_str(before_close.unwrap_or(out.len()), end);
    out.insert_str(after_open.unwrap_or(0), begin);
    out
}

/// The text of HTML, for people and programs that want no HTML: blocks become lines, lists get dashes or numbers, links
/// show where they lead.
pub(crate) fn to_text(html: &str) -> String {
    let mut text = Text::default();
    let mut pieces = pieces(html);
    while let Some(piece) = pieces.next() {
        match piece {
            Piece::Text(raw) => text.say(&html_escape::decode_html_entities(raw)),
            Piece::Tag(tag) if tag.closing => text.close(&tag.name),
            Piece::Tag(tag) if is_hidden(&tag) => skip_element(&mut pieces, &tag.name),
            Piece::Tag(tag) => text.open(&tag),
            Piece::Other(_) => {}
        }
    }
    text.finish()
}

/// Elements without an end tag.
const VOID: &[&str] =
    &["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];

fn is_hidden(tag: &Tag<'_>) -> bool {
    if VOID.contains(&tag.name.as_str()) {
        return false;
    }
    let style = tag.attribute("style").unwrap_or_default().to_ascii_lowercase().replace([' ', '\t', '\n'], "");
    matches!(tag.name.as_str(), "head" | "script" | "style" | "title") || style.contains("display:none")
}

fn skip_element(pieces: &mut Pieces<'_>, name: &str) {
    let mut depth = 1_u32;
    for piece in pieces {
        match piece {
            Piece::Tag(tag) if tag.opens(name) => depth = depth.saturating_add(1),
            Piece::Tag(tag) if tag.name == name => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return;
        }
    }
}

/// Text under construction.
#[derive(Default)]
struct Text {
    out: String,
    /// Line ends that stand before the next word.
    lines: usize,
    /// Whether a space does.
    space: bool,
    preformatted: u32,
    /// How deep in quotations.
    quotes: usize,
    /// Open tables: whether their cells hold data, and how many the row has so far.
    tables: Vec<(bool, u32)>,
    /// Open lists: the next number, or none for dashes.
    lists: Vec<Option<u32>>,
    /// The open link: where it leads, and where its text began.
    link: Option<(String, usize)>,
    /// Whether a list's dash or number has just been put: what it is for stands behind it.
    marked: bool,
}

impl Text {
    fn say(&mut self, text: &str) {
        if self.preformatted > 0 {
            let mut first = true;
            for line in text.split('\n') {
                if !first {
                    self.lines = self.lines.max(1);
                    self.put("");
                }
                first = false;
                self.put(line.trim_end_matches('\r'));
            }
            return;
        }
        for (place, word) in text.split(|c: char| c.is_ascii_whitespace() || c == '\u{a0}').enumerate() {
            self.space |= place > 0;
            if !word.is_empty() {
                self.put(word);
            }
        }
    }

    fn put(&mut self, word: &str) {
        if self.lines > 0 && !self.out.is_empty() {
            let there = self.out.chars().rev().take_while(|c| *c == '\n').count();
            self.out.extend(std::iter::repeat_n('\n', self.lines.saturating_sub(there)));
            self.out.extend(std::iter::repeat_n("> ", self.quotes));
            let nested = self.lists.len().saturating_sub(1);
            self.out.extend(std::iter::repeat_n("  ", nested));
        } else if self.space && !self.out.is_empty() && !self.out.ends_with([' ', '\n']) {
            self.out.push(' ');
        }
        (self.lines, self.space, self.marked) = (0, false, false);
        self.out.push_str(word);
    }

    fn block(&mut self, name: &str) {
        if self.marked && !matches!(name, "li" | "ol" | "ul") {
            return;
        }
        let lines = match name {
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "blockquote" | "pre" | "table" | "hr" | "dl" => 2,
            "ul" | "ol" if self.lists.is_empty() => 2,
            "address" | "article" | "aside" | "center" | "dd" | "div" | "dt" | "footer" | "form" | "header" | "li"
            | "main" | "nav" | "ol" | "section" | "tr" | "ul" => 1,
            _ => return,
        };
        self.lines = self.lines.max(lines);
    }

    fn open(&mut self, tag: &Tag<'_>) {
        self.block(&tag.name);
        match tag.name.as_str() {
            "br" => self.lines = (self.lines + 1).min(2),
            "hr" => {
                self.put("---");
                self.lines = 2;
            }
            "blockquote" => self.quotes += 1,
            "table" => {
                let layout = tag.attribute("role").is_some_and(|role| matches!(role.trim(), "none" | "presentation"));
                self.tables.push((!layout, 0));
            }
            "tr" => {
                if let Some((_, cells)) = self.tables.last_mut() {
                    *cells = 0;
                }
            }
            "td" | "th" => {
                self.space = true;
                if let Some((data, cells)) = self.tables.last_mut() {
                    *cells += 1;
                    if *data && *cells > 1 {
                        self.put("|");
                        self.space = true;
                    }
                }
            }
            "pre" => self.preformatted += 1,
            "ul" => self.lists.push(None),
            "ol" => {
                let start = tag.attribute("start").and_then(|start| start.parse().ok()).unwrap_or(1);
                self.lists.push(Some(start));
            }
            "li" => {
                let mark = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        let mark = format!("{number}. ");
                        *number = number.saturating_add(1);
                        mark
                    }
                    _ => "- ".to_owned(),
                };
                self.put(&mark);
                self.marked = true;
            }
            "img" => {
                if let Some(alt) = tag.attribute("alt") {
                    self.say(&alt);
                }
            }
            "a" => {
                let href = tag.attribute("href").map(|href| href.trim().to_owned());
                self.link =
                    href.filter(|href| !href.is_empty() && !href.starts_with('#')).map(|href| (href, self.out.len()));
            }
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "pre" => self.preformatted = self.preformatted.saturating_sub(1),
            "blockquote" => self.quotes = self.quotes.saturating_sub(1),
            "table" => {
                self.tables.pop();
            }
            "ul" | "ol" => {
                self.lists.pop();
            }
            "a" => {
                if let Some((href, from)) = self.link.take() {
                    let shown = self.out.get(from..).unwrap_or_default().trim();
                    let bare = href.strip_prefix("mailto:").or_else(|| href.strip_prefix("tel:")).unwrap_or(&href);
                    if shown != bare {
                        let href = if shown.is_empty() { bare.to_owned() } else { format!("({bare})") };
                        self.space = true;
                        self.put(&href);
                    }
                }
            }
            _ => {}
        }
        self.block(name);
    }

    fn finish(self) -> String {
        let lines: Vec<&str> = self.out.lines().map(str::trim_end).collect();
        lines.join("\n").trim().to_owned()
    }
}

/// The tags and the names of their attributes: the structure, without what it says.
#[cfg(test)]
pub(crate) fn outline(html: &str) -> Vec<String> {
    pieces(html)
        .filter_map(|piece| match piece {
            Piece::Tag(tag) => {
                let names: Vec<_> = tag.attributes.iter().map(|attribute| attribute.name.as_str()).collect();
                Some(format!("{}{} {}", if tag.closing { "/" } else { "" }, tag.name, names.join(" ")))
            }
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn links(html: &str) -> (String, Vec<String>) {
        let mut seen = Vec::new();
        let out = rewrite_links(html, &mut |url| {
            seen.push(url.to_owned());
            Some(format!("/{}", seen.len()))
        });
        (out, seen)
    }

    #[test]
    fn own_styles_count_before_those_of_the_layout() {
        let style = |name: &str| (name == "td").then_some("padding:0;text-align:left");
        let html = "<p>x</p><td>1</td><td style='text-align: right; font-family: \"A\"' class=n>2</td>";
        assert_eq!(
            add_styles(html, style),
            "<p>x</p><td style=\"padding:0;text-align:left\">1</td>\
             <td style=\"padding:0;text-align:left;text-align: right; font-family: &quot;A&quot;\" class=n>2</td>"
        );
    }

    #[test]
    fn links_are_found_however_they_are_written() {
        let html = r##"<p><A HREF = "https://a.example/?x=1&amp;y=2" class=b>a</A>
<a href='http://b.example/&quot;'>b</a> <a class="x" href=https://c.example/path>c</a>
<area href="HTTPS://d.example"> <a href="  https://e.exa
mple  ">e</a>
<!-- <a href="https://no.example"> --> <a title="<a href='https://no.example'>" name=x>n</a>
<!--[if mso]><v:rect href="https://f.example"><![endif]-->
<script>"<a href='https://no.example'>"</script><link href="https://no.example/x.css">
<a href="mailto:x@y.example">m</a> <a href="/local">l</a> <a href="#top">t</a> <a href>none</a> 1 < 2 </p>"##;
        let (out, seen) = links(html);
        let expected = [
            "https://a.example/?x=1&y=2",
            "http://b.example/\"",
            "https://c.example/path",
            "HTTPS://d.example",
            "https://e.example",
            "https://f.example",
        ];
        assert_eq!(seen, expected);
        insta::assert_snapshot!(out);
    }

    #[test]
    fn scripts_in_addresses_are_cut_off() {
        for bad in [
            "<a href=\"javascript:alert(1)\">",
            "<a href='JaVaScRiPt&colon;alert(1)'>",
            "<a href=\" &#1; java&#10;script:alert(1)\">",
            "<a href=vbscript:x>",
            "<a href=\"data:text/html,<script>alert(1)</script>\">",
            "<img src=\"data:text/html,x\">",
            "<form action=\"&#x6A;avascript:alert(1)\">",
        ] {
            let (out, seen) = links(bad);
            assert!(out.contains("\"#\""), "{bad} -> {out}");
            assert!(seen.is_empty());
        }
        let picture = "<img src=\"data:image/png;base64,AAAA\">";
        assert_eq!(links(picture).0, picture);
    }

    #[test]
    fn text_of_html() {
        let html = "<html><head><title>T</title><style>p { color: red }</style></head><body>
<div style='DISPLAY: none'>preheader <div>inner</div></div>
<h1>Hello&nbsp;Ada &amp; Bob</h1>
<p>We   like
<b>you</b>, <a href='https://x.example/?a=1&amp;b=2'>see</a>. <a href='https://y.example'>https://y.example</a><br>Next <img src=x alt='a picture'></p>
<ul><li>one</li><li>two<ul><li>deep</li></ul></li></ul><ol start=3><li>three<li>four</ol><ul>
<li>
<p>loose</p>
</li>
<li>
<p>list</p>
<p>goes on</p>
</li>
</ul>
<blockquote><p>first</p><p>second<br>line</p></blockquote><table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>
<table role='presentation'><tr><td>d</td><td>e</td></tr></table>
<pre>  code
    here</pre><hr><!-- no --><script>no</script><p><a href='mailto:x@y.example'>x@y.example</a> &euro;5 &lt;3</body></html>";
        insta::assert_snapshot!(to_text(html));
    }

    #[test]
    fn bodies_are_wrapped() {
        assert_eq!(wrap_body("<p>x</p>", "A", "B"), "A<p>x</p>B");
        assert_eq!(wrap_body("<html><body class=c>x</BODY></html>", "A", "B"), "<html><body class=c>AxB</BODY></html>");
        assert_eq!(wrap_body("<html>x</html>", "A", "B"), "A<html>xB</html>");
        assert_eq!(wrap_body("<!-- <body> --><body>x", "A", "B"), "<!-- <body> --><body>AxB");
    }

    proptest! {
        #[test]
        fn nothing_else_changes(html in "([<>/!a-z =\"'&;-]|<a href=\"|https://x|</a>|<!--|-->|<style>|</style>|é|\n){0,60}") {
            let whole: String = pieces(&html).map(|piece| piece.raw()).collect();
            prop_assert_eq!(&whole, &html);
            prop_assert_eq!(rewrite_links(&html, &mut |_| None), html.clone());
            let _ = to_text(&html);
            let _ = add_styles(&html, |_| Some("x"));
            prop_assert_eq!(wrap_body(&html, "", ""), html);
        }
    }
}
