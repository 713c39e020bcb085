//! A small reader of HTML: enough to find links and to make text of it, by the tokenizer's rules of the HTML standard. What
//! it does not change, it gives back byte for byte.

mod text;

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
    name: Cow<'a, str>,
    closing: bool,
    attributes: Vec<Attribute<'a>>,
}

/// An attribute with a value.
#[derive(Debug)]
struct Attribute<'a> {
    /// In small letters.
    name: Cow<'a, str>,
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
    raw_text: Option<Cow<'a, str>>,
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
                if !tag.closing && RAW_TEXT.contains(&&*tag.name) {
                    self.raw_text = Some(tag.name.clone());
                }
                Some(Piece::Tag(tag))
            }
            None => Some(Piece::Other(self.take(self.rest.len()))),
        }
    }
}

fn in_small_letters(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// Reads the tag that the text begins with; `None` if it never ends.
fn read_tag(text: &str, name_from: usize) -> Option<Tag<'_>> {
    let end_of = |from: usize, stop: fn(char) -> bool| -> Option<usize> {
        let rest = text.get(from..)?;
        Some(rest.find(stop).map_or(text.len(), |at| from + at))
    };
    let mut at = end_of(name_from, |c| c.is_ascii_whitespace() || matches!(c, '/' | '>'))?;
    let name = in_small_letters(text.get(name_from..at)?);
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
        let attribute = in_small_letters(text.get(from..at)?);
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

/// Changes a link: gets its address and may give another.
pub(crate) type ChangeLink<'a> = dyn FnMut(&str) -> Option<String> + 'a;

/// HTML that is read once, however many things are made of it.
#[derive(Debug)]
pub(crate) struct Document<'a> {
    pieces: Vec<Piece<'a>>,
    /// How long the HTML is, in bytes.
    length: usize,
    /// The piece with which the body's content begins, and the one before which it ends.
    begin: usize,
    end: usize,
}

impl<'a> Document<'a> {
    /// Reads HTML.
    pub(crate) fn read(html: &'a str) -> Self {
        let pieces: Vec<Piece<'a>> = pieces(html).collect();
        let (mut begin, mut end) = (None, None);
        for (place, piece) in pieces.iter().enumerate() {
            let Piece::Tag(tag) = piece else { continue };
            if tag.closing && (tag.name == "body" || tag.name == "html" && end.is_none()) {
                end = Some(place);
            }
            if begin.is_none() && tag.opens("body") {
                begin = Some(place + 1);
            }
        }
        let (begin, end) = (begin.unwrap_or(0), end.unwrap_or(pieces.len()));
        Self { pieces, length: html.len(), begin, end }
    }

    /// The HTML, with something more at the beginning of the body and something at its end. `change` gets the address of each
    /// link (of `a`, `area` and Outlook's shapes) in order; addresses that would run a script are cut off everywhere then.
    pub(crate) fn html(&self, begin: &str, end: &str, mut change: Option<&mut ChangeLink<'_>>) -> String {
        let links = if change.is_some() { self.length / 2 } else { 0 };
        let mut out = String::with_capacity(self.length + begin.len() + end.len() + links);
        for place in 0..=self.pieces.len() {
            if place == self.begin {
                out.push_str(begin);
            }
            if place == self.end {
                out.push_str(end);
            }
            match (self.pieces.get(place), &mut change) {
                (Some(piece), Some(change)) => write_changed(&mut out, piece, *change),
                (Some(piece), None) => out.push_str(piece.raw()),
                (None, _) => {}
            }
        }
        out
    }

    /// The text of the HTML with something more at the end of the body, for people and programs that want no HTML: blocks become
    /// lines, lists get dashes or numbers, links show where they lead.
    pub(crate) fn text(&self, end: &str) -> String {
        let (before, after) = self.pieces.split_at_checked(self.end).unwrap_or((&self.pieces, &[]));
        let end: Vec<Piece<'_>> = pieces(end).collect();
        text::of(before.iter().chain(&end).chain(after))
    }
}

fn write_changed(out: &mut String, piece: &Piece<'_>, change: &mut ChangeLink<'_>) {
    match piece {
        Piece::Tag(tag) if !tag.closing => {
            let mut done = 0;
            for attribute in &tag.attributes {
                let Some(new) = new_address(tag, attribute, change) else { continue };
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
            pieces(inner).for_each(|piece| write_changed(out, &piece, change));
            out.push_str(tail);
        }
        piece => out.push_str(piece.raw()),
    }
}

fn new_address(tag: &Tag<'_>, attribute: &Attribute<'_>, change: &mut ChangeLink<'_>) -> Option<String> {
    if !ADDRESSES.contains(&&*attribute.name) {
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
    let is_link = matches!(&*tag.name, "a" | "area") || tag.name.starts_with("v:");
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

/// The tags and the names of their attributes: the structure, without what it says.
#[cfg(test)]
pub(crate) fn outline(html: &str) -> Vec<String> {
    pieces(html)
        .filter_map(|piece| match piece {
            Piece::Tag(tag) => {
                let names: Vec<_> = tag.attributes.iter().map(|attribute| &*attribute.name).collect();
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
        let mut change = |url: &str| {
            seen.push(url.to_owned());
            Some(format!("/{}", seen.len()))
        };
        let out = Document::read(html).html("", "", Some(&mut change));
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
        insta::assert_snapshot!(Document::read(html).text(""));
    }

    #[test]
    fn bodies_are_wrapped() {
        let wrapped = |html| Document::read(html).html("A", "B", None);
        assert_eq!(wrapped("<p>x</p>"), "A<p>x</p>B");
        assert_eq!(wrapped("<html><body class=c>x</BODY></html>"), "<html><body class=c>AxB</BODY></html>");
        assert_eq!(wrapped("<html>x</html>"), "A<html>xB</html>");
        assert_eq!(wrapped("<!-- <body> --><body>x"), "<!-- <body> --><body>AxB");
        let document = Document::read("<body><p>one</p></body></html>");
        assert_eq!(document.text("<p>two</p>"), "one\n\ntwo");
    }

    proptest! {
        #[test]
        fn nothing_else_changes(html in "([<>/!a-z =\"'&;-]|<a href=\"|https://x|</a>|<!--|-->|<style>|</style>|é|\n){0,60}") {
            let document = Document::read(&html);
            prop_assert_eq!(document.html("", "", None), html.clone());
            prop_assert_eq!(document.html("", "", Some(&mut |_| None)), html.clone());
            let _ = document.text("");
            let _ = add_styles(&html, |_| Some("x"));
        }
    }
}
