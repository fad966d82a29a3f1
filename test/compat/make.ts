// Writes format-, system-, nested-, streams- and supervisors-<version>.json: the files of a store with one checkpoint, as
// base64. Run once for each format version; files that are there stay as they are:
//   node test/compat/make.ts
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Checkpoint, FORMAT_VERSION, toCheckpoint } from "../../src/checkpoint/index.ts";
import { nodeSha256, openDirectoryStore, saveCheckpoint } from "../../src/store/index-node.ts";
import { checkpoint1 } from "./checkpoint-1.ts";
import { nested1 } from "./nested-1.ts";
import { streams1 } from "./streams-1.ts";
import { supervisors1 } from "./supervisors-1.ts";
import { system1 } from "./system-1.ts";

await keep("format", checkpoint1);
await keep("system", toCheckpoint(system1));
await keep("nested", toCheckpoint(nested1));
await keep("streams", toCheckpoint(streams1));
await keep("supervisors", toCheckpoint(supervisors1));

async function keep(kind: string, checkpoint: Checkpoint): Promise<void> {
  const target = new URL(`${kind}-${FORMAT_VERSION}.json`, import.meta.url);
  if (existsSync(target)) return console.log(`${target.pathname} is there`);
  const path = mkdtempSync(join(tmpdir(), "rtcr-compat-"));
  const store = await openDirectoryStore(path, { codec: "deflate" });
  const { root } = await saveCheckpoint(store, checkpoint, { sha256: nodeSha256 });
  await store.close();
  const files: Record<string, string> = {};
  for (const name of readdirSync(path, { recursive: true, encoding: "utf8" }).sort()) {
    if (statSync(join(path, name)).isFile()) files[name] = readFileSync(join(path, name)).toString("base64");
  }
  rmSync(path, { recursive: true });
  writeFileSync(target, `${JSON.stringify(files, null, 2)}\n`, { flag: "wx" });
  console.log(`${target.pathname}: checkpoint ${root.id}, ${Object.keys(files).length} files`);
}
