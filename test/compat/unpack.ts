// The files of kept stores, as make.ts has written them.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Makes the kept store of a kind and version in a folder. */
export function unpackStore(kind: string, version: number, path: string): void {
  const files = JSON.parse(readFileSync(new URL(`${kind}-${version}.json`, import.meta.url), "utf8"));
  for (const [name, base64] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), Buffer.from(base64 as string, "base64"));
  }
  for (const folder of ["locks", "tmp"]) mkdirSync(join(path, folder)); // empty folders are not kept
}
