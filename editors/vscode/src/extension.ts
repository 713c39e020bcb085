// Starts `journey lsp` and says clearly when there is no binary to start.
import * as vscode from "vscode";
import { LanguageClient, State, type LanguageClientOptions, type ServerOptions } from "vscode-languageclient/node";
import { findBinary } from "./binary";
import { Status } from "./status";

let client: LanguageClient | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const output = vscode.window.createOutputChannel("Journey", { log: true });
  const status = new Status();
  context.subscriptions.push(
    output,
    status,
    vscode.commands.registerCommand("journey.showOutput", () => output.show()),
    vscode.commands.registerCommand("journey.restartServer", () => restart(output, status)),
    vscode.commands.registerCommand("journey.checkProject", () => inTerminal("check")),
    vscode.commands.registerCommand("journey.runProject", () => inTerminal("run")),
    vscode.workspace.onDidChangeConfiguration(async (change) => {
      if (change.affectsConfiguration("journey.server.path")) await restart(output, status);
    }),
  );
  await start(output, status);
}

export async function deactivate(): Promise<void> {
  await client?.stop();
}

async function restart(output: vscode.LogOutputChannel, status: Status): Promise<void> {
  await client?.stop();
  client = undefined;
  await start(output, status);
}

async function start(output: vscode.LogOutputChannel, status: Status): Promise<void> {
  const binary = findBinary();
  if (binary.path === undefined) {
    status.missing(binary.looked);
    const settings = "Open Settings";
    const choice = await vscode.window.showErrorMessage(
      `Journey: there is no \`${binary.looked}\`. Install the journey binary and put it on PATH, or say where it is in the setting journey.server.path.`,
      settings,
    );
    if (choice === settings) await vscode.commands.executeCommand("workbench.action.openSettings", "journey.server.path");
    return;
  }
  const server: ServerOptions = { command: binary.path, args: ["lsp"] };
  const options: LanguageClientOptions = {
    documentSelector: [
      { scheme: "file", language: "journey" },
      { scheme: "file", pattern: "**/messages/**" },
      { scheme: "file", pattern: "**/journey.toml" },
    ],
    outputChannel: output,
  };
  client = new LanguageClient("journey", "Journey", server, options);
  client.onDidChangeState(({ newState }) => status.show(newState === State.Running));
  try {
    await client.start();
  } catch (error) {
    status.show(false);
    output.error(`${binary.path} lsp did not start: ${String(error)}`);
    void vscode.window.showErrorMessage(`Journey: \`${binary.path} lsp\` did not start. The output panel says more.`);
  }
}

/** Runs a command of the binary on the project of the open file, where its colours and progress can be seen. */
function inTerminal(command: "check" | "run"): void {
  const binary = findBinary();
  const document = vscode.window.activeTextEditor?.document;
  const folder = (document && vscode.workspace.getWorkspaceFolder(document.uri)) ?? vscode.workspace.workspaceFolders?.[0];
  if (binary.path === undefined || folder === undefined) {
    void vscode.window.showErrorMessage("Journey: open a folder with a journey project first.");
    return;
  }
  const terminal = vscode.window.createTerminal({
    name: `journey ${command}`,
    cwd: folder.uri,
    shellPath: binary.path,
    shellArgs: [command, "."],
    isTransient: true,
  });
  terminal.show();
}
