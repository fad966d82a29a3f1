// One life of the program under Node, as a process: started from a module or taken up from an image. Its standard
// output is the program's. Told "capture" by its parent it writes an image file and ends.
//   node-stage.ts start MODULE SCRIPT IMAGE | node-stage.ts finish MODULE IMAGE

import { createReadStream, createWriteStream, readFileSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import type { Checkpoint } from "../../src/checkpoint/index.ts";
import { type ProgramState, type RunSpec, Supervisor } from "../../src/machine/index-node.ts";
import { exportImage, importImage, loadCheckpoint, openMemoryStore, saveCheckpoint } from "../../src/store/index.ts";
import { nodeSha256 as sha256 } from "../../src/store/sha256-node.ts";

const [, , verb, ...rest] = process.argv;
const store = openMemoryStore({ sha256 });

const module = new Uint8Array(readFileSync(rest[0]!));
const hash = sha256(module);

if (verb === "start") await start(rest[1]!, rest[2]!);
else await finish(rest[1]!);
process.disconnect?.();

async function start(script: string, imagePath: string): Promise<void> {
  const spec = specOf(["python", "-c", readFileSync(script, "utf8")]);
  const supervisor = await Supervisor.start({ module, hash, spec });
  process.once("message", async () => {
    const { state } = await supervisor.capture(true);
    await save(state, imagePath);
  });
  process.exitCode = (await supervisor.done)?.exitCode ?? 0;
}

async function save(state: ProgramState, imagePath: string): Promise<void> {
  const created = new Date().toISOString();
  const { group, wasi } = state;
  const checkpoint: Checkpoint = { created, name: "python", program: null, group, sessions: { wasi } };
  await saveCheckpoint(store, checkpoint, { sha256 });
  await pipeline(exportImage(store, "latest"), createWriteStream(imagePath));
}

async function finish(imagePath: string): Promise<void> {
  const { id } = await importImage(store, createReadStream(imagePath), { sha256 });
  const { group, sessions } = await loadCheckpoint(store, id);
  const state = { group, wasi: sessions["wasi"]! };
  const resumption = { state, acceptChangedFiles: false, outputReleased: true };
  const supervisor = await Supervisor.start({ module, hash, spec: specOf([]), resumption });
  process.exitCode = (await supervisor.done)?.exitCode ?? 0;
}

function specOf(args: readonly string[]): RunSpec {
  return {
    args,
    environment: ["PYTHONHASHSEED=0"],
    directories: [],
    memoryDirectories: [],
    holdOutput: false,
    deterministic: false,
  };
}
