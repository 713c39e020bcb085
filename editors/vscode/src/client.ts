// The language server's client, and what the rest of the extension asks it.
import * as vscode from "vscode";
import { LanguageClient, State, type LanguageClientOptions, type ServerOptions } from "vscode-languageclient/node";
import { findBinary } from "./binary";
import { EXPLAIN } from "./explain";
import type { Status } from "./status";

/** A step of a journey's picture. */
export interface GraphNode {
  text: string;
  range: { start: Place; end: Place };
}

/** A journey's picture. */
export interface Graph {
  name: string;
  svg: string;
  nodes: GraphNode[];
  /** The step at the cursor. */
  active: number | null;
}

/** A message as its readers would see it: one text for each channel and language. */
export interface Preview {
  name: string;
  texts: { title: string; subject: string; from: string; html: string | null; text: string }[];
}

/** A test or journey, and where its head stands. */
export interface Runnable {
  kind: "test" | "journey";
  name: string;
  range: { start: Place; end: Place };
}

export interface Place {
  line: number;
  character: number;
}

/** The commands that code lenses may call. */
const LENSES = ["journey.runTest", "journey.simulate", "journey.showGraph"];

export class Server implements vscode.Disposable {
  private client: LanguageClient | undefined;

  constructor(
    private readonly output: vscode.LogOutputChannel,
    private readonly status: Status,
  ) {}

  async start(): Promise<void> {
    const binary = findBinary();
    if (binary.path === undefined) {
      this.status.missing(binary.looked);
      const settings = "Open Settings";
      const choice = await vscode.window.showErrorMessage(
        `Journey: there is no \`${binary.looked}\`. Install the journey binary and put it on PATH, or say where it is in the setting journey.server.path.`,
        settings,
      );
      if (choice === settings) await vscode.commands.executeCommand("workbench.action.openSettings", "journey.server.path");
      return;
    }
    const server: ServerOptions = { command: binary.path, args: ["lsp"] };
    const lenses = vscode.workspace.getConfiguration("journey").get<boolean>("codeLens.enabled", true);
    const options: LanguageClientOptions = {
      documentSelector: [
        { scheme: "file", language: "journey" },
        { scheme: "untitled", language: "journey" },
        { scheme: "file", pattern: "**/messages/**" },
        { scheme: "file", pattern: "**/journey.toml" },
        // As they stand unsaved, for renaming.
        { scheme: "file", pattern: "**/{contacts.csv,events.ndjson}" },
      ],
      outputChannel: this.output,
      initializationOptions: { commands: lenses ? LENSES : [], codePage: `${EXPLAIN}:/{code}.md` },
    };
    this.client = new LanguageClient("journey", "Journey", server, options);
    this.client.onDidChangeState(({ newState }) => this.status.show(newState === State.Running));
    try {
      await this.client.start();
    } catch (error) {
      this.status.show(false);
      this.output.error(`${binary.path} lsp did not start: ${String(error)}`);
      void vscode.window.showErrorMessage(`Journey: \`${binary.path} lsp\` did not start. The output panel says more.`);
    }
  }

  async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    if (client?.isRunning()) await client.stop();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** The picture of the journey at a place; none if there is no journey or no server. */
  graph(uri: vscode.Uri, position: vscode.Position): Promise<Graph | undefined> {
    return this.command<Graph>("journey.graph", { uri: uri.toString(), position });
  }

  /** The message of a file, or of the step at a place; none if there is none. Fails with the reason if it cannot be rendered. */
  preview(uri: vscode.Uri, position: vscode.Position): Promise<Preview | undefined> {
    return this.command<Preview>("journey.preview", { uri: uri.toString(), position });
  }

  /** The tests and journeys of a file. */
  async runnables(uri: vscode.Uri): Promise<Runnable[]> {
    return (await this.command<Runnable[]>("journey.runnables", { uri: uri.toString() })) ?? [];
  }

  private async command<T>(command: string, argument: object): Promise<T | undefined> {
    if (!this.client?.isRunning()) return undefined;
    const answer = await this.client.sendRequest<T | null>("workspace/executeCommand", { command, arguments: [argument] });
    return answer ?? undefined;
  }

  dispose(): void {
    void this.stop();
  }
}
