// RPC objects that components serve themselves (spec 2.11): calls go to the entrypoint thread.
import type { Capability, KernelObject } from "./capability.ts";
import type { CpuThread } from "./cpu.ts";

/** A message to or from an object: bytes and capabilities, bounded by abi/message.ts. */
export interface RpcMessage {
  readonly bytes: Uint8Array;
  readonly capabilities: readonly Capability[];
}

/** How a call ended that did not get an answer of the object. */
export type RpcFailure = "invalid-object" | "invalid-opcode" | "blocking-canceled" | "deadlock" | "message-too-long";

export interface RpcObject extends KernelObject {
  readonly kind: "rpc-object";
  readonly entrypoint: Capability<CpuThread>;
  /** How components in TypeScript call a guest's object. */
  call(opcode: number, message: RpcMessage): Promise<RpcMessage | RpcFailure>;
}
