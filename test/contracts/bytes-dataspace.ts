// What the suites of this folder share: dataspaces that are bytes in JavaScript. Runs nothing by itself.
import { Badges, type Capability, type Dataspace, toPages } from "../../src/session/index.ts";

export interface BytesDataspace {
  readonly capability: Capability<Dataspace>;
  readonly bytes: Uint8Array;
  readonly size: number;
  fill(bytes: Uint8Array, rest?: "keep" | "zero"): void;
  dispose(): void;
}

/** @param origin those of ROMs cannot be written to by clients */
export function bytesDataspace(
  sizeBytes: number,
  origin: "ram" | "rom" = "ram",
  badges = new Badges(),
): BytesDataspace {
  const bytes = new Uint8Array(toPages(Math.max(1, sizeBytes)));
  const move = (offset: number, length: number) => Math.max(0, Math.min(length, bytes.length - offset));
  const identity = badges.identify<Dataspace>({
    kind: "dataspace",
    origin,
    size: () => bytes.length,
    physAddr: () => 0x1000,
    writable: () => origin === "ram",
    read: (offset, target) => {
      const length = move(offset, target.length);
      target.set(bytes.subarray(offset, offset + length));
      return length;
    },
    write: (offset, source) => {
      const length = origin === "ram" ? move(offset, source.length) : 0;
      bytes.set(source.subarray(0, length), offset);
      return length;
    },
  });
  return {
    capability: identity.capability,
    bytes,
    size: bytes.length,
    fill: (content, rest = "keep") => {
      bytes.set(content);
      if (rest === "zero") bytes.fill(0, content.length);
    },
    dispose: () => identity.dispose(),
  };
}
