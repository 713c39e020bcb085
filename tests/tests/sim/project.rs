//! The project that is lived through: two editions of the same journeys, under each of a few policies.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use journey_bytecode::{Bundle, Channel};
use journey_compiler::diagnostic::Severity;
use journey_compiler::project::{File, Project};
use journey_runtime::core::Linked;
use journey_runtime::engine::{Deployed, Outlet, Readies};
use journey_runtime::render::Renderer;
use journey_runtime::send::Transport;
use journey_runtime::store::Revision;
use journey_runtime::track::{Keys, Links};

use crate::peers::Peer;
use crate::world::World;

const DECLARATIONS: &str = include_str!("project/declarations.journey");
const JOURNEYS: &str = include_str!("project/journeys.journey");
const EDITED: &str = include_str!("project/edited.journey");

/// The journeys that are paused now and then; the one that counts never is.
pub const PAUSABLE: [&str; 3] = ["welcome", "order", "offering"];

/// What differs from project to project.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Rules {
    /// Whether marketing that may have arrived is held, and not sent again.
    pub marketing_holds: bool,
    /// The same of all else.
    pub transactional_holds: bool,
    /// Whether there are quiet hours and a cap.
    pub strict: bool,
}

/// Both editions.
pub fn editions(rules: Rules) -> [Bundle; 2] {
    static KNOWN: OnceLock<BTreeMap<Rules, [Bundle; 2]>> = OnceLock::new();
    let known = KNOWN.get_or_init(|| {
        let all = (0..8).map(|bits| Rules {
            marketing_holds: bits & 1 > 0,
            transactional_holds: bits & 2 > 0,
            strict: bits & 4 > 0,
        });
        all.map(|rules| (rules, [JOURNEYS, EDITED].map(|journeys| compile(rules, journeys)))).collect()
    });
    known[&rules].clone()
}

fn compile(rules: Rules, journeys: &str) -> Bundle {
    let word = |holds| if holds { "hold" } else { "resend" };
    let settings = format!(
        "[project]\nname = \"sim\"\ntimezone = \"Europe/Berlin\"\n\n\
         [call.stock.take]\nurl = \"https://stock.example/take\"\nanswer = {{ left = \"number\" }}\n\n\
         [webhook]\nurl = \"https://app.example/hook\"\n\n\
         [outbox]\ntransactional = \"{}\"\nmarketing = \"{}\"\n",
        word(rules.transactional_holds),
        word(rules.marketing_holds)
    );
    let limits = if rules.strict { "  quiet hours 21:00 to 08:00\n  cap 3 messages per 2d\n" } else { "" };
    let policy = format!(
        "{DECLARATIONS}\npolicy {{\n  sender \"Shop <post@shop.example>\"\n  \
         address \"Shop GmbH, Teststr. 4, 50667 Köln\"\n{limits}}}\n"
    );
    let mut files = vec![
        ("journey.toml".to_owned(), settings),
        ("declarations.journey".to_owned(), policy),
        ("journeys.journey".to_owned(), journeys.to_owned()),
        ("messages/nudge.sms.txt".to_owned(), "A word\n".to_owned()),
        ("messages/shipped.sms.txt".to_owned(), "It is on its way\n".to_owned()),
        ("messages/told.webhook.json".to_owned(), "{\"visits\": {{ visits }}}\n".to_owned()),
    ];
    for mail in ["hello", "more", "thanks", "offer", "receipt", "sorry"] {
        let text =
            format!("---\nsubject: The {mail}\n---\nTo {{{{ email }}}}.\n[Unsubscribe]({{{{ unsubscribe_url }}}})\n");
        files.push((format!("messages/{mail}.email.txt"), text));
    }
    let file = |(path, text): (String, String)| File { path, bytes: text.into_bytes().into() };
    let project = Project { files: files.into_iter().map(file).collect(), lone: false };
    let compilation = journey_compiler::compile(&project);
    let errors = compilation.diagnostics.iter().filter(|finding| finding.severity == Severity::Error);
    let errors: Vec<String> = errors.map(|error| format!("{} {}", error.code, error.message)).collect();
    compilation.bundle.unwrap_or_else(|| panic!("the simulator's project: {errors:#?}"))
}

/// Makes a worker's deployments ready.
pub struct Ways {
    pub world: Arc<World>,
    pub worker: u32,
}

impl Readies for Ways {
    fn ready(&self, bundle: Bundle, older: &[Bundle], revision: &Revision) -> Result<Deployed, String> {
        let mut all = bundle.clone();
        for message in older.iter().flat_map(|bundle| &bundle.messages) {
            if all.message(message.channel, &message.name).is_none() {
                all.messages.push(message.clone());
            }
        }
        let keys = Keys::new(["0123456789abcdef"]).expect("it is long enough");
        let renderer = Renderer::new(&all, Links::untracked(keys)).map_err(|error| error.to_string())?;
        let linked = Linked::new(bundle, older).map_err(|error| error.to_string())?;
        let linked = linked.pausing(revision.paused.keys().cloned()).at(revision.number);
        let linked = Arc::new(linked);
        self.world.knows(revision.number, &linked);
        let peer: Arc<dyn Transport> = Arc::new(Peer { world: Arc::clone(&self.world), worker: self.worker });
        let ways = [Channel::Email, Channel::Sms, Channel::Webhook].map(|channel| (channel, Arc::clone(&peer)));
        Ok(Deployed { linked, outlet: Outlet::new(renderer, ways.into()).calling(peer) })
    }
}
