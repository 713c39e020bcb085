//! What the commands about a running project share: which project, which database, and how the answer is written.

use std::path::PathBuf;

use clap::ValueEnum;

#[derive(clap::Args, Debug)]
pub(super) struct At {
    /// A project or a `.journey` file
    #[arg(long, value_name = "PATH", default_value = ".")]
    pub(super) project: PathBuf,

    /// The database, as `sqlite:PATH` or `postgres://USER@HOST/NAME` [default: as for `serve`]
    #[arg(long, value_name = "URL")]
    pub(super) db: Option<String>,

    /// How it is written to stdout
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub(super) output_format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(super) enum Format {
    /// For people
    #[default]
    Human,
    /// One JSON object
    Json,
}
