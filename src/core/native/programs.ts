// Programs in TypeScript that components can be started with, as if they were modules: a binary that begins with
// `rtcr-native:` names one. Whoever starts a component need not know which kind it is.
import type { Dataspace, Env, SavedComponent, SessionState, SlotWriter } from "../../session/index.ts";

/** A running native component. */
export interface NativeComponent {
  /**
   * All of its state; absent: it cannot be checkpointed. Nothing of the component may change by it.
   *
   * @throws Fault "busy": not now; any other Fault: what of it has no saved form
   */
  capture?(slots: SlotWriter): SessionState;
  /** Its PD is ending: it must let go of everything outside of it. */
  dispose(): void;
}

/**
 * Starts the component; must return at once. What it throws ends it like a trap ends a guest.
 *
 * @param saved what its `capture` gave: it goes on from there. Only programs whose components have `capture` get it
 */
export type NativeProgram = (env: Env, saved?: SavedComponent) => NativeComponent;

/** By the name in the binary. */
export type NativePrograms = ReadonlyMap<string, NativeProgram>;

const PREFIX = "rtcr-native:";
const NAME_LIMIT = 64;

/** The binary of a native program: what a ROM module of it holds. */
export function nativeBinary(name: string): Uint8Array {
  return new TextEncoder().encode(`${PREFIX}${name}\n`);
}

/** The name of the native program that a binary stands for; undefined: it is another kind of binary. */
export function nativeProgramName(binary: Pick<Dataspace, "read">): string | undefined {
  const bytes = new Uint8Array(PREFIX.length + NAME_LIMIT + 1);
  const length = binary.read(0, bytes);
  const text = new TextDecoder().decode(bytes.subarray(0, length));
  return text.startsWith(PREFIX) ? /^[\w.+-]{0,64}/.exec(text.slice(PREFIX.length))![0] : undefined;
}
