/** Takes bytes of something large, piece by piece. */
export interface ByteSink {
  /** `length` bytes from `from` of `source` on stand at `at` of it; they are its own, not a copy. */
  bytes(at: number, source: Uint8Array, from: number, length: number): void;
  /** So many bytes at `at` are zero. */
  zeros(at: number, length: number): void;
}
