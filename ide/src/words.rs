//! What the words of the language mean, for hovers and for help while a step is written.

/// A step's form: what may stand in it, in order.
pub(crate) struct Form {
    pub(crate) word: &'static str,
    /// The form, with its parts apart.
    pub(crate) parts: &'static [&'static str],
    pub(crate) meaning: &'static str,
}

impl Form {
    pub(crate) fn text(&self) -> String {
        self.parts.join(" ")
    }
}

/// The steps, header lines and declarations.
pub(crate) const FORMS: &[Form] = &[
    Form {
        word: "send",
        parts: &["send", "CHANNEL", "MESSAGE", "[as NAME]", "[with subject TEXT]", "[from SENDER]", "[to ADDRESS]"],
        meaning: "Sends a message, if the contact has an address and consents to it, no cap is reached and no quiet hours run; else the run goes on without it.",
    },
    Form {
        word: "wait",
        parts: &["wait", "DURATION | until MOMENT | for EVENT", "[up to DURATION]", "[else STEP]"],
        meaning: "Waits: for a time, until a moment or condition, or for something to happen.",
    },
    Form {
        word: "if",
        parts: &["if", "CONDITION", "STEP", "[else STEP]"],
        meaning: "Decides by a condition, once, when the contact comes here.",
    },
    Form {
        word: "choose",
        parts: &["choose", "VALUE", "{ VALUE { .. } .. else { .. } }"],
        meaning: "Decides by a value.",
    },
    Form {
        word: "split",
        parts: &["split", "NAME", "{ 50% a { .. } 50% b { .. } }", "[measure EVENT within DURATION]"],
        meaning: "Parts the contacts by chance. One contact always comes to the same side.",
    },
    Form {
        word: "repeat",
        parts: &["repeat up to", "NUMBER", "times", "[until CONDITION]", "{ .. }"],
        meaning: "Runs steps again and again, so often at most.",
    },
    Form {
        word: "countdown",
        parts: &["countdown to", "DATE", "{ 30d before STEP .. }", "[else STEP]"],
        meaning: "Runs steps at distances from a date. Points already past are passed over.",
    },
    Form { word: "add", parts: &["add tag", "TAG"], meaning: "Sets a tag on the contact." },
    Form { word: "remove", parts: &["remove tag", "TAG"], meaning: "Takes a tag away from the contact." },
    Form { word: "set", parts: &["set", "ATTRIBUTE", "to VALUE"], meaning: "Sets an attribute of the contact." },
    Form { word: "move", parts: &["move to", "FUNNEL.STAGE"], meaning: "Moves the contact to a stage of a funnel." },
    Form {
        word: "record",
        parts: &["record", "EVENT", "[{ field: value }]"],
        meaning: "Reports an event of the contact, as if another system had.",
    },
    Form {
        word: "subscribe",
        parts: &["subscribe", "TOPIC", "[via CHANNEL]"],
        meaning: "Records that the contact consents to a topic.",
    },
    Form {
        word: "unsubscribe",
        parts: &["unsubscribe", "[TOPIC]", "[via CHANNEL]"],
        meaning: "Withdraws consent, to one topic or to all.",
    },
    Form {
        word: "suppress",
        parts: &["suppress", "[\"REASON\"]"],
        meaning: "Nothing is sent to the contact's addresses any more.",
    },
    Form { word: "delete", parts: &["delete contact"], meaning: "Erases the contact." },
    Form {
        word: "notify",
        parts: &["notify", "WHOM", "\"TEXT\""],
        meaning: "Tells a person, or a place such as a chat's channel, something.",
    },
    Form {
        word: "call",
        parts: &["call", "SYSTEM.ACTION", "[{ field: value }]", "[as NAME]", "[up to DURATION]", "[else STEP]"],
        meaning: "Calls another system.",
    },
    Form {
        word: "voucher",
        parts: &["voucher", "NAME", "[as NAME]", "[expires DURATION]"],
        meaning: "Takes a code of a voucher for the contact.",
    },
    Form { word: "let", parts: &["let", "NAME", "= VALUE"], meaning: "Gives a value a name, for the rest of the run." },
    Form {
        word: "ask",
        parts: &["ask", "WHOM", "\"QUESTION\"", "[up to DURATION]", "{ yes { .. } no { .. } }"],
        meaning: "Lets a person decide.",
    },
    Form {
        word: "start",
        parts: &["start journey", "JOURNEY", "[with { field: value }]"],
        meaning: "Starts another journey for the contact.",
    },
    Form { word: "stop", parts: &["stop journey", "JOURNEY"], meaning: "Ends the contact's runs of another journey." },
    Form {
        word: "step",
        parts: &["step", "NAME:"],
        meaning: "A lasting name for this place, for reports and for moving live contacts.",
    },
    Form { word: "end", parts: &["end"], meaning: "Ends the run." },
    Form { word: "on", parts: &["on", "TRIGGER"], meaning: "What lets a contact in. Several may stand side by side." },
    Form {
        word: "where",
        parts: &["where", "CONDITION"],
        meaning: "Who may enter, or which occurrences of an event count.",
    },
    Form {
        word: "per",
        parts: &["per", "FIELD"],
        meaning: "What keeps one contact's runs apart: an order, an appointment, a cart.",
    },
    Form {
        word: "reenter",
        parts: &["reenter", "never | always | after DURATION | restart"],
        meaning: "Whether a contact may come again. Without it: never.",
    },
    Form {
        word: "collect",
        parts: &["collect for", "DURATION", "[at most NUMBER]", "as NAME"],
        meaning: "Gathers events, so that one run starts with the list of them.",
    },
    Form {
        word: "exit",
        parts: &["exit when", "EVENT or CONDITION"],
        meaning: "Ends a run at any moment, wherever the contact stands.",
    },
    Form {
        word: "goal",
        parts: &["goal", "EVENT", "[within DURATION]"],
        meaning: "What the journey is for; measured for those who entered.",
    },
    Form { word: "topic", parts: &["topic", "TOPIC"], meaning: "The consent that the journey's messages need." },
    Form {
        word: "purpose",
        parts: &["purpose", "marketing | transactional"],
        meaning: "What the messages are for. Transactional ones need no consent and no unsubscribe link.",
    },
    Form {
        word: "hours",
        parts: &["hours", "[DAYS]", "TIME to TIME"],
        meaning: "When the journey sends, on the contact's own clock.",
    },
    Form {
        word: "priority",
        parts: &["priority", "high | normal | low"],
        meaning: "Which journey sends first when a cap lets only one.",
    },
    Form {
        word: "holdout",
        parts: &["holdout", "PERCENT"],
        meaning: "How many of the contacts only count, for comparison.",
    },
    Form {
        word: "migrate",
        parts: &["migrate", "STEP", "to STEP | to end"],
        meaning: "Where runs go on whose step was renamed or removed.",
    },
    Form {
        word: "contact",
        parts: &["contact", "{ NAME: TYPE .. }"],
        meaning: "The attributes that every contact has.",
    },
    Form { word: "tags", parts: &["tags", "{ NAME .. }"], meaning: "The tags that journeys may set and ask for." },
    Form {
        word: "event",
        parts: &["event", "NAME", "{ NAME: TYPE .. }"],
        meaning: "Something that contacts do or that other systems report.",
    },
    Form {
        word: "funnel",
        parts: &["funnel", "NAME", "{ STAGE -> STAGE | STAGE }"],
        meaning: "The stages that contacts move through.",
    },
    Form {
        word: "segment",
        parts: &["segment", "NAME", "= CONDITION"],
        meaning: "A condition with a name: the contacts for whom it holds.",
    },
    Form {
        word: "score",
        parts: &["score", "NAME", "{ EVENT +POINTS .. }"],
        meaning: "A number that happenings raise and lower, and that fades.",
    },
    Form {
        word: "policy",
        parts: &["policy", "{ sender .. address .. quiet hours .. cap .. }"],
        meaning: "What holds for all journeys of the project.",
    },
    Form {
        word: "journey",
        parts: &["journey", "NAME", "{ HEADER STEPS }"],
        meaning: "What should happen to whom, when, and on which condition.",
    },
    Form {
        word: "test",
        parts: &["test", "\"TITLE\"", "{ given .. at .. expect .. }"],
        meaning: "A story that the journeys must follow, told on a clock of its own.",
    },
    Form {
        word: "given",
        parts: &["given contact", "[NAME]", "[{ ATTRIBUTE: VALUE .. }]", "[consents to TOPIC]", "[has tag TAG]"],
        meaning: "A contact, and what is known of it.",
    },
    Form {
        word: "at",
        parts: &["at", "DATE TIME", "[WHAT HAPPENS]", "[for CONTACT]"],
        meaning: "A moment of the test, on the contact's own clock.",
    },
    Form {
        word: "after",
        parts: &["after", "DURATION", "[WHAT HAPPENS]", "[for CONTACT]"],
        meaning: "So long after the line before.",
    },
    Form {
        word: "expect",
        parts: &["expect", "[no]", "send .. | end .. | tag .. | CONDITION"],
        meaning: "What must be so at this moment of the test.",
    },
];

