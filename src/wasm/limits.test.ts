// Every bound of LIMITS just below and just above: taken, and refused as too large (or invalid) before any allocation.

import assert from "node:assert/strict";
import { test } from "node:test";
import { leb } from "../../test/assemble.ts";
import { decodeModule, LIMITS } from "./index.ts";

const PREAMBLE = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

type Bytes = ArrayLike<number>;

function concat(...parts: Bytes[]): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let position = 0;
  for (const part of parts) {
    result.set(part, position);
    position += part.length;
  }
  return result;
}

/** `count` times the same bytes. */
function times(count: number, ...item: number[]): Uint8Array {
  const result = new Uint8Array(count * item.length);
  for (let i = 0; i < item.length; i++) for (let at = i; at < result.length; at += item.length) result[at] = item[i]!;
  return result;
}

function section(id: number, ...content: Bytes[]): Uint8Array {
  const data = concat(...content);
  return concat([id], leb(data.length), data);
}

const module = (...sections: Bytes[]): Uint8Array<ArrayBuffer> => concat(PREAMBLE, ...sections);
const NULLARY = section(1, [1, 0x60, 0, 0]);
const body = (bytes: Bytes) => module(NULLARY, section(3, [1, 0]), section(10, [1], leb(bytes.length), bytes));

/** Takes `make(limit)` and refuses `make(limit + 1)` with the given words. */
function bounds(limit: number, make: (count: number) => Uint8Array<ArrayBuffer>, message: string): void {
  decodeModule(make(limit));
  assert.throws(
    () => decodeModule(make(limit + 1)),
    (thrown: Error) => thrown.message.includes(message),
    message,
  );
}

/** The same for a vector of equal items. */
function boundsItems(limit: number, id: number, item: number[], what: string, ...before: Bytes[]): void {
  const make = (count: number) => module(...before, section(id, leb(count), times(count, ...item)));
  bounds(limit, make, `expected at most ${limit} ${what}, found ${limit + 1}`);
}

test("numbers of definitions", () => {
  boundsItems(LIMITS.types, 1, [0x60, 0, 0], "recursion groups");
  boundsItems(LIMITS.imports, 2, [0, 0, 0, 0], "imports", NULLARY);
  boundsItems(LIMITS.tables, 4, [0x70, 0, 0], "tables");
  boundsItems(LIMITS.memories, 5, [0, 0], "memories");
  boundsItems(LIMITS.tags, 13, [0, 0], "tags", NULLARY);
  boundsItems(LIMITS.globals, 6, [0x7f, 0, 0x41, 0, 0x0b], "globals");
  boundsItems(LIMITS.dataSegments, 11, [1, 0], "data segments");
  boundsItems(LIMITS.elementSegments, 9, [1, 0, 0], "element segments");
  const functions = (count: number) =>
    module(NULLARY, section(3, leb(count), times(count, 0)), section(10, leb(count), times(count, 2, 0, 0x0b)));
  bounds(
    LIMITS.functions,
    functions,
    "module too large: byte 18, function section: expected at most 1000000 functions, found 1000001",
  );
  const group = (count: number) => module(section(1, [1, 0x4e], leb(count), times(count, 0x60, 0, 0)));
  bounds(LIMITS.types, group, "expected at most 1000000 types, found 1000001");
  const dataCount = module(section(12, leb(LIMITS.dataSegments + 1)));
  assert.throws(() => decodeModule(dataCount), { code: "too-large" });
});

test("exports", () => {
  const names = new Uint8Array(7 * (LIMITS.exports + 1));
  for (let i = 0; i <= LIMITS.exports; i++) {
    names.set([4, 64 + (i >> 15), 64 + ((i >> 10) & 31), 32 + ((i >> 5) & 31), 32 + (i & 31), 2, 0], 7 * i);
  }
  const make = (count: number) => module(section(5, [1, 0, 0]), section(7, leb(count), names.subarray(0, 7 * count)));
  bounds(LIMITS.exports, make, "expected at most 1000000 exports, found 1000001");
});

test("entries of element segments, all segments together", () => {
  const half = LIMITS.elementFunctions / 2;
  const functions = (count: number) =>
    module(
      NULLARY,
      section(2, [1, 0, 0, 0, 0]),
      section(9, [2, 1, 0], leb(half), times(half, 0), [1, 0], leb(count - half), times(count - half, 0)),
    );
  bounds(
    LIMITS.elementFunctions,
    functions,
    "expected at most 5000000 more functions in element segments, found 5000001",
  );
  const expressions = (count: number) =>
    module(section(9, [2, 5, 0x70, 1, 0xd0, 0x70, 0x0b, 5, 0x70], leb(count - 1), times(count - 1, 0xd0, 0x70, 0x0b)));
  bounds(
    LIMITS.elementExpressions,
    expressions,
    "expected at most 999999 more expressions in element segments, found 1000000",
  );
});

