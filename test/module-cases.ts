// One-line cases about modules in the notation of assemble.ts: what is read, what is refused and in which words.
// Where the engine accepts a module, so must we, and the other way round unless said.

import assert from "node:assert/strict";
import { decodeModule, encodeModule, type Module, requireSupported } from "../src/wasm/index.ts";
import { bytes } from "./assemble.ts";

/** The module as bytes, and both opinions on it: it decodes, validates, and encodes to the same bytes. */
export function reads(sections: readonly string[], ...check: ((module: Module) => void)[]): void {
  const input = bytes(...sections);
  const module = decodeModule(input);
  assert.ok(WebAssembly.validate(input), `the engine accepts ${sections}`);
  assert.deepEqual(encodeModule(module), input, `${sections} are encoded to the same bytes`);
  for (const one of check) one(module);
}

/** Refused with exactly this message, by the engine too unless `engineAccepts`. */
export function refuses(sections: readonly string[], message: string, { engineAccepts = false } = {}): void {
  const input = bytes(...sections);
  assert.throws(() => requireSupported(decodeModule(input)), { name: "WasmFault", message });
  assert.equal(WebAssembly.validate(input), engineAccepts, `what the engine says to ${sections}`);
}

/** A type section with `() -> ()`. */
export const NULLARY = "1: 01 60 00 00";
/** A function of that type; its body follows in BODY. */
export const ONE_FUNCTION = [NULLARY, "3: 01 00"];
/** The code section of ONE_FUNCTION. */
export const BODY = "10: 01 02 00 0b";
