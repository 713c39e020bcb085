// The extension in a real VS Code: code-server in a headless Chromium. Started by `cargo xtask vscode`, which installs both.
//
//   node run.mjs CODE_SERVER_ENTRY CHROMIUM VSIX JOURNEY EXAMPLE PICTURES
//
// Fails with the first thing that is not as it should be, and leaves pictures of what was to be seen.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [entry, browserPath, vsix, journey, example, pictures] = process.argv.slice(2);
const PATIENCE = 60_000;

const scratch = mkdtempSync(join(tmpdir(), "journey-vscode-"));
const workspace = join(scratch, "nurture");
const [user, extensions] = [join(scratch, "user"), join(scratch, "extensions")];
cpSync(example, workspace, { recursive: true, filter: (path) => !/outbox|\.sqlite/.test(path) });
mkdirSync(join(user, "User"), { recursive: true });
mkdirSync(pictures, { recursive: true });
mkdirSync(join(user, "Machine"), { recursive: true });
// Where a program lies is a setting of the machine, not of the person.
writeFileSync(join(user, "Machine", "settings.json"), JSON.stringify({ "journey.server.path": journey }));
const file = join(workspace, "journeys", "nurture.journey");
writeFileSync(file, readFileSync(file, "utf8").replace("add tag nurtured", "add tag nurtrued"));
// What a running `journey serve` would answer.
const waits = readFileSync(file, "utf8").split("\n").findIndex((line) => line.includes("wait 3d")) + 1;
const place = { file: "journeys/nurture.journey", line: waits, column: 3, statement: "wait 3d" };
const standing = { journey: "nurture", version: "8f32ea4d179b", current: true, runs: 12, places: [{ place, runs: 12 }] };
const running = createHttpServer((request, response) => {
  response.writeHead(request.url === "/v1/journeys" ? 200 : 404, { "Content-Type": "application/json" });
  response.end(JSON.stringify({ journeys: [standing] }));
});
await new Promise((resolve) => running.listen(0, "127.0.0.1", resolve));
writeFileSync(
  join(user, "User", "settings.json"),
  JSON.stringify({
    "journey.running.url": `http://127.0.0.1:${running.address().port}`,
    "workbench.startupEditor": "none",
    "workbench.colorTheme": "Default Light Modern",
    "security.workspace.trust.enabled": false,
    "telemetry.telemetryLevel": "off",
    "editor.minimap.enabled": false,
    "chat.commandCenter.enabled": false,
    "chat.disableAIFeatures": true,
    "workbench.secondarySideBar.defaultVisibility": "hidden",
  }),
);
const tests = join(workspace, "journeys", "red.journey");
writeFileSync(tests, 'test "a silent lead gets a text message at once" {\n  given contact\n  at 2026-03-02 10:00 tag mattress_lead\n  expect send sms nudge\n}\n');

const port = await new Promise((resolve) => {
  const probe = createServer().listen(0, "127.0.0.1", () => {
    const { port } = probe.address();
    probe.close(() => resolve(port));
  });
});
const folders = ["--user-data-dir", user, "--extensions-dir", extensions];
execFileSync(process.execPath, [entry, ...folders, "--install-extension", vsix], { stdio: "inherit" });
const server = spawn(
  process.execPath,
  [entry, "--auth", "none", "--bind-addr", `127.0.0.1:${port}`, "--disable-telemetry", "--disable-update-check", "--disable-workspace-trust", ...folders, workspace],
  { stdio: ["ignore", "pipe", "inherit"] },
);
await new Promise((resolve, reject) => {
  server.stdout.on("data", (text) => String(text).includes("HTTP server listening") && resolve());
  server.on("exit", (code) => reject(new Error(`code-server ended with ${code}`)));
});

