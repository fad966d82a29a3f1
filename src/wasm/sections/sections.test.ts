// The sections that declare, by their bytes: types, imports, functions, tables, memories, tags, globals.

import assert from "node:assert/strict";
import { test } from "node:test";
import { BODY, NULLARY, ONE_FUNCTION, reads, refuses } from "../../../test/module-cases.ts";
import { EXTERNREF, FUNCREF, I32, I64 } from "../index.ts";
import { refType } from "../types.ts";

test("type section", () => {
  reads([NULLARY], (m) => assert.deepEqual(m.types, [{ kind: "func", params: [], results: [] }]));
  reads(["1: 01 60 02 7f 7e 01 70"], ({ types: [type] }) => {
    assert.deepEqual(type, { kind: "func", params: [I32, I64], results: [FUNCREF] });
  });
  reads(["1: 02 60 00 00 60 01 63 00 01 64 00"], ({ types: [, type] }) => {
    assert.deepEqual(type, { kind: "func", params: [refType(0, true)], results: [refType(0, false)] });
  });
  // A recursion group whose members refer to each other, an empty one, one of a single type.
  reads(["1: 03 4e 02 60 01 63 01 00 60 01 64 00 00 4e 00 4e 01 60 00 00"], (m) => {
    assert.equal(m.types.length, 3);
    assert.deepEqual(m.typeGroups.recursive, [{ first: 0, count: 2 }]);
    assert.equal(m.typeGroups.groups, 3);
  });
  reads(["1: 02 50 00 60 00 00 4f 01 00 60 00 00"], ({ types }) => {
    assert.deepEqual(types[0], { kind: "func", params: [], results: [], open: true });
    assert.deepEqual(types[1], { kind: "func", params: [], results: [], supertype: 0 });
  });
  const at = "malformed module: byte";
  refuses(["1: 01 61 00 00"], `${at} 11, type section: expected a function, struct or array type, found 0x61`);
  refuses(["1: 01 60 01 40 00"], `${at} 13, type section: expected a value type, found 0x40`);
  refuses(["1: 01 60 01 63 3f 00"], "invalid module: byte 14, type section: expected a type index below 1, found 63");
  refuses(["1: 01 60 01 63 01 00"], "invalid module: byte 14, type section: expected a type index below 1, found 1");
  refuses(["1: 01 60 01 63 41 00"], `${at} 14, type section: expected a heap type, found 0x41`);
  refuses(["1: 05 60 00 00"], `${at} 10, type section: 5 recursion groups announced, only 3 bytes are left`);
  refuses(["1: 01 60 05 7f 00"], `${at} 12, type section: 5 parameters announced, only 2 bytes are left`);
  refuses(
    ["1: 01 4e 09 60 00 00"],
    `${at} 12, type section: 9 types in a recursion group announced, only 3 bytes are left`,
  );
  refuses(["1: 01 60 00"], `${at} 13, type section: expected the number of results, found the end of the type section`);
  refuses(["1: 01 60 00 00 00"], `${at} 14, type section: expected the end of the section, found 1 more bytes`);
  refuses(
    ["1: 01 50 01 00 60 00 00"],
    "invalid module: byte 13, type section: expected a supertype in front of type 0, found 0",
  );
  refuses(
    ["1: 03 50 00 60 00 00 50 00 60 00 00 50 02 00 01 60 00 00"],
    "module too large: byte 22, type section: expected at most 1 supertypes, found 2",
  );
});

