//! Delivery: mails per second, rendered, signed and durable, beside senders that only send.

/// How much is measured.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many mails each measurement sends.
    #[arg(long, default_value_t = 10_000)]
    mails: usize,

    /// Only what is called so, as `SQLite` or `RSA-2048, 16`.
    #[arg(long, default_value = "")]
    only: String,
}

pub(crate) fn run(args: &Args) -> Result<(), String> {
    super::example("send", &[&args.mails.to_string(), &args.only])
}
