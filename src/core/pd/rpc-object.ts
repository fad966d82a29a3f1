// RPC objects: what a PD accounts for and capabilities denote. Delivering calls to the entrypoint is the kernel's part,
// which is passed in as `deliver`.
import type { Capability, CpuThread, Identity, RpcFailure, RpcMessage, RpcObject } from "../../session/index.ts";
import type { CoreContext } from "../memory/context.ts";

/** Carries a call of a TypeScript component to the object's entrypoint. */
export type DeliverCall = (
  object: CoreRpcObject,
  opcode: number,
  message: RpcMessage,
) => Promise<RpcMessage | RpcFailure>;

export class CoreRpcObject implements RpcObject {
  readonly kind = "rpc-object";
  readonly entrypoint: Capability<CpuThread>;
  readonly #identity: Identity<RpcObject>;
  readonly #deliver: DeliverCall;

  constructor(core: CoreContext, entrypoint: Capability<CpuThread>, deliver: DeliverCall) {
    this.entrypoint = entrypoint;
    this.#deliver = deliver;
    this.#identity = core.badges.identify<RpcObject>(this);
  }

  get capability(): Capability<RpcObject> {
    return this.#identity.capability;
  }

  async call(opcode: number, message: RpcMessage): Promise<RpcMessage | RpcFailure> {
    return this.capability.valid ? this.#deliver(this, opcode, message) : "invalid-object";
  }

  /** Ends the object: its capability denotes nothing any more. */
  dispose(): void {
    this.#identity.dispose();
  }
}
