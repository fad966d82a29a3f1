// Keeps rewritten modules in a folder, by the hash of the original and a fingerprint of the rewriter that made them, and
// beside each what a process has asked of it to read and continue frames. With both, a restore needs no rewriter: its
// code is read when something else is asked.
//
//   HASH.FINGERPRINT         SHA-256 of everything behind it (32 bytes), size of the description (u32, little-endian), the
//                            description (JSON), the rewritten module
//   HASH.FINGERPRINT.asked   the same, without a module: answers (program-answers.ts)
//
// What does not match its hash is made anew; a cache that cannot be written is no failure.

import { createHash, randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { RewriteOptions } from "../instrument/index.ts";
import type * as Rewriter from "./program.ts";
import type { DecodedProgram, LoadedProgram, RewrittenModule } from "./program.ts";
import { type AnswerSet, RememberedAnswers, readAnswers, writeAnswers } from "./program-answers.ts";

const HASH_BYTES = 32;
const ASKED = ".asked";

/** Folders of the code that makes what is kept, from the folder of this file; and of that one, the files. */
const REWRITER = ["../abi", "../util", "../wasm", "../wasm/sections", "../instrument"];
const HERE = /^program(-answers|-cache-node)?\.(ts|js)$/;
/** Its hash, in what is built (scripts/build.js). */
const BUILT_FINGERPRINT = "rewriter.sha256";

export interface CachedProgram extends LoadedProgram {
  /** Reads the rewriter and decodes the original now, so that nothing that is asked later waits for it. */
  decode(): void;
  /** Keeps what was asked for the next process. */
  keep(): void;
}

/** Loads programs, all with the same options, through the cache in `folder`. Absent, or no folder: nothing is kept. */
export function cachedPrograms(
  folder: string | undefined,
  options: RewriteOptions = {},
): (module: Uint8Array, hash: string) => CachedProgram {
  return (module, hash) => {
    const file = folder === undefined ? undefined : join(folder, `${hash}.${fingerprint(options)}`);
    const kept = file === undefined ? undefined : readRewritten(file);
    if (kept) {
      const known = readAsked(file!) ?? { numbering: { ...kept, variants: [] }, answers: new Map() };
      return remembering(kept, file, known.answers, () => rewriter().decodeProgram(module, known.numbering, options));
    }
    const { rewritten, decoded } = rewriter().rewriteProgram(module, hash, options);
    if (file !== undefined) writeRewritten(file, rewritten);
    return remembering(rewritten, file, new Map(), () => decoded); // whose numbering is a new one
  };
}

/** @param decode the original, with the numbering of `known` */
function remembering(
  rewritten: RewrittenModule,
  file: string | undefined,
  known: AnswerSet["answers"],
  decode: () => DecodedProgram,
): CachedProgram {
  let decoded: DecodedProgram | undefined;
  const all = () => (decoded ??= decode());
  const answers = new RememberedAnswers(known, all);
  return {
    ...rewritten,
    module: new WebAssembly.Module(rewritten.bytes as BufferSource),
    layout: (number) => answers.layout(number),
    at: (functionIndex, position) => answers.at(functionIndex, position),
    signature: (functionIndex) => answers.signature(functionIndex),
    continuations: (requests) => answers.continuations(requests),
    references: (number) => answers.references(number),
    get globals() {
      return answers.globals;
    },
    get payloads() {
      return answers.payloads;
    },
    decode: () => void all(),
    keep: () => {
      if (file === undefined || !answers.grown) return;
      try {
        const { numbering } = all(); // it was asked, so it is there
        write(file + ASKED, [Buffer.from(writeAnswers({ numbering, answers: answers.take() }))]);
      } catch {
        // As with any cache that cannot be written.
      }
    },
  };
}

/** The rewriter, which is eighty files: read when it is needed. */
function rewriter(): typeof Rewriter {
  const require = createRequire(import.meta.url);
  return require(import.meta.url.endsWith(".ts") ? "./program.ts" : "./program.js");
}

/** The same for the same rewriter and options. */
function fingerprint(options: RewriteOptions): string {
  const built = fileURLToPath(new URL(BUILT_FINGERPRINT, import.meta.url));
  const code = existsSync(built) ? readFileSync(built, "utf8").trim() : codeHash();
  const hash = createHash("sha256")
    .update(code)
    .update(JSON.stringify(Object.entries(options).sort()));
  return hash.digest("hex").slice(0, 16);
}

/** A hash of the rewriter's code, hexadecimal: what scripts/build.js writes for `fingerprint`. */
export function codeHash(): string {
  const hash = createHash("sha256");
  for (const file of codeFiles()) hash.update(basename(file)).update(readFileSync(file));
  return hash.digest("hex");
}

/** The paths of the rewriter's code. */
export function codeFiles(): string[] {
  const code = (folder: string, wanted: RegExp) => {
    const path = fileURLToPath(new URL(folder, import.meta.url));
    const names = readdirSync(path).filter((name) => wanted.test(name) && !/\.(d|test)\.ts$/.test(name));
    return names.sort().map((name) => join(path, name));
  };
  return [...REWRITER.flatMap((folder) => code(folder, /\.(ts|js)$/)), ...code(".", HERE)];
}

function readRewritten(file: string): RewrittenModule | undefined {
  return read(file, (body) => {
    const size = body.readUInt32LE(0);
    const description = JSON.parse(body.toString("utf8", 4, 4 + size)) as Omit<RewrittenModule, "bytes">;
    return { ...description, bytes: new Uint8Array(body.subarray(4 + size)) };
  });
}

function writeRewritten(file: string, { bytes, info, statistics, referenceTypes }: RewrittenModule): void {
  const description = Buffer.from(JSON.stringify({ info, statistics, referenceTypes }));
  const size = Buffer.alloc(4);
  size.writeUInt32LE(description.length);
  write(file, [size, description, bytes]);
}

function readAsked(file: string): AnswerSet | undefined {
  return read(file + ASKED, (body) => readAnswers(body.toString()));
}

/** What is behind the hash; undefined where it is missing or damaged, or is something else. */
function read<T>(file: string, parse: (body: Buffer) => T): T | undefined {
  try {
    const content = readFileSync(file);
    const body = content.subarray(HASH_BYTES);
    const hash = createHash("sha256").update(body).digest();
    return hash.equals(content.subarray(0, HASH_BYTES)) ? parse(body) : undefined;
  } catch {
    return undefined;
  }
}

function write(file: string, parts: readonly Uint8Array[]): void {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  const temporary = `${file}.${randomBytes(6).toString("hex")}`;
  try {
    writeFileSync(temporary, Buffer.concat([hash.digest(), ...parts]), { mode: 0o600 });
    renameSync(temporary, file);
  } catch {
    rmSync(temporary, { force: true });
  }
}
