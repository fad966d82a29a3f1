// Writes format-, system-, nested-, streams- and supervisors-<version>.json: the files of a store with one checkpoint, as
// base64; and lived-<version>.json, of a system that has run (npm run build:guests before). Run once for each format version;
// files that are there stay as they are:
//   node test/compat/make.ts
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Checkpoint, FORMAT_VERSION, toCheckpoint } from "../../src/checkpoint/index.ts";
import { loadCheckpoint, nodeSha256, openDirectoryStore, saveCheckpoint } from "../../src/store/index-node.ts";
import { checkpoint1 } from "./checkpoint-1.ts";
import { COUNTING, counted, LIVED } from "./lived.ts";
import { nested1 } from "./nested-1.ts";
import { streams1 } from "./streams-1.ts";
import { supervisors1 } from "./supervisors-1.ts";
import { system1 } from "./system-1.ts";

await keep("format", checkpoint1);
await keep("system", toCheckpoint(system1));
await keep("nested", toCheckpoint(nested1));
await keep("streams", toCheckpoint(streams1));
await keep("supervisors", toCheckpoint(supervisors1));
await keep("lived", live);

async function keep(kind: string, checkpoint: Checkpoint | (() => Promise<Checkpoint>)): Promise<void> {
  const target = new URL(`${kind}-${FORMAT_VERSION}.json`, import.meta.url);
  if (existsSync(target)) return console.log(`${target.pathname} is there`);
  const path = mkdtempSync(join(tmpdir(), "rtcr-compat-"));
  const store = await openDirectoryStore(path, { codec: "deflate" });
  const { root } = await saveCheckpoint(store, typeof checkpoint === "function" ? await checkpoint() : checkpoint, {
    sha256: nodeSha256,
  });
  await store.close();
  const files: Record<string, string> = {};
  for (const name of readdirSync(path, { recursive: true, encoding: "utf8" }).sort()) {
    if (statSync(join(path, name)).isFile()) files[name] = readFileSync(join(path, name)).toString("base64");
  }
  rmSync(path, { recursive: true });
  writeFileSync(target, `${JSON.stringify(files, null, 2)}\n`, { flag: "wx" });
  console.log(`${target.pathname}: checkpoint ${root.id}, ${Object.keys(files).length} files`);
}

/** By the command line, until all have counted some sheep. */
async function live(): Promise<Checkpoint> {
  const path = mkdtempSync(join(tmpdir(), "rtcr-compat-"));
  const components = join(import.meta.dirname, "../../build/components");
  copyFileSync(join(components, "sheep_counter_timer.wasm"), join(path, "sheep_counter_timer.wasm"));
  writeFileSync(join(path, "system.xml"), LIVED);
  const cli = join(import.meta.dirname, "../../src/cli/main.ts");
  const env = { ...process.env, RTCR_HOME: path };
  const system = spawn(process.execPath, [cli, "run", "--name", "compat", join(path, "system.xml")], { env });
  let out = "";
  system.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  system.stderr.pipe(process.stderr);
  const ended = once(system, "close");
  while (!COUNTING.every((label) => counted(out, label).length >= 5)) await once(system.stdout, "data");
  execFileSync(process.execPath, [cli, "checkpoint", "--stop", "compat"], { env });
  await ended;
  const store = await openDirectoryStore(join(path, "store"));
  const checkpoint = await loadCheckpoint(store, "latest", { sha256: nodeSha256 });
  await store.close();
  rmSync(path, { recursive: true });
  console.log(`counted ${COUNTING.map((label) => counted(out, label).at(-1))}`);
  return checkpoint;
}
