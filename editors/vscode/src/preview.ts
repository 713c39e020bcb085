// A message as its readers would see it, beside its text: drawn anew while it is written.
import * as vscode from "vscode";
import type { Preview, Server } from "./client";

/** How long nothing must be typed before the message is rendered anew, in milliseconds. */
const REST = 200;

export class PreviewView implements vscode.Disposable {
  private panel: vscode.WebviewPanel | undefined;
  private at: { uri: vscode.Uri; position: vscode.Position } | undefined;
  private timer: NodeJS.Timeout | undefined;
  private readonly listener: vscode.Disposable;

  constructor(private readonly server: Server) {
    // Journeys and declarations count too: whoever sends a message decides what it may use.
    this.listener = vscode.workspace.onDidChangeTextDocument(() => {
      if (this.panel === undefined) return;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => void this.draw(), REST);
    });
  }

  /** Shows the message of the open file, or of the step at the cursor. */
  async show(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (editor === undefined) return;
    this.at = { uri: editor.document.uri, position: editor.selection.active };
    if (this.panel === undefined) {
      this.panel = vscode.window.createWebviewPanel(
        "journey.preview",
        "Message",
        { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true },
        { enableScripts: false, localResourceRoots: [] },
      );
      this.panel.onDidDispose(() => (this.panel = undefined));
    }
    await this.draw();
  }

  private async draw(): Promise<void> {
    if (this.at === undefined) return;
    let shown: string;
    try {
      const preview = await this.server.preview(this.at.uri, this.at.position);
      if (this.panel !== undefined && preview !== undefined) this.panel.title = `Message ${preview.name}`;
      shown = preview === undefined ? note("Put the cursor into a message, or on a step that sends one.") : texts(preview);
    } catch (error) {
      shown = note(error instanceof Error ? error.message : String(error));
    }
    if (this.panel !== undefined) this.panel.webview.html = page(shown);
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.listener.dispose();
    this.panel?.dispose();
  }
}

function note(text: string): string {
  return `<p class="note">${escape(text)}</p>`;
}

function texts(preview: Preview): string {
  const one = ({ title, subject, from, html, text }: Preview["texts"][number]): string => {
    const head = subject === "" ? "" : `<p><b>${escape(subject)}</b><br>${escape(from)}</p>`;
    // The mail is a page of its own: what its styles and links do stays in there.
    const body = html === null ? "" : `<iframe sandbox srcdoc="${escape(html)}"></iframe>`;
    return `<section><h2>${escape(title)}</h2>${head}${body}<pre>${escape(text)}</pre></section>`;
  };
  return preview.texts.map(one).join("");
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

function page(body: string): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; frame-src 'self'">
<style>
  body { padding: 0 12px 12px; }
  h2 { font-weight: normal; }
  iframe { width: 100%; height: 480px; border: 1px solid var(--vscode-panel-border, #c4c7cc); background: #fff; }
  pre { white-space: pre-wrap; padding: 12px; border: 1px solid var(--vscode-panel-border, #c4c7cc); }
  .note { color: var(--vscode-descriptionForeground); }
</style>
</head>
<body>${body}</body>
</html>`;
}
