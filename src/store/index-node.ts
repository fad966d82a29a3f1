// Stores under Node: everything of index.ts, directories and the fast SHA-256.
export { nodeHost, openDirectoryStore } from "./directory-node.ts";
export * from "./index.ts";
export { nodeOwner } from "./owner-node.ts";
export { contentBytes, nodePageHelpers } from "./page-helpers-node.ts";
export { nodeSha256 } from "./sha256-node.ts";
