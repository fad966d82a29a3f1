// Numbers of scripts: collected first, then read by an assembler all at once, as the initial values of globals.

import { ByteReader } from "../../src/util/index.ts";

interface Pending {
  readonly type: string;
  readonly text: string;
  readonly put: (value: string) => void;
}

interface NumberJson {
  [key: string]: unknown;
  type: string;
  value: string | string[];
}

export class Numbers {
  readonly #pending: Pending[] = [];

  /** The JSON of `(<type>.const <words>)`; its value is there after `resolve`. */
  constant(type: string, words: readonly string[]): NumberJson {
    if (type !== "v128") {
      const json: NumberJson = { type, value: "" };
      this.#number(type, words[0]!, (value) => (json.value = value));
      return json;
    }
    const lanes: string[] = [];
    const lane = words[0]!.split("x")[0]!;
    words.slice(1).forEach((word, index) => {
      this.#number(lane, word, (value) => (lanes[index] = value));
    });
    return { type, lane_type: lane, value: lanes };
  }

  /** @param assemble the initial values of the globals of a module in the text format */
  resolve(assemble: (wat: string) => readonly Uint8Array[]): void {
    const globals = this.#pending.map(({ type, text }) => `(global ${type} (${type}.const ${text}))`);
    const values = assemble(`(module ${globals.join("\n")})`);
    this.#pending.forEach(({ type, put }, index) => {
      put(bits(type, values[index]!));
    });
  }

  #number(lane: string, text: string, put: (value: string) => void): void {
    if (text.startsWith("nan:c") || text.startsWith("nan:a")) put(text);
    else this.#pending.push({ type: lane === "i8" || lane === "i16" ? "i32" : lane, text, put });
  }
}

/** The operand of a constant instruction as a decimal number. */
function bits(type: string, expression: Uint8Array): string {
  const reader = new ByteReader(expression, 1);
  const operand = new DataView(expression.buffer, expression.byteOffset + 1, expression.length - 1);
  if (type === "i32") return String(reader.s32());
  if (type === "f32") return String(operand.getUint32(0, true));
  if (type === "f64") return String(operand.getBigUint64(0, true));
  return String(signed64(expression));
}

function signed64(expression: Uint8Array): bigint {
  let value = 0n;
  let shift = 0n;
  for (let at = 1; ; at++) {
    const byte = BigInt(expression[at]!);
    value |= (byte & 0x7fn) << shift;
    shift += 7n;
    if ((byte & 0x80n) === 0n) return BigInt.asIntN(64, (byte & 0x40n) === 0n ? value : value | (-1n << shift));
  }
}
