// Contacts on Restate: they enter, send A, wait a second durably, branch, send B or C, and end.
// `node restate.mjs CONTACTS`, where the packages are; its first argument "serve" makes it the service.
import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as restate from "@restatedev/restate-sdk";
import { measure } from "./processes.mjs";

// Node 20 does not have it; the SDK asks for it.
Promise.withResolvers ??= () => {
  const promise = {};
  promise.promise = new Promise((resolve, reject) => Object.assign(promise, { resolve, reject }));
  return promise;
};

/** Requests under way at once. */
const REQUESTS = 64;

const serve = async (port) => {
  let [sent, finished] = [0, 0];
  const send = async () => void (sent += 1);
  const contact = restate.service({
    name: "contact",
    handlers: {
      enter: async (ctx, { visits }) => {
        await ctx.run("send A", send);
        await ctx.sleep(1_000);
        await ctx.run(visits >= 3 ? "send B" : "send C", send);
        finished += 1;
      },
    },
    options: { inactivityTimeout: 200 },
  });
  await restate.serve({ services: [contact], port, logger: () => {} });
  process.on("message", () => process.send({ sent, finished }));
  process.send("ready");
  process.on("disconnect", () => process.exit(1));
};

const freePort = async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
};

const agent = new http.Agent({ keepAlive: true, maxSockets: REQUESTS });
const post = (port, path, body) =>
  new Promise((done, failed) => {
    const headers = { "content-type": "application/json" };
    const request = http.request({ host: "127.0.0.1", port, path, method: "POST", agent, headers }, (answer) => {
      answer.resume();
      answer.on("end", () => (answer.statusCode < 300 ? done() : failed(new Error(`${path}: ${answer.statusCode}`))));
    });
    request.on("error", failed);
    request.end(JSON.stringify(body));
  });

const until = async (what, holds) => {
  for (let tries = 0; tries < 3_000; tries += 1) {
    if (await holds()) return;
    await new Promise((next) => setTimeout(next, 50));
  }
  throw new Error(`waited in vain until ${what}`);
};

const drive = async (contacts) => {
  const [node, ingress, admin, service] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const folder = mkdtempSync(join(tmpdir(), "restate-"));
  const config = join(folder, "restate.toml");
  const at = (port) => `bind-address = "127.0.0.1:${port}"\n`;
  writeFileSync(
    config,
    `default-num-partitions = 2\ndisable-telemetry = true\nlisten-mode = "tcp"\nlog-filter = "error"\n${at(node)}` +
      `advertised-address = "http://127.0.0.1:${node}"\n[admin]\n${at(admin)}[ingress]\n${at(ingress)}`,
  );
  const binary = join(process.cwd(), "node_modules/.bin/restate-server");
  const options = ["--config-file", config, "--base-dir", join(folder, "data"), "--no-logo"];
  // The program of the package starts the real one: both end as one group.
  const server = spawn(binary, options, { stdio: "ignore", detached: true });
  const worker = fork(fileURLToPath(import.meta.url), ["serve", String(service)]);
  try {
    await once(worker, "message");
    const deploy = () => post(admin, "/deployments", { uri: `http://127.0.0.1:${service}` });
    await until("Restate knows the service", () => deploy().then(() => true, () => false));
    await until("Restate takes contacts", () => post(ingress, "/contact/enter/send", { visits: 1 }).then(() => true, () => false));
    const counted = async () => {
      worker.send("how many?");
      return (await once(worker, "message"))[0];
    };
    await until("the first contact is through", async () => (await counted()).finished >= 1);
    const before = await counted();
    await measure([server.pid, worker.pid], contacts, async () => {
      let next = 0;
      const feed = async () => {
        while (next < contacts) {
          next += 1;
          await post(ingress, "/contact/enter/send", { visits: next % 6 });
        }
      };
      await Promise.all(Array.from({ length: REQUESTS }, feed));
      await until("all contacts are through", async () => (await counted()).finished - before.finished >= contacts);
    });
  } finally {
    process.kill(-server.pid, "SIGKILL");
    worker.kill("SIGKILL");
    await Promise.all([once(server, "exit"), once(worker, "exit")]);
    rmSync(folder, { recursive: true, force: true });
  }
};

if (process.argv[2] === "serve") {
  await serve(Number(process.argv[3]));
} else {
  await drive(Number(process.argv[2]));
  process.exit(0);
}
