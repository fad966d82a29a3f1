// What an init says to people.
import { writeLine } from "../core/index.ts";
import type { Env } from "../session/index.ts";

const WARNINGS_KEPT = 100;

export class Messages {
  readonly #log: Env["log"];
  /** How often what was warned of, the last ones. */
  readonly #warnings = new Map<string, number>();

  constructor(log: Env["log"]) {
    this.#log = log;
  }

  /** The same warning again and again is written for the 1st, 10th, 100th ... time only. */
  warn(message: string): void {
    const times = (this.#warnings.get(message) ?? 0) + 1;
    this.#warnings.delete(message);
    this.#warnings.set(message, times);
    if (this.#warnings.size > WARNINGS_KEPT) this.#warnings.delete(this.#warnings.keys().next().value!);
    if (!Number.isInteger(Math.log10(times))) return;
    this.log(`warning: ${message}${times > 1 ? ` (${times} times)` : ""}`);
  }

  /** Always one line: messages hold names and labels that children chose. */
  log(message: string): void {
    writeLine(this.#log, message.replace(/\p{Cc}/gu, "?"));
  }

  capture(): readonly (readonly [message: string, times: number])[] {
    return [...this.#warnings];
  }

  restore(warnings: readonly (readonly [message: string, times: number])[]): void {
    for (const [message, times] of warnings) this.#warnings.set(message, times);
  }
}
