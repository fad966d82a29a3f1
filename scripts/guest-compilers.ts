// Guest compilers: how a program of each language becomes a WebAssembly file, and what has to be installed for it.
// Not here: which programs there are (apps/apps.ts), what is out of date (build-apps.ts).
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { Language } from "../apps/apps.ts";

/** Turns one source into one WebAssembly file. */
export interface Compiler {
  /** Everything beside the source that decides about the output: version, options, included files. */
  fingerprint(source: string): string;
  /** Writes `output`; rejects with the compiler's own messages. */
  compile(source: string, output: string): Promise<void>;
}

/** A file that a compiler needs, and the Debian package it comes in. */
type Requirement = readonly [file: string, aptPackage: string];

const ROOT = join(import.meta.dirname, "..");
const MODULES = join(ROOT, "node_modules");
const LLVM = "/usr/lib/llvm-19";

/** Without -nostdinc, headers that wasi-libc lacks would silently be taken from the host. */
const INCLUDE = ["-isystem", `${LLVM}/lib/clang/19/include`, "-isystem", "/usr/include/wasm32-wasi"];
const CXX_INCLUDE = ["-isystem", `${LLVM}/include/wasm32-wasi/c++/v1`, ...INCLUDE];
/** The name section stays; a stack that overflows traps instead of running into the data. */
const LINK = ["-Wl,--strip-debug", "-Wl,--stack-first"];
const CLANG_OPTIONS = ["--target=wasm32-wasi", "-O2", "-Wall", "-Wextra", "-Werror", "-nostdinc", ...LINK];
export const C_OPTIONS = [...CLANG_OPTIONS, "-std=gnu17", ...INCLUDE];
const CXX_OPTIONS = [...CLANG_OPTIONS, "--driver-mode=g++", "-std=c++20", "-fno-exceptions", ...CXX_INCLUDE];
const RUST_OPTIONS = [
  ...["--target=wasm32-wasi", "--edition=2021", "-Copt-level=2", "-Cpanic=abort"],
  ...["-Cstrip=debuginfo", "-Dwarnings"],
];
/** `--debug` writes the name section. The configuration's path must be relative to the working directory. */
const ASC_OPTIONS = [
  ...["--enable", "simd", "-O3", "--debug"],
  ...["--config", "node_modules/@assemblyscript/wasi-shim/asconfig.json"],
];

const NEEDS_C: readonly Requirement[] = [
  ["/usr/bin/clang-19", "clang-19"],
  ["/usr/bin/wasm-ld-19", "lld-19"],
  ["/usr/include/wasm32-wasi/stdio.h", "wasi-libc"],
  [`${LLVM}/lib/clang/19/lib/wasi/libclang_rt.builtins-wasm32.a`, "libclang-rt-19-dev-wasm32"],
];
const NEEDS_CXX: readonly Requirement[] = [
  ...NEEDS_C,
  [`${LLVM}/lib/wasm32-wasi/libc++.a`, "libc++-19-dev-wasm32"],
  [`${LLVM}/lib/wasm32-wasi/libc++abi.a`, "libc++abi-19-dev-wasm32"],
];
const NEEDS_RUST: readonly Requirement[] = [
  ["/usr/bin/rustc", "rustc"],
  ["/usr/lib/rustlib/wasm32-wasi", "libstd-rust-dev-wasm32"],
  ["/usr/bin/wasm-ld-14", "lld-14"],
];

/**
 * Returns the compiler of a language.
 *
 * @throws Error naming the Debian package to install when a part of it is missing
 */
export function compilerOf(language: Language): Compiler {
  const compiler = COMPILERS[language];
  for (const [file, aptPackage] of compiler.needs) {
    if (existsSync(file)) continue;
    throw new Error(
      `${language}: ${file} is missing; run scripts/install-toolchains.sh (or apt-get install ${aptPackage})`,
    );
  }
  return compiler;
}

