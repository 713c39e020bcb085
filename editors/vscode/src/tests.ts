// The tests of journeys in the Test Explorer, with what was expected beside the line that expected it.
import { dirname, join, relative, sep } from "node:path";
import * as vscode from "vscode";
import type { Server } from "./client";
import { run } from "./run";

/** A test as `journey test --output-format json` tells of it. */
interface Told {
  title: string;
  file: string;
  line: number;
  passed: boolean;
  failures: { line: number; expected: string; actual: string[] }[];
  trace: string[];
}

export class Tests implements vscode.Disposable {
  private readonly controller = vscode.tests.createTestController("journey", "Journey");
  private readonly watcher = vscode.workspace.createFileSystemWatcher("**/*.journey");
  private readonly listeners: vscode.Disposable[];

  constructor(private readonly server: Server) {
    this.controller.resolveHandler = (item) => (item === undefined ? this.all() : this.discover(item.uri));
    this.controller.refreshHandler = () => this.all();
    this.controller.createRunProfile("Run", vscode.TestRunProfileKind.Run, (request, token) => this.run(request, token), true);
    this.listeners = [
      this.watcher.onDidCreate((uri) => this.discover(uri)),
      this.watcher.onDidChange((uri) => this.discover(uri)),
      this.watcher.onDidDelete((uri) => this.controller.items.delete(uri.toString())),
      vscode.workspace.onDidOpenTextDocument((document) => this.discover(document.uri)),
      vscode.workspace.onDidSaveTextDocument((document) => this.discover(document.uri)),
    ];
  }

  /** Looks for the tests of all files. */
  async all(): Promise<void> {
    const files = await vscode.workspace.findFiles("**/*.journey", "**/node_modules/**");
    await Promise.all(files.map((uri) => this.discover(uri)));
  }

  /** Runs the test that a code lens names. */
  async runNamed(lens: { uri: string; name: string }): Promise<void> {
    const uri = vscode.Uri.parse(lens.uri);
    await this.discover(uri);
    const test = this.controller.items.get(uri.toString())?.children.get(lens.name);
    if (test === undefined) return;
    const source = new vscode.CancellationTokenSource();
    await this.run(new vscode.TestRunRequest([test]), source.token);
    source.dispose();
  }

  private async discover(uri: vscode.Uri | undefined): Promise<void> {
    if (uri?.scheme !== "file" || !uri.path.endsWith(".journey")) return;
    const tests = (await this.server.runnables(uri)).filter((one) => one.kind === "test");
    if (tests.length === 0) {
      this.controller.items.delete(uri.toString());
      return;
    }
    const file = this.controller.createTestItem(uri.toString(), vscode.workspace.asRelativePath(uri), uri);
    for (const test of tests) {
      const item = this.controller.createTestItem(test.name, test.name, uri);
      const { start, end } = test.range;
      item.range = new vscode.Range(start.line, start.character, end.line, end.character);
      file.children.add(item);
    }
    this.controller.items.add(file);
  }

  private async run(request: vscode.TestRunRequest, token: vscode.CancellationToken): Promise<void> {
    const run = this.controller.createTestRun(request);
    const asked = request.include ?? [...this.controller.items].map(([, item]) => item);
    const wanted = asked.flatMap((item) => (item.children.size > 0 ? [...item.children].map(([, test]) => test) : [item]));
    const tests = wanted.filter((test) => !request.exclude?.includes(test) && test.parent !== undefined);
    const projects = new Map<string, vscode.TestItem[]>();
    for (const test of tests) {
      run.started(test);
      const root = await rootOf(test.uri);
      projects.set(root, [...(projects.get(root) ?? []), test]);
    }
    for (const [root, items] of projects) await this.runProject(run, root, items, token);
    run.end();
  }

  /** Runs a project's tests at once, which takes no longer than one of them. */
  private async runProject(
    run_: vscode.TestRun,
    root: string,
    items: vscode.TestItem[],
    token: vscode.CancellationToken,
  ): Promise<void> {
    await vscode.workspace.saveAll(false);
    const said = await run(["test", "--project", root, "--output-format", "json"], root, token);
    let told: Told[];
    try {
      told = (JSON.parse(said.stdout) as { tests: Told[] }).tests;
    } catch {
      // The project has errors, which the Problems panel shows too.
      const message = new vscode.TestMessage(said.stderr || "The tests could not be run.");
      for (const item of items) run_.errored(item, message);
      run_.appendOutput(said.stderr.replace(/\r?\n/g, "\r\n"));
      return;
    }
    for (const item of items) {
      const file = relative(root, item.uri?.fsPath ?? "").split(sep).join("/");
      const one = told.find((test) => test.title === item.id && (test.file === file || root === item.uri?.fsPath));
      if (one === undefined) {
        run_.skipped(item);
      } else if (one.passed) {
        run_.passed(item);
      } else {
        run_.failed(item, one.failures.map((failure) => message(item, failure)));
        const trace = one.trace.map((line) => `  ${line}`).join("\r\n");
        run_.appendOutput(`${one.title}: all that happened\r\n${trace}\r\n`, undefined, item);
      }
    }
  }

  dispose(): void {
    for (const listener of this.listeners) listener.dispose();
    this.watcher.dispose();
    this.controller.dispose();
  }
}

function message(item: vscode.TestItem, failure: Told["failures"][number]): vscode.TestMessage {
  const actual = failure.actual.join("\n");
  const text = vscode.TestMessage.diff(`expected ${failure.expected}`, failure.expected, actual);
  if (item.uri !== undefined) text.location = new vscode.Location(item.uri, new vscode.Position(Math.max(failure.line - 1, 0), 0));
  return text;
}

/** The directory of the project that a file belongs to; the file itself if it stands alone. */
async function rootOf(uri: vscode.Uri | undefined): Promise<string> {
  if (uri === undefined) return ".";
  for (let directory = dirname(uri.fsPath); ; directory = dirname(directory)) {
    try {
      await vscode.workspace.fs.stat(vscode.Uri.file(join(directory, "journey.toml")));
      return directory;
    } catch {
      if (directory === dirname(directory)) return uri.fsPath;
    }
  }
}
