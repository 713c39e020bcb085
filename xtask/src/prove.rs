//! `cargo xtask prove`: simulated lives of the whole runtime, simulated sends in all zones, disks and power that fail, unsubscribes
//! against the queue, `kill -9` of real servers, again and again, and what became of all contacts and mails.

use std::process::ExitCode;

/// How much is done.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many seeds the simulation lives through.
    #[arg(long, default_value_t = 1_000)]
    seeds: u32,

    /// How many sends are simulated around quiet hours.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..))]
    sends: u32,

    /// How many calls of the disk fail, each in a life of its own: syncs once, writes twice.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    faults: u32,

    /// At how many moments the power fails, with three outcomes each.
    #[arg(long, default_value_t = 4_000, value_parser = clap::value_parser!(u32).range(60..))]
    moments: u32,

    /// How many messages are queued while a fifth of their contacts unsubscribe, at most 1,000.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(100..))]
    queued: u32,

    /// How many contacts there are; each gets three mails.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(10..))]
    contacts: u32,

    /// How often a server is killed, in each part.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    kills: u32,
}

/// Runs it with a real build; the figures are on stdout.
pub(crate) fn run(args: &Args) -> ExitCode {
    if let Err(missing) = crate::packages::provide() {
        return missing.explain();
    }
    let mut proof = crate::cargo();
    proof.args(["run", "--release", "--locked", "--package", "journey-tests", "--example", "prove", "--"]);
    proof.args([
        args.seeds.to_string(),
        args.sends.to_string(),
        args.faults.to_string(),
        args.moments.to_string(),
        args.queued.to_string(),
        args.contacts.to_string(),
        args.kills.to_string(),
    ]);
    // The tests' PostgreSQL need not survive a power cut; the one that is proved does.
    match proof.env("JOURNEY_TEST_FSYNC", "on").status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cargo does not start: {error}");
            ExitCode::from(2)
        }
    }
}
