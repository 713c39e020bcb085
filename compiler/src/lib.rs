//! Tree to checked program: project loading from plain data, names, types, flow, templates' variables, code generation,
//! and the one [`Diagnostic`](diagnostic::Diagnostic) type. Pure: no clock, no files, no async, no printing.
#![cfg_attr(test, allow(clippy::string_slice, reason = "a test may panic"))]

mod bundle;
mod check;
mod codegen;
mod codes;
pub mod config;
pub mod diagnostic;
mod flow;
pub mod hir;
mod holidays;
mod kept;
mod lint;
pub mod messages;
pub mod project;
mod shift;
pub mod sources;
pub mod syntax;
pub mod template;
mod text;
mod typed;

use std::collections::BTreeMap;

use bundle::Goal;
use diagnostic::Diagnostic;
pub use journey_bytecode::Date;
use journey_bytecode::{Bundle, Channel, Field, TestCase};
pub use kept::Kept;
pub use lint::Pressure;
use project::Project;
use smol_str::SmolStr;
use sources::Sources;

/// What came of compiling a project.
#[derive(Debug, Default)]
pub struct Compilation {
    /// The findings, by file, place and code.
    pub diagnostics: Vec<Diagnostic>,
    /// How many more there are, in files that have [too many](diagnostic::MAX_FINDINGS).
    pub hidden: usize,
    /// The bundle, if there is no error and it was asked for.
    pub bundle: Option<Bundle>,
    /// The tests, in the order of files and lines; those with errors are left out.
    pub tests: Vec<TestCase>,
    /// How much one run of each journey can send, in the order of files and lines; those with errors are left out.
    pub pressure: Vec<Pressure>,
    /// The local variables that a message can use, where journeys have some in sight that send it; beside the bundle only.
    pub locals: BTreeMap<(Channel, SmolStr), Vec<Field>>,
}

/// Compiles a project; the same files give the same answer.
pub fn compile(project: &Project) -> Compilation {
    compile_sources(project, &Sources::read(project), None)
}

/// Compiles a project, and looks out for dates that are past as of `today`; the same files and day give the same answer.
pub fn compile_on(project: &Project, today: Date) -> Compilation {
    compile_sources(project, &Sources::read(project), Some(today))
}

/// Says what is wrong with a project, and makes no bundle: all that [`compile_on`] finds, in less time.
pub fn judge(project: &Project, today: Option<Date>) -> Compilation {
    bundle::compile(project, &Sources::read(project), today, &Kept::default(), Goal::Findings).0
}

/// Compiles a project whose files are [read](Sources::read) already, and looks out for dates that are past as of `today`;
/// the same files and day give the same answer.
pub fn compile_sources(project: &Project, sources: &Sources, today: Option<Date>) -> Compilation {
    bundle::compile(project, sources, today, &Kept::default(), Goal::Bundle).0
}

/// Judges a later state of a project: what is known from the earlier one and concerns nothing that changed is not found
/// out again. The findings are the same as those of [`compile_sources`]; neither a bundle nor tests are made.
pub fn compile_again(project: &Project, sources: &Sources, today: Option<Date>, kept: &Kept) -> (Compilation, Kept) {
    bundle::compile(project, sources, today, kept, Goal::Later)
}
