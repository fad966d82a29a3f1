// Plain data as text and back: JSON with bigints and bytes. What the runners pass saved states through, so that no
// live object can slip from a run into its continuation.

import type { PlainData } from "../../src/abi/index.ts";

export function toText(data: PlainData): string {
  return JSON.stringify(data, (_, value: unknown) => {
    if (typeof value === "bigint") return { $bigint: String(value) };
    if (value instanceof Uint8Array) {
      return { $bytes: Buffer.from(value.buffer, value.byteOffset, value.length).toString("base64") };
    }
    return value;
  });
}

export function fromText(text: string): PlainData {
  return JSON.parse(text, (_, value: unknown) => {
    if (typeof value !== "object" || value === null) return value;
    const { $bigint, $bytes } = value as { $bigint?: string; $bytes?: string };
    if ($bigint !== undefined) return BigInt($bigint);
    return $bytes === undefined ? value : new Uint8Array(Buffer.from($bytes, "base64"));
  }) as PlainData;
}
