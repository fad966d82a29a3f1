// What the two threads of the freeze bench share.

/** Words: rounds begun, rounds done, whether the guest has come to where it is to be frozen. */
export const WORD = { go: 0, done: 1, inside: 2 } as const;

export interface Scenario {
  readonly name: string;
  /** The exported function to run. */
  readonly entry: string;
  /** Load the flag in JavaScript instead. */
  readonly ping?: boolean;
  readonly args: readonly unknown[];
}

export interface WorkerInput {
  readonly scenario: Scenario;
  readonly bytes: Uint8Array;
  readonly words: Int32Array<SharedArrayBuffer>;
  /** When the last request was honoured (process.hrtime), and the polls that found the flag set. */
  readonly times: BigInt64Array<SharedArrayBuffer>;
}
