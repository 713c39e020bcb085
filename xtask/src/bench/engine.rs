//! The engine: durable steps per second on SQLite and PostgreSQL, beside a plain loop over the same database.

/// How much is measured.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many contacts there are; a multiple of 1,000.
    #[arg(long, default_value_t = 1_000_000)]
    contacts: usize,
}

pub(crate) fn run(args: &Args) -> Result<(), String> {
    super::example("engine", &[&args.contacts.to_string()])
}
