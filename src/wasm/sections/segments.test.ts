// The sections that refer to declarations, by their bytes: exports, start, elements, data, and custom sections.

import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes } from "../../../test/assemble.ts";
import { BODY, NULLARY, ONE_FUNCTION, reads, refuses } from "../../../test/module-cases.ts";
import { decodeModule, encodeModule, FUNCREF, HEAP } from "../index.ts";
import { refType } from "../types.ts";

test("export section", () => {
  const tail = ["4: 01 70 00 00", "5: 01 00 00", "13: 01 00 00", "6: 01 7f 00 41 00 0b"];
  reads(
    [...ONE_FUNCTION, ...tail, "7: 05 01 'f' 00 00 01 't' 01 00 01 'm' 02 00 01 'g' 03 00 00 04 00", BODY],
    ({ exports }) => {
      assert.deepEqual(
        exports.map(({ name, kind, index }) => `${name}:${kind}:${index}`),
        ["f:func:0", "t:table:0", "m:memory:0", "g:global:0", ":tag:0"],
      );
    },
  );
  for (const [kind, name] of ["function", "table", "memory", "global", "tag"].entries()) {
    refuses(
      [`7: 01 00 0${kind} 00`],
      `invalid module: byte 13, export section: expected a ${name} index below 0, found 0`,
    );
  }
  refuses(
    ["7: 01 00 05 00"],
    "malformed module: byte 12, export section: expected an export's kind (0 to 4), found 0x05",
  );
  refuses(
    ["5: 01 00 00", "7: 02 01 'a' 02 00 01 'a' 02 00"],
    'invalid module: byte 20, export section: expected export names that differ, found "a"',
  );
});

test("start section", () => {
  reads([...ONE_FUNCTION, "8: 00", BODY], (m) => assert.equal(m.start, 0));
  refuses(
    [...ONE_FUNCTION, "8: 01", BODY],
    "invalid module: byte 20, start section: expected a function index below 1, found 1",
  );
  refuses(
    ["1: 01 60 01 7f 00", "3: 01 00", "8: 00", BODY],
    "invalid module: byte 21, start section: expected a start function without parameters and results, found function 0 with 1 parameters and 0 results",
  );
});

test("element section: all eight forms", () => {
  const f = [...ONE_FUNCTION, "4: 02 70 00 02 70 00 02"];
  const func = refType(HEAP.func, false);
  const zero = new Uint8Array([0x41, 0, 0x0b]);
  const expressions = [new Uint8Array([0xd2, 0, 0x0b])];
  const forms: [hex: string, expected: object][] = [
    ["00 41 00 0b 01 00", { mode: "active", table: 0, offset: zero, type: func, functions: [0] }],
    ["01 00 01 00", { mode: "passive", type: func, functions: [0] }],
    ["02 01 41 00 0b 00 01 00", { mode: "active", table: 1, offset: zero, type: func, functions: [0] }],
    ["03 00 01 00", { mode: "declarative", type: func, functions: [0] }],
    ["04 41 00 0b 01 d2 00 0b", { mode: "active", table: 0, offset: zero, type: FUNCREF, expressions }],
    ["05 70 01 d2 00 0b", { mode: "passive", type: FUNCREF, expressions }],
    ["06 01 41 00 0b 70 01 d2 00 0b", { mode: "active", table: 1, offset: zero, type: FUNCREF, expressions }],
    [
      "06 00 41 00 0b 64 00 01 d2 00 0b",
      { mode: "active", table: 0, offset: zero, type: refType(0, false), expressions },
    ],
    ["07 64 70 01 d2 00 0b", { mode: "declarative", type: func, expressions }],
  ];
  for (const [form, expected] of forms)
    reads([...f, `9: 01 ${form}`, BODY], (m) => assert.deepEqual(m.elements, [expected]));
  reads([...f, `9: 09 ${forms.map(([form]) => form).join(" ")}`, BODY]);
  // The long forms of table 0 are understood, and written in their short form.
  const module = decodeModule(bytes(...f, "9: 02 02 00 41 00 0b 00 01 00 06 00 41 00 0b 70 01 d2 00 0b", BODY));
  assert.deepEqual(encodeModule(module), bytes(...f, "9: 02 00 41 00 0b 01 00 04 41 00 0b 01 d2 00 0b", BODY));

  const at = "malformed module: byte";
  refuses(["9: 01 08 00"], `${at} 11, element section: expected a form of element segments (0 to 7), found 8`);
  refuses(
    ["9: 01 00 41 00 0b 00"],
    "invalid module: byte 12, element section: expected a table for the active element segment, found none",
  );
  refuses(
    ["4: 01 70 00 00", "9: 01 02 01 41 00 0b 00 00"],
    "invalid module: byte 18, element section: expected a table index below 1, found 1",
  );
  refuses(["9: 01 01 01 00"], `${at} 12, element section: expected the kind of elements 0 (functions), found 0x01`);
  refuses(
    ["9: 01 01 00 01 00"],
    "invalid module: byte 14, element section: expected a function index below 0, found 0",
  );
  refuses(
    ["9: 01 05 70 01 d2 00 0b"],
    "invalid module: byte 15, element section: expected a func index below 0, found 0",
  );
  // V8 takes numbers for elements; the specification does not.
  const lax = { engineAccepts: true };
  refuses(["9: 01 05 7f 00"], `${at} 12, element section: expected a reference type, found 0x7f`, lax);
  refuses(
    ["9: 01 01 00 7f 00"],
    `${at} 13, element section: 127 more functions in element segments announced, only 1 bytes are left`,
  );
});

