// `rtcr restore ID SYSTEM.xml`: a system whose supervisor takes up the children of a checkpoint.
import { checkSystem } from "../../init/index.ts";
import { type Call, flag, text } from "../command.ts";
import { EXIT } from "../failure.ts";
import { readInputText } from "../files.ts";
import { printJson, printTable } from "../print.ts";
import { claimName, findRun } from "../runs.ts";
import { readSystemConfig } from "./check.ts";
import { describeSystem } from "./describe.ts";
import { openNode } from "./describe-checkpoint.ts";
import { type LoadedSystem, loadSystem } from "./load-system.ts";
import { readSystemModules } from "./modules.ts";
import { readStrategy, readSystemOptions } from "./options.ts";
import { type PlannedSession, plannedSessions, programsFor, requireServed, supervisorFor } from "./plan.ts";
import { SYSTEM_QUOTA } from "./protocol.ts";
import { superviseSystem } from "./run-system.ts";

/**
 * Continues the children of a checkpoint in a fresh system, in the foreground.
 *
 * @returns the exit code, as `runSystem`
 * @throws CliFailure, CheckpointFault, StoreFault: nothing was made then, unless the supervisor itself refuses
 */
export async function restoreSystem(call: Call, reference: string, file: string): Promise<number> {
  const { values, io, home } = call;
  const { roms, ...options } = readSystemOptions(values, [], "restore");
  const strategy = readStrategy(text(values, "strategy"), "restore");
  const image = await loadSystem(home, reference);
  const { id } = image.root;
  const { system, modules, config, supervisor, sessions } = planRestore(image, file, roms, text(values, "supervisor"));
  if (flag(values, "dry-run")) return printPlan(call, supervisor.label, sessions, quotaNotes(config));
  requireServed(id, sessions);
  const hint = "--as gives the restored system another name";
  const claim = claimName(home, text(values, "as") ?? image.root.name, hint);
  try {
    // Behind the claim: it must not find this run.
    const primary = flag(values, "follow") ? await findRun(home, image.root.name) : undefined;
    const restore = { supervisor: supervisor.label, system, strategy, follows: primary !== undefined };
    const from = { checkpoint: { id, created: system.created }, restore, primary };
    return await superviseSystem({ io, home, claim, file, roms, ...options, from }, modules, config);
  } finally {
    claim.release();
  }
}

/**
 * What takes up the children of a checkpoint, with which modules, and who will serve their sessions.
 *
 * @param wanted the supervisor's label; undefined: the one that keeps them
 * @throws CliFailure, as `supervisorFor`, `programsFor` and `readSystemConfig`
 */
export function planRestore(
  { root: { id }, system }: LoadedSystem,
  file: string,
  roms: readonly string[],
  wanted: string | undefined,
) {
  const supervisor = supervisorFor(id, system, { file, text: readInputText(file), wanted });
  const modules = programsFor(id, system, supervisor, readSystemModules(file, roms));
  const config = readSystemConfig(file, modules);
  const sessions = plannedSessions(system, supervisor, modules);
  return { system: { ...system, modules: undefined }, supervisor, modules, config, sessions };
}

/** What of its quotas a configuration cannot give, as `rtcr check` says it. */
function quotaNotes(config: string): readonly string[] {
  return describeSystem(checkSystem(config).config, SYSTEM_QUOTA).notes;
}

/** Prints what would be opened; the exit code says whether all of it could be. */
function printPlan(
  { values, io }: Call,
  supervisor: string,
  sessions: readonly PlannedSession[],
  notes: readonly string[],
): number {
  if (flag(values, "json")) printJson(io, { supervisor, sessions, notes });
  else {
    io.out(`${supervisor} takes the children up\n`);
    const rows = sessions.map(({ child, service, label, ram, caps, server, refused, anew, opens = [] }) => {
      const how = `${anew ? ", anew" : ""}${opens.length > 0 ? `, opens ${opens.map(openNode).join(", ")}` : ""}`;
      const by = refused === undefined ? `${server}${how}` : `nobody: ${refused}`;
      return [child, service, label || "-", String(ram), String(caps), by];
    });
    printTable(io, [["CHILD", "SERVICE", "LABEL", "RAM", "CAPS", "SERVED BY"], ...rows]);
    for (const note of notes) io.out(`note: ${note}\n`);
  }
  return sessions.some(({ refused }) => refused !== undefined) ? EXIT.refused : EXIT.done;
}
