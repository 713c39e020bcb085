// What processes cost, from /proc: hundredths of a second of the processor, and bytes of memory of their own and their share.
import { readdirSync, readFileSync } from "node:fs";

const fields = (pid) => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ").map(Number);
  } catch {
    return null; // It has ended.
  }
};

/** These processes and all below them. */
export const tree = (roots) => {
  const parents = new Map();
  for (const name of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const stat = fields(name);
    if (stat) parents.set(Number(name), stat[1]);
  }
  const found = new Set(roots);
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid);
  }
  return [...found];
};

/** The parent of a process. */
export const parent = (pid) => fields(pid)[1];

/** Seconds of the processor, of these and all below them, also of those that have ended. */
export const work = (roots) =>
  tree(roots).reduce((sum, pid) => {
    const stat = fields(pid);
    return stat ? sum + (stat[11] + stat[12] + stat[13] + stat[14]) / 100 : sum;
  }, 0);

const memory = (roots) =>
  tree(roots).reduce((sum, pid) => {
    try {
      return sum + Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))[1]) * 1024;
    } catch {
      return sum;
    }
  }, 0);

/** Measures a piece of work of these processes, and prints what came of it as one line of JSON. */
export const measure = async (roots, contacts, run) => {
  let most = memory(roots);
  const watch = setInterval(() => (most = Math.max(most, memory(roots))), 500);
  const [before, start] = [work(roots), performance.now()];
  await run();
  const seconds = (performance.now() - start) / 1e3;
  const cpu = work(roots) - before;
  clearInterval(watch);
  console.log(JSON.stringify({ contacts, seconds, cpu, memory: Math.max(most, memory(roots)) }));
};
