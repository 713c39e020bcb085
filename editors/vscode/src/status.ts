// The item in the status bar: whether the language server runs.
import * as vscode from "vscode";

export class Status implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem("journey.status", vscode.StatusBarAlignment.Left);

  constructor() {
    this.item.name = "Journey";
    this.show(false);
    this.item.show();
  }

  show(running: boolean): void {
    this.item.text = running ? "$(check) Journey" : "$(circle-slash) Journey";
    this.item.tooltip = running ? "The journey language server runs." : "The journey language server does not run.";
    this.item.command = running ? "journey.showOutput" : "journey.restartServer";
    this.item.backgroundColor = undefined;
  }

  missing(looked: string): void {
    this.item.text = "$(warning) Journey";
    this.item.tooltip = `There is no \`${looked}\`. Click to look again.`;
    this.item.command = "journey.restartServer";
    this.item.backgroundColor = new vscode.ThemeColor("statusBarItem.warningBackground");
  }

  dispose(): void {
    this.item.dispose();
  }
}
