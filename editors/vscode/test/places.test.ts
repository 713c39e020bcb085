import assert from "node:assert/strict";
import { test } from "node:test";
import { sentence, waiting, type Standing } from "../src/places";

const text = "journey nurture {\n  on tag lead\n\n  wait 3d\n  send email hello\n  wait 1d\n}\n";
const at = (line: number, statement: string, runs: number, file = "journeys/nurture.journey"): Standing => ({
  journey: "nurture",
  version: "8f32ea4d179b",
  current: true,
  runs,
  places: [{ place: { file, line, column: 3, statement }, runs }],
});
const path = "/shop/journeys/nurture.journey";

test("contacts wait where the statement stands", () => {
  assert.deepEqual(waiting([at(4, "wait 3d", 12), at(6, "wait 1d", 1)], path, text), new Map([[3, 12], [5, 1]]));
});

test("versions add up, and a statement that moved is found", () => {
  assert.deepEqual(waiting([at(4, "wait 3d", 12), at(9, "wait 3d", 3)], path, text), new Map([[3, 15]]));
});

test("what is gone, stands twice or elsewhere, or waits before the first statement is not shown", () => {
  const before: Standing = { ...at(4, "", 2), places: [{ place: null, runs: 2 }] };
  const twice = text + "  wait 1d\n";
  assert.equal(waiting([at(4, "wait 9d", 1), at(2, "wait 1d", 1), before, at(4, "wait 3d", 1, "other.journey")], path, twice).size, 0);
});

test("one contact waits, two wait", () => {
  assert.equal(sentence(1), "1 contact waits here");
  assert.equal(sentence(12000), "12,000 contacts wait here");
});
