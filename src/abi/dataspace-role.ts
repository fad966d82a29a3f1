// What a dataspace is for, where its program has said so: in its first 16 bytes (docs/GUEST-ABI.md). The heaps of the SDKs do.

export const ROLE_BYTES = 16;
const MARK = "rtcr:";

/** "heap chunk" for `rtcr:heap chunk` and a 0; undefined: it does not say. @param head the first ROLE_BYTES */
export function statedRole(head: Uint8Array): string | undefined {
  const text = String.fromCharCode(...head);
  const end = text.indexOf("\0");
  const role = text.slice(MARK.length, Math.max(end, 0));
  return text.startsWith(MARK) && /^[\x20-\x7e]+$/.test(role) ? role : undefined;
}