const browser = await chromium.launch({
  executablePath: browserPath,
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
let step = "start";
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.setDefaultTimeout(PATIENCE);
  const picture = (name) => page.screenshot({ path: join(pictures, `${name}.png`) });
  const say = (what) => console.log(`  ${(step = what)}`);
  const open = async (name) => {
    await page.keyboard.press("Control+P");
    await page.waitForSelector(".quick-input-widget input", { state: "visible" });
    await page.keyboard.type(name);
    await page.waitForSelector(`.quick-input-list .monaco-list-row:has-text("${name}")`);
    await page.keyboard.press("Enter");
    await page.waitForSelector(`.tab.active:has-text("${name}")`);
  };
  const command = async (name) => {
    await page.keyboard.press("F1");
    await page.waitForSelector(".quick-input-widget input", { state: "visible" });
    await page.keyboard.type(name);
    await page.waitForSelector(`.quick-input-list .monaco-list-row:has-text("${name}")`);
    await page.keyboard.press("Enter");
  };
  const goTo = async (line, column) => {
    await page.keyboard.press("Control+G");
    await page.waitForSelector(".quick-input-widget input", { state: "visible" });
    await page.keyboard.type(`${line}:${column}`);
    await page.keyboard.press("Enter");
    // Keys would go on going there.
    await page.waitForSelector(".quick-input-widget", { state: "hidden" });
    await page.waitForSelector(".monaco-editor.focused");
    await page.waitForTimeout(300);
  };
  const saveAll = () => command("File: Save All");
  const onDisk = async (path, fits) => {
    for (let waited = 0; !fits(readFileSync(path, "utf8")); waited += 100) {
      assert.ok(waited < PATIENCE, `${path}:\n${readFileSync(path, "utf8")}`);
      await page.waitForTimeout(100);
    }
  };
  const lineOf = (text) => readFileSync(file, "utf8").split("\n").findIndex((line) => line.includes(text)) + 1;

  say("the workbench opens");
  await page.goto(`http://127.0.0.1:${port}/?folder=${encodeURIComponent(workspace)}`);
  await page.waitForSelector(".monaco-workbench");
  await open("nurture.journey");

  say("a typo is underlined");
  await page.waitForSelector(".squiggly-error");
  await page.keyboard.press("F8");
  await page.waitForSelector(".marker-widget, .zone-widget");
  await picture("vscode-finding");
  await page.keyboard.press("Escape");

  say("its quick fix mends it");
  await goTo(lineOf("nurtrued"), 13);
  await page.keyboard.press("Control+.");
  await page.waitForSelector('.action-widget :text("nurtured")');
  await picture("vscode-quick-fix");
  await page.keyboard.press("Enter");
  await saveAll();
  await onDisk(file, (text) => text.includes("add tag nurtured"));

  say("hover tells what a name is");
  await goTo(lineOf("send email brand_story"), 16);
  await page.keyboard.press("Control+K");
  await page.keyboard.press("Control+I");
  await page.waitForSelector('.monaco-hover :text("email brand_story")');
  await picture("vscode-hover");
  await page.keyboard.press("Escape");

  say("completion offers what is declared");
  await goTo(lineOf("add tag nurtured"), 1);
  await page.keyboard.press("End");
  await page.keyboard.press("Enter");
  await page.keyboard.type("add tag know");
  await page.waitForSelector('.suggest-widget.visible .monaco-list-row:has-text("knows_brand")');
  await picture("vscode-completion");
  await page.keyboard.press("Enter");
  await saveAll();
  await onDisk(file, (text) => /add tag nurtured\n\s*add tag knows_\w+\n/.test(text));

  say("formatting");
  await goTo(lineOf("wait 3d"), 1);
  await page.keyboard.type("        ");
  await saveAll();
  await onDisk(file, (text) => text.includes("\n          wait 3d"));
  await command("Format Document");
  // Which saves itself, once the server has answered.
  await onDisk(file, (text) => text.includes("\n  wait 3d"));

  say("a rename reaches journeys and declarations");
  await goTo(lineOf("move to sales.prospect"), 18);
  await page.keyboard.press("F2");
  const name = page.locator(".rename-box input:visible");
  await name.fill("curious");
  await name.press("Enter");
  await page.waitForSelector('.view-lines :text("curious")');
  await saveAll();
  await onDisk(file, (text) => text.includes("move to sales.curious"));
  await onDisk(join(workspace, "journeys", "declarations.journey"), (text) => text.includes("new -> curious -> buyer"));
  await onDisk(join(workspace, "journeys", "nurture_tests.journey"), (text) => text.includes("expect stage sales.curious"));

  say("the graph follows the cursor");
  await goTo(lineOf("wait 3d"), 4);
  await command("Journey: Show Journey as Graph");
  const graph = async () => {
    for (const frame of page.frames()) {
      const active = await frame.$(".active[data-node]").catch(() => null);
      if (active) return (await active.textContent()) ?? "";
    }
    return "";
  };
  const shows = async (text) => {
    for (let waited = 0; !(await graph()).includes(text); waited += 100) {
      assert.ok(waited < PATIENCE, `the graph frames ${await graph()}, not ${text}`);
      await page.waitForTimeout(100);
    }
  };
  await shows("3 days");
  await goTo(lineOf("send email brand_story"), 8);
  await shows("brand_story");
  await command("View: Toggle Primary Side Bar Visibility");
  await goTo(lineOf("wait 3d"), 4);
  await shows("3 days");

  say("a running server tells how many contacts wait");
  await page.waitForSelector('.codelens-decoration:has-text("12 contacts wait here")');
  const inFrames = async (selector, text) => {
    for (let waited = 0; ; waited += 100) {
      for (const frame of page.frames()) {
        const found = await frame.$(selector).catch(() => null);
        if (found && ((await found.textContent()) ?? "").includes(text)) return;
      }
      assert.ok(waited < PATIENCE, `there is no ${selector} with ${text}`);
      await page.waitForTimeout(100);
    }
  };
  await inFrames(".node .count, [data-node] .count", "12");
  await picture("vscode-graph");

  say("a message as its readers see it");
  await goTo(lineOf("send email brand_story"), 8);
  await command("Journey: Preview Message");
  await inFrames("section h2", "email");
  await picture("vscode-message");

  say("a rename reaches messages");
  await open("declarations.journey");
  const declarations = join(workspace, "journeys", "declarations.journey");
  const attribute = readFileSync(declarations, "utf8").split("\n").findIndex((line) => line.includes("first_name"));
  await goTo(attribute + 1, readFileSync(declarations, "utf8").split("\n")[attribute].indexOf("first_name") + 3);
  await page.keyboard.press("F2");
  const attributeName = page.locator(".rename-box input:visible");
  await attributeName.fill("given_name");
  await attributeName.press("Enter");
  await page.waitForSelector('.view-lines :text("given_name")');
  await saveAll();
  await onDisk(declarations, (text) => text.includes("given_name"));
  await onDisk(join(workspace, "messages", "brand_story.email.md"), (text) => text.includes("given_name"));

  say("tests are green and red");
  await command("View: Close All Editors");
  await open("red.journey");
  await command("Test: Run All Tests");
  await command("Testing: Focus on Test Explorer View");
  await page.waitForSelector(".test-explorer .codicon-testing-failed-icon, .test-explorer .testing-failed, .codicon-testing-failed-icon");
  await page.waitForSelector(".codicon-testing-passed-icon");
  await page.click('.test-explorer .monaco-list-row:has-text("nurture_tests.journey")');
  await page.keyboard.press("ArrowRight");
  // What happened instead comes beside the line that expected it.
  await page.waitForTimeout(1000);
  await picture("vscode-tests");
  console.log("The extension works in a real VS Code.");
} catch (error) {
  const [page] = browser.contexts().flatMap((context) => context.pages());
  await page?.screenshot({ path: join(pictures, "failed.png") }).catch(() => {});
  console.error(`While "${step}": ${error.stack ?? error}`);
  process.exitCode = 1;
} finally {
  await browser.close();
  server.removeAllListeners("exit");
  server.kill();
  running.close();
  rmSync(scratch, { recursive: true, force: true });
}
