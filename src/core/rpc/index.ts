// Calls on TypeScript objects by message.
export { callNative, functionName } from "./dispatch.ts";
export { BadMessage, type CapabilityAccess, MessageCursor, type MessageMemory } from "./message.ts";
export { fromStateBytes, toStateBytes } from "./state-bytes.ts";
