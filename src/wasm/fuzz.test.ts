// Hostile bytes: whatever they are, decodeModule returns a Module or throws one WasmFault, and what the engine takes
// we take. Random bytes, truncated and mutated modules of every feature, lying sizes and counts.
//
// The seed is in the message of a failure; RTCR_SEED=... repeats it, RTCR_FUZZ=... sets the number of cases.

import assert from "node:assert/strict";
import { test } from "node:test";
import { leb } from "../../test/assemble.ts";
import { FEATURES, GARBAGE_COLLECTED } from "../../test/feature-modules.ts";
import { type Random, seededRandom, seedOr } from "../../test/random.ts";
import {
  canonicalTypes,
  decodeModule,
  encodeModule,
  functionName,
  indexSpaces,
  type Module,
  nameSection,
  WasmFault,
} from "./index.ts";

const CASES = Number(process.env["RTCR_FUZZ"] ?? 10_000);
const SEED = seedOr(20261123);
const MODULES = [...Object.values(FEATURES), GARBAGE_COLLECTED];
/** Bytes that mean something: LEB128 edges, type codes, section ids, instructions of constant expressions. */
const TELLING = [
  0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x0b, 0x23, 0x40, 0x41, 0x4e, 0x4f, 0x50, 0x5e, 0x5f, 0x60,
  0x63, 0x64, 0x69, 0x6a, 0x6e, 0x6f, 0x70, 0x73, 0x7b, 0x7c, 0x7d, 0x7e, 0x7f, 0x80, 0xd0, 0xd2, 0xfb, 0xfd, 0xff,
];

/** What V8 takes against the specification: elements that are numbers. */
function engineIsLax(fault: WasmFault): boolean {
  return fault.detail.section === "element section" && fault.detail.expected === "a reference type";
}

/** Decodes or refuses; then, whether that agrees with the engine and survives encoding. */
function requireSound(input: Uint8Array<ArrayBuffer>): Module | undefined {
  const valid = WebAssembly.validate(input);
  let module: Module;
  try {
    module = decodeModule(input);
  } catch (thrown) {
    if (!(thrown instanceof WasmFault)) throw thrown;
    const { offset } = thrown.detail;
    assert.ok(offset >= 0 && offset <= input.length, `offset ${offset} lies in the module`);
    assert.ok(!valid || engineIsLax(thrown), `the engine takes it, we say: ${thrown.message}`);
    return undefined;
  }
  const encoded = encodeModule(module);
  const again = decodeModule(encoded);
  assert.deepEqual(encodeModule(again), encoded, "a second encoding gives the same bytes");
  if (valid) assert.ok(WebAssembly.validate(encoded), "the engine takes what was encoded");
  requireUsable(module);
  return module;
}

/** Whatever was decoded can be asked for its index spaces, types and names. */
function requireUsable(module: Module): void {
  const { functions } = indexSpaces(module);
  canonicalTypes(module);
  for (let index = 0; index <= Math.min(functions.length, 4); index++) functionName(module, index);
  const { module: name = "", locals } = nameSection(module);
  assert.ok(name.length + locals.size >= 0);
}

function hammer(name: string, make: (random: Random) => Uint8Array<ArrayBuffer>): void {
  test(name, () => {
    const random = seededRandom(SEED);
    let decoded = 0;
    for (let i = 0; i < CASES; i++) {
      const input = make(random);
      try {
        if (requireSound(input)) decoded++;
      } catch (cause) {
        const hex = Buffer.from(input).toString("hex");
        throw new Error(`RTCR_SEED=${SEED}, case ${i}: ${(cause as Error).message}\n${hex}`, { cause });
      }
    }
    if (process.env["RTCR_FUZZ"]) console.log(`${name}: ${decoded} of ${CASES} decoded`);
  });
}

/** Changes a few bytes of the range: another value, one more, one less. */
function mutated(input: Uint8Array, from: number, random: Random): Uint8Array<ArrayBuffer> {
  const bytes = [...input];
  for (let changes = 1 + random.below(3); changes > 0 && bytes.length > from; changes--) {
    const at = from + random.below(bytes.length - from);
    const value = random.below(3) === 0 ? random.below(256) : random.pick(TELLING);
    const kind = random.below(4);
    if (kind === 0) bytes[at]! ^= 1 << random.below(8);
    else bytes.splice(at, kind === 1 ? 0 : 1, ...(kind === 2 ? [] : [value]));
  }
  return new Uint8Array(bytes);
}

interface RawSection {
  readonly id: number;
  readonly content: Uint8Array;
  /** The size to announce, where it is a lie. */
  readonly size?: number;
}

/** The sections of a module: id and content. */
function sectionsOf(module: Uint8Array): RawSection[] {
  const sections: RawSection[] = [];
  for (let position = 8; position < module.length; ) {
    const id = module[position++]!;
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = module[position++]!;
      size += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    sections.push({ id, content: module.subarray(position, position + size) });
    position += size;
  }
  return sections;
}

function join(sections: readonly RawSection[]): Uint8Array<ArrayBuffer> {
  const parts = sections.map(({ id, content, size }) => [id, ...leb(size ?? content.length), ...content]);
  return new Uint8Array([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, ...parts.flat()]);
}

hammer("random bytes behind the preamble", (random) => {
  const bytes = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
  for (let count = random.below(40); count > 0; count--) bytes.push(random.below(random.below(2) ? 256 : 16));
  return new Uint8Array(bytes);
});

hammer("changed bytes anywhere", (random) => mutated(random.pick(MODULES), 0, random));

hammer("changed content of a section, its size put right", (random) => {
  const sections = sectionsOf(random.pick(MODULES));
  if (sections.length === 0) return join(sections);
  const at = random.below(sections.length);
  const { id, content } = sections[at]!;
  return join(sections.with(at, { id, content: mutated(content, 0, random) }));
});

hammer("sections left out, doubled, swapped or taken from another module", (random) => {
  const sections = sectionsOf(random.pick(MODULES));
  const others = sectionsOf(random.pick(MODULES));
  const at = random.below(sections.length + 1);
  const kind = random.below(3);
  if (kind === 0 || others.length === 0) return join(sections.toSpliced(at, 1));
  if (kind === 1) return join(sections.toSpliced(at, 0, random.pick(others)));
  const other = random.pick(others);
  return join(sections.map((section) => (section.id === other.id ? other : section)));
});

hammer("lying sizes and counts", (random) => {
  const sections = sectionsOf(random.pick(MODULES));
  if (sections.length === 0) return join(sections);
  const at = random.below(sections.length);
  const { id, content } = sections[at]!;
  const lie = random.pick([0, 1, 127, 128, 65_536, 1_000_000, 0x7fff_ffff, 0xffff_ffff, random.below(2 ** 32)]);
  if (random.below(2)) return join(sections.with(at, { id, content, size: lie }));
  const lied = new Uint8Array([...leb(lie), ...content.subarray(1)]);
  return join(sections.with(at, { id, content: lied }));
});

test("every module cut short at every byte", () => {
  for (const module of MODULES) {
    for (let length = 0; length < module.length; length++) requireSound(module.slice(0, length));
  }
});
