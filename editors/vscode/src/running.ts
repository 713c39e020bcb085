// What a running server knows: how many contacts wait at each step, above the steps and in the graph.
import * as vscode from "vscode";
import { sentence, waiting, type Standing } from "./places";

/** How long an answer is good, in milliseconds: the server reads every contact for it. */
const FRESH = 30_000;

export class Running implements vscode.CodeLensProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.changed.event;
  private journeys: Standing[] = [];
  private asked = 0;
  private silent = false;
  private readonly timer: NodeJS.Timeout;
  private readonly parts: vscode.Disposable[];

  constructor(private readonly output: vscode.LogOutputChannel) {
    this.timer = setInterval(() => void this.refresh(), FRESH);
    this.parts = [
      vscode.languages.registerCodeLensProvider({ language: "journey" }, this),
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (!change.affectsConfiguration("journey.running") && !change.affectsConfiguration("journey.codeLens")) return;
        this.asked = 0;
        void this.refresh();
      }),
    ];
  }

  /** How many contacts wait at each line of a document, by line from 0. */
  counts(document: vscode.TextDocument): Map<number, number> {
    return waiting(this.journeys, document.uri.path, document.getText());
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    void this.refresh();
    if (!vscode.workspace.getConfiguration("journey").get<boolean>("codeLens.enabled", true)) return [];
    const lens = ([line, runs]: [number, number]): vscode.CodeLens =>
      new vscode.CodeLens(document.lineAt(line).range, { title: sentence(runs), command: "" });
    return [...this.counts(document)].map(lens);
  }

  /** Asks the server anew, if somebody can see it and the last answer is old. */
  private async refresh(): Promise<void> {
    const open = vscode.window.visibleTextEditors.find((editor) => editor.document.languageId === "journey");
    if (open === undefined || Date.now() - this.asked < FRESH - 1_000) return;
    this.asked = Date.now();
    const url = vscode.workspace.getConfiguration("journey", open.document.uri).get<string>("running.url", "").replace(/\/+$/, "");
    const journeys = url === "" ? [] : await this.ask(url);
    if (JSON.stringify(journeys) === JSON.stringify(this.journeys)) return;
    this.journeys = journeys;
    this.changed.fire();
  }

  private async ask(url: string): Promise<Standing[]> {
    const token = process.env["JOURNEY_READ_TOKEN"] ?? process.env["JOURNEY_API_TOKEN"];
    const headers: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` };
    try {
      const answer = await fetch(`${url}/v1/journeys`, { headers, signal: AbortSignal.timeout(20_000) });
      if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
      this.silent = false;
      return ((await answer.json()) as { journeys: Standing[] }).journeys;
    } catch (error) {
      // Said once, until it answers again: a server may be away for long.
      if (!this.silent) this.output.warn(`${url} does not tell how many contacts wait: ${String(error)}`);
      this.silent = true;
      return [];
    }
  }

  dispose(): void {
    clearInterval(this.timer);
    this.changed.dispose();
    for (const part of this.parts) part.dispose();
  }
}