test("types of garbage collection and of proposals are refused by name", () => {
  const save = "rtcr does not save garbage-collected objects";
  const at = "unsupported module: byte";
  const gc = { engineAccepts: true };
  refuses(["1: 01 5f 01 7f 00"], `${at} 11, type section: type 0 is a struct type; ${save}`, gc);
  refuses(["1: 02 60 00 00 5e 78 01"], `${at} 14, type section: type 1 is an array type; ${save}`, gc);
  refuses(["1: 01 4e 02 60 00 00 50 00 5f 00"], `${at} 18, type section: type 1 is a struct type; ${save}`, gc);
  const collected = `is a type of garbage-collected objects; ${save}`;
  for (const [code, name] of Object.entries({
    "6e": "any",
    "6d": "eq",
    "6c": "i31",
    "6b": "struct",
    "6a": "array",
    "71": "none",
  })) {
    refuses([`1: 01 60 01 ${code} 00`], `${at} 13, type section: (ref null ${name}) ${collected}`, gc);
    refuses([`1: 01 60 00 01 64 ${code}`], `${at} 14, type section: (ref ${name}) ${collected}`, gc);
  }
  refuses(["2: 01 00 00 03 6e 00"], `${at} 14, import section: (ref null any) ${collected}`, gc);
  refuses(["4: 01 6d 00 00"], `${at} 11, table section: (ref null eq) ${collected}`, gc);
  refuses(["6: 01 6c 00 d0 6c 0b"], `${at} 11, global section: (ref null i31) ${collected}`, gc);
  refuses(["9: 01 05 6b 00"], `${at} 12, element section: (ref null struct) ${collected}`, gc);
  refuses(
    [...ONE_FUNCTION, "10: 01 04 01 02 6e 0b"],
    `${at} 24, code section: function 0 has a local of type (ref null any); ${save}`,
    gc,
  );
  refuses(["6: 01 64 6c 00 41 00 fb 1c 0b"], `${at} 11, global section: (ref i31) ${collected}`, gc);
  refuses(
    ["6: 01 6f 00 d0 6f fb 1a fb 1b 0b"],
    `${at} 15, global section: any.convert_extern is a constant of garbage collection; ${save}`,
    gc,
  );

  const proposal = (index: number, name: string) =>
    `type ${index} belongs to the proposal "${name}", which is not supported`;
  refuses(["1: 01 5d 00"], `${at} 11, type section: ${proposal(0, "stack switching")}`);
  refuses(["1: 01 65 60 00 00"], `${at} 11, type section: ${proposal(0, "shared-everything threads")}`);
  refuses(
    ["1: 01 60 01 68 00"],
    `${at} 13, type section: type 0x68 of the proposal "stack switching" is not supported`,
  );
  refuses(
    ["6: 01 67 00 d0 67 0b"],
    `${at} 11, global section: type 0x67 of the proposal "reference-typed strings" is not supported`,
  );
});

test("import section", () => {
  const all =
    "2: 05 01 'm' 01 'f' 00 00  01 'm' 01 't' 01 70 00 01  00 01 'n' 02 01 01 02  01 'm' 01 'g' 03 7f 01  02 c3 a4 00 04 00 00";
  reads([NULLARY, all], ({ imports }) => {
    const limits = { shared: false, index64: false };
    assert.deepEqual(imports, [
      { module: "m", name: "f", kind: "func", type: 0 },
      { module: "m", name: "t", kind: "table", table: { element: FUNCREF, limits: { min: 1, ...limits } } },
      { module: "", name: "n", kind: "memory", memory: { min: 1, max: 2, ...limits } },
      { module: "m", name: "g", kind: "global", global: { type: I32, mutable: true } },
      { module: "ä", name: "", kind: "tag", type: 0 },
    ]);
  });
  const at = "malformed module: byte";
  refuses(["2: 01 00 00 05 00"], `${at} 13, import section: expected an import's kind (0 to 4), found 0x05`);
  refuses(["2: 01 00 00 00 00"], "invalid module: byte 14, import section: expected a type index below 0, found 0");
  refuses(["2: 01 01 ff 00 02 00 00"], `${at} 11, import section: an import's module name is not UTF-8`);
  refuses(
    ["2: 01 09 'a' 00 02 00 00"],
    `${at} 12, import section: expected 9 bytes of an import's module name, found the end of the import section`,
  );
  refuses(["2: 01 00 00 03 7f 04"], `${at} 15, import section: expected mutability 0 or 1, found 0x04`);
  refuses(
    ["2: 01 00 00 03 7f 02"],
    'unsupported module: byte 15, import section: shared globals (proposal "shared-everything threads")',
  );
  refuses(
    ["1: 01 5f 00", "2: 01 00 00 00 00"],
    "invalid module: byte 19, import section: expected the index of a function type, found 0, struct type",
  );
  refuses(
    ["1: 01 60 00 01 7f", "2: 01 00 00 04 00 00"],
    "invalid module: byte 22, import section: expected a tag without results, found type 0 with 1 results",
  );
  refuses(
    ["1: 01 60 00 00", "2: 01 00 00 04 01 00"],
    `${at} 20, import section: expected tag attribute 0 (exception), found 0x01`,
  );
});

