import assert from "node:assert/strict";
import { test } from "node:test";
import { EngineFault } from "../engine/index.ts";
import { EXIT, toFailure } from "./failure.ts";

test("a host that has not what a checkpoint needs refuses it", () => {
  for (const code of ["no-memory", "stack-depth", "unsaveable", "busy"] as const) {
    assert.equal(toFailure(new EngineFault(code, "x")).exitCode, EXIT.refused, code);
  }
});
