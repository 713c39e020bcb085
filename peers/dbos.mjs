// Contacts on DBOS and PostgreSQL: they enter, send A, wait a second durably, branch, send B or C, and end.
// `node dbos.mjs CONTACTS URL-OF-A-DATABASE`, where the packages are.
import { DBOS } from "@dbos-inc/dbos-sdk";
import pg from "pg";
import { measure, parent } from "./processes.mjs";

/** Contacts that begin at once. */
const BEGINNING = 64;

const [contacts, url] = [Number(process.argv[2]), process.argv[3]];
let [sent, finished] = [0, 0];
const send = async () => void (sent += 1);
const contact = DBOS.registerWorkflow(
  async (visits) => {
    await DBOS.runStep(send, { name: "send A" });
    await DBOS.sleep(1_000);
    await DBOS.runStep(send, { name: visits >= 3 ? "send B" : "send C" });
    finished += 1;
  },
  { name: "contact" },
);

DBOS.setConfig({ name: "peers", systemDatabaseUrl: url, logLevel: "error" });
await DBOS.launch();
const client = new pg.Client(url);
await client.connect();
const backend = (await client.query("SELECT pg_backend_pid() AS pid")).rows[0].pid;
await measure([process.pid, parent(backend)], contacts, async () => {
  let next = 0;
  const feed = async () => {
    while (next < contacts) {
      next += 1;
      await DBOS.startWorkflow(contact, { workflowID: `c${next}` })(next % 6);
    }
  };
  await Promise.all(Array.from({ length: BEGINNING }, feed));
  while (finished < contacts) await new Promise((next) => setTimeout(next, 20));
});
if (sent !== 2 * contacts) throw new Error(`${sent} sends of ${2 * contacts}`);
await client.end();
await DBOS.shutdown();
process.exit(0);
