// Runs the binary and gathers what it says.
import { execFile } from "node:child_process";
import * as vscode from "vscode";
import { findBinary } from "./binary";

export interface Said {
  /** The exit code; none if it could not be started. */
  code: number | undefined;
  stdout: string;
  stderr: string;
}

/** The most that a command may say, in bytes. */
const MOST = 64 << 20;

export function run(args: string[], cwd?: string, token?: vscode.CancellationToken): Promise<Said> {
  const { path, looked } = findBinary();
  if (path === undefined) {
    return Promise.resolve({ code: undefined, stdout: "", stderr: `There is no \`${looked}\`.` });
  }
  return new Promise((resolve) => {
    const child = execFile(path, args, { cwd, maxBuffer: MOST, encoding: "utf8" }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : undefined;
      resolve({ code, stdout, stderr: code === undefined && error !== null ? `${stderr}${error.message}` : stderr });
    });
    token?.onCancellationRequested(() => child.kill());
  });
}
