// What every implementation of a session must do, by its contract alone: one suite a session, named after its file in
// src/session/, and `sessionSuite`, which runs all that an implementation has a fixture for. A suite is given a way to make
// the session and what it works with, and runs the same on core's sessions, on init's parents and on RTCR's interposers:
// the same results are what transparency means.
//
//   suite                               session            core                        RTCR
//   pdSessionSuite                      PD                 src/core/pd/suites          src/rtcr/contracts
//   regionMapSuite                      region maps        src/core/pd/suites          src/rtcr/contracts
//   rmSessionSuite                      RM                 src/core/pd/suites          src/rtcr/contracts
//   cpuSessionSuite                     CPU, threads       src/core/cpu/suite          src/rtcr/contracts
//   parentSessionSuite                  parent             src/init/parent-suite       src/rtcr/contracts
//   logSessionSuite                     LOG                src/core/log                src/rtcr/services
//   timerSessionSuite                   Timer              src/core/timer              src/rtcr/services
//   romSessionSuite, bootRomSessionSuite   ROM             src/core/rom                src/rtcr/services
//   reportSessionSuite                  Report             src/core/report             src/rtcr/services
//   terminalInputSuite, -OutputSuite    Terminal           src/core/terminal-suite     src/rtcr/streams
//   traceSessionSuite                   TRACE              src/core/trace              (not interposed)
//   ioPort-, ioMem-, irqSessionSuite    devices            src/core/devices            (not interposed)
//
// Not suites: bytes-dataspace.ts and recorder.ts, which fixtures share. File_system's is src/core/files/suite.test.ts.
import { cpuSessionSuite } from "./cpu-session.ts";
import { logSessionSuite } from "./log-session.ts";
import { parentSessionSuite } from "./parent-session.ts";
import { pdSessionSuite } from "./pd-session.ts";
import { regionMapSuite } from "./region-map.ts";
import { reportSessionSuite } from "./report-session.ts";
import { rmSessionSuite } from "./rm-session.ts";
import { bootRomSessionSuite, romSessionSuite } from "./rom-session.ts";
import { timerSessionSuite } from "./timer-session.ts";

const SUITES = {
  pd: pdSessionSuite,
  regionMap: regionMapSuite,
  rm: rmSessionSuite,
  cpu: cpuSessionSuite,
  parent: parentSessionSuite,
  log: logSessionSuite,
  timer: timerSessionSuite,
  rom: romSessionSuite,
  bootRom: bootRomSessionSuite,
  report: reportSessionSuite,
};

/** Fixtures by session: what each suite is made with. */
export type SessionFixtures = { readonly [K in keyof typeof SUITES]?: Parameters<(typeof SUITES)[K]>[1] };

/** Runs the suites of all sessions that there is a fixture for. @param name the implementation's, for the tests' names */
export function sessionSuite(name: string, fixtures: SessionFixtures): void {
  for (const [kind, suite] of Object.entries(SUITES)) {
    const fixture = fixtures[kind as keyof SessionFixtures];
    if (fixture) (suite as (name: string, fixture: unknown) => void)(name, fixture);
  }
}