/// The form that begins with a word.
pub(crate) fn form(word: &str) -> Option<&'static Form> {
    FORMS.iter().find(|form| form.word == word)
}

/// Words inside of steps and conditions.
const MEANINGS: &[(&str, &str)] = &[
    ("opened", "The message was opened. Opens by machines do not count."),
    ("clicked", "A link in the message was clicked. Clicks by machines do not count."),
    ("replied", "The contact answered the message."),
    ("bounced", "The message came back: the address does not work."),
    ("delivered", "The receiving system took the message."),
    ("skipped", "The message was not sent: no address, no consent, or a cap was reached."),
    ("complained", "The contact reported the message as unwanted."),
    ("now", "This moment."),
    ("today", "This day, on the contact's own clock."),
    ("weekday", "The day of the week, on the contact's own clock."),
    ("hour", "The hour of the day, on the contact's own clock."),
    ("trigger", "What started the run: `trigger.FIELD` is a field of that event."),
    ("within", "How far back from now, or a window on the contact's own clock."),
    ("else", "What happens otherwise."),
    ("up", "`up to DURATION`: the longest time to wait."),
    ("consents", "`consents to TOPIC [via CHANNEL]`: the contact agreed to get such messages."),
    ("has", "`has tag TAG`: the contact has the tag."),
    ("did", "`did EVENT [where ..] [at least N times] [within DURATION]`: the event happened."),
    ("chance", "`chance 10%`: true for so many contacts, by chance."),
    ("in", "`in SEGMENT`, `in FUNNEL.STAGE`, `in journey NAME`, `VALUE in [..]`."),
    ("quiet", "`quiet hours 21:00 to 08:00`: no marketing then, on the contact's own clock."),
    ("cap", "`cap [CHANNEL] 3 messages per 7d`: the most marketing messages that one contact gets."),
];

/// What a word means.
pub(crate) fn meaning(word: &str) -> Option<&'static str> {
    MEANINGS.iter().find(|(known, _)| *known == word).map(|(_, meaning)| *meaning)
}
