// What the kernel must know of a component's program: how long it is in its dataspace, what it imports, where it begins,
// and which of its globals each thread has for itself.
import { KERNEL_EXPORTS, KERNEL_MODULE, type PlainData, type ProgramInfo, type Signature } from "../../abi/index.ts";
import { ByteReader, Fault } from "../../util/index.ts";
import type { Component } from "./component.ts";
import { KERNEL_FUNCTIONS } from "./imports.ts";

export const WASI = "wasi_snapshot_preview1";
/** Where modules with shared memory ask for threads. */
export const SPAWN = { module: "wasi", name: "thread-spawn", start: "wasi_thread_start" } as const;
/** The entry of a WASI command: its return is the program's exit. */
export const START = "_start";
const HEADER_BYTES = 8;
const CUSTOM_SECTION = 0;
const DATA_SECTION = 11;
const PASSIVE = 1;
const GLOBAL_NAMES = 7;
/** Names of globals that belong to a thread (LLVM's linker, AssemblyScript's compiler). */
const OWN_GLOBALS: ReadonlySet<string> = new Set(["__stack_pointer", "__tls_base", "~lib/memory/__stack_pointer"]);
/** A first global below is no stack pointer: the linker puts the stack above its unused first page, or above data. */
const LEAST_STACK_POINTER = 1024;

/** The module at the beginning of a dataspace, whose last page is filled up with zeros. */
export function moduleBytes(bytes: Uint8Array): Uint8Array {
  try {
    const reader = new ByteReader(bytes);
    reader.skip(HEADER_BYTES);
    while (!reader.done) {
      const begin = reader.position;
      const id = reader.u8();
      const size = reader.u32();
      if (id === CUSTOM_SECTION && size === 0) return bytes.subarray(0, begin); // no section: it would have a name
      reader.skip(size);
    }
  } catch {
    // The rewriter says what is wrong.
  }
  return bytes;
}

/** The address of a program's profiling word; 0: it has none. */
export function profilingWord(exports: WebAssembly.Exports): number {
  const word = exports[KERNEL_EXPORTS.profiling];
  const address: unknown = word instanceof WebAssembly.Global ? word.value : 0;
  return typeof address === "number" && address > 0 && address % 4 === 0 ? address : 0;
}

export type LoadRefusal = "invalid-program" | "already-loaded" | "out-of-ram";

/** What a program is refused with that threw this while it was loaded; a bug is thrown on. */
export function loadRefusal(thrown: unknown): LoadRefusal {
  if (thrown instanceof RangeError) return "out-of-ram";
  const faulty =
    thrown instanceof Fault ||
    thrown instanceof WebAssembly.CompileError ||
    thrown instanceof WebAssembly.LinkError ||
    thrown instanceof WebAssembly.RuntimeError; // a segment does not fit
  if (faulty) return "invalid-program";
  throw thrown;
}

/** Whether a host function is over at once; the others may make their caller wait. */
export function importKind(module: string, name: string): "instant" | "restartable" {
  if (module === SPAWN.module) return "instant";
  if (module === KERNEL_MODULE) return KERNEL_FUNCTIONS[name]?.waits ? "restartable" : "instant";
  return "restartable";
}

/** What is wrong with a program's imports and exports; undefined if nothing is. */
export function programProblem(info: ProgramInfo): string | undefined {
  for (const { module, name, kind, signature } of info.imports) {
    if (module === WASI && kind === "func") continue;
    if (module === SPAWN.module && name === SPAWN.name && kind === "func") continue;
    if (kind === "memory") continue;
    if (module !== KERNEL_MODULE)
      return `import ${module}.${name}: expected imports of ${KERNEL_MODULE} and ${WASI} only`;
    const known = KERNEL_FUNCTIONS[name];
    if (!known || kind !== "func") return `import ${name}: ${KERNEL_MODULE} has no function of that name`;
    if (!suits(signature!, known.signature)) {
      return `import ${name}: expected type ${describe(known.signature)}, found ${describe(signature!)}`;
    }
  }
  return entryOf(info) ? undefined : `expected an exported function ${KERNEL_EXPORTS.entry} or ${START}`;
}

/** Results of functions that give none may be declared: they are 0. */
function suits(found: Signature, expected: Signature): boolean {
  if (found.params.join() !== expected.params.join()) return false;
  return expected.results.length === 0 ? ["", "i32"].includes(found.results.join()) : found.results.join() === "i32";
}

function describe({ params, results }: Signature): string {
  return `(${params.join(", ")}) -> (${results.join(", ")})`;
}

