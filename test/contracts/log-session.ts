// What every LOG session must do, by its contract alone (spec 2.8). Implementations call logSessionSuite from their own
// tests; this file runs nothing by itself.
import assert from "node:assert/strict";
import { test } from "node:test";
import { LOG_LIMIT, type LogSession } from "../../src/session/index.ts";

export interface LogUnderTest {
  readonly session: LogSession;
  /** The lines that came out since the last call, without what the service puts before each. */
  lines(): readonly string[] | Promise<readonly string[]>;
  close(): void;
}

/** A text, how many characters a write of it tells, and the lines that come of it. */
type Case = readonly [text: string, written: number, lines: readonly string[]];
const LONGEST = "x".repeat(LOG_LIMIT - 1);

const CASES: Readonly<Record<string, readonly Case[]>> = {
  "a text with its newline is one line": [["hello\n", 6, ["hello"]]],
  "a missing final newline is added": [["hello", 5, ["hello"]]],
  "newlines split, empty lines stay": [["a\n\nb\nc", 6, ["a", "", "b", "c"]]],
  "a newline alone is an empty line": [["\n", 1, [""]]],
  "nothing is nothing": [["", 0, []]],
  "characters count as bytes": [["Größe €\n", 12, ["Größe €"]]],
  "231 characters fit beside their terminator": [[LONGEST, LOG_LIMIT - 1, [LONGEST]]],
};

const MALFORMED: Readonly<Record<string, string>> = {
  "232 characters": `${LONGEST}x`,
  "232 bytes in 231 characters": `${"x".repeat(LOG_LIMIT - 2)}ö`,
  "100,000 characters": "y\n".repeat(50_000),
  "a NUL inside": "a\0b",
};

export function logSessionSuite(label: string, make: () => LogUnderTest): void {
  const on = (title: string, body: (log: LogUnderTest) => Promise<void>): void => {
    test(`${label}: S57: ${title}`, async () => {
      const log = make();
      try {
        await body(log);
      } finally {
        log.close();
      }
    });
  };

  for (const [title, cases] of Object.entries(CASES)) {
    on(title, async (log) => {
      for (const [text, written, lines] of cases) {
        assert.equal(log.session.write(text), written);
        assert.deepEqual(await log.lines(), lines);
      }
    });
  }

  for (const [title, text] of Object.entries(MALFORMED)) {
    on(`malformed is 0, and the session goes on: ${title}`, async (log) => {
      assert.equal(log.session.write(text), 0);
      const lines = await log.lines();
      assert.ok(!lines.some((line) => text.startsWith(line) && line !== ""), "no part of the text comes out");
      assert.equal(log.session.write("next"), 4);
      assert.deepEqual(await log.lines(), ["next"]);
    });
  }

  on("lines come out in the order of writes", async (log) => {
    for (let i = 0; i < 100; i++) log.session.write(`line ${i}\n`);
    assert.deepEqual(
      await log.lines(),
      Array.from({ length: 100 }, (_, i) => `line ${i}`),
    );
  });
}
