// Expected refusals (quota, authority, absence) as values: every contract in session/ returns these.

/** A refusal by name. */
export interface Refusal<Reason extends string> {
  readonly ok: false;
  readonly reason: Reason;
}

/** A value, or the name of the refusal the caller must expect. */
export type Attempt<T, Reason extends string> = { readonly ok: true; readonly value: T } | Refusal<Reason>;

const DONE = Object.freeze({ ok: true, value: undefined });

/** An attempt that succeeded. */
export function success<T>(value: T): { readonly ok: true; readonly value: T } {
  return value === undefined ? (DONE as { readonly ok: true; readonly value: T }) : { ok: true, value };
}

/** An attempt that was refused. */
export function refusal<Reason extends string>(reason: Reason): Refusal<Reason> {
  return { ok: false, reason };
}