/** The function that the initial thread calls. */
export function entryOf(info: ProgramInfo): { readonly name: string; readonly index: number } | undefined {
  return exportOf(info, KERNEL_EXPORTS.entry) ?? exportOf(info, START);
}

/** An exported function. */
export function exportOf(
  info: ProgramInfo,
  wanted: string,
): { readonly name: string; readonly index: number } | undefined {
  return info.exports.find(({ kind, name }) => kind === "func" && name === wanted);
}

/**
 * Indices of the globals that are a thread's own, the stack pointer first. They are found by name; in a module without
 * names the stack pointer is the first global that the module defines, if it can be one.
 *
 * @param bytes the original module @param initial value of a global in a fresh instance
 */
export function ownGlobals(
  bytes: Uint8Array,
  info: ProgramInfo,
  initial: (index: number) => PlainData,
): readonly number[] {
  const mutable = (index: number) => {
    const global = info.globals[index];
    return global?.mutable === true && !global.imported && (global.type === "i32" || global.type === "i64");
  };
  const found = new Map<string, number>();
  for (const [index, name] of globalNames(bytes)) if (OWN_GLOBALS.has(name) && mutable(index)) found.set(name, index);
  for (const { kind, name, index } of info.exports) {
    if (kind === "global" && OWN_GLOBALS.has(name) && mutable(index)) found.set(name, index);
  }
  if (found.size > 0) {
    const pointer = found.get("__stack_pointer") ?? found.get("~lib/memory/__stack_pointer");
    return [...new Set(pointer === undefined ? found.values() : [pointer, ...found.values()])];
  }
  const first = info.globals.findIndex(({ imported }) => !imported);
  return first >= 0 && mutable(first) && Number(initial(first)) >= LEAST_STACK_POINTER ? [first] : [];
}

/**
 * Why threads of `thread-spawn` of a program are all on one CPU; undefined: they can be on several. Instances of other numbers,
 * which an engine of another CPU has too, must be without effect on the memory: instantiating writes no data.
 *
 * @param original the module as it came
 */
export function onOneCpu(
  { program: { info }, windows }: Pick<Component, "program" | "windows">,
  original: Uint8Array,
): string | undefined {
  const [memory, ...others] = info.memories;
  if (windows) return "it has windows";
  if (others.length > 0) return "it has more than one memory";
  if (!memory || memory.defined || !memory.shared) return "it imports no shared memory";
  if (!exportOf(info, SPAWN.start)) return `it exports no ${SPAWN.start}`;
  return writesData(original) ? "its instantiation writes data (active segments)" : undefined;
}

/** What is said of a program of which that is so. */
export function threadsOnOneCpu(cpu: number, why: string): string {
  return `all of its threads are on CPU ${cpu}: ${why}`;
}

/** What is said of threads of a component that are all where it is: they share an instance. */
export function onCpuOfAll(cpu: number): string {
  return `on CPU ${cpu}, as all threads that share an instance`;
}

/** Whether instantiating a module writes into its memory, by active segments; also if it cannot be read. */
export function writesData(bytes: Uint8Array): boolean {
  try {
    const reader = new ByteReader(bytes);
    reader.skip(HEADER_BYTES);
    while (!reader.done) {
      const id = reader.u8();
      const size = reader.u32();
      if (id !== DATA_SECTION) {
        reader.skip(size);
        continue;
      }
      for (let left = reader.u32(); left > 0; left--) {
        if (reader.u32() !== PASSIVE) return true;
        reader.skip(reader.u32());
      }
      return false;
    }
    return false;
  } catch {
    return true;
  }
}

/** Names of globals as the name section has them; none if there is no such section or it is malformed. */
function globalNames(bytes: Uint8Array): [index: number, name: string][] {
  const names: [number, string][] = [];
  try {
    const section = nameSection(bytes);
    while (section && !section.done) {
      const id = section.u8();
      const size = section.u32();
      if (id !== GLOBAL_NAMES) {
        section.skip(size);
        continue;
      }
      for (let left = section.u32(); left > 0; left--) names.push([section.u32(), section.name()]);
      return names;
    }
  } catch {
    return names;
  }
  return names;
}

function nameSection(bytes: Uint8Array): ByteReader | undefined {
  const reader = new ByteReader(bytes);
  reader.skip(HEADER_BYTES);
  while (!reader.done) {
    const id = reader.u8();
    const size = reader.u32();
    const end = reader.position + size;
    if (id === CUSTOM_SECTION && reader.name() === "name") return new ByteReader(bytes.subarray(reader.position, end));
    reader.skip(end - reader.position);
  }
  return undefined;
}
