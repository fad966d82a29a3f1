// Components that a child keeps itself: those that a guest has started with sessions of its own, and the children of an init
// that is RTCR's child, however deep. All that they have of the system they have by sessions of RTCR's child, so RTCR stands
// in front of it already: what makes a component of them is a further PD session, and further CPU sessions for its threads.
import { ENV_SESSION, readSessionArgs } from "../session/index.ts";
import { RtcrCpu } from "./cpu.ts";
import { RtcrFault } from "./faults.ts";
import { RtcrPd } from "./pd.ts";
import type { RecordWriter } from "./record-writer.ts";
import { RtcrRom } from "./rom.ts";
import type { TrackedChild } from "./tracked-child.ts";

/** The child's own PD and CPU session. @throws RtcrFault "unsaveable" before it has them */
export function environment(child: TrackedChild): { readonly pd: RtcrPd; readonly cpu: RtcrCpu } {
  const pd = child.of(RtcrPd).find(({ base }) => base.id === ENV_SESSION.pd);
  const cpu = child.of(RtcrCpu).find(({ base }) => base.id === ENV_SESSION.cpu);
  if (pd && cpu) return { pd, cpu };
  throw new RtcrFault("unsaveable", "it has no PD yet", { child: child.name });
}

const names = new WeakMap<RtcrPd, string>();

/** As the child that keeps it calls it. */
export function componentName(pd: RtcrPd): string {
  let name = names.get(pd);
  if (name === undefined) {
    const args = readSessionArgs(pd.base.creationArgs);
    names.set(pd, (name = (args.ok && args.value.get("label")) || ""));
  }
  return name;
}

/** @throws RtcrFault "unsaveable", "busy" */
export function writeComponent(records: RecordWriter, child: TrackedChild, pd: RtcrPd, unattached: boolean): void {
  const { native, account, assigned } = pd;
  const program = native.program();
  const name = componentName(pd);
  const fromRom = child.of(RtcrRom).some((rom) => rom.current.valid && rom.current === native.binary);
  if (program && !fromRom) {
    const message = `component "${name}": its program is not from a ROM session that is open: it could not be loaded again`;
    throw new RtcrFault("unsaveable", message, { child: child.name, component: name });
  }
  records.text(name);
  records.text(program?.module ?? "");
  records.flag(program?.windows ?? false);
  records.flag(native.growthRequests);
  records.number(program ? native.binary.badge : 0);
  records.badge(assigned);
  records.badge(account);
  naming(`component "${name}"`, () => writeInstance(records, pd, unattached));
  pd.checkpoint(records);
  pd.checkpointDataspaces(records);
  writeSlots(records, pd);
}

/** Whether a component's program is one in TypeScript: what it holds is written late. */
export function isNative({ native }: RtcrPd): boolean {
  return native.program()?.native !== undefined;
}

/** Which program in TypeScript it is, or what another one has outside dataspaces. */
export function writeInstance(records: RecordWriter, pd: RtcrPd, unattached: boolean): void {
  const name = pd.native.program()?.native ?? "";
  records.text(name);
  if (name === "") pd.checkpointInstance(records, unattached);
}

/** The table of a component; that of a program in TypeScript is there when its state has been captured. */
export function writeSlots(records: RecordWriter, pd: RtcrPd): void {
  const begin = records.beginList();
  let count = 0;
  if (!isNative(pd)) count = writeEachSlot(records, pd);
  records.endList(begin, count);
}

function writeEachSlot(records: RecordWriter, { native }: RtcrPd): number {
  let count = 0;
  native.eachSlot((slot, capability, references) => {
    records.number(slot);
    records.badge(capability);
    records.number(references);
    count++;
  });
  return count;
}

/** What a program in TypeScript holds. */
export function writeProgram(records: RecordWriter, pd: RtcrPd): void {
  pd.checkpointInstance(records, false);
  const slots = records.beginList();
  records.endList(slots, writeEachSlot(records, pd));
  const served = pd.native.served();
  const begin = records.beginList();
  for (const { badge } of served) records.number(badge);
  records.endList(begin, served.length);
}

/** Says of what is unsaveable, or not now, whose it is. */
export function naming<T>(owner: string, body: () => T): T {
  try {
    return body();
  } catch (thrown) {
    if (!(thrown instanceof RtcrFault) || (thrown.code !== "unsaveable" && thrown.code !== "busy")) throw thrown;
    throw new RtcrFault(thrown.code, `${owner}: ${thrown.message}`, { ...thrown.detail, owner }, thrown);
  }
}
