// Puts the parts of the extension together.
import * as vscode from "vscode";
import { findBinary } from "./binary";
import { Server } from "./client";
import { EXPLAIN, Explanations } from "./explain";
import { GraphView } from "./graph";
import { PreviewView } from "./preview";
import { Running } from "./running";
import { Status } from "./status";
import { Tests } from "./tests";

let server: Server | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const output = vscode.window.createOutputChannel("Journey", { log: true });
  const status = new Status();
  server = new Server(output, status);
  const running = new Running(output);
  const graph = new GraphView(server, running);
  const preview = new PreviewView(server);
  const tests = new Tests(server);
  const restart = async (): Promise<void> => {
    await server?.restart();
    await tests.all();
  };
  context.subscriptions.push(
    output,
    status,
    server,
    running,
    graph,
    preview,
    tests,
    vscode.workspace.registerTextDocumentContentProvider(EXPLAIN, new Explanations()),
    vscode.commands.registerCommand("journey.showOutput", () => output.show()),
    vscode.commands.registerCommand("journey.restartServer", restart),
    vscode.commands.registerCommand("journey.checkProject", () => inTerminal(["check", "."])),
    vscode.commands.registerCommand("journey.runProject", () => inTerminal(["run", "."])),
    vscode.commands.registerCommand("journey.testProject", () => vscode.commands.executeCommand("testing.runAll")),
    vscode.commands.registerCommand("journey.showGraph", (lens?: { uri: string; name: string }) => graph.show(lens)),
    vscode.commands.registerCommand("journey.previewMessage", () => preview.show()),
    vscode.commands.registerCommand("journey.runTest", (lens: { uri: string; name: string }) => tests.runNamed(lens)),
    vscode.commands.registerCommand("journey.simulate", () => inTerminal(["run", "."])),
    vscode.workspace.onDidChangeConfiguration(async (change) => {
      if (change.affectsConfiguration("journey.server.path") || change.affectsConfiguration("journey.codeLens")) await restart();
    }),
  );
  await server.start();
  await tests.all();
}

export async function deactivate(): Promise<void> {
  await server?.stop();
}

/** Runs a command of the binary on the project of the open file, where its colours and progress can be seen. */
function inTerminal(args: string[]): void {
  const binary = findBinary();
  const document = vscode.window.activeTextEditor?.document;
  const folder = (document && vscode.workspace.getWorkspaceFolder(document.uri)) ?? vscode.workspace.workspaceFolders?.[0];
  if (binary.path === undefined || folder === undefined) {
    void vscode.window.showErrorMessage("Journey: open a folder with a journey project first.");
    return;
  }
  const terminal = vscode.window.createTerminal({
    name: `journey ${args.join(" ")}`,
    cwd: folder.uri,
    shellPath: binary.path,
    shellArgs: args,
    isTransient: true,
  });
  terminal.show();
}
