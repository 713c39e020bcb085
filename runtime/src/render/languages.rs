//! The languages we know: names, patterns, and the words of the default layout.

/// A space that no line breaks at.
pub(super) const NBSP: char = '\u{a0}';

/// The ways of a language, or of a region where it differs.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Ways {
    /// `de`, or `de_at`.
    pub(super) tag: &'static str,
    /// Months as they stand in a date.
    pub(super) months: [&'static str; 12],
    /// Weekdays from Monday on.
    pub(super) weekdays: [&'static str; 7],
    /// The usual date: `2. März 2026`.
    pub(super) long: &'static str,
    /// The same with its weekday.
    pub(super) full: &'static str,
    /// The date in digits.
    pub(super) short: &'static str,
    /// The time of day.
    pub(super) time: &'static str,
    /// Between groups of three digits, and before the fraction.
    pub(super) marks: (char, char),
    /// How many digits a number has before it is grouped.
    pub(super) grouped_from: usize,
    /// Where the currency stands.
    pub(super) currency: Currency,
    /// The words of the default layout.
    pub(super) words: &'static Words,
}

/// Where the currency stands beside an amount.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Currency {
    /// `€1`
    Before,
    /// `€ 1`
    BeforeApart,
    /// `1 €`
    After,
}

/// What the default layout says by itself.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Words {
    /// The unsubscribe link's text.
    pub(crate) unsubscribe: &'static str,
    /// The heading of the unsubscribe page, as a question.
    pub(crate) question: &'static str,
    /// What stands on that page under the question, where it is about one topic; `{}` is the topic.
    pub(crate) about_topic: &'static str,
    /// The same where it is about everything.
    pub(crate) about_all: &'static str,
    /// The page's button.
    pub(crate) button: &'static str,
    /// The button for more than the topic.
    pub(crate) button_all: &'static str,
    /// The answer.
    pub(crate) done: &'static str,
    /// The answer when it cannot be done now.
    pub(crate) sorry: &'static str,
    /// The heading of the preference page.
    pub(crate) preferences: &'static str,
    /// What stands above its topics.
    pub(crate) topics: &'static str,
    /// Its button.
    pub(crate) save: &'static str,
    /// Its answer.
    pub(crate) saved: &'static str,
    /// The heading of the page that confirms a subscription.
    pub(crate) confirm: &'static str,
    /// What stands on it; `{}` is the topic.
    pub(crate) confirm_about: &'static str,
    /// Its button.
    pub(crate) confirm_button: &'static str,
    /// Its answer.
    pub(crate) confirmed: &'static str,
}

const EN_WORDS: Words = Words {
    unsubscribe: "Unsubscribe",
    question: "Unsubscribe?",
    about_topic: "You will get no more messages about “{}”.",
    about_all: "You will get no more promotional messages.",
    button: "Unsubscribe",
    button_all: "Unsubscribe from everything",
    done: "You are unsubscribed.",
    sorry: "This did not work. Please try again in a minute.",
    preferences: "Your messages",
    topics: "You get messages about",
    save: "Save",
    saved: "Saved.",
    confirm: "Confirm?",
    confirm_about: "You will get messages about “{}”.",
    confirm_button: "Yes, I want them",
    confirmed: "You are subscribed.",
};

const EN: Ways = Ways {
    tag: "en",
    months: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    weekdays: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    long: "%e %B %Y",
    full: "%A, %e %B %Y",
    short: "%d/%m/%Y",
    time: "%H:%M",
    marks: (',', '.'),
    grouped_from: 4,
    currency: Currency::Before,
    words: &EN_WORDS,
};

