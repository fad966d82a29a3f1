// rtcr: WebAssembly programs that can be frozen, saved whole and continued elsewhere. Runs under Node and in browsers;
// what needs Node (stores in directories) is in index-node.ts, the package's entry "rtcr/node".
export type { HostCall, HostFunction, HostImports, HostValue, PlainData, WaitOutcome } from "./abi/index.ts";
export { type Checkpoint, CheckpointFault, sha256 } from "./checkpoint/index.ts";
export { EngineFault } from "./engine/index.ts";
export * from "./machine/index.ts";
export {
  exportImage,
  importImage,
  loadCheckpoint,
  openMemoryStore,
  type Store,
  StoreFault,
  saveCheckpoint,
} from "./store/index.ts";
export { WasmFault } from "./wasm/index.ts";
