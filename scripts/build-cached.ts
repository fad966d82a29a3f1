// Compiles what is out of date: an output is up to date while `<output>.key` beside it holds the hash of everything that
// decides about it. Both files are renamed into place, the key last, so that a kill or a second builder leaves nothing
// half written.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

const PARALLEL_COMPILERS = 2;

/** One output of a compiler. */
export interface Compilation {
  /** Absolute path of the output, with its extension. */
  readonly output: string;
  /** Path of the hash, beside the output. */
  readonly keyFile: string;
  /** Everything that decides about the output: sources, options, versions. */
  readonly inputs: readonly string[];
  /** Writes the output under a temporary name with the same extension. */
  readonly compile: (temporary: string) => Promise<void>;
}

/** Compilations that this process has under way, by output. */
const underWay = new Map<string, Promise<boolean>>();

/**
 * Compiles unless the output is up to date. Whoever asks for an output that is being made waits for that one.
 *
 * @returns whether it was compiled
 * @throws what `compile` throws; an older output stays
 */
export function compileCached(compilation: Compilation): Promise<boolean> {
  const { output } = compilation;
  const before = underWay.get(output);
  if (before) return before;
  const now = compileUnlessThere(compilation).finally(() => underWay.delete(output));
  underWay.set(output, now);
  return now;
}

async function compileUnlessThere({ output, keyFile, inputs, compile }: Compilation): Promise<boolean> {
  const hash = createHash("sha256");
  for (const input of inputs) hash.update(input);
  const key = hash.digest("hex");
  if (existsSync(output) && existsSync(keyFile) && readFileSync(keyFile, "utf8") === key) return false;
  mkdirSync(dirname(output), { recursive: true });
  const extension = /\.\w+$/.exec(output)![0];
  const temporary = `${output.slice(0, -extension.length)}.${process.pid}`;
  try {
    await compile(`${temporary}${extension}`);
    writeFileSync(`${temporary}.key`, key);
    rmSync(keyFile, { force: true });
    renameSync(`${temporary}${extension}`, output);
    renameSync(`${temporary}.key`, keyFile);
    return true;
  } finally {
    rmSync(`${temporary}${extension}`, { force: true });
    rmSync(`${temporary}.key`, { force: true });
  }
}

/** Maps with as many compilers at once as there are processors for; the results in the order of `list`. */
export async function inParallel<T, R>(list: readonly T[], build: (item: T) => Promise<R>): Promise<R[]> {
  const built: R[] = new Array(list.length);
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < list.length; i = next++) built[i] = await build(list[i]!);
  };
  await Promise.all(Array.from({ length: PARALLEL_COMPILERS }, worker));
  return built;
}
