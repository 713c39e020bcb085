use journey_bytecode::{Message, Money, Number, Policy, Schema, StepIx, Value, Version};

use super::*;
use crate::core::contact::ContactId;
use crate::track::Keys;

fn keys() -> Keys {
    Keys::new(["0123456789abcdef"]).unwrap()
}

fn variant(language: Option<&str>, format: Format, subject: &str, body: &str) -> Variant {
    Variant {
        language: language.map(SmolStr::from),
        subject: (!subject.is_empty()).then(|| subject.to_owned()),
        preheader: None,
        format,
        body: body.to_owned(),
        source: "messages/story.email.md".into(),
        layout: None,
        body_line: 4,
    }
}

fn bundle(channel: Channel, variants: Vec<Variant>) -> Bundle {
    let message = Message {
        name: "story".into(),
        channel,
        purpose: None,
        topic: None,
        after_crash: None,
        variants,
        variables: Vec::new(),
    };
    Bundle {
        messages: vec![message],
        policy: Policy {
            sender: Some("Moosbett <hello@moosbett.example>".into()),
            address: Some("Moosbett GmbH, Teststr. 1, 53177 Bonn".into()),
            ..Policy::default()
        },
        ..Bundle::default()
    }
}

fn outgoing(channel: Channel, data: &[(&str, Value)]) -> Outgoing {
    Outgoing {
        errand: crate::core::effect::Errand::Message,
        id: MessageId { contact: ContactId(7), number: 3 },
        at: Instant(1_772_442_000_000),
        journey: "nurture".into(),
        version: Version([0; 16]),
        step: StepIx(0),
        channel,
        message: "story".into(),
        to: "ada@example.com".into(),
        language: Some("de_AT".into()),
        zone: "Europe/Vienna".into(),
        country: None,
        subject: None,
        from: None,
        purpose: Purpose::Marketing,
        topic: Some("offers".into()),
        after_crash: journey_bytecode::AfterCrash::Resend,
        data: record(data),
    }
}

fn record(fields: &[(&str, Value)]) -> Value {
    Value::Record(fields.iter().map(|(name, value)| (SmolStr::from(*name), value.clone())).collect())
}

fn tracked() -> Links {
    Links::tracked("https://t.moosbett.example", keys()).unwrap()
}

fn mail_of(bundle: &Bundle, outgoing: &Outgoing) -> Result<Mail, RenderError> {
    let rendered = Renderer::new(bundle, tracked())?.render(outgoing)?;
    match rendered.content {
        Content::Mail(mail) => Ok(mail),
        other => panic!("not a mail: {other:?}"),
    }
}

/// A template's text, filled in as plain text.
fn filled(template: &str, data: &[(&str, Value)]) -> Result<String, String> {
    let bundle = bundle(Channel::Sms, vec![variant(None, Format::Text, "", template)]);
    let rendered = Renderer::new(&bundle, tracked()).map_err(|error| error.to_string())?;
    match rendered.render(&outgoing(Channel::Sms, data)).map_err(|error| error.to_string())?.content {
        Content::Text(text) => Ok(text),
        other => panic!("not a text: {other:?}"),
    }
}

