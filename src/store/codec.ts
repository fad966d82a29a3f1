// How the bytes of a page are stored. The tag stands in the segment's index; names always are of the plain bytes.
import { joinBytes } from "../util/index.ts";

/** Tags of the segment format; never reused for anything else. */
export const CODEC_TAGS = { none: 0, zstd: 1, deflate: 2 } as const;

export type CodecName = keyof typeof CODEC_TAGS;

export interface Codec {
  readonly encode: (bytes: Uint8Array) => Promise<Uint8Array>;
  /** Rejects, or gives some bytes, when the input is damaged; never more than `sizeBytes`. */
  readonly decode: (bytes: Uint8Array, sizeBytes: number) => Promise<Uint8Array>;
}

/** What this host can decode. "none" needs no codec. */
export type Codecs = Readonly<Partial<Record<CodecName, Codec>>>;

/** deflate (raw) by the streams that every browser and Node have. */
export const webDeflate: Codec = {
  encode: (bytes) => through(bytes, new CompressionStream("deflate-raw"), Number.POSITIVE_INFINITY),
  decode: (bytes, sizeBytes) => through(bytes, new DecompressionStream("deflate-raw"), sizeBytes),
};

async function through(bytes: Uint8Array, stream: TransformStream, limitBytes: number): Promise<Uint8Array> {
  const source = new Blob([bytes.slice() as Uint8Array<ArrayBuffer>]).stream();
  const parts: Uint8Array[] = [];
  let total = 0;
  for await (const part of source.pipeThrough(stream) as unknown as AsyncIterable<Uint8Array>) {
    total += part.length;
    if (total > limitBytes) throw new RangeError(`more than ${limitBytes} bytes`);
    parts.push(part);
  }
  return joinBytes(parts);
}
