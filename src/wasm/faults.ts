// The fault of this layer: a module that cannot be decoded, or one that rtcr does not support.

import { BytesFault, Fault } from "../util/index.ts";

/**
 * - "malformed": the bytes are not a module of the binary format
 * - "invalid": they are, but an index, type or limit breaks a rule of the structure
 * - "unsupported": a feature that rtcr refuses by name
 * - "too-large": beyond a bound of LIMITS, which are those of JavaScript engines
 */
export type WasmFaultCode = "malformed" | "invalid" | "unsupported" | "too-large";

/** Where it is and, where it can be said in two words, what was expected and found there. */
export interface WasmFaultDetail {
  /** Byte offset in the whole module. */
  readonly offset: number;
  /** `import section` and so on; absent in front of the first section. */
  readonly section?: string;
  readonly expected?: string;
  readonly found?: string;
  readonly [more: string]: unknown;
}

const SUBJECT: Readonly<Record<WasmFaultCode, string>> = {
  malformed: "malformed module",
  invalid: "invalid module",
  unsupported: "unsupported module",
  "too-large": "module too large",
};

/** A module that cannot be used: `malformed module: byte 1234, import section: expected ..., found ...`. */
export class WasmFault extends Fault<WasmFaultCode> {
  declare readonly detail: WasmFaultDetail;
  /** The message without the place. */
  readonly statement: string;

  /** @param statement what is wrong; the message puts subject, offset and section in front of it */
  constructor(code: WasmFaultCode, statement: string, detail: WasmFaultDetail, cause?: unknown) {
    const place = `byte ${detail.offset}${detail.section === undefined ? "" : `, ${detail.section}`}`;
    super(code, `${SUBJECT[code]}: ${place}: ${statement}`, detail, cause);
    this.statement = statement;
  }

  /** The fault "expected this, found that". */
  static expected(offset: number, expected: string, found: string, code: WasmFaultCode = "malformed"): WasmFault {
    return new WasmFault(code, `expected ${expected}, found ${found}`, { offset, expected, found });
  }

  /**
   * Any fault of decoding as a WasmFault that names its section; a WasmFault that names one stays as it is.
   *
   * @param ended what has ended where bytes were missing
   * @throws `thrown` itself if it is no fault of decoding: a bug stays a bug
   */
  static from(thrown: unknown, section: string, ended = section): WasmFault {
    if (thrown instanceof WasmFault) {
      if (thrown.detail.section !== undefined) return thrown;
      return new WasmFault(thrown.code, thrown.statement, { ...thrown.detail, section }, thrown.cause);
    }
    if (!(thrown instanceof BytesFault)) throw thrown;
    const { expected, offset } = thrown.detail as { expected?: string; offset: number };
    const detail = { ...thrown.detail, offset, section };
    if (thrown.code !== "unexpected-end") return new WasmFault("malformed", thrown.message, detail, thrown);
    const found = `the end of the ${ended}`;
    return new WasmFault("malformed", `expected ${expected}, found ${found}`, { ...detail, found }, thrown);
  }
}
