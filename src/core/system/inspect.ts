// What lives in a system now, as plain data: components with their quota, threads and dataspaces (spec 4.2).
import type { NativeThreadState, Quota } from "../../session/index.ts";
import type { KernelThread } from "../kernel/index.ts";
import {
  type CorePd,
  type DataspaceRow,
  LAYOUTS,
  listDataspaces,
  STACK_AREA_BYTES,
  STACK_SLOT_BYTES,
} from "../pd/index.ts";
import type { Core } from "./core.ts";

export interface ThreadInfo extends NativeThreadState {
  readonly name: string;
  /** Of its module's stack; 0: it has none, or cannot be read now. */
  readonly stackPointer: number;
}

export interface ComponentInfo {
  readonly label: string;
  /** Of its PD. */
  readonly badge: number;
  /** Where its threads run; absent: nothing is loaded, or it is a native component. */
  readonly cpu?: number;
  readonly quota: Quota;
  readonly used: Quota;
  readonly threads: readonly ThreadInfo[];
  readonly dataspaces: readonly DataspaceRow[];
}

/** All PDs of a system, core's own first, in the order of their creation. No guest runs meanwhile. */
export function inspectComponents(core: Core): readonly ComponentInfo[] {
  return [core.own, ...core.pds].map((pd) => inspect(core, pd));
}

function inspect({ kernel }: Core, pd: CorePd): ComponentInfo {
  const component = kernel.componentOf(pd.capability);
  const threads = (component?.threads ?? []).map(inspectThread);
  const { stackArea } = LAYOUTS.component;
  const owners = new Map<number, string>();
  for (const { name, stackPointer } of threads) {
    const inArea = stackPointer - 1 - stackArea;
    if (inArea >= 0 && inArea < STACK_AREA_BYTES) owners.set(Math.floor(inArea / STACK_SLOT_BYTES), name);
  }
  const { ram, caps } = pd.budget;
  return {
    label: pd.label,
    badge: pd.capability.badge,
    ...(component?.loaded ? { cpu: component.cpu } : {}),
    quota: { ram: ram.limit, caps: caps.limit },
    used: { ram: ram.used, caps: caps.used },
    threads,
    dataspaces: listDataspaces(pd, { stackOwner: (slot) => owners.get(slot) }),
  };
}

function inspectThread(thread: KernelThread): ThreadInfo {
  const state = thread.state();
  return { name: thread.name, ...thread.nativeState(), stackPointer: state.ok ? state.value.stackPointer : 0 };
}
