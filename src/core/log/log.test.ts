// Core's LOG under the common suite, its labels, and cutting of long messages.
import assert from "node:assert/strict";
import { test } from "node:test";
import { logSessionSuite } from "../../../test/contracts/log-session.ts";
import { LOG_LIMIT } from "../../session/index.ts";
import { CoreLog, logLength, logPieces } from "./index.ts";

logSessionSuite("core log", () => {
  const lines: string[] = [];
  return {
    session: new CoreLog("init -> child", (line) => lines.push(line)),
    lines: () => lines.splice(0).map((line) => line.slice("[init -> child] ".length)),
    close: () => {},
  };
});

test("S57: each line stands behind the label of its session", () => {
  const lines: string[] = [];
  new CoreLog("init -> a", (line) => lines.push(line)).write("one\ntwo");
  new CoreLog("init", (line) => lines.push(line)).write("three\n");
  assert.deepEqual(lines, ["[init -> a] one", "[init -> a] two", "[init] three"]);
});

test("S57: a malformed text leaves an error line that says what was wrong", () => {
  const lines: string[] = [];
  const log = new CoreLog("a", (line) => lines.push(line));
  log.write("x".repeat(300));
  log.write("a\0");
  assert.deepEqual(lines, [
    "[a] error: log text of 300 bytes, at most 231 fit",
    "[a] error: log text holds a NUL character",
  ]);
});

test("S57: long messages are cut into texts that fit, between characters", () => {
  for (const message of ["", "short", "x".repeat(1000), "ö€😀".repeat(300), "x".repeat(LOG_LIMIT - 1)]) {
    const pieces = logPieces(message);
    assert.equal(pieces.join(""), message);
    for (const piece of pieces) assert.ok(logLength(piece) > 0);
    assert.ok(pieces.length <= Math.ceil(new TextEncoder().encode(message).length / (LOG_LIMIT - 4)));
  }
});