test("data and data count sections", () => {
  const memories = "5: 02 00 01 00 01";
  const zero = new Uint8Array([0x41, 0, 0x0b]);
  const forms: [hex: string, expected: object][] = [
    ["00 41 00 0b 02 'ab'", { mode: "active", memory: 0, offset: zero, bytes: new Uint8Array([97, 98]) }],
    ["01 00", { mode: "passive", bytes: new Uint8Array(0) }],
    ["02 01 41 00 0b 01 'c'", { mode: "active", memory: 1, offset: zero, bytes: new Uint8Array([99]) }],
  ];
  for (const [form, expected] of forms)
    reads([memories, `11: 01 ${form}`], (m) => assert.deepEqual(m.data, [expected]));
  reads([memories, "12: 03", `11: 03 ${forms.map(([form]) => form).join(" ")}`], (m) => assert.equal(m.dataCount, 3));
  reads(["12: 00"], (m) => assert.equal(m.dataCount, 0));
  assert.deepEqual(
    encodeModule(decodeModule(bytes(memories, "11: 01 02 00 41 00 0b 00"))),
    bytes(memories, "11: 01 00 41 00 0b 00"),
  );

  const at = "malformed module: byte";
  refuses(["11: 01 03 00"], `${at} 11, data section: expected a form of data segments (0 to 2), found 3`);
  refuses(
    ["11: 01 00 41 00 0b 00"],
    "invalid module: byte 12, data section: expected a memory for the active data segment, found none",
  );
  refuses(
    ["5: 01 00 00", "11: 01 02 01 41 00 0b 00"],
    "invalid module: byte 17, data section: expected a memory index below 1, found 1",
  );
  refuses(
    ["11: 01 01 09 00"],
    `${at} 13, data section: expected 9 bytes of a data segment, found the end of the data section`,
  );
  refuses(
    ["12: 02", "11: 01 01 00"],
    `${at} 13, data section: expected 2 data segments as in the data count section, found 1`,
  );
  refuses(["12: 02"], `${at} 11: expected a data section with 2 segments, found none`);
});

test("custom sections keep their place", () => {
  const customs = (at: number) => `0: 01 'a' 0${at}`;
  const sections = [
    customs(0),
    NULLARY,
    customs(1),
    customs(2),
    "3: 01 00",
    "13: 01 00 00",
    customs(3),
    "6: 01 7f 00 41 00 0b",
    "12: 00",
    customs(4),
    BODY,
    "0: 00",
    customs(5),
  ];
  reads(sections, (m) => {
    assert.deepEqual(
      m.customs.map(({ name, bytes: [first], after }) => [name, first, after]),
      [
        ["a", 0, 0],
        ["a", 1, 1],
        ["a", 2, 1],
        ["a", 3, 13],
        ["a", 4, 12],
        ["", undefined, 10],
        ["a", 5, 10],
      ],
    );
  });
  refuses(
    ["0: "],
    "malformed module: byte 10, custom section: expected the length of the name of a custom section, found the end of the custom section",
  );
  refuses(["0: 01 ff"], "malformed module: byte 10, custom section: the name of a custom section is not UTF-8");
});
