// The pages about the codes of findings: `journey explain CODE`, as a document.
import * as vscode from "vscode";
import { run } from "./run";

/** The scheme of these documents; findings link to them. */
export const EXPLAIN = "journey-explain";

export class Explanations implements vscode.TextDocumentContentProvider {
  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const code = uri.path.replace(/^\//, "").replace(/\.md$/, "");
    const answer = await run(["explain", code]);
    return answer.stdout || answer.stderr;
  }
}
