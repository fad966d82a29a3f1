// rtcr under Node: the embedding API, stores in directories and the fast SHA-256.
export { startNodeCpu } from "./core/index-node.ts";
export * from "./index.ts";
export { nodeSha256, openDirectoryStore } from "./store/index-node.ts";
