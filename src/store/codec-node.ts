// zstd and deflate by node:zlib, on its own threads.
import { promisify } from "node:util";
import * as zlib from "node:zlib";
import type { Codec, Codecs } from "./codec.ts";

const zstdCompress = promisify(zlib.zstdCompress);
const zstdDecompress = promisify(zlib.zstdDecompress);
const deflate = promisify(zlib.deflateRaw);
const inflate = promisify(zlib.inflateRaw);

const zstd: Codec = {
  encode: (bytes) => zstdCompress(bytes, { params: { [zlib.constants.ZSTD_c_compressionLevel]: 1 } }),
  decode: (bytes, sizeBytes) => zstdDecompress(bytes, { maxOutputLength: sizeBytes }),
};

const nodeDeflate: Codec = {
  encode: (bytes) => deflate(bytes, { level: 1 }),
  decode: (bytes, sizeBytes) => inflate(bytes, { maxOutputLength: sizeBytes }),
};

export const nodeCodecs: Codecs = { zstd, deflate: nodeDeflate };
