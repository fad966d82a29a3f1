// A terminal that a component in C++ serves: reads, writes, size, end and signals, for a WASI program and a component, also
// when all are made anew again and again.
import assert from "node:assert/strict";
import { test } from "node:test";
import { deterministicWasi } from "../../src/machine/component-wasi.ts";
import { CLIENT_LINES, DIALOG_LINES, INSIDES, PROGRAMS } from "../rtcr/terminals.ts";
import { child, runComponents } from "./rig.ts";

const START =
  child("dialog", INSIDES.dialog) +
  child("client", INSIDES.client, { app: "terminal_client" }) +
  child("server", INSIDES.server, { app: "echo_terminal" });

for (const every of [0, 101, 17]) {
  test(`S88: a guest's terminal${every ? `, all made anew at every ${every}th safe point` : ""}`, async () => {
    const run = await runComponents({
      ...{ apps: PROGRAMS, start: START, every, wasi: deterministicWasi },
      done: (lines) => lines.filter((line) => line.includes("exited with exit value 0")).length === 2,
    });
    assert.deepEqual(run.of("dialog"), DIALOG_LINES, [...run.lines, ...run.warnings].join("\n"));
    assert.deepEqual(run.of("client"), CLIENT_LINES);
    assert.ok(!every || run.recreations > 10, `${run.recreations} of ${run.points}`);
  });
}