#[test]
fn variables_and_filters() {
    let data = [
        ("first_name", Value::text("Ada")),
        ("nickname", Value::Unset),
        ("visits", Value::int(2)),
        ("half", Value::Number(Number::parse("1.5").unwrap())),
        ("vip", Value::Bool(true)),
        ("price", Value::Money(Money { amount: Number::from_int(1299), currency: "EUR".into() })),
        ("renewal", Value::Date(journey_bytecode::Date(20_514))),
        ("items", Value::List([Value::text("bed"), Value::text("pillow")].into())),
        ("trigger", record(&[("at", Value::Instant(Instant(1_772_442_000_000))), ("voucher", Value::Unset)])),
        ("pause", Value::Span(journey_bytecode::Span { months: 14, days: 2, millis: 5_400_000 })),
        ("opens", Value::Time(journey_bytecode::Time(32_400))),
    ];
    let cases = [
        ("{{ first_name }} {{ contact.first_name | upper }}", "Ada ADA"),
        ("{{ nickname | default('there') }}{% if nickname %}!{% endif %}", "there"),
        ("{{ trigger.voucher | default('none') }}{% if not trigger.voucher %}.{% endif %}", "none."),
        ("{% if nickname is defined %}a{% else %}b{% endif %}", "b"),
        ("{{ visits }} {{ visits | plural('Besuch', 'Besuche') }} {{ visits + 1 }} {{ half }}", "2 Besuche 3 1.5"),
        ("{{ items | plural('Ding', 'Dinge') }}: {{ items | join(', ') }}", "Dinge: bed, pillow"),
        ("{% for item in items %}{{ loop.index }}. {{ item | title }} {% endfor %}", "1. Bed 2. Pillow"),
        ("{{ price }} {{ price | money }} {{ price.amount }} {{ price.currency }}", "€ 1.299,00 € 1.299,00 1299 EUR"),
        ("{{ 12.5 | money('EUR') }}", "€ 12,50"),
        ("{{ trigger.at | date }} {{ trigger.at | date('full') }}", "2. März 2026 Montag, 2. März 2026"),
        ("{{ trigger.at | date('%d.%m. %H:%M') }} {{ trigger.at }}", "02.03. 10:00 2. März 2026, 10:00"),
        ("{{ renewal }} {{ renewal | date('short') }} {{ opens }}", "2. März 2026 02.03.2026 09:00"),
        ("{{ pause }} {{ vip }}", "1y2mo2d1h30m true"),
        ("{% macro greet(n) %}{{ n | plural('a', 'b') }}{% endmacro %}{{ greet(1) }}", "a"),
        ("{{ sender }} / {{ postal_address }}", "Moosbett / Moosbett GmbH, Teststr. 1, 53177 Bonn"),
        ("{{ '<b>' }} & \"{{ \"it's\" }}\"", "<b> & \"it's\""),
        ("{{ first_name if vip }}{{ first_name if not vip }}", "Ada"),
    ];
    for (template, text) in cases {
        assert_eq!(filled(template, &data).as_deref(), Ok(text), "{template}");
    }
}

#[test]
fn every_promised_filter_is_there() {
    for filter in journey_bytecode::FILTERS {
        let template = format!("{{{{ x | {filter} }}}}");
        let answer = filled(&template, &[("x", Value::text("x"))]);
        assert!(!matches!(&answer, Err(error) if error.contains("unknown")), "{filter}: {answer:?}");
    }
    for test in journey_bytecode::TEMPLATE_TESTS {
        filled(&format!("{{{{ 1 if x is {test} }}}}"), &[("x", Value::text("x"))]).unwrap();
    }
    let other = filled("{{ x | safe }}", &[("x", Value::text("x"))]).unwrap_err();
    assert!(other.contains("safe"), "{other}");
}

#[test]
fn what_goes_wrong_says_what_and_where() {
    let data =
        [("nickname", Value::Unset), ("price", Value::Money(Money { amount: Number(0), currency: "EUR".into() }))];
    let cases = [
        "Hello\n{{ nickname }}",
        "{{ trigger.amount }}",
        "{{ unknown | upper }}",
        "{{ nickname | date }}",
        "{{ 'x' | date }}",
        "{{ 5 | money }}",
        "{{ price | money('USD') }}",
        "{{ 5 | plural('one') }}",
        "{{ [] | one_of }}",
        "{{ price | date }}",
        "{% for a in 'x' * 100000 %}{% for b in 'x' * 100000 %}{{ a }}{% endfor %}{% endfor %}",
        "{% include 'x' %}",
        "{{ 1 / 0 }}",
        "{% if %}",
        "{{ debug() }}",
    ];
    let errors: Vec<String> =
        cases.iter().map(|case| format!("{case:?}\n    {}", filled(case, &data).unwrap_err())).collect();
    insta::assert_snapshot!(errors.join("\n"));
}

