//! What the server says that it can do.

use gen_lsp_types as lsp;

use crate::convert::{self, Client};
use crate::requests::{COMMANDS, legend};

pub(crate) fn of(client: &Client) -> lsp::ServerCapabilities {
    let sync = lsp::TextDocumentSyncOptions {
        open_close: Some(true),
        change: Some(lsp::TextDocumentSyncKind::Incremental),
        save: Some(true.into()),
        ..lsp::TextDocumentSyncOptions::default()
    };
    let actions = lsp::CodeActionOptions {
        code_action_kinds: Some(vec![
            lsp::CodeActionKind::QuickFix,
            lsp::CodeActionKind::Refactor,
            lsp::CodeActionKind::RefactorExtract,
            lsp::CodeActionKind::RefactorRewrite,
            lsp::CodeActionKind::SourceFixAll,
        ]),
        ..lsp::CodeActionOptions::default()
    };
    let characters = |characters: &[&str]| Some(characters.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>());
    let completion = lsp::CompletionOptions {
        trigger_characters: characters(&[".", " ", "{", "|", ":", "\""]),
        resolve_provider: Some(true),
        ..lsp::CompletionOptions::default()
    };
    let signatures =
        lsp::SignatureHelpOptions { trigger_characters: characters(&[" "]), ..lsp::SignatureHelpOptions::default() };
    let on_type =
        lsp::DocumentOnTypeFormattingOptions { first_trigger_character: "}".to_owned(), more_trigger_character: None };
    let rename = lsp::RenameOptions { prepare_provider: Some(true), ..lsp::RenameOptions::default() };
    let tokens = lsp::SemanticTokensOptions {
        legend: legend(),
        range: Some(lsp::SemanticTokensOptionsRange::Bool(true)),
        full: Some(lsp::Full::SemanticTokensFullDelta(lsp::SemanticTokensFullDelta { delta: Some(true) })),
        work_done_progress_options: lsp::WorkDoneProgressOptions::default(),
    };
    let diagnostics = lsp::DiagnosticOptions {
        identifier: Some("journey".to_owned()),
        inter_file_dependencies: true,
        workspace_diagnostics: true,
        work_done_progress_options: lsp::WorkDoneProgressOptions::default(),
    };
    let commands = lsp::ExecuteCommandOptions {
        commands: COMMANDS.map(str::to_owned).to_vec(),
        work_done_progress_options: lsp::WorkDoneProgressOptions::default(),
    };
    let below = |glob: &str| lsp::FileOperationFilter {
        scheme: Some("file".to_owned()),
        pattern: lsp::FileOperationPattern { glob: glob.to_owned(), matches: None, options: None },
    };
    let renamed = lsp::FileOperationRegistrationOptions {
        filters: ["**/messages/**", "**/vouchers/**", "**/*.journey"].map(below).to_vec(),
    };
    lsp::ServerCapabilities {
        position_encoding: Some(convert::encoding_kind(client.encoding)),
        text_document_sync: Some(sync.into()),
        completion_provider: Some(completion),
        hover_provider: Some(true.into()),
        signature_help_provider: Some(signatures),
        declaration_provider: Some(true.into()),
        definition_provider: Some(true.into()),
        references_provider: Some(true.into()),
        document_highlight_provider: Some(true.into()),
        document_symbol_provider: Some(true.into()),
        workspace_symbol_provider: Some(true.into()),
        code_action_provider: Some(actions.into()),
        code_lens_provider: (!client.commands.is_empty()).then(lsp::CodeLensOptions::default),
        document_link_provider: Some(lsp::DocumentLinkOptions::default()),
        document_formatting_provider: Some(true.into()),
        document_range_formatting_provider: Some(true.into()),
        document_on_type_formatting_provider: Some(on_type),
        rename_provider: Some(rename.into()),
        folding_range_provider: Some(true.into()),
        selection_range_provider: Some(true.into()),
        call_hierarchy_provider: Some(true.into()),
        inlay_hint_provider: Some(true.into()),
        semantic_tokens_provider: Some(tokens.into()),
        // An editor that does not ask for findings is told of them.
        diagnostic_provider: client.pulls.then(|| diagnostics.into()),
        execute_command_provider: Some(commands),
        workspace: Some(lsp::WorkspaceOptions {
            workspace_folders: Some(lsp::WorkspaceFoldersServerCapabilities {
                supported: Some(true),
                change_notifications: Some(lsp::ChangeNotifications::Bool(true)),
            }),
            file_operations: Some(lsp::FileOperationOptions {
                will_rename: Some(renamed.clone()),
                did_rename: Some(renamed),
                ..lsp::FileOperationOptions::default()
            }),
            ..lsp::WorkspaceOptions::default()
        }),
        ..lsp::ServerCapabilities::default()
    }
}