test("function types, fields and locals", () => {
  const params = (count: number) => module(section(1, [1, 0x60], leb(count), times(count, 0x7f), [0]));
  bounds(LIMITS.parameters, params, "expected at most 1000 parameters, found 1001");
  const results = (count: number) => module(section(1, [1, 0x60, 0], leb(count), times(count, 0x7f)));
  bounds(LIMITS.results, results, "expected at most 1000 results, found 1001");
  const fields = (count: number) => module(section(1, [1, 0x5f], leb(count), times(count, 0x7f, 0)));
  bounds(LIMITS.fields, fields, "expected at most 10000 fields, found 10001");
  const locals = (count: number) => body(concat([2], leb(count - 1), [0x7f, 1, 0x7e, 0x0b]));
  bounds(
    LIMITS.locals,
    locals,
    "module too large: byte 27, code section: expected at most 50000 locals in a function, found 50001",
  );
  assert.throws(() => decodeModule(body([1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7f, 0x0b])), { code: "too-large" });
});

test("sizes", () => {
  const bytes = (count: number) => body(concat([0], times(count - 2, 1), [0x0b]));
  bounds(LIMITS.functionBytes, bytes, "expected a function body of at most 7654321 bytes, found 7654322");
  assert.throws(() => decodeModule(new Uint8Array(LIMITS.moduleBytes)), { code: "malformed" });
  assert.throws(() => decodeModule(new Uint8Array(LIMITS.moduleBytes + 1)), {
    code: "too-large",
    message: "module too large: byte 0: expected at most 1073741824 bytes, found 1073741825",
  });
});

test("memories and tables", () => {
  const memory = (pages: number) => module(section(5, [1, 0], leb(pages)));
  bounds(
    LIMITS.memoryPages,
    memory,
    "invalid module: byte 12, memory section: expected a minimum of pages of memory of at most 65536, found 65537",
  );
  const maximum = (pages: number) => module(section(5, [1, 1, 0], leb(pages)));
  bounds(LIMITS.memoryPages, maximum, "expected a maximum of pages of memory of at most 65536, found 65537");
  const memory64 = (pages: number) => module(section(5, [1, 5, 0], leb(pages)));
  bounds(
    LIMITS.memory64Pages,
    memory64,
    "expected a maximum of pages of memory of at most 281474976710656, found 281474976710657",
  );
  const table = (elements: number) => module(section(4, [1, 0x70, 0], leb(elements)));
  bounds(
    LIMITS.tableElements,
    table,
    "module too large: byte 12, table section: expected at most 10000000 initial table elements, found 10000001",
  );
});

test("what the engine takes at its limits, we take", () => {
  for (const input of [
    module(section(5, [1, 4], leb(262_144))),
    module(section(4, [1, 0x70, 1, 1], leb(0xffff_ffff))),
    module(section(1, [1, 0x60], leb(LIMITS.parameters), times(LIMITS.parameters, 0x7f), [0])),
    body(concat([1], leb(LIMITS.locals), [0x7f, 0x0b])),
    module(section(5, leb(LIMITS.memories), times(LIMITS.memories, 0, 0))),
  ]) {
    assert.ok(WebAssembly.validate(input));
    decodeModule(input);
  }
});

test("a lying count allocates nothing", () => {
  for (const id of [1, 2, 3, 4, 5, 13, 6, 7, 9, 10, 11]) {
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < 100; i++) {
      const input = module(section(id, [0xff, 0xff, 0xff, 0xff, 0x0f], times(16, 0x60)));
      assert.throws(() => decodeModule(input), { code: "malformed" });
    }
    assert.ok(process.memoryUsage().heapUsed - before < 16 << 20, `section ${id}`);
  }
});

test("at most so many obstacles are noted", () => {
  const make = (count: number) => module(section(1, leb(count), times(count, 0x5f, 0)));
  assert.equal(decodeModule(make(LIMITS.obstacles)).obstacles.length, LIMITS.obstacles);
  assert.equal(decodeModule(make(LIMITS.obstacles + 1)).obstacles.length, LIMITS.obstacles);
});
