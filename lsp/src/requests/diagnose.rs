//! Findings for editors that ask for them.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use gen_lsp_types as lsp;
use journey_compiler::project::FileId;
use lsp_server::ResponseError;

use super::Ask;
use crate::view::View;

/// The findings of a file, and what they are called until they change.
fn report(view: &View, file: FileId) -> (String, Vec<lsp::Diagnostic>) {
    let all = journey_ide::diagnostics(&view.snapshot).into_iter();
    let of_file = all.filter(|of| of.file == file).flat_map(|of| of.diagnostics);
    let items: Vec<_> = of_file.map(|d| view.diagnostic(d)).collect();
    (name(&items), items)
}

fn name(items: &[lsp::Diagnostic]) -> String {
    let mut hasher = DefaultHasher::new();
    serde_json::to_string(items).unwrap_or_default().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

pub(super) fn document(
    ask: &Ask,
    params: lsp::DocumentDiagnosticParams,
) -> Result<lsp::DocumentDiagnosticReport, ResponseError> {
    let (id, items) = match &ask.place {
        Some(place) => report(&place.view, place.file),
        None => (name(&[]), Vec::new()),
    };
    Ok(if params.previous_result_id.as_ref() == Some(&id) {
        lsp::DocumentDiagnosticReport::RelatedUnchangedDocumentDiagnosticReport(
            lsp::RelatedUnchangedDocumentDiagnosticReport {
                related_documents: None,
                unchanged_document_diagnostic_report: lsp::UnchangedDocumentDiagnosticReport { result_id: id },
            },
        )
    } else {
        lsp::DocumentDiagnosticReport::RelatedFullDocumentDiagnosticReport(lsp::RelatedFullDocumentDiagnosticReport {
            related_documents: None,
            full_document_diagnostic_report: lsp::FullDocumentDiagnosticReport { result_id: Some(id), items },
        })
    })
}

pub(super) fn workspace(
    ask: &Ask,
    params: lsp::WorkspaceDiagnosticParams,
) -> Result<lsp::WorkspaceDiagnosticReport, ResponseError> {
    let known: BTreeMap<_, _> = params.previous_result_ids.into_iter().map(|id| (id.uri.0, id.value)).collect();
    let mut items = Vec::new();
    for view in &ask.views {
        for of in journey_ide::diagnostics(&view.snapshot) {
            let (uri, version) = (view.uri(of.file), view.version(of.file));
            let found: Vec<_> = of.diagnostics.into_iter().map(|d| view.diagnostic(d)).collect();
            let id = name(&found);
            items.push(if known.get(&uri.0) == Some(&id) {
                lsp::WorkspaceDocumentDiagnosticReport::WorkspaceUnchangedDocumentDiagnosticReport(
                    lsp::WorkspaceUnchangedDocumentDiagnosticReport {
                        uri,
                        version,
                        unchanged_document_diagnostic_report: lsp::UnchangedDocumentDiagnosticReport { result_id: id },
                    },
                )
            } else {
                lsp::WorkspaceDocumentDiagnosticReport::WorkspaceFullDocumentDiagnosticReport(
                    lsp::WorkspaceFullDocumentDiagnosticReport {
                        uri,
                        version,
                        full_document_diagnostic_report: lsp::FullDocumentDiagnosticReport {
                            result_id: Some(id),
                            items: found,
                        },
                    },
                )
            });
        }
    }
    Ok(lsp::WorkspaceDiagnosticReport { items })
}
