// SHA-256 that runs anywhere, synchronously. Hosts with a faster one pass it in (store/sha256-node.ts).
import { sha256 as digest } from "@noble/hashes/sha2.js";
import { toHex } from "../util/index.ts";

/** SHA-256 of bytes as 64 lower-case hexadecimal digits. */
export type Sha256 = (bytes: Uint8Array) => string;

export const sha256: Sha256 = (bytes) => toHex(digest(bytes));

/** Whether a string has the form of a SHA-256 name. */
export function hashLike(text: unknown): text is string {
  return typeof text === "string" && /^[0-9a-f]{64}$/.test(text);
}

/** The first 8 digits, for messages. */
export function short(hash: string): string {
  return hash.slice(0, 8);
}
