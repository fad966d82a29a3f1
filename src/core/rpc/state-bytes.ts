// Plain state as bytes, for dataspaces: JSON with big integers and byte arrays as tagged objects. A u32 length comes
// first, because dataspaces are whole pages.
import type { SessionState } from "../../session/index.ts";

const decoder = new TextDecoder("utf-8", { fatal: true });
const encoder = new TextEncoder();

export function toStateBytes(state: SessionState): Uint8Array {
  const text = encoder.encode(
    JSON.stringify(state, (_, value: unknown) => {
      if (typeof value === "bigint") return { $bigint: `${value}` };
      return value instanceof Uint8Array ? { $bytes: [...value] } : value;
    }),
  );
  const bytes = new Uint8Array(4 + text.length);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 4);
  return bytes;
}

/** Undefined for bytes that `toStateBytes` has not made. */
export function fromStateBytes(bytes: Uint8Array): SessionState | undefined {
  if (bytes.length < 4) return undefined;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  if (length > bytes.length - 4) return undefined;
  try {
    return JSON.parse(decoder.decode(bytes.subarray(4, 4 + length)), (_, value) => revive(value)) as SessionState;
  } catch {
    return undefined;
  }
}

function revive(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if ("$bigint" in value) return BigInt(value.$bigint as string);
  return "$bytes" in value ? Uint8Array.from(value.$bytes as number[]) : value;
}