const DE: Ways = Ways {
    tag: "de",
    months: [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
    weekdays: ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"],
    long: "%e. %B %Y",
    full: "%A, %e. %B %Y",
    short: "%d.%m.%Y",
    time: "%H:%M",
    marks: ('.', ','),
    grouped_from: 4,
    currency: Currency::After,
    words: &Words {
        unsubscribe: "Abmelden",
        question: "Abmelden?",
        about_topic: "Sie erhalten dann keine Nachrichten mehr zum Thema „{}“.",
        about_all: "Sie erhalten dann keine werblichen Nachrichten mehr.",
        button: "Abmelden",
        button_all: "Von allem abmelden",
        done: "Sie sind abgemeldet.",
        sorry: "Das hat nicht geklappt. Bitte versuchen Sie es in einer Minute noch einmal.",
        preferences: "Ihre Nachrichten",
        topics: "Sie erhalten Nachrichten zu",
        save: "Speichern",
        saved: "Gespeichert.",
        confirm: "Anmeldung bestätigen?",
        confirm_about: "Sie erhalten dann Nachrichten zum Thema „{}“.",
        confirm_button: "Ja, ich möchte sie erhalten",
        confirmed: "Sie sind angemeldet.",
    },
};

const FR: Ways = Ways {
    tag: "fr",
    months: [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
    weekdays: ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"],
    long: "%e %B %Y",
    full: "%A %e %B %Y",
    short: "%d/%m/%Y",
    time: "%H:%M",
    marks: (NBSP, ','),
    grouped_from: 4,
    currency: Currency::After,
    words: &Words {
        unsubscribe: "Se désabonner",
        question: "Se désabonner ?",
        about_topic: "Vous ne recevrez plus de messages sur le thème « {} ».",
        about_all: "Vous ne recevrez plus de messages promotionnels.",
        button: "Se désabonner",
        button_all: "Se désabonner de tout",
        done: "Vous êtes désabonné.",
        sorry: "Cela n’a pas fonctionné. Veuillez réessayer dans une minute.",
        preferences: "Vos messages",
        topics: "Vous recevez des messages sur",
        save: "Enregistrer",
        saved: "Enregistré.",
        confirm: "Confirmer ?",
        confirm_about: "Vous recevrez des messages sur « {} ».",
        confirm_button: "Oui, je souhaite les recevoir",
        confirmed: "Votre inscription est confirmée.",
    },
};

const ES: Ways = Ways {
    tag: "es",
    months: [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ],
    weekdays: ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"],
    long: "%e de %B de %Y",
    full: "%A, %e de %B de %Y",
    short: "%d/%m/%Y",
    time: "%H:%M",
    marks: ('.', ','),
    grouped_from: 5,
    currency: Currency::After,
    words: &Words {
        unsubscribe: "Darse de baja",
        question: "¿Darse de baja?",
        about_topic: "No recibirá más mensajes sobre «{}».",
        about_all: "No recibirá más mensajes promocionales.",
        button: "Darse de baja",
        button_all: "Darse de baja de todo",
        done: "Se ha dado de baja.",
        sorry: "No ha funcionado. Inténtelo de nuevo en un minuto.",
        preferences: "Sus mensajes",
        topics: "Recibe mensajes sobre",
        save: "Guardar",
        saved: "Guardado.",
        confirm: "¿Confirmar?",
        confirm_about: "Recibirá mensajes sobre «{}».",
        confirm_button: "Sí, quiero recibirlos",
        confirmed: "Su suscripción está confirmada.",
    },
};

const IT: Ways = Ways {
    tag: "it",
    months: [
        "gennaio",
        "febbraio",
        "marzo",
        "aprile",
        "maggio",
        "giugno",
        "luglio",
        "agosto",
        "settembre",
        "ottobre",
        "novembre",
        "dicembre",
    ],
    weekdays: ["lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica"],
    long: "%e %B %Y",
    full: "%A %e %B %Y",
    short: "%d/%m/%Y",
    time: "%H:%M",
    marks: ('.', ','),
    grouped_from: 4,
    currency: Currency::After,
    words: &Words {
        unsubscribe: "Annulla l’iscrizione",
        question: "Annullare l’iscrizione?",
        about_topic: "Non riceverà più messaggi sul tema «{}».",
        about_all: "Non riceverà più messaggi promozionali.",
        button: "Annulla l’iscrizione",
        button_all: "Annulla tutte le iscrizioni",
        done: "L’iscrizione è annullata.",
        sorry: "Non ha funzionato. Riprovi tra un minuto.",
        preferences: "I suoi messaggi",
        topics: "Riceve messaggi su",
        save: "Salva",
        saved: "Salvato.",
        confirm: "Confermare?",
        confirm_about: "Riceverà messaggi su «{}».",
        confirm_button: "Sì, desidero riceverli",
        confirmed: "L’iscrizione è confermata.",
    },
};

const PT: Ways = Ways {
    tag: "pt",
    months: [
        "janeiro",
        "fevereiro",
        "março",
        "abril",
        "maio",
        "junho",
        "julho",
        "agosto",
        "setembro",
        "outubro",
        "novembro",
        "dezembro",
    ],
    weekdays: ["segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado", "domingo"],
    long: "%e de %B de %Y",
    full: "%A, %e de %B de %Y",
    short: "%d/%m/%Y",
    time: "%H:%M",
    marks: ('.', ','),
    grouped_from: 4,
    currency: Currency::After,
    words: &Words {
        unsubscribe: "Cancelar inscrição",
        question: "Cancelar a inscrição?",
        about_topic: "Não vai receber mais mensagens sobre “{}”.",
        about_all: "Não vai receber mais mensagens promocionais.",
        button: "Cancelar inscrição",
        button_all: "Cancelar todas as inscrições",
        done: "A inscrição foi cancelada.",
        sorry: "Não funcionou. Tente novamente dentro de um minuto.",
        preferences: "As suas mensagens",
        topics: "Recebe mensagens sobre",
        save: "Guardar",
        saved: "Guardado.",
        confirm: "Confirmar?",
        confirm_about: "Vai receber mensagens sobre «{}».",
        confirm_button: "Sim, quero recebê-las",
        confirmed: "A inscrição está confirmada.",
    },
};

const NL: Ways = Ways {
    tag: "nl",
    months: [
        "januari",
        "februari",
        "maart",
        "april",
        "mei",
        "juni",
        "juli",
        "augustus",
        "september",
        "oktober",
        "november",
        "december",
    ],
    weekdays: ["maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag"],
    long: "%e %B %Y",
    full: "%A %e %B %Y",
    short: "%d-%m-%Y",
    time: "%H:%M",
    marks: ('.', ','),
    grouped_from: 4,
    currency: Currency::BeforeApart,
    words: &Words {
        unsubscribe: "Afmelden",
        question: "Afmelden?",
        about_topic: "U ontvangt dan geen berichten meer over ‘{}’.",
        about_all: "U ontvangt dan geen reclameberichten meer.",
        button: "Afmelden",
        button_all: "Van alles afmelden",
        done: "U bent afgemeld.",
        sorry: "Dat is niet gelukt. Probeer het over een minuut opnieuw.",
        preferences: "Uw berichten",
        topics: "U ontvangt berichten over",
        save: "Opslaan",
        saved: "Opgeslagen.",
        confirm: "Aanmelding bevestigen?",
        confirm_about: "U ontvangt dan berichten over “{}”.",
        confirm_button: "Ja, ik wil ze ontvangen",
        confirmed: "U bent aangemeld.",
    },
};

const PL: Ways = Ways {
    tag: "pl",
    months: [
        "stycznia",
        "lutego",
        "marca",
        "kwietnia",
        "maja",
        "czerwca",
        "lipca",
        "sierpnia",
        "września",
        "października",
        "listopada",
        "grudnia",
    ],
    weekdays: ["poniedziałek", "wtorek", "środa", "czwartek", "piątek", "sobota", "niedziela"],
    long: "%e %B %Y",
    full: "%A, %e %B %Y",
    short: "%d.%m.%Y",
    time: "%H:%M",
    marks: (NBSP, ','),
    grouped_from: 5,
    currency: Currency::After,
    words: &Words {
        unsubscribe: "Wypisz się",
        question: "Wypisać się?",
        about_topic: "Nie otrzymasz już wiadomości na temat „{}”.",
        about_all: "Nie otrzymasz już wiadomości promocyjnych.",
        button: "Wypisz się",
        button_all: "Wypisz się ze wszystkiego",
        done: "Subskrypcja została anulowana.",
        sorry: "Nie udało się. Spróbuj ponownie za minutę.",
        preferences: "Twoje wiadomości",
        topics: "Otrzymujesz wiadomości na temat",
        save: "Zapisz",
        saved: "Zapisano.",
        confirm: "Potwierdzić?",
        confirm_about: "Będziesz otrzymywać wiadomości na temat „{}”.",
        confirm_button: "Tak, chcę je otrzymywać",
        confirmed: "Subskrypcja jest potwierdzona.",
    },
};

/// Regions before their languages.
pub(super) static ALL: &[Ways] = &[
    Ways { tag: "en_us", long: "%B %e, %Y", full: "%A, %B %e, %Y", short: "%m/%d/%Y", time: "%I:%M %p", ..EN },
    Ways { tag: "de_at", currency: Currency::BeforeApart, ..DE },
    Ways { tag: "de_ch", marks: ('’', '.'), currency: Currency::BeforeApart, ..DE },
    Ways { tag: "pt_br", currency: Currency::BeforeApart, ..PT },
    EN,
    DE,
    FR,
    ES,
    IT,
    PT,
    NL,
    PL,
];

/// For every other language.
pub(super) static OTHER: Ways = Ways {
    tag: "",
    long: "%Y-%m-%d",
    full: "%Y-%m-%d",
    short: "%Y-%m-%d",
    marks: ('\0', '.'),
    currency: Currency::After,
    ..EN
};