#[test]
fn the_variant_fits_the_language() {
    let variants = vec![
        variant(None, Format::Text, "", "none"),
        variant(Some("de"), Format::Text, "", "de"),
        variant(Some("pt_BR"), Format::Text, "", "pt_BR"),
    ];
    let renderer = Renderer::new(&bundle(Channel::Sms, variants), tracked()).unwrap();
    let text = |language: Option<&str>| {
        let outgoing = Outgoing { language: language.map(SmolStr::from), ..outgoing(Channel::Sms, &[]) };
        match renderer.render(&outgoing).unwrap().content {
            Content::Text(text) => text,
            other => panic!("{other:?}"),
        }
    };
    for (language, chosen) in [
        (Some("de_AT"), "de"),
        (Some("DE"), "de"),
        (Some("pt-br"), "pt_BR"),
        (Some("pt"), "none"),
        (Some("fr"), "none"),
        (Some("de__"), "de"),
        (Some("_"), "none"),
        (None, "none"),
    ] {
        assert_eq!(text(language), chosen, "{language:?}");
    }
    let only_de = bundle(Channel::Sms, vec![variant(Some("de"), Format::Text, "", "de")]);
    let outgoing = Outgoing { language: Some("fr".into()), ..outgoing(Channel::Sms, &[]) };
    let error = Renderer::new(&only_de, tracked()).unwrap().render(&outgoing).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the message `story` for sms has no text for the language `fr`, and none for all languages"
    );
}

#[test]
fn a_text_without_a_language_is_in_the_default_one() {
    let text = |default: Option<&str>, contact: Option<&str>| {
        let mut bundle = bundle(Channel::Email, vec![variant(None, Format::Markdown, "s", "{{ price }}")]);
        bundle.schema.attributes = vec![journey_bytecode::Attribute {
            name: "language".into(),
            ty: journey_bytecode::Type::Text,
            optional: false,
            default: default.map(Value::text),
        }];
        let price = Value::Money(Money { amount: Number::from_int(1299), currency: "EUR".into() });
        let language = contact.map(SmolStr::from);
        let mail = mail_of(&bundle, &Outgoing { language, ..outgoing(Channel::Email, &[("price", price)]) }).unwrap();
        let html = mail.html.unwrap();
        let lang = html.lines().nth(1).unwrap().split('"').nth(1).unwrap().to_owned();
        let footer = mail.text.lines().last().unwrap().split(' ').next().unwrap().to_owned();
        (lang, mail.text.lines().next().unwrap().to_owned(), footer)
    };
    let expect = |lang: &str, price: &str, footer: &str| (lang.to_owned(), price.to_owned(), footer.to_owned());
    assert_eq!(text(Some("en"), Some("de")), expect("en", "€1,299.00", "Unsubscribe"));
    assert_eq!(text(Some("en"), Some("en_US")), expect("en-US", "€1,299.00", "Unsubscribe"));
    assert_eq!(text(Some("de"), Some("fr")), expect("de", "1.299,00 €", "Abmelden"));
    assert_eq!(text(None, Some("de_AT")), expect("de-AT", "€ 1.299,00", "Abmelden"));
    assert_eq!(text(Some("ja"), Some("de")), expect("ja", "1299.00 EUR", "Unsubscribe"));
}

