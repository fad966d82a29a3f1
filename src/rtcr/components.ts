// Components that a child keeps itself: those that a guest has started with sessions of its own, and the children of an init
// that is RTCR's child, however deep. All that they have of the system they have by sessions of RTCR's child, so RTCR stands
// in front of it already: what makes a component of them is a further PD session, and further CPU sessions for its threads.
import type { CapabilityInfo, ChildInfo, ComponentInfo } from "../checkpoint/index.ts";
import { ENV_SESSION, readSessionArgs } from "../session/index.ts";
import { RtcrCpu } from "./cpu.ts";
import { RtcrFault } from "./faults.ts";
import { RtcrPd } from "./pd.ts";
import type { CopyOut } from "./pd-objects.ts";
import { RtcrRom } from "./rom.ts";
import type { TrackedChild } from "./tracked-child.ts";

/** The child's own PD and CPU session. @throws RtcrFault "unsaveable" before it has them */
export function environment(child: TrackedChild): { readonly pd: RtcrPd; readonly cpu: RtcrCpu } {
  const pd = child.of(RtcrPd).find(({ base }) => base.id === ENV_SESSION.pd);
  const cpu = child.of(RtcrCpu).find(({ base }) => base.id === ENV_SESSION.cpu);
  if (pd && cpu) return { pd, cpu };
  throw new RtcrFault("unsaveable", `child "${child.name}" has no PD yet`, { child: child.name });
}

/** @param copy brings contents out, as for the child's own PD */
export function captureComponents(child: TrackedChild, copy: CopyOut): Pick<ChildInfo, "components" | "cpus"> {
  const own = environment(child);
  const components = child.of(RtcrPd).filter((pd) => pd !== own.pd);
  const cpus = child.of(RtcrCpu).filter((cpu) => cpu !== own.cpu);
  return {
    ...(components.length === 0 ? {} : { components: components.map((pd) => captureComponent(child, pd, copy)) }),
    ...(cpus.length === 0 ? {} : { cpus: cpus.map((cpu) => cpu.checkpointFurther()) }),
  };
}

function captureComponent(child: TrackedChild, pd: RtcrPd, copy: CopyOut): ComponentInfo {
  const { native, account, assigned } = pd;
  const program = native.program();
  const info = pd.checkpoint(copy);
  const fromRom = child.of(RtcrRom).some((rom) => rom.current.valid && rom.current === native.binary);
  if (program && !fromRom) {
    const name = componentName(info.creationArgs);
    const message = `component "${name}" of child "${child.name}": its program is not from a ROM session that is open: it could not be loaded again`;
    throw new RtcrFault("unsaveable", message, { child: child.name, component: name });
  }
  return {
    program: program?.module ?? "",
    windows: program?.windows ?? false,
    growthRequests: native.growthRequests,
    binaryBadge: program ? native.binary.badge : 0,
    parentBadge: assigned.valid ? assigned.badge : 0,
    accountBadge: account.valid ? account.badge : 0,
    pd: info,
    capabilities: capabilitiesOf(pd),
    ...nativeInfo(pd),
  };
}

/** The table of a component; after its instance was captured. */
export function capabilitiesOf({ native }: RtcrPd): readonly CapabilityInfo[] {
  return native.slots().map(({ slot, capability, count }) => ({
    slot,
    badge: capability.valid ? capability.badge : 0,
    references: count,
  }));
}

/** What is recorded of a program in TypeScript; after its instance was captured. */
export function nativeInfo({ native }: RtcrPd): Pick<ComponentInfo, "native" | "servedBadges"> {
  const name = native.program()?.native;
  if (name === undefined) return {};
  const served = native.served().map(({ badge }) => badge);
  return { native: name, ...(served.length === 0 ? {} : { servedBadges: served }) };
}

/** What the creator of a component calls it: the label of its PD session. */
export function componentName(args: string): string {
  const read = readSessionArgs(args);
  return (read.ok && read.value.get("label")) || "";
}
