// Assertions of older suites that WebAssembly 3.0 has made untrue: what they call malformed or invalid is a valid
// module now. They are skipped with what allows it, and only where the plain engine accepts the module, too.

/** By what the reference interpreter of the older version says. */
const ALLOWED_NOW: ReadonlyMap<string, string> = new Map([
  ["multiple memories", "a module may have several memories"],
  ["multiple tables", "a module may have several tables"],
  ["zero byte expected", "a memory index stands where a zero byte stood"],
  ["zero flag expected", "a memory or table index stands where a zero byte stood"],
  ["unknown global", "constant expressions may read all globals in front of them"],
  ["unknown type", "a type may refer to itself"],
  ["constant expression required", "constant expressions may add, subtract and multiply"],
  ["invalid result arity", "functions and blocks may have several results"],
]);

/** Said of modules that are malformed to an older version, and decoded but invalid to 3.0. */
const INVALID_NOW: ReadonlySet<string> = new Set(["malformed memop flags", "zero byte expected", "zero flag expected"]);

/** What in 3.0 allows a module that an assertion refuses with `text`; undefined if nothing does. */
export function allowedNow(text: string | undefined): string | undefined {
  return text === undefined ? undefined : ALLOWED_NOW.get(text);
}

/** Whether a module that an assertion calls malformed may be refused as invalid instead. */
export function invalidNow(text: string | undefined): boolean {
  return text !== undefined && INVALID_NOW.has(text);
}
