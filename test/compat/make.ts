// Writes format-<version>.json: the files of a store with one checkpoint, as base64. Run once for each format version:
//   node test/compat/make.ts
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FORMAT_VERSION } from "../../src/checkpoint/index.ts";
import { nodeSha256, openDirectoryStore, saveCheckpoint } from "../../src/store/index-node.ts";
import { checkpoint1 } from "./checkpoint-1.ts";

const path = mkdtempSync(join(tmpdir(), "rtcr-compat-"));
const store = await openDirectoryStore(path, { codec: "deflate" });
await saveCheckpoint(store, checkpoint1, { sha256: nodeSha256 });
await store.close();
const files: Record<string, string> = {};
for (const name of readdirSync(path, { recursive: true, encoding: "utf8" }).sort()) {
  if (statSync(join(path, name)).isFile()) files[name] = readFileSync(join(path, name)).toString("base64");
}
rmSync(path, { recursive: true });
const target = new URL(`format-${FORMAT_VERSION}.json`, import.meta.url);
writeFileSync(target, `${JSON.stringify(files, null, 2)}\n`, { flag: "wx" });
console.log(`${target.pathname}: ${Object.keys(files).length} files`);