const COMPILERS: Record<Language, Compiler & { readonly needs: readonly Requirement[] }> = {
  c: command(NEEDS_C, ["/usr/bin/clang-19", ...C_OPTIONS]),
  "c++": command(NEEDS_CXX, ["/usr/bin/clang-19", ...CXX_OPTIONS]),
  rust: command(NEEDS_RUST, ["/usr/bin/rustc", ...RUST_OPTIONS]),
  assemblyscript: command([], [process.execPath, join(MODULES, "assemblyscript/bin/asc.js"), ...ASC_OPTIONS]),
  wat: {
    needs: [],
    fingerprint: (source) => [versionOf("wabt"), ...WABT_FEATURES, readText(source)].join("\n"),
    compile: assembleWithWabt,
  },
  "wat-gc": {
    needs: [],
    fingerprint: (source) => [versionOf("binaryen"), ...BINARYEN_FEATURES, readText(source)].join("\n"),
    compile: assembleWithBinaryen,
  },
};

function command(needs: readonly Requirement[], [program, ...options]: readonly [string, ...string[]]) {
  let version: string | undefined;
  return {
    needs,
    fingerprint(source: string): string {
      version ??= spawnSync(program, [...options.slice(0, 1), "--version"], { encoding: "utf8" }).stdout;
      return [version, program, ...options, ...headersBeside(source)].join("\n");
    },
    // a relative path, because Rust puts it into the messages of panics
    compile: (source: string, output: string) =>
      runCompiler(program, [...options, relative(ROOT, source), "-o", output]),
  };
}

/** Runs a compiler from the root; rejects with its messages. */
export function runCompiler(program: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: ROOT, stdio: ["ignore", "ignore", "pipe"] });
    let messages = "";
    child.stderr.setEncoding("utf8").on("data", (text) => (messages += text));
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0 ? resolve() : reject(new Error(`${program} exited with ${code}\n${messages}`)),
    );
  });
}

function headersBeside(source: string): string[] {
  const folder = dirname(source);
  const headers = readdirSync(folder).filter((name) => name.endsWith(".h"));
  return headers.map((name) => readFileSync(join(folder, name), "utf8"));
}

/** Reads a WAT source; a line `;; include x.wat` stands for the text of x.wat in the folder `include` beside it. */
function readText(source: string): string {
  return readFileSync(source, "utf8").replace(/^ *;; include (\S+)$/gm, (_, name) =>
    readFileSync(join(dirname(source), "include", name), "utf8"),
  );
}

/** All that wabt can assemble; it does not know typed function references. */
const WABT_FEATURES = [
  "exceptions",
  "threads",
  "tail-call",
  "memory64",
  "multi-memory",
  "extended-const",
  "relaxed-simd",
];

/** Uses the command and not the library, whose `toBinary` leaves out the memory indices of multi-memory modules. */
async function assembleWithWabt(source: string, output: string): Promise<void> {
  const expanded = `${output}.wat`;
  writeFileSync(expanded, readText(source));
  try {
    const options = ["--debug-names", ...WABT_FEATURES.map((feature) => `--enable-${feature}`)];
    await runCompiler(process.execPath, [join(MODULES, "wabt/bin/wat2wasm"), ...options, expanded, "-o", output]);
  } finally {
    rmSync(expanded);
  }
}

/** Named one by one: all together write an encoding that engines refuse. Typed function references count as GC. */
const BINARYEN_FEATURES = ["GC", "ReferenceTypes", "TailCall", "MutableGlobals", "BulkMemory"];

async function assembleWithBinaryen(source: string, output: string): Promise<void> {
  const { default: binaryen } = await import("binaryen");
  const parsed = binaryen.parseText(readText(source));
  const bits = binaryen.Features as unknown as Record<string, number>; // declared as an enum
  parsed.setFeatures(BINARYEN_FEATURES.reduce<number>((set, feature) => set | (bits[feature] ?? 0), 0));
  binaryen.setDebugInfo(true);
  if (!parsed.validate()) throw new Error(`${source}: binaryen finds it invalid (its messages are above)`);
  writeFileSync(output, parsed.emitBinary());
  parsed.dispose();
}

function versionOf(packageName: string): string {
  return JSON.parse(readFileSync(join(MODULES, packageName, "package.json"), "utf8")).version;
}
