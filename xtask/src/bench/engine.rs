//! The engine: durable steps per second on SQLite and PostgreSQL, beside a plain loop over the same database.

/// How much is measured.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many contacts there are; a multiple of 1,000.
    #[arg(long, default_value_t = 1_000_000)]
    contacts: usize,
}

pub(crate) fn run(args: &Args) -> Result<(), String> {
    let mut bench = crate::cargo();
    bench.args(["run", "--release", "--locked", "--package", "journey-runtime", "--example", "engine", "--"]);
    // The tests' PostgreSQL need not survive a power cut; the one that is measured does.
    let bench = bench.arg(args.contacts.to_string()).env("JOURNEY_TEST_FSYNC", "on");
    match bench.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("the benchmark ended with {status}")),
        Err(error) => Err(format!("cargo does not start: {error}")),
    }
}
