// What the generators of the SDKs' constants share: the kernel's imports with their types, one list of all errors, and
// names in the forms that the languages use. Not here: the text of any language.
import { CALL_STATUS, KERNEL_IMPORTS } from "../../src/abi/message.ts";
import { RPC, type RpcFunction } from "../../src/abi/rpc.ts";

export type ImportType = "u32" | "i64" | "address";

/** A function of the kernel's module. */
export interface KernelImport {
  /** Key in KERNEL_IMPORTS, in camel case. */
  readonly key: string;
  /** Name in the module. */
  readonly name: string;
  readonly params: readonly (readonly [name: string, type: ImportType])[];
  readonly returns: boolean;
}

const MESSAGE_PARAM = ["message", "address"] as const;
/** The types of the imports, by the keys of KERNEL_IMPORTS (whose comments say what they do). */
const SIGNATURES: Readonly<Record<keyof typeof KERNEL_IMPORTS, Omit<KernelImport, "key" | "name">>> = {
  call: { params: [["capability", "u32"], ["opcode", "u32"], MESSAGE_PARAM], returns: true },
  serve: { params: [["dispatch", "u32"], ["argument", "u32"], MESSAGE_PARAM], returns: false },
  serveSignals: { params: [["source", "u32"]], returns: false },
  epWakeup: { params: [["thread", "u32"]], returns: false },
  epWaitWakeup: { params: [MESSAGE_PARAM], returns: false },
  futexWait: { params: [["word", "address"], ["expected", "u32"], ["timeout_ns", "i64"]], returns: true },
  futexWake: { params: [["word", "address"], ["most", "u32"]], returns: true },
  capBadge: { params: [["slot", "u32"]], returns: true },
  capRetain: { params: [["slot", "u32"]], returns: false },
  capRelease: { params: [["slot", "u32"]], returns: false },
  parent: { params: [], returns: true },
  self: { params: [], returns: true },
  yield: { params: [], returns: false },
  scopeBegin: { params: [["name", "address"], ["bytes", "u32"], ["color", "u32"]], returns: true },
  scopeEnd: { params: [["scope", "u32"]], returns: false },
}; // biome-ignore format: a table

export const IMPORTS: readonly KernelImport[] = Object.entries(KERNEL_IMPORTS).map(([key, name]) => {
  const signature = SIGNATURES[key as keyof typeof KERNEL_IMPORTS];
  if (!signature) throw new Error(`guest abi: import ${key} has no types; add it to scripts/guest-abi/model.ts`);
  return { key, name, ...signature };
});

/** Declared errors are numbered from here in the SDKs; below are the CALL_STATUS values. */
const FIRST_DECLARED = 16;

/** Everything that a call can end with besides success, as [kebab-case name, number in the SDKs]. */
export const ERRORS: readonly (readonly [name: string, value: number])[] = [
  ...Object.entries(CALL_STATUS)
    .filter(([, value]) => value !== CALL_STATUS.ok)
    .map(([name, value]) => [toKebab(name), value] as const),
  ...[...new Set(interfaces().flatMap(([, functions]) => functions.flatMap(({ errors }) => errors)))].map(
    (name, i) => [name, FIRST_DECLARED + i] as const,
  ),
];

/** Kinds of objects with their functions. */
export function interfaces(): readonly (readonly [kind: string, functions: readonly RpcFunction[]])[] {
  return Object.entries(RPC);
}

/** `region-map`, `regionMap` -> `region_map`. */
export function toSnake(name: string): string {
  return toKebab(name).replaceAll("-", "_");
}

/** -> `REGION_MAP`. */
export function toUpper(name: string): string {
  return toSnake(name).toUpperCase();
}

/** -> `regionMap`. */
export function toCamel(name: string): string {
  return toSnake(name).replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** -> `RegionMap`. */
export function toPascal(name: string): string {
  const camel = toCamel(name);
  return camel.charAt(0).toUpperCase() + camel.slice(1);
}

function toKebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`).replaceAll("_", "-");
}
