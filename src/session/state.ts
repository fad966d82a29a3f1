// The state of a session as plain data: what a session's `capture` gives and its service takes to create it again.

/** Data that JSON can carry, and bigint and bytes; the same shape as PlainData of abi/, which session/ may not import. */
export type SessionState =
  | null
  | boolean
  | number
  | string
  | bigint
  | Uint8Array
  | readonly SessionState[]
  | { readonly [key: string]: SessionState | undefined };
