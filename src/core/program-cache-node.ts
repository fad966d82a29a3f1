// Keeps rewritten modules in a folder, by the hash of the original and a fingerprint of the rewriter that made them.
//
// A file: SHA-256 of everything behind it (32 bytes), size of the description (u32, little-endian), the description
// (JSON), the rewritten module. What does not match its hash is made anew; a cache that cannot be written is no failure.

import { createHash, randomBytes } from "node:crypto";
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { RewriteOptions } from "../instrument/index.ts";
import { type LoadedProgram, loadProgram, loadRewritten, type RewrittenModule } from "./program.ts";

/** Smaller modules are rewritten faster than files are opened. */
const LEAST_BYTES = 128 << 10;
const HASH_BYTES = 32;

/** The code that decides what a rewritten module looks like, from the folder of this file. */
const REWRITER = ["../abi", "../wasm", "../wasm/sections", "../instrument"];

/** Loads programs, all with the same options, through the cache in `folder`, which exists. */
export function cachedPrograms(
  folder: string,
  options: RewriteOptions = {},
): (module: Uint8Array, hash: string) => LoadedProgram {
  return (module, hash) => {
    if (module.length < LEAST_BYTES) return loadProgram(module, hash, options);
    const file = join(folder, `${hash}.${fingerprint(options)}`);
    const kept = read(file);
    if (kept) return loadRewritten(module, kept, options);
    const loaded = loadProgram(module, hash, options);
    write(file, loaded);
    return loaded;
  };
}

/** The same for the same rewriter and options: a hash of its files and them. */
function fingerprint(options: RewriteOptions): string {
  const hash = createHash("sha256").update(JSON.stringify(Object.entries(options).sort()));
  for (const folder of REWRITER) {
    const path = fileURLToPath(new URL(folder, import.meta.url));
    for (const name of readdirSync(path).sort()) {
      if (/\.(ts|js)$/.test(name) && !/\.(d|test)\.ts$/.test(name))
        hash.update(name).update(readFileSync(join(path, name)));
    }
  }
  return hash.digest("hex").slice(0, 16);
}

function read(file: string): RewrittenModule | undefined {
  try {
    const content = readFileSync(file);
    const body = content.subarray(HASH_BYTES);
    if (!createHash("sha256").update(body).digest().equals(content.subarray(0, HASH_BYTES))) return undefined;
    const size = body.readUInt32LE(0);
    const description = JSON.parse(body.toString("utf8", 4, 4 + size)) as Omit<RewrittenModule, "bytes">;
    return { ...description, bytes: new Uint8Array(body.subarray(4 + size)) };
  } catch {
    return undefined; // missing, or cut short
  }
}

function write(file: string, { bytes, info, statistics, referenceTypes }: RewrittenModule): void {
  const description = Buffer.from(JSON.stringify({ info, statistics, referenceTypes }));
  const size = Buffer.alloc(4);
  size.writeUInt32LE(description.length);
  const hash = createHash("sha256").update(size).update(description).update(bytes).digest();
  const temporary = `${file}.${randomBytes(6).toString("hex")}`;
  try {
    writeFileSync(temporary, Buffer.concat([hash, size, description, bytes]), { mode: 0o600 });
    renameSync(temporary, file);
  } catch {
    rmSync(temporary, { force: true });
  }
}
