// The first component: started by core with its environment sessions, as every parent starts a child (spec 4.1).
import {
  type Capability,
  type CpuSession,
  type CpuThread,
  DONATION,
  ENV_SESSION,
  type LoadOptions,
  type NativePd,
  objectOf,
  type ParentSession,
  type PdSession,
  type Quota,
  type RomSession,
  type SessionArgs,
} from "../../session/index.ts";
import { Fault, required } from "../../util/index.ts";
import { CoreParent } from "../service/parent.ts";
import type { Core } from "./core.ts";

/** The first component could not be started. */
export class CoreFault extends Fault<"no-environment" | "invalid-program" | "no-quota"> {}

export interface FirstOptions {
  /** In front of all labels. */
  readonly name: string;
  /** Name of the ROM module with its program. */
  readonly binary: string;
  /** Default: all that core has. */
  readonly quota?: Quota;
  readonly load?: LoadOptions;
}

/** A first component that runs. */
export interface First {
  readonly parent: CoreParent;
  readonly pd: Capability<PdSession>;
  /** Resolves with the value of its first exit; never, if it does not exit. */
  readonly exited: Promise<number>;
  /** Ends it with all that it has. Harmless when repeated. */
  dispose(): void;
}

const NO_ARGS: SessionArgs = new Map();

/** @throws CoreFault; nothing is left of it then */
export function startFirst(core: Core, options: FirstOptions): First {
  let exit: (value: number) => void = () => {};
  const exited = new Promise<number>((resolve) => {
    exit = resolve;
  });
  const { own, roots, context } = core;
  const { warn, scopes } = context;
  const parent = new CoreParent({ name: options.name, own, roots, warn, scopes, exited: (value) => exit(value) });
  const identity = context.badges.identify<ParentSession>(parent);
  const dispose = () => {
    parent.dispose();
    identity.dispose();
  };
  try {
    const pd = launch(core, options, parent, identity.capability);
    return { parent, pd, exited, dispose };
  } catch (thrown) {
    dispose();
    throw thrown;
  }
}

function launch(
  core: Core,
  { name, binary, quota, load }: FirstOptions,
  parent: CoreParent,
  capability: Capability<ParentSession>,
): Capability<PdSession> {
  const open = (id: number, service: keyof typeof DONATION, label = ""): Capability => {
    const made = parent.environment(id, service, label, NO_ARGS, DONATION[service]);
    if (made.ok) return made.value;
    throw new CoreFault("no-environment", `${name}: ${service} session "${label}" refused: ${made.reason}`);
  };
  const pdCap = open(ENV_SESSION.pd, "PD") as Capability<PdSession>;
  const cpu = required(objectOf<CpuSession>(open(ENV_SESSION.cpu, "CPU"), "cpu"), "the first CPU session");
  open(ENV_SESSION.log, "LOG");
  const rom = required(objectOf<RomSession>(open(ENV_SESSION.binary, "ROM", binary), "rom"), "the program");
  open(ENV_SESSION.linker, "ROM", binary);
  const pd = required(objectOf<PdSession>(pdCap, "pd"), "the first PD");
  give(core, pdCap, pd, quota);
  pd.assignParent(capability);
  const native = required(objectOf<NativePd>(pd.nativePd(), "native-pd"), "the first PD's component");
  const loaded = native.load(rom.dataspace(), load);
  if (!loaded.ok) throw new CoreFault("invalid-program", `${name}: ${binary}: ${native.problem() || loaded.reason}`);
  const thread = cpu.createThread(pdCap, { name });
  if (!thread.ok) throw new CoreFault("no-environment", `${name}: initial thread: ${thread.reason}`);
  parent.setMainThread(thread.value);
  required(objectOf<CpuThread>(thread.value, "cpu-thread"), "the initial thread").start(0, 0);
  return pdCap;
}

/** Core is the reference account; what is to be given goes there. */
function give({ own }: Core, pdCap: Capability<PdSession>, pd: PdSession, quota: Quota | undefined): void {
  required(pd.refAccount(own.capability).ok || undefined, "core has an account");
  const { ram, caps } = quota ?? { ram: own.budget.ram.avail, caps: own.budget.caps.avail };
  const given = own.transferRamQuota(pdCap, ram).ok && own.transferCapQuota(pdCap, caps).ok;
  if (given) return;
  const has = `${own.budget.ram.avail} bytes and ${own.budget.caps.avail} capabilities`;
  throw new CoreFault("no-quota", `core has ${has}, expected ${ram} and ${caps} for the first component`);
}
