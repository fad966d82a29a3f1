// A spare CPU is started before it is known what it will run.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Worker } from "node:worker_threads";
import { assemble } from "../../test/assemble.ts";
import { nodeSha256 } from "../store/index-node.ts";
import { required } from "../util/index.ts";
import { SpareCpu, Supervisor } from "./supervisor-node.ts";

const SPEC = {
  ...{ args: ["program"], environment: [], memoryDirectories: [], directories: [] },
  ...{ holdOutput: false, deterministic: true },
};

/** Ends with this exit code. */
function exiting(code: number): { readonly module: Uint8Array; readonly hash: string } {
  const module = assemble(`(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1) (func (export "_start") (call $exit (i32.const ${code}))))`);
  return { module, hash: nodeSha256(module) };
}

test("a spare CPU runs one program, as any other CPU would", async () => {
  const spare = await SpareCpu.start();
  const supervisor = await Supervisor.start({ ...exiting(7), spec: SPEC, spare });
  assert.equal((await supervisor.done)?.exitCode, 7);
  assert.throws(() => spare.take(), /a spare CPU that was not used/);
  await spare.dispose(); // harmless
});

test("a spare CPU that nobody takes ends, and one that cannot run a program says why", async () => {
  await (await SpareCpu.start()).dispose();
  const spare = await SpareCpu.start();
  const module = new Uint8Array([1, 2, 3]);
  await assert.rejects(Supervisor.start({ module, hash: nodeSha256(module), spec: SPEC, spare }), {
    name: /Fault|Error/,
  });
});

test("a spare CPU that has failed while it waited is not used: another one is started", async () => {
  const workers: Worker[] = [];
  const note = (started: Worker) => void workers.push(started);
  process.on("worker", note);
  const spare = await SpareCpu.start();
  process.off("worker", note);
  const failed = required(workers.at(-1), "its worker, behind those that help it");
  failed.postMessage(null); // nothing that could be run
  await new Promise((resolve) => failed.once("exit", resolve));
  const supervisor = await Supervisor.start({ ...exiting(5), spec: SPEC, spare });
  assert.equal((await supervisor.done)?.exitCode, 5);
});
