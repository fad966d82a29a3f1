// A process that runs one leg of a tortured system. What it goes on from it has as `rtcr restore ID SYSTEM.xml` has it: from a
// store and the system's own files.
import { toFailure } from "../failure.ts";
import { type Home, openHome } from "../home.ts";
import { readSystemConfig } from "../system/check.ts";
import { saveSystem } from "../system/checkpointer.ts";
import { loadSystem } from "../system/load-system.ts";
import { readSystemModules } from "../system/modules.ts";
import { requireServed } from "../system/plan.ts";
import type { SentFailure } from "../system/protocol.ts";
import { planRestore } from "../system/restore-system.ts";
import { actAsStep } from "./step-process.ts";
import { type LegResult, type LegStart, type SystemJourneySpec, travelLeg } from "./system.ts";

export interface SystemStepOrder {
  /** The configuration. */
  readonly file: string;
  /** `NAME=FILE` */
  readonly roms: readonly string[];
  readonly spec: Omit<SystemJourneySpec, "config" | "modules">;
  /** From the checkpoint with this id. */
  readonly start: LegStart<string>;
}

export type SystemStepResult = { readonly leg: LegResult<string> } | { readonly failure: SentFailure };

/** @param folder that has the store */
async function step({ file, roms, spec, start }: SystemStepOrder, folder: string): Promise<LegResult<string>> {
  const home = openHome(folder);
  const { passed, from: parent, before: older } = start;
  const { modules, config, from } = await beginning(home, parent, { file, roms, supervisor: spec.supervisor });
  const before = spec.standby && older !== undefined ? (await loadSystem(home, older)).system : undefined;
  const begin = { passed, ...(from ? { from } : {}), ...(before ? { before } : {}) };
  return travelLeg({ ...spec, config, modules }, begin, async (system) => {
    const { root } = await saveSystem(home, { ...system, parent }, modules);
    return root.id;
  });
}

type Given = Pick<SystemStepOrder, "file" | "roms"> & Pick<SystemJourneySpec, "supervisor">;

async function beginning(home: Home, id: string | undefined, { file, roms, supervisor }: Given) {
  if (id === undefined) {
    const modules = readSystemModules(file, roms);
    return { modules, config: readSystemConfig(file, modules) };
  }
  const { system, modules, config, sessions } = planRestore(await loadSystem(home, id), file, roms, supervisor);
  requireServed(id, sessions);
  return { modules, config, from: system };
}

await actAsStep(import.meta.url, (order: SystemStepOrder, folder): Promise<SystemStepResult> => {
  const failed = (thrown: unknown) => {
    const { exitCode, message, hint } = toFailure(thrown);
    return { failure: { exitCode, message, hint } };
  };
  return step(order, folder).then((leg) => ({ leg }), failed);
});
