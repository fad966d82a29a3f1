// Native_pd: how a parent loads a component's program, and how RTCR sees and fills its table and instance.
import type { SavedGroup } from "../../abi/index.ts";
import { captureOutside, EngineFault, restoreOutside } from "../../engine/index.ts";
import {
  type Capability,
  type CapabilitySlot,
  contentOf,
  type Dataspace,
  type LoadOptions,
  type NativePd,
  objectOf,
  type SessionState,
} from "../../session/index.ts";
import { type Attempt, refusal, success } from "../../util/index.ts";
import type { Component, LoadRefusal } from "./component.ts";

export class KernelNativePd implements NativePd {
  readonly kind = "native-pd";
  readonly component: Component;

  constructor(component: Component) {
    this.component = component;
  }

  load(binary: Capability<Dataspace>, options: LoadOptions = {}): Attempt<void, LoadRefusal> {
    const dataspace = objectOf<Dataspace>(binary, "dataspace");
    if (dataspace) return this.component.load(contentOf(dataspace), options, binary);
    this.component.problem = "the capability denotes no dataspace";
    return refusal("invalid-program");
  }

  problem(): string {
    return this.component.problem;
  }

  slots(): readonly CapabilitySlot[] {
    return this.component.table.entries();
  }

  install(slot: number, capability: Capability, count = 1): Attempt<void, "slot-taken" | "out-of-caps"> {
    return this.component.table.install(slot, capability, count);
  }

  captureInstance(): Attempt<SessionState, "busy" | "unsaveable"> {
    const { component } = this;
    if (!component.loaded || component.onStack) return refusal("busy");
    component.saveGlobals();
    try {
      return success(captureOutside(component.group) as unknown as SessionState);
    } catch (thrown) {
      if (thrown instanceof EngineFault) return refusal("unsaveable");
      throw thrown;
    }
  }

  restoreInstance(state: SessionState): Attempt<void, "busy" | "mismatch"> {
    const { component } = this;
    if (!component.loaded || component.onStack || component.group.threads.length > 0) return refusal("busy");
    component.saveGlobals();
    try {
      restoreOutside(component.group, state as unknown as SavedGroup);
      return success(undefined);
    } catch (thrown) {
      if (thrown instanceof EngineFault || thrown instanceof TypeError) return refusal("mismatch");
      throw thrown;
    }
  }
}