#[test]
fn a_choice_is_stable_for_a_contact_and_even_over_contacts() {
    let bundle = bundle(
        Channel::Sms,
        vec![variant(None, Format::Text, "", "{{ ['a', 'b'] | one_of }}{{ 'c' | one_of('d', 'e') }}")],
    );
    let renderer = Renderer::new(&bundle, tracked()).unwrap();
    let mut counts = BTreeMap::new();
    for contact in 0..3_000 {
        let text = |number| {
            let id = MessageId { contact: ContactId(contact), number };
            match renderer.render(&Outgoing { id, ..outgoing(Channel::Sms, &[]) }).unwrap().content {
                Content::Text(text) => text,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(text(1), text(2));
        *counts.entry(text(1)).or_insert(0) += 1;
    }
    assert_eq!(counts.len(), 6);
    assert!(counts.values().all(|count| (400..600).contains(count)), "{counts:?}");
}

#[test]
fn markdown_in_the_default_layout() {
    let mut text = variant(
        Some("de"),
        Format::Markdown,
        "Hallo {{ first_name }}",
        "# Hallo {{ first_name }}!\n\nUnsere **Matratze** kostet {{ price }}. [Warum?]({{ url }})\n\n- eins\n- zwei `{{ code }}`\n\n![Bett](https://img.example/bett.png)\n",
    );
    text.preheader = Some("Für {{ first_name }}".into());
    let data = [
        ("first_name", Value::text("Ada *von* <Lovelace>")),
        ("price", Value::Money(Money { amount: Number::from_int(1299), currency: "EUR".into() })),
        ("url", Value::text("https://moosbett.example/preis?a=1&b=(2)")),
        ("code", Value::text("A-1_2")),
    ];
    let mail = mail_of(&bundle(Channel::Email, vec![text]), &outgoing(Channel::Email, &data)).unwrap();
    assert_eq!(mail.subject, "Hallo Ada *von* <Lovelace>");
    insta::assert_snapshot!("markdown_html", mail.html.unwrap());
    insta::assert_snapshot!("markdown_text", mail.text);
}

#[test]
fn html_gets_what_it_lacks() {
    let body = "<!DOCTYPE html><html><body><p>Hi {{ first_name }}, <a href=\"https://x.example/{{ first_name }}\">x</a></p></body></html>";
    let data = [("first_name", Value::text("A&B\"<"))];
    let html = |body: &str, purpose| {
        let bundle = bundle(Channel::Email, vec![variant(None, Format::Html, "s", body)]);
        mail_of(&bundle, &Outgoing { purpose, ..outgoing(Channel::Email, &data) }).unwrap()
    };
    let mail = html(body, Purpose::Marketing);
    insta::assert_snapshot!("html_html", mail.html.unwrap());
    insta::assert_snapshot!("html_text", mail.text);

    let own = "<p><a href=\"{{ unsubscribe_url }}\">bye</a> {{ postal_address }}</p>";
    let mail = html(own, Purpose::Marketing);
    let out = mail.html.unwrap();
    assert!(!out.contains("class=\"footer\""));
    assert!(out.contains(&format!("href=\"{}\"", mail.unsubscribe.unwrap())), "{out}");

    // A link that is there and not seen does not count.
    for hidden in
        ["{% if 1 == 2 %}{{ unsubscribe_url }}{% endif %}x", "<p style='display: none'>{{ unsubscribe_url }}</p>x"]
    {
        assert!(html(hidden, Purpose::Marketing).html.unwrap().contains("class=\"footer\""), "{hidden}");
    }
    let mail = html(own, Purpose::Transactional);
    assert!(mail.unsubscribe.is_none() && mail.html.unwrap().contains("/t/u/"));

    let mail = html(body, Purpose::Transactional);
    assert_eq!(mail.unsubscribe, None);
    let out = mail.html.unwrap();
    assert!(!out.contains("/t/u/") && !out.contains("Bonn") && out.contains("/t/c/"));
}

#[test]
fn without_a_base_address_links_stay_as_they_are() {
    let bundle = bundle(
        Channel::Email,
        vec![variant(None, Format::Html, "s", "<a href=\"https://x.example/?a=1&amp;b\">x</a>")],
    );
    let rendered = Renderer::new(&bundle, Links::untracked(keys())).unwrap().render(&outgoing(Channel::Email, &[]));
    let Content::Mail(mail) = rendered.unwrap().content else { panic!() };
    let html = mail.html.unwrap();
    assert!(html.starts_with("<a href=\"https://x.example/?a=1&amp;b\">x</a>"), "{html}");
    assert!(!html.contains("/t/c/") && !html.contains("/t/o/"));
    assert!(mail.unsubscribe.unwrap().starts_with("http://localhost:8080/t/u/"));
}

#[test]
fn a_click_leads_to_the_link_of_the_message() {
    let data = [("url", Value::text("https://shop.example/?a=1&b=2"))];
    let body = "[a]({{ url }}) <https://shop.example/b> [c](mailto:x@y.example)";
    let bundle = bundle(Channel::Email, vec![variant(None, Format::Markdown, "s", body)]);
    let html = mail_of(&bundle, &outgoing(Channel::Email, &data)).unwrap().html.unwrap();
    let clicks: Vec<_> = html
        .split("/t/c/")
        .skip(1)
        .map(|rest| keys().verify(rest.split('"').next().unwrap()).unwrap().purport)
        .collect();
    let click = |index, url: &str| crate::track::Purport::Click { index, url: url.into() };
    assert_eq!(clicks, [click(0, "https://shop.example/?a=1&b=2"), click(1, "https://shop.example/b")]);
    assert!(html.contains("mailto:x@y.example"));
}

#[test]
fn values_make_no_markup() {
    let corpus = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "[click](https://evil.example)",
        "![x](https://evil.example/x.png)",
        "<https://evil.example>",
        "# heading",
        "\n\n# heading",
        "- item\n- item",
        "1. item",
        "> quote",
        "**bold** _it_ ~~s~~ `code`",
        "    code",
        "\n---\n",
        "| a | b |\n|---|---|\n| c | d |",
        "&lt;b&gt;&amp;",
        "\\*",
        "[x]: https://evil.example",
        "<!-- ",
        "```\nfence",
        "\u{e03c}b\u{e03e}",
        "{{ 7 * 7 }}{% if %}",
        "javascript:alert(1)",
    ];
    for value in corpus {
        for (format, body) in [
            (
                Format::Markdown,
                "Dear {{ v }},\n\n{{ v }}\n\n- {{ v }}\n\n**{{ v }}** <b title=\"{{ v }}\">{{ v }}</b> `{{ v }}` [l]({{ v }})\n\n<div>{{ v }}</div>\n",
            ),
            (Format::Html, "<body><p>{{ v }}</p><a href=\"{{ v }}\" title='{{ v }}'>l</a></body>"),
        ] {
            let render = |value: &str| {
                let bundle = bundle(Channel::Email, vec![variant(None, format, "s", body)]);
                mail_of(&bundle, &outgoing(Channel::Email, &[("v", Value::text(value))])).unwrap()
            };
            // The elements are those of a harmless value.
            let elements = |html: &str| html::outline(html);
            let mail = render(value);
            let (html, harmless) = (mail.html.unwrap(), render("x").html.unwrap());
            assert_eq!(elements(&html), elements(&harmless), "{value:?} in\n{html}");
            assert!(!html.contains("href=\"javascript"), "{html}");
            assert!(!html.contains("href=\"https://evil"), "{html}");
        }
    }
}

#[test]
fn json_is_json() {
    let template = r#"{"name": "{{ name }}", "n": {{ n }}, "ok": {{ ok }}}"#;
    let bundle = |template| bundle(Channel::Webhook, vec![variant(None, Format::Json, "", template)]);
    let data = [("name", Value::text("A\"\\\n\u{1}é")), ("n", Value::int(3)), ("ok", Value::Bool(false))];
    let render =
        |template| Renderer::new(&bundle(template), tracked()).unwrap().render(&outgoing(Channel::Webhook, &data));
    let Content::Json(json) = render(template).unwrap().content else { panic!() };
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value, serde_json::json!({"name": "A\"\\\n\u{1}é", "n": 3, "ok": false}));
    let error = render("{\n  \"name\": {{ name }}\n}").unwrap_err();
    assert_eq!(error.line, Some(5));
}

#[test]
fn a_lone_file_sends_the_name() {
    let mut bundle = bundle(Channel::Email, Vec::new());
    bundle.messages.clear();
    let missing = mail_of(&bundle, &outgoing(Channel::Email, &[])).unwrap_err();
    assert_eq!(missing.to_string(), "there is no message `story` for email any more");
    bundle.schema = Schema { open: true, ..Schema::default() };
    bundle.policy = Policy::default();
    let mail = mail_of(&bundle, &outgoing(Channel::Email, &[])).unwrap();
    assert_eq!((mail.subject.as_str(), mail.from.as_str()), ("story", DEFAULT_SENDER));
}

#[test]
fn rendering_twice_gives_the_same() {
    let bundle = bundle(Channel::Email, vec![variant(None, Format::Markdown, "s", "[a](https://x.example)")]);
    let renderer = Renderer::new(&bundle, tracked()).unwrap();
    let outgoing = outgoing(Channel::Email, &[]);
    assert_eq!(renderer.render(&outgoing), renderer.render(&outgoing));
}
