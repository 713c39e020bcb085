// Where the `journey` binary is.
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import * as vscode from "vscode";

export interface Binary {
  /** Its path, if there is one. */
  path: string | undefined;
  /** What was looked for, to say so. */
  looked: string;
}

export function findBinary(): Binary {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? "";
  const looked = vscode.workspace
    .getConfiguration("journey")
    .get<string>("server.path", "journey")
    .replace("${workspaceFolder}", folder);
  const places = isAbsolute(looked)
    ? [looked]
    : looked.includes("/") || looked.includes("\\")
      ? [join(folder, looked)]
      : (process.env["PATH"] ?? "").split(delimiter).filter(Boolean).map((place) => join(place, looked));
  const endings = process.platform === "win32" ? ["", ".exe"] : [""];
  const path = places.flatMap((place) => endings.map((ending) => place + ending)).find(isExecutable);
  return { path, looked };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
