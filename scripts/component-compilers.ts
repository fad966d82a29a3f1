// How a component of each language becomes a WebAssembly file: compilers, options, the SDK's library. Components are
// freestanding: they import the kernel's module alone, export their table of functions and their stack pointer, and
// have their own small initial stack below the data, so that an overflow of it traps; those in "wasi-threads" are WASI
// programs instead.
// Not here: which components there are (apps/components/components.ts), what is out of date (build-cached.ts).
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ComponentLanguage } from "../apps/components/components.ts";
import { compileCached } from "./build-cached.ts";
import { GUEST_ABI } from "./generate-guest-abi.ts";
import { C_OPTIONS, runCompiler } from "./guest-compilers.ts";

export interface ComponentCompiler {
  /** Paths of folders and files, from the repository's root or absolute, that decide about the output. */
  readonly inputs: readonly string[];
  /** The command without source and output. */
  readonly command: readonly [string, ...string[]];
  compile(source: string, output: string): Promise<void>;
}

const ROOT = join(import.meta.dirname, "..");
const LIBRARY = join(ROOT, "build/components/lib");

/** What a program with `thread-spawn` needs beside what a WASI program does. */
export const SHARED_MEMORY: readonly string[] = [
  "-matomics",
  "-mbulk-memory",
  "-Wl,--shared-memory,--import-memory,--max-memory=536870912,--no-check-features",
];
const CLANG_THREADS = ["/usr/bin/clang-19", ...C_OPTIONS, ...SHARED_MEMORY] as [string, ...string[]];

/** Threads start at an index of the table, and the kernel gives each its own stack pointer. */
const LINK = [
  ...["-nostdlib", "-Wl,--no-entry", "-Wl,--export-table", "-Wl,--export=__stack_pointer", "-Wl,--stack-first"],
  "-Wl,--export-if-defined=rtcr_profiling",
  ...["-Wl,-z,stack-size=16384", "-Wl,--strip-debug"],
];
const CLANG = [
  ...["/usr/bin/clang-19", "--target=wasm32-unknown-unknown", "-O2", "-Wall", "-Wextra", "-Werror", "-ffreestanding"],
  ...["-mbulk-memory", "-matomics", "-mmutable-globals"],
] as const;
const CLANGXX = [
  ...CLANG,
  ...["-x", "c++", "-std=c++20", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics"],
  ...["-Iguest/cpp/include", `-I${join(GUEST_ABI, "cpp")}`],
] as [string, ...string[]];

/** The runtime is the SDK's; `abort` is not imported but traps. */
const ASC: readonly [string, ...string[]] = [
  ...([process.execPath, join(ROOT, "node_modules/assemblyscript/bin/asc.js")] as [string, string]),
  ...["-O3", "--debug", "--enable", "threads", "--runtime", "guest/assemblyscript/runtime"],
  ...[
    "--exportTable",
    "--disableWarning",
    "AS201",
    "--use",
    "abort=guest/assemblyscript/abort/abort",
    "--memoryBase",
    "1024",
    "guest/assemblyscript/abort.ts",
  ],
];

const RUSTC: readonly [string, ...string[]] = [
  ...["/usr/bin/rustc", "--target=wasm32-unknown-unknown", "--edition=2021"],
  ...["-Copt-level=2", "-Cpanic=abort", "-Cstrip=debuginfo", "-Dwarnings"],
] as [string, ...string[]];
/** As LINK; the linker is called without a driver here. */
const RUST_LINK = [
  ...["--no-check-features", "--export-table", "--export=__stack_pointer", "-zstack-size=16384"],
  "--export-if-defined=rtcr_profiling",
];

/** The compiler of a language. */
export function componentCompilerOf(language: ComponentLanguage): ComponentCompiler {
  return COMPILERS[language];
}

/** Text of all files below `path`, sorted, for keys. */
export function textBelow(path: string): string {
  const folder = join(path.startsWith("/") ? "" : ROOT, path);
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return files.map((file) => `${file}\n${readFileSync(file, "utf8")}`).join("\n");
}

const COMPILERS: Readonly<Record<ComponentLanguage, ComponentCompiler>> = {
  c: {
    inputs: [],
    command: [...CLANG, ...LINK] as unknown as [string, ...string[]],
    compile(source, output) {
      return run([...this.command, source, "-o", output]);
    },
  },
  "wasi-threads": {
    inputs: [],
    command: CLANG_THREADS,
    compile(source, output) {
      return run([...this.command, source, "-o", output]);
    },
  },
  "c++": {
    inputs: ["guest/cpp", join(GUEST_ABI, "cpp")],
    command: [...CLANGXX, ...LINK],
    async compile(source, output) {
      const library = await cppLibrary();
      await run([...CLANGXX, source, "-x", "none", library, ...LINK, "-o", output]);
    },
  },
  assemblyscript: {
    inputs: ["guest/assemblyscript", join(GUEST_ABI, "assemblyscript")],
    command: ASC,
    compile(source, output) {
      return run([...ASC, source, "-o", output]);
    },
  },
  rust: {
    inputs: ["guest/rust", join(GUEST_ABI, "rust")],
    command: RUSTC,
    async compile(source, output) {
      const { crate, stack } = await rustLibrary();
      const link = [...RUST_LINK, stack].map((argument) => `-Clink-arg=${argument}`);
      const options = ["--crate-type=cdylib", "--extern", `rtcr=${crate}`, ...link];
      await run([...RUSTC, ...options, source, "-o", output]);
    },
  },
};

let library: Promise<string> | undefined;

/** The C++ library as one object file. */
function cppLibrary(): Promise<string> {
  library ??= buildCppLibrary();
  return library;
}

async function buildCppLibrary(): Promise<string> {
  const output = join(LIBRARY, "rtcr.o");
  await compileCached({
    output,
    keyFile: join(LIBRARY, "rtcr.key"),
    inputs: [...CLANGXX, textBelow("guest/cpp"), textBelow(join(GUEST_ABI, "cpp"))],
    compile: (to) => run([...CLANGXX, "-c", "guest/cpp/src/library.cpp", "-o", to]),
  });
  return output;
}

let crate: Promise<{ readonly crate: string; readonly stack: string }> | undefined;

/** The Rust library, and the object file with the stack pointer. */
function rustLibrary(): Promise<{ readonly crate: string; readonly stack: string }> {
  crate ??= buildRustLibrary();
  return crate;
}

async function buildRustLibrary(): Promise<{ readonly crate: string; readonly stack: string }> {
  const stack = join(LIBRARY, "stack.o");
  const assemble = ["/usr/bin/clang-19", "--target=wasm32-unknown-unknown", "-c", "guest/rust/stack.s", "-o"];
  await compileCached({
    output: stack,
    keyFile: join(LIBRARY, "stack.key"),
    inputs: [...assemble, readFileSync(join(ROOT, "guest/rust/stack.s"), "utf8")],
    compile: (to) => run([...assemble, to]),
  });
  const output = join(LIBRARY, "librtcr.rlib");
  const options = ["--crate-type=rlib", "--crate-name=rtcr", "guest/rust/src/lib.rs"];
  await compileCached({
    output,
    keyFile: join(LIBRARY, "librtcr.key"),
    inputs: [...RUSTC, ...options, textBelow("guest/rust"), textBelow(join(GUEST_ABI, "rust"))],
    compile: (to) => run([...RUSTC, ...options, "-o", to]),
  });
  return { crate: output, stack };
}

function run([program, ...args]: readonly [string, ...string[]] | readonly string[]): Promise<void> {
  return runCompiler(program!, args);
}
