// Module bytes as the benches handle them.

import { ByteWriter } from "../src/util/index.ts";

const CODE_SECTION = 10;
let count = 0;

/** The same module in bytes that the engine has not seen: it keeps compiled code by content. */
export function unseen(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(bytes.length + 64);
  writer.bytes(bytes);
  const name = new TextEncoder().encode(`bench ${process.pid} ${count++}`);
  writer.u8(0);
  writer.u32(name.length + 1);
  writer.u32(name.length);
  writer.bytes(name);
  return writer.toBytes() as Uint8Array<ArrayBuffer>;
}

/** Size of the code section. */
export function codeSectionBytes(bytes: Uint8Array): number {
  for (let at = 8; at < bytes.length; ) {
    const id = bytes[at++]!;
    let size = 0;
    for (let shift = 0, more = true; more; shift += 7) {
      const byte = bytes[at++]!;
      size += (byte & 0x7f) * 2 ** shift;
      more = byte >= 0x80;
    }
    if (id === CODE_SECTION) return size;
    at += size;
  }
  return 0;
}
