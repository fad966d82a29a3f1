// Services behind the contracts of session/ that need Node.
export { nodeClocks } from "./clock-node.ts";
export { startNodeCpu } from "./kernel/cpus/start-node.ts";
export { SocketHost } from "./socket-host-node.ts";
export { NodeSockets, type NodeSocketsOptions, SocketFault } from "./socket-node.ts";
export {
  createStandardStreams,
  openStandardStreams,
  type StandardStreamOptions,
  type StandardStreams,
  type StandardTerminals,
} from "./standard-streams-node.ts";
export {
  createFileInput,
  createNodeOutput,
  type FileInputOptions,
  makeOutputsNonBlocking,
  type NodeOutput,
  terminalKind,
} from "./terminal-node.ts";
export { type InputPump, pumpInput } from "./terminal-pump-node.ts";
