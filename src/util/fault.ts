// Three kinds of failure, three mechanisms: refusals are values (Attempt), faults are thrown with a stable code,
// bugs are assertions. Nothing here knows any layer; each layer derives one Fault class of its own.

/**
 * Bad bytes, a lost peer, a damaged page: something from outside was not what it had to be.
 *
 * `code` is stable and documented, `message` says what was found and what was expected (lower case, no full stop),
 * `detail` carries the same facts as plain data, so that a fault can be printed as JSON and cross a wire.
 */
export class Fault<Code extends string = string> extends Error {
  readonly code: Code;
  readonly detail: Readonly<Record<string, unknown>>;

  constructor(code: Code, message: string, detail: Readonly<Record<string, unknown>> = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.detail = detail;
  }

  /** The fault as plain data, as it crosses a wire. */
  toJSON(): { code: Code; message: string; detail: Readonly<Record<string, unknown>> } {
    return { code: this.code, message: this.message, detail: this.detail };
  }
}

/** A broken invariant of our own: never caught, never used for input. */
export class Bug extends Error {
  override readonly name = "Bug";
}

/** Stops with a Bug unless `condition` holds; `what` states what must hold. */
export function assert(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Bug(`must hold: ${what}`);
}

/** The value, or a Bug if it is absent; `what` states what must exist. */
export function required<T>(value: T | undefined | null, what: string): T {
  if (value === undefined || value === null) throw new Bug(`must exist: ${what}`);
  return value;
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
