// What the torture tests use of Node, for browsers: tests are collected instead of run, data is cloned instead of
// serialised, and hashes are whatever tells two memories apart.

export interface CollectedTest {
  readonly name: string;
  readonly run: () => unknown;
}

export const collected: CollectedTest[] = [];

export function test(name: string, run: () => unknown): void {
  collected.push({ name, run });
}

/** What tests have to say beside their result. */
export const notes: string[] = [];

/** Prints a line, in a browser through the report. */
export function note(text: string): void {
  notes.push(text);
  console.log(text);
}

export default function assert(condition: unknown, message = "expected it to hold"): void {
  if (!condition) throw new Error(message);
}

assert.deepEqual = (actual: unknown, expected: unknown, message = ""): void => {
  if (same(actual, expected)) return;
  throw new Error(`${message}: found ${shown(actual)}, expected ${shown(expected)}`);
};

/** A message's pattern, properties, or a class of errors. */
type Expected = RegExp | Readonly<Record<string, unknown>> | (new (...args: never[]) => Error);

assert.throws = (run: () => unknown, expected: Expected): void => {
  try {
    run();
  } catch (thrown) {
    requireExpected(thrown, expected);
    return;
  }
  throw new Error("expected it to throw");
};

assert.rejects = async (promise: Promise<unknown>, expected: Expected): Promise<void> => {
  const outcome = await promise.then(
    () => "fulfilled" as const,
    (thrown: unknown) => ({ thrown }),
  );
  if (outcome === "fulfilled") throw new Error("expected a rejection");
  requireExpected(outcome.thrown, expected);
};

function requireExpected(thrown: unknown, expected: Expected): void {
  if (typeof expected === "function") {
    assert(thrown instanceof expected, `found ${thrown}`);
    return;
  }
  const wanted = expected instanceof RegExp ? { message: expected } : expected;
  for (const [name, value] of Object.entries(wanted)) {
    const found = (thrown as Record<string, unknown>)[name];
    assert(value instanceof RegExp ? value.test(String(found)) : same(found, value), `found ${name} ${shown(found)}`);
  }
}

assert.match = (text: string, pattern: RegExp): void => {
  assert(pattern.test(text), `found ${shown(text)}, expected ${pattern}`);
};

assert.equal = (actual: unknown, expected: unknown, message = ""): void => {
  if (!Object.is(actual, expected)) throw new Error(`${message}: found ${shown(actual)}, expected ${shown(expected)}`);
};

function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const keys = Object.keys(a);
  return (
    Object.getPrototypeOf(a) === Object.getPrototypeOf(b) &&
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && same(a[key as keyof typeof a], b[key as keyof typeof b]))
  );
}

function shown(value: unknown): string {
  return JSON.stringify(value, (_, item) => (typeof item === "bigint" ? `${item}n` : item));
}

/** FNV-1a in place of a cryptographic hash. */
export function createHash(): { update(bytes: Uint8Array): { digest(): string } } {
  return {
    update: (bytes) => {
      let hash = 0x811c9dc5;
      for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
      return { digest: () => String(hash >>> 0) };
    },
  };
}

/** Of node:timers/promises. */
export const setTimeout = (delayMs: number): Promise<void> =>
  new Promise((resolve) => void globalThis.setTimeout(resolve, delayMs));
export const setImmediate = (): Promise<void> => setTimeout(0);

export const serialize = (value: unknown): unknown => structuredClone(value);
export const deserialize = serialize;
