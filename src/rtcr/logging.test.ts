// S123: messages of RTCR by level, in the thesis's format, silent by default.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { LOG_LEVELS, log, runningFunction, startLog, stopLog } from "./logging.ts";

afterEach(stopLog);

function everything(): void {
  log.error?.("e");
  log.warning?.("w");
  log.info?.("i");
  log.debug?.("d");
}

test("S123: a level switches itself and all more severe ones on; [TYPE]:[FILE]:[LINE]:[MESSAGE]", () => {
  for (const [i, level] of LOG_LEVELS.entries()) {
    const lines: string[] = [];
    startLog({ level, sink: (line) => lines.push(line) });
    everything();
    const all = ["ERROR", "WARNING", "INFO", "DEBUG"].map(
      (type, at) => `[${type}]:[logging.test.ts]:[${9 + at}]:[${type[0]!.toLowerCase()}]`,
    );
    assert.deepEqual(lines, all.slice(0, i + 1));
  }
});

test("S123: silent by default and after the end, and then nothing is evaluated", () => {
  const lines: string[] = [];
  let evaluated = 0;
  const message = () => `${++evaluated}`;
  log.debug?.(message());
  const stop = startLog({ level: "INFO", sink: (line) => lines.push(line) });
  log.debug?.(message());
  log.info?.(message());
  stop();
  log.error?.(message());
  assert.equal(evaluated, 1);
  assert.equal(lines.length, 1);
});

test("S123: terminals get a colour for each type", () => {
  const lines: string[] = [];
  startLog({ level: "DEBUG", sink: (line) => lines.push(line), coloured: true });
  everything();
  assert.deepEqual(
    lines.map((line) => {
      assert.ok(line.endsWith("]\u001b[0m"), line);
      return /\[(\d+)m\[(\w+)\]/.exec(line)?.slice(1);
    }),
    [
      ["31", "ERROR"],
      ["33", "WARNING"],
      ["32", "INFO"],
      ["36", "DEBUG"],
    ],
  );
});

test("S123: the running function's name", () => {
  function restoreAll(): string {
    return runningFunction();
  }
  assert.equal(restoreAll(), "restoreAll");
});
