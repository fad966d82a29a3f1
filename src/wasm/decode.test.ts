// The frame of a module: preamble, order and sizes of sections. What is inside them: sections/sections.test.ts.

import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, hex } from "../../test/assemble.ts";
import { Bug } from "../util/index.ts";
import { decodeModule, WasmFault } from "./index.ts";

function refuses(input: ArrayLike<number>, message: string, detail?: object): void {
  const module = new Uint8Array(input);
  assert.equal(WebAssembly.validate(module), false);
  assert.throws(() => decodeModule(module), {
    name: "WasmFault",
    message,
    ...(detail === undefined ? {} : { detail }),
  });
}

const PREAMBLE = hex("00 'asm' 01 00 00 00");

test("preamble", () => {
  assert.deepEqual(decodeModule(new Uint8Array(PREAMBLE)).types, []);
  refuses([], "malformed module: byte 0: expected a preamble of 8 bytes, found 0 bytes");
  refuses(PREAMBLE.slice(0, 7), "malformed module: byte 7: expected a preamble of 8 bytes, found 7 bytes");
  const magic = "malformed module: byte 0: expected the magic number 0x00 0x61 0x73 0x6d of a module, found";
  refuses(hex("7f 'ELF' 02 01 01 00"), `${magic} 0x7f 0x45 0x4c 0x46`);
  refuses(hex("00 'asn' 01 00 00 00"), `${magic} 0x00 0x61 0x73 0x6e`);
  refuses(hex("'no'"), `${magic} 0x6e 0x6f`);
  const text = "(this looks like the text format: assemble it first)";
  refuses(hex("20 '(module)'"), `${magic} 0x20 0x28 0x6d 0x6f ${text}`);
  refuses(hex("';; a comment'"), `${magic} 0x3b 0x3b 0x20 0x61 ${text}`);
});

test("components and other versions are refused by name", () => {
  const at = "unsupported module: byte 4:";
  const component = "expected a core module, found a component (component model); give the core module inside it";
  refuses(hex("00 'asm' 0d 00 01 00"), `${at} ${component}`, { offset: 4, layer: 1, version: 0x1000d });
  refuses(hex("00 'asm' 01 00 01 00"), `${at} ${component}`);
  const version = (found: number) =>
    `${at} expected version 1 of the binary format, found ${found}; build the module with a current compiler`;
  for (const found of [0, 2, 11, 13]) refuses([...hex("00 'asm'"), found, 0, 0, 0], version(found));
  refuses(hex("00 'asm' 01 00 02 00"), version(0x20001));
});

test("a fault says what was found and expected, as data too", () => {
  const detail = { offset: 11, section: "type section", expected: "a function, struct or array type", found: "0x61" };
  const message = "malformed module: byte 11, type section: expected a function, struct or array type, found 0x61";
  refuses(bytes("1: 01 61 00 00"), message, detail);
  try {
    decodeModule(bytes("1: 01 61 00 00"));
  } catch (thrown) {
    assert.ok(thrown instanceof WasmFault);
    assert.equal(thrown.code, "malformed");
    assert.deepEqual(JSON.parse(JSON.stringify(thrown)), { code: "malformed", message, detail });
  }
  const missing = {
    offset: 10,
    section: "type section",
    expected: "the number of recursion groups",
    found: "the end of the type section",
  };
  refuses(
    bytes("1: "),
    `malformed module: byte 10, type section: expected ${missing.expected}, found ${missing.found}`,
    missing,
  );
});

test("a bug does not become a fault", () => {
  const bug = new Bug("must hold: something");
  assert.throws(() => WasmFault.from(bug, "type section"), bug);
});

test("frames of sections", () => {
  const at = "malformed module: byte";
  const cut = (count: number, ...sections: string[]) => bytes(...sections).subarray(0, -count);
  refuses(bytes("14: 00"), `${at} 8: expected the id of a section (0 to 13), found 0x0e`);
  refuses(
    [...PREAMBLE, 1],
    `${at} 9, type section: expected the size of the section, found the end of the type section`,
  );
  refuses(
    [...PREAMBLE, 1, 0x80],
    `${at} 10, type section: expected the size of the section, found the end of the type section`,
  );
  refuses(
    cut(1, "1: 01 60 00 00"),
    `${at} 9, type section: expected 4 bytes of the section, found 3 bytes up to the end of the module`,
  );
  refuses(
    [...PREAMBLE, 0, 0xff, 0xff, 0xff, 0xff, 0x0f],
    `${at} 9, custom section: expected 4294967295 bytes of the section, found 0 bytes up to the end of the module`,
  );
  refuses(
    [...PREAMBLE, 0, 0xff, 0xff, 0xff, 0xff, 0x1f],
    `${at} 14, custom section: expected the size of the section (LEB128 of at most 5 bytes and 32 bits)`,
  );
  refuses(bytes("1: 00 00"), `${at} 11, type section: expected the end of the section, found 1 more bytes`);
});

test("order of sections", () => {
  const expected = "expected each section once, in the order of the specification, found";
  const at = "malformed module: byte 11:";
  const order = ["1", "2", "3", "4", "5", "13", "6", "7", "9", "12", "10", "11"];
  const all = order.map((id) => `${id}: 00`);
  assert.ok(WebAssembly.validate(bytes(...all)));
  decodeModule(bytes(...all));
  refuses(bytes("1: 00", "1: 00"), `${at} ${expected} a second type section`);
  refuses(bytes("2: 00", "1: 00"), `${at} ${expected} the type section behind the import section`);
  refuses(bytes("6: 00", "13: 00"), `${at} ${expected} the tag section behind the global section`);
  refuses(bytes("10: 00", "12: 00"), `${at} ${expected} the data count section behind the code section`);
  for (let i = 1; i < all.length; i++) {
    const swapped = [...all.slice(0, i - 1), all[i]!, all[i - 1]!, ...all.slice(i + 1)];
    assert.throws(() => decodeModule(bytes(...swapped)), { code: "malformed" }, `${swapped}`);
  }
});

test("all numbers may be padded to their full width", () => {
  const padded = bytes(
    "1: 81 80 80 80 00 60 80 00 81 00 7f",
    "3: 81 00 80 80 80 80 00",
    "10: 81 00 84 80 80 80 00 00 41 01 0b",
  );
  assert.ok(WebAssembly.validate(padded));
  const { types, functions, code } = decodeModule(padded);
  assert.deepEqual(types, [{ kind: "func", params: [], results: [0x7f] }]);
  assert.deepEqual(functions, [0]);
  assert.deepEqual(code[0]!.bytes, new Uint8Array([0, 0x41, 1, 0x0b]));
});

test("the input may be a view, a Buffer or shared memory, and is not copied", () => {
  const module = bytes("1: 01 60 00 00", "3: 01 00", "10: 01 02 00 0b");
  const buffer = Buffer.concat([Buffer.alloc(3), module]).subarray(3);
  const shared = new Uint8Array(new SharedArrayBuffer(module.length));
  shared.set(module);
  for (const input of [buffer, shared]) {
    const { code } = decodeModule(input);
    assert.equal(code[0]!.bytes.constructor, Uint8Array);
    assert.equal(code[0]!.bytes.buffer, input.buffer);
    assert.equal(code[0]!.offset, 22);
  }
});