test("function and code sections", () => {
  reads([...ONE_FUNCTION, BODY], ({ functions, code: [body] }) => {
    assert.deepEqual(functions, [0]);
    assert.deepEqual(body, { bytes: new Uint8Array([0, 0x0b]), offset: 22 });
  });
  reads([...ONE_FUNCTION, "10: 01 06 02 02 7f 01 70 0b"]);
  const at = "malformed module: byte";
  refuses([NULLARY, "3: 01 01"], "invalid module: byte 17, function section: expected a type index below 1, found 1");
  refuses(
    ["1: 01 5e 7f 00", "3: 01 00"],
    "invalid module: byte 17, function section: expected the index of a function type, found 0, array type",
  );
  refuses(ONE_FUNCTION, `${at} 18: expected a code section with 1 function bodies, found none`);
  refuses(
    [...ONE_FUNCTION, "10: 00"],
    `${at} 20, code section: expected 1 function bodies, one for each function, found 0`,
  );
  refuses(
    [...ONE_FUNCTION, "10: 02 02 00 0b 02 00 0b"],
    `${at} 20, code section: expected 1 function bodies, one for each function, found 2`,
  );
  refuses([NULLARY, BODY], `${at} 16, code section: expected 0 function bodies, one for each function, found 1`);
  refuses(
    [...ONE_FUNCTION, "10: 01 03 00 0b"],
    `${at} 22, code section: expected 3 bytes of a function body, found the end of the code section`,
  );
  refuses(
    [...ONE_FUNCTION, "10: 01 02 00 01"],
    `${at} 23, code section: expected end as the last byte of a function body, found 0x01`,
  );
  refuses(
    [...ONE_FUNCTION, "10: 01 00 00 0b"],
    `${at} 22, code section: expected the number of groups of locals, found the end of the function body`,
  );
  refuses(
    [...ONE_FUNCTION, "10: 01 04 09 02 7f 0b"],
    `${at} 22, code section: 9 groups of locals announced, only 3 bytes are left`,
  );
  refuses([...ONE_FUNCTION, "10: 01 04 01 02 01 0b"], `${at} 24, code section: expected a value type, found 0x01`);
  refuses(
    [...ONE_FUNCTION, "10: 01 03 01 82 80"],
    `${at} 25, code section: expected the number of locals, found the end of the function body`,
  );
});

test("table section", () => {
  const limits = { shared: false, index64: false };
  reads(["4: 01 70 00 01"], (m) =>
    assert.deepEqual(m.tables, [{ type: { element: FUNCREF, limits: { min: 1, ...limits } } }]),
  );
  reads(["4: 01 6f 01 01 02"], ({ tables: [table] }) => {
    assert.deepEqual(table!.type, { element: EXTERNREF, limits: { min: 1, max: 2, ...limits } });
  });
  reads(["4: 01 70 05 01 ff ff ff ff ff ff ff ff ff 01"], ({ tables: [table] }) => {
    assert.deepEqual(table!.type.limits, {
      min: 1,
      max: 2 ** 64,
      exactMax: 2n ** 64n - 1n,
      shared: false,
      index64: true,
    });
  });
  reads(["4: 01 40 00 70 00 01 d0 70 0b"], (m) =>
    assert.deepEqual(m.tables[0]!.init, new Uint8Array([0xd0, 0x70, 0x0b])),
  );
  const at = "malformed module: byte";
  refuses(["4: 01 7f 00 00"], `${at} 11, table section: expected a reference type, found 0x7f`);
  refuses(["4: 01 70 08 00"], `${at} 12, table section: expected flags of table limits (0, 1, 4 or 5), found 0x08`);
  refuses(
    ["4: 01 70 03 00 00"],
    'unsupported module: byte 12, table section: shared tables (proposal "shared-everything threads")',
  );
  refuses(
    ["4: 01 70 01 02 01"],
    "invalid module: byte 14, table section: expected a maximum of table elements from 2 on, found 1",
  );
  refuses(
    ["4: 01 40 01 70 00 01 d0 70 0b"],
    `${at} 12, table section: expected the zero byte of a table with initialiser, found 0x01`,
  );
  refuses(
    ["4: 01 40 00 70 00 01"],
    `${at} 16, table section: expected a constant instruction or end, found the end of the table section`,
  );
});

