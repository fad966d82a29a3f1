// Forged data: everything that can be made of plain data by one change that keeps it plain data. Restores of state from
// strangers are held against each of them.

/** Plain data with one change. */
export interface Forgery {
  /** Where, as `volumes[0].roots[1]`, and what stands there now. */
  readonly change: string;
  readonly value: unknown;
}

const NUMBERS = [-1, 0, 1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, 2 ** 32, 2 ** 53, 1e300];
const BIGINTS = [-1n, 0n, 1n, 1n << 63n, 1n << 64n, 1n << 200n];
const TEXTS = [
  "",
  ".",
  "..",
  "/",
  "a/b",
  "/etc/passwd",
  "nul\0",
  "\u001b[31m",
  "\ud800",
  "__proto__",
  "x".repeat(5_000),
];
/** In place of a value of any kind. */
const OTHERS = [undefined, null, true, 7, -7n, "text", [], {}, [[]], new Uint8Array(3), new Uint8Array(70_000)];

/** Every forgery of `data`: each value in it replaced, each list and record with members gone, doubled, exchanged. */
export function* forgeries(data: unknown): Generator<Forgery> {
  const same = new Map<string, Set<unknown>>();
  collect(data, same);
  yield* forge(data, "", same);
}

/** Those of JSON that are JSON, as its text. */
export function* forgedJson(json: unknown): Generator<{ readonly change: string; readonly text: string }> {
  for (const { change, value } of forgeries(json)) if (isJson(value)) yield { change, text: JSON.stringify(value) };
}

function isJson(data: unknown): boolean {
  if (typeof data === "number") return Number.isFinite(data);
  if (data === undefined || typeof data === "bigint" || data instanceof Uint8Array) return false;
  return typeof data !== "object" || data === null || Object.values(data).every(isJson);
}

function* forge(data: unknown, path: string, same: ReadonlyMap<string, ReadonlySet<unknown>>): Generator<Forgery> {
  for (const value of replacements(data, same)) {
    if (!Object.is(value, data)) yield { change: `${path || "all"} is ${show(value)}`, value };
  }
  if (Array.isArray(data)) yield* forgeList(data, path, same);
  else if (isRecord(data)) yield* forgeRecord(data, path, same);
}

/** Every forgery that changes one member of a record with one of these names to one of `values`, others of its kind. */
export function* exchanged(data: unknown, names: readonly string[], values: readonly unknown[]): Generator<Forgery> {
  if (data instanceof Uint8Array || typeof data !== "object" || data === null) return;
  for (const [key, item] of Object.entries(data)) {
    const put = (value: unknown) => (Array.isArray(data) ? data.with(Number(key), value) : { ...data, [key]: value });
    if (names.includes(key)) {
      for (const value of values) if (value !== item) yield { change: `${key} ${item} is ${value}`, value: put(value) };
    }
    for (const { change, value } of exchanged(item, names, values)) {
      yield { change: `${key}.${change}`, value: put(value) };
    }
  }
}

/** What records in `data` have as members of these names. */
export function membersOf(data: unknown, names: readonly string[]): unknown[] {
  if (data instanceof Uint8Array || typeof data !== "object" || data === null) return [];
  return Object.entries(data).flatMap(([key, item]) => (names.includes(key) ? [item] : membersOf(item, names)).flat());
}

function* forgeList(data: readonly unknown[], path: string, same: ReadonlyMap<string, ReadonlySet<unknown>>) {
  if (data.length > 1) yield { change: `${path} is reversed`, value: data.toReversed() };
  for (const [i, item] of data.entries()) {
    const at = `${path}[${i}]`;
    yield { change: `${at} is left out`, value: data.toSpliced(i, 1) };
    yield { change: `${at} is there twice`, value: data.toSpliced(i, 0, item) };
    for (const { change, value } of forge(item, at, same)) yield { change, value: data.with(i, value) };
  }
}

function* forgeRecord(
  data: Readonly<Record<string, unknown>>,
  path: string,
  same: ReadonlyMap<string, ReadonlySet<unknown>>,
) {
  yield { change: `${path} has a field "further"`, value: { ...data, further: 1 } };
  for (const [key, item] of Object.entries(data)) {
    const at = path === "" ? key : `${path}.${key}`;
    for (const { change, value } of forge(item, at, same)) yield { change, value: { ...data, [key]: value } };
  }
}

/** Of the same kind with other values, some of those that stand elsewhere, and of other kinds. */
function* replacements(data: unknown, same: ReadonlyMap<string, ReadonlySet<unknown>>): Generator<unknown> {
  const kind = kindOf(data);
  if (kind === "number") yield* NUMBERS;
  if (kind === "bigint") yield* BIGINTS;
  if (kind === "string") yield* TEXTS;
  if (kind === "boolean") yield !data;
  if (data instanceof Uint8Array) yield* [new Uint8Array(0), data.slice(1), new Uint8Array(data.length + 1)];
  if (kind !== "record" && kind !== "list") yield* [...(same.get(kind) ?? [])].slice(0, 6);
  for (const other of OTHERS) if (kindOf(other) !== kind) yield other;
}

function collect(data: unknown, into: Map<string, Set<unknown>>): void {
  const kind = kindOf(data);
  if (Array.isArray(data)) for (const item of data) collect(item, into);
  else if (isRecord(data)) for (const item of Object.values(data)) collect(item, into);
  else into.set(kind, (into.get(kind) ?? new Set()).add(data));
}

function kindOf(data: unknown): string {
  if (data === null) return "null";
  if (Array.isArray(data)) return "list";
  if (data instanceof Uint8Array) return "bytes";
  return typeof data === "object" ? "record" : typeof data;
}

function isRecord(data: unknown): data is Readonly<Record<string, unknown>> {
  return kindOf(data) === "record";
}

function show(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (typeof value === "bigint") return `${value}n`;
  const text = JSON.stringify(value) ?? "absent";
  return typeof value === "number" ? String(value) : text.length > 40 ? `${text.slice(0, 40)}...` : text;
}
