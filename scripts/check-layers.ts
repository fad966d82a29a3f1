// Fails when a source file imports across a layer boundary that the table does not allow.
// The table IS the architecture: change it in the same commit as docs/ARCHITECTURE.md.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";

const MAY_IMPORT: Record<string, readonly string[]> = {
  util: [],
  abi: [],
  profile: ["util"],
  wasm: ["util"],
  instrument: ["util", "abi", "wasm"],
  engine: ["util", "abi"],
  session: ["util"],
  core: ["util", "abi", "engine", "instrument", "session"],
  wasi: ["util", "abi", "session"],
  init: ["util", "session", "core", "wasi"],
  native: ["util", "abi", "session", "core", "init"],
  checkpoint: ["util", "abi"],
  store: ["util", "checkpoint"],
  rtcr: ["util", "profile", "session", "init", "checkpoint", "store"],
  cluster: ["util", "session", "init", "checkpoint", "store", "rtcr"],
};

/** Packages and Node built-ins live behind files named for their host. */
const MAY_USE: readonly [file: RegExp, packages: RegExp][] = [
  [/(^|[/-])node([.-]|\/)|-node\.ts$/, /^node:/],
  [/^core\/memory-file-system\.ts$/, /^memfs/],
  [/^init\/config\/xml\.ts$/, /^@rgrove\/parse-xml$/],
  [/^profile\/plot\.ts$/, /^vega(-lite)?$/],
  [/^profile\/png-node\.ts$/, /^@resvg\/resvg-js$/],
  [/^checkpoint\/sha256\.ts$/, /^@noble\/hashes\//],
];
const TESTS = /\.test\.ts$/;

const root = resolve(process.argv[2] ?? "src");
const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((f) => /\.ts$/.test(f) && !TESTS.test(f));
let violations = 0;
for (const file of files) {
  const name = file.split(sep).join("/");
  const from = name.split("/")[0]!;
  if (!(from in MAY_IMPORT)) continue; // index.ts, machine/, cli/, dashboard/: the top, may import anything
  for (const [, target] of readFileSync(join(root, file), "utf8").matchAll(/\b(?:from|import)\s*\(?\s*"([^"]+)"/g)) {
    const problem = target!.startsWith(".") ? badLayer(file, from, target!) : badPackage(name, target!);
    if (!problem) continue;
    violations++;
    console.error(`src/${name}: ${problem}`);
  }
}
console.log(`layers: ${files.length} files, ${violations} violations`);
process.exit(violations ? 1 : 0);

function badLayer(file: string, from: string, target: string): string | undefined {
  const path = relative(root, resolve(root, dirname(file), target))
    .split(sep)
    .join("/");
  const to = path.split("/")[0]!;
  if (to === from) return undefined;
  const allowed = MAY_IMPORT[from] ?? [];
  if (!allowed.includes(to)) return `${from} may not import ${to} (allowed: ${allowed.join(", ") || "nothing"})`;
  return path === `${to}/index.ts` ? undefined : `import ${to} through ${to}/index.ts, not ${path}`;
}

function badPackage(name: string, target: string): string | undefined {
  if (MAY_USE.some(([file, packages]) => file.test(name) && packages.test(target))) return undefined;
  return `package "${target}" is not allowed here`;
}