test("memory section", () => {
  const limits = { shared: false, index64: false };
  reads(["5: 01 00 01"], (m) => assert.deepEqual(m.memories, [{ min: 1, ...limits }]));
  reads(["5: 02 01 01 02 03 00 01"], ({ memories: [first, second] }) => {
    assert.deepEqual(first, { min: 1, max: 2, ...limits });
    assert.deepEqual(second, { min: 0, max: 1, shared: true, index64: false });
  });
  reads(["5: 01 05 01 80 80 04"], ({ memories: [memory] }) => {
    assert.deepEqual(memory, { min: 1, max: 65536, shared: false, index64: true });
  });
  const at = "malformed module: byte";
  refuses(
    ["5: 01 08 01 00"],
    'unsupported module: byte 11, memory section: memories with a page size of their own (proposal "custom page sizes")',
  );
  refuses(["5: 01 10 01"], `${at} 11, memory section: expected flags of memory limits (0 to 7), found 0x10`);
  refuses(
    ["5: 01 02 01"],
    "invalid module: byte 11, memory section: expected a maximum for a shared memory, found none",
  );
  refuses(
    ["5: 01 01 02 01"],
    "invalid module: byte 13, memory section: expected a maximum of pages of memory from 2 on, found 1",
  );
  refuses(
    ["5: 01 00 80 80 80 80 10"],
    `${at} 17, memory section: expected the minimum of pages of memory (LEB128 of at most 5 bytes and 32 bits)`,
  );
});

test("tag section", () => {
  reads(["1: 01 60 01 7f 00", "13: 02 00 00 00 00"], (m) => assert.deepEqual(m.tags, [0, 0]));
  refuses([NULLARY, "13: 01 00 01"], "invalid module: byte 18, tag section: expected a type index below 1, found 1");
  refuses(
    ["1: 01 60 00 01 7f", "13: 01 00 00"],
    "invalid module: byte 19, tag section: expected a tag without results, found type 0 with 1 results",
  );
});

test("global section", () => {
  reads(["6: 02 7f 00 41 07 0b 7f 01 23 00 41 01 6a 0b"], ({ globals: [first, second] }) => {
    assert.deepEqual(first, { type: { type: I32, mutable: false }, init: new Uint8Array([0x41, 7, 0x0b]) });
    assert.deepEqual(second!.init, new Uint8Array([0x23, 0, 0x41, 1, 0x6a, 0x0b]));
  });
  refuses(
    ["6: 01 7f 00 23 00 0b"],
    "invalid module: byte 14, global section: expected a global index below 0, found 0",
  );
  refuses(["6: 01 70 00 d2 00 0b"], "invalid module: byte 14, global section: expected a func index below 0, found 0");
  refuses(
    ["6: 01 7f 00 20 00 0b"],
    "malformed module: byte 13, global section: expected a constant instruction or end, found instruction 0x20",
  );
  refuses(
    ["6: 01 7b 00 fd 0d 0b"],
    "malformed module: byte 13, global section: expected a constant instruction or end, found instruction 0xfd 0x0d",
  );
});
