// RTCR's parts that need Node.
export { startNodeCopyPool, startNodeCopyWorker } from "./parallel/start-node.ts";
