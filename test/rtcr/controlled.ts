// A supervisor that serves `Rtcr` sessions, with two children, and whoever controls it.
import assert from "node:assert/strict";
import type { SystemCheckpoint } from "../../src/checkpoint/index.ts";
import { Connections } from "../../src/native/index.ts";
import {
  type CopyPool,
  type DataProvider,
  type RtcrComponent,
  rtcrProgram,
  SharedMemoryProvider,
} from "../../src/rtcr/index.ts";
import { type Capability, type Env, objectOf, type RtcrSession } from "../../src/session/index.ts";
import { type CoreSystem, config, start, startSystem } from "../support/core-system.ts";
import { component } from "./rig.ts";

export const STEP_US = 50_000;
/** Programs that wait most of the time. */
export const NAMES = ["sheep_counter_timer", "sheep_counter_async"];
export const CHILDREN = NAMES.map((name) => `<child name="${name}" quota="8M" caps="300"/>`).join("");

export interface Controlled {
  readonly tree: CoreSystem;
  readonly session: RtcrSession;
  /** Another client's. */
  readonly other: RtcrSession;
  readonly supervisor: RtcrComponent;
  readonly made: SystemCheckpoint[];
  readonly reports: string[];
  readonly lines: (child: string) => string[];
  /** Lets virtual time pass until there are so many lines of the child. */
  until(child: string, lines: number): Promise<void>;
}

/** Init's configuration: a supervisor and who controls it. */
export function supervisedConfig(inside: string, control?: string): string {
  const provides = '<provides><service name="Rtcr"/></provides>';
  const routed =
    '<route><service name="Rtcr"><child name="rtcr"/></service><any-service><parent/></any-service></route>';
  const binary = control === undefined ? "" : '<binary name="rtcr_control"/>';
  return config(
    start("rtcr", `${provides}<config>${inside}</config>`, 'caps="6000" ram="96M"') +
      start("controller", `${binary}${routed}${control ?? ""}`, 'caps="200" ram="4M"'),
  );
}

/** @param control the configuration of a component that controls the supervisor; else the test does */
export function supervised(
  inside = `<service name="Rtcr"/>${CHILDREN}`,
  startCopyPool?: () => CopyPool,
  control?: string,
  provider: DataProvider = new SharedMemoryProvider(),
): Controlled {
  const made: SystemCheckpoint[] = [];
  const reports: string[] = [];
  let supervisor: RtcrComponent | undefined;
  const sessions: Capability[] = [];
  const controller = (env: Env) => {
    const connections = new Connections(env);
    const donation = { ram: 8192, caps: 4 };
    const events = { ready: (given: Capability) => sessions.push(given), refused: (why: string) => assert.fail(why) };
    for (const label of ["", "other"]) connections.open({ service: "Rtcr", label, donation }, events);
    return connections;
  };
  const host = {
    begin: () => ({ provider }),
    ...(startCopyPool ? { startCopyPool } : {}),
    began: (began: RtcrComponent) => (supervisor = began),
    made: (_: RtcrComponent, system: SystemCheckpoint) => made.push(system),
    ended: () => {},
  };
  const tree = startSystem({
    config: supervisedConfig(inside, control),
    binaries: Object.fromEntries([...NAMES, "rtcr_control"].map((name) => [name, component(name)])),
    natives: { rtcr: rtcrProgram(host), controller },
    reported: (label, report) => reports.push(`${label}: ${new TextDecoder().decode(report)}`),
  });
  const lines = (child: string) => tree.lines.filter((line) => line.startsWith(`[init -> rtcr -> ${child}]`));
  const until = async (child: string, count: number) => {
    for (let step = 0; lines(child).length < count; step++) {
      assert.ok(step < 2_000, `${child} logs: ${tree.lines.slice(-3).join("; ")}`);
      for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
      tree.advance(STEP_US);
    }
  };
  const [session, other] = sessions.map((given) => objectOf<RtcrSession>(given, "rtcr"));
  assert.ok(((session && other) || control) && supervisor, "the sessions are there");
  return { tree, session: session!, other: other!, supervisor, made, reports, lines, until };
}
