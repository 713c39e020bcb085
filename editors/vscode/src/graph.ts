// The journey as a graph beside the text: it follows the cursor, and a click on a step goes to its line.
import * as vscode from "vscode";
import type { Graph, Server } from "./client";
import type { Running } from "./running";

/** How long the cursor must rest before the graph is drawn anew, in milliseconds. */
const REST = 80;

export class GraphView implements vscode.Disposable {
  private panel: vscode.WebviewPanel | undefined;
  private source: vscode.Uri | undefined;
  private graph: Graph | undefined;
  private timer: NodeJS.Timeout | undefined;
  private readonly listeners: vscode.Disposable[];

  constructor(
    private readonly server: Server,
    private readonly running: Running,
  ) {
    this.listeners = [
      running.onDidChangeCodeLenses(() => this.send()),
      vscode.window.onDidChangeTextEditorSelection((change) => this.follow(change.textEditor)),
      vscode.window.onDidChangeActiveTextEditor((editor) => this.follow(editor)),
      vscode.workspace.onDidChangeTextDocument((change) => {
        if (change.document.uri.toString() === this.source?.toString()) this.follow(vscode.window.activeTextEditor);
      }),
    ];
  }

  /** Opens the graph of the journey at the cursor, or of the one that a code lens names. */
  async show(lens?: { uri: string; name: string }): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    const uri = lens === undefined ? editor?.document.uri : vscode.Uri.parse(lens.uri);
    if (uri === undefined) return;
    this.source = uri;
    let at = editor?.document.uri.toString() === uri.toString() ? editor.selection.active : new vscode.Position(0, 0);
    if (lens !== undefined) {
      const named = (await this.server.runnables(uri)).find((one) => one.kind === "journey" && one.name === lens.name);
      if (named !== undefined) at = new vscode.Position(named.range.start.line, named.range.start.character);
    }
    if (this.panel === undefined) {
      this.panel = vscode.window.createWebviewPanel(
        "journey.graph",
        "Journey",
        { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true },
        { enableScripts: true, localResourceRoots: [] },
      );
      this.panel.webview.html = page(nonce());
      this.panel.webview.onDidReceiveMessage((message: { node?: number; ready?: boolean }) => {
        if (message.ready === true) this.send();
        if (message.node !== undefined) void this.jump(message.node);
      });
      this.panel.onDidDispose(() => (this.panel = undefined));
    }
    await this.draw(uri, at);
  }

  private follow(editor: vscode.TextEditor | undefined): void {
    if (this.panel === undefined || editor?.document.languageId !== "journey") return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.draw(editor.document.uri, editor.selection.active), REST);
  }

  private async draw(uri: vscode.Uri, at: vscode.Position): Promise<void> {
    const graph = await this.server.graph(uri, at);
    if (graph === undefined || this.panel === undefined) return;
    this.source = uri;
    this.graph = graph;
    this.panel.title = `Journey ${graph.name}`;
    this.send();
  }

  private send(): void {
    const document = vscode.workspace.textDocuments.find((one) => one.uri.toString() === this.source?.toString());
    if (this.graph === undefined) return;
    const waiting = document === undefined ? new Map<number, number>() : this.running.counts(document);
    const counts = this.graph.nodes.map((node) => waiting.get(node.range.start.line) ?? 0);
    void this.panel?.webview.postMessage({ svg: this.graph.svg, active: this.graph.active, counts });
  }

  private async jump(node: number): Promise<void> {
    const target = this.graph?.nodes[node];
    if (target === undefined || this.source === undefined) return;
    const open = vscode.window.visibleTextEditors.find((one) => one.document.uri.toString() === this.source?.toString());
    const editor = await vscode.window.showTextDocument(this.source, { viewColumn: open?.viewColumn ?? vscode.ViewColumn.One });
    const { start } = target.range;
    const place = new vscode.Position(start.line, start.character);
    editor.selection = new vscode.Selection(place, place);
    editor.revealRange(new vscode.Range(place, place), vscode.TextEditorRevealType.InCenterIfOutsideViewport);
  }

  dispose(): void {
    clearTimeout(this.timer);
    for (const listener of this.listeners) listener.dispose();
    this.panel?.dispose();
  }
}

function nonce(): string {
  return Array.from({ length: 32 }, () => Math.floor(Math.random() * 36).toString(36)).join("");
}

/** The page around the picture. The picture comes as a message, so that it is not drawn from nothing each time. */
function page(nonce: string): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-${nonce}'">
<style>
  body { margin: 0; padding: 12px; }
  #graph { display: flex; justify-content: center; }
  #graph svg { max-width: 100%; height: auto; border-radius: 6px; }
  .node { cursor: pointer; }
  .count rect { fill: var(--vscode-badge-background, #4d4d4d) !important; stroke: none !important; }
  .count text { font: bold 11px sans-serif; text-anchor: middle; fill: var(--vscode-badge-foreground, #fff) !important; }
  .active > rect, .active > polygon { stroke: var(--vscode-focusBorder, #2f80ed) !important; stroke-width: 4 !important; }
</style>
</head>
<body>
<div id="graph" role="img"></div>
<script nonce="${nonce}">
  const host = acquireVsCodeApi();
  const graph = document.getElementById("graph");
  let drawn = "";
  addEventListener("message", ({ data }) => {
    if (data.svg !== drawn) {
      drawn = data.svg;
      graph.replaceChildren(new DOMParser().parseFromString(drawn, "image/svg+xml").documentElement);
    }
    for (const node of graph.querySelectorAll("[data-node]")) {
      const active = Number(node.dataset.node) === data.active;
      node.classList.toggle("active", active);
      count(node, data.counts[node.dataset.node]);
      if (active) node.scrollIntoView({ block: "nearest" });
    }
  });
  // How many contacts wait at a step: a badge at its corner.
  const svg = (name, attributes) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
    return element;
  };
  const count = (node, runs) => {
    node.querySelector(".count")?.remove();
    if (!runs) return;
    const { x, y, width } = node.getBBox();
    const [middle, wide] = [x + width, 10 + 7 * String(runs).length];
    const text = svg("text", { x: middle, y: y + 4 });
    text.textContent = runs;
    const badge = svg("g", { class: "count" });
    badge.append(svg("rect", { x: middle - wide / 2, y: y - 8, width: wide, height: 16, rx: 8 }), text);
    node.append(badge);
  };
  graph.addEventListener("click", (event) => {
    const node = event.target.closest("[data-node]");
    if (node) host.postMessage({ node: Number(node.dataset.node) });
  });
  host.postMessage({ ready: true });
</script>
</body>
</html>`;
}
