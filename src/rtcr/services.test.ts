// RTCR's interposers of the smaller services under the suites of their contracts: what a component sees is the same with and
// without them (S62).
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesDataspace } from "../../test/contracts/bytes-dataspace.ts";
import { logSessionSuite } from "../../test/contracts/log-session.ts";
import { reportSessionSuite } from "../../test/contracts/report-session.ts";
import { bootRomSessionSuite, romSessionSuite } from "../../test/contracts/rom-session.ts";
import { timerSessionSuite } from "../../test/contracts/timer-session.ts";
import type { TimerInfo } from "../checkpoint/index.ts";
import { Alarms, CoreLog, CoreReport, CoreTimer, RomModules, VirtualClock } from "../core/index.ts";
import { Badges, INVALID, type KernelObject, type TimerSession } from "../session/index.ts";
import { required, success } from "../util/index.ts";
import { RtcrLog, RtcrReport, RtcrRom, RtcrTimer } from "./index.ts";
import type { Opened } from "./session.ts";
import { ChildContext } from "./tracked.ts";

const encode = (text: string) => new TextEncoder().encode(text);

/** A session of core as RTCR opens it for its child. */
function opened<T extends KernelObject>(real: T): readonly [ChildContext, Opened<T>] {
  const badges = new Badges();
  const args = 'ram_quota=8K, cap_quota=3, label="child -> module"';
  return [new ChildContext(badges), { id: 6, args, real: badges.identify(real).capability }];
}

logSessionSuite("interposed by RTCR", () => {
  const lines: string[] = [];
  const session = new RtcrLog(...opened(new CoreLog("child", (line) => lines.push(line))));
  return {
    session,
    lines: () => lines.splice(0).map((line) => line.slice("[child] ".length)),
    close: () => session.dispose(),
  };
});

timerSessionSuite("interposed by RTCR", () => {
  const clock = new VirtualClock();
  const session = new RtcrTimer(...opened(new CoreTimer(clock.alarms)));
  return { session, letPass: (us) => void clock.advance(us), close: () => session.dispose() };
});

test("S95: a tick that is due and that nobody has been told yet is still to come, one that was told is over", () => {
  let nowUs = 0;
  const alarms = new Alarms(() => nowUs);
  const timer = new RtcrTimer(...opened(new CoreTimer(alarms)));
  assert.equal(timer.remainingUs(), undefined);
  timer.triggerOnce(100);
  nowUs = 60;
  assert.equal(timer.remainingUs(), 40);
  nowUs = 150; // the event loop has had no turn
  assert.equal(timer.remainingUs(), 1);
  alarms.ringDue();
  assert.equal(timer.remainingUs(), undefined);
  timer.triggerPeriodic(200);
  nowUs = 360;
  assert.equal(timer.remainingUs(), 1);
  alarms.ringDue();
  assert.equal(timer.remainingUs(), 190);
});

test("S58, S95: a short period is recorded as it was asked for, and goes on in its step: core lengthens it, others do not", () => {
  const clock = new VirtualClock();
  const core = new CoreTimer(clock.alarms);
  const others: TimerSession = {
    kind: "timer",
    triggerOnce: () => {},
    triggerPeriodic: () => {},
    sigh: () => {},
    elapsedMs: () => core.elapsedMs(),
    elapsedUs: () => core.elapsedUs(),
  };
  for (const [server, periodUs] of [
    [core, 100],
    [others, 40],
  ] as const) {
    const timer = new RtcrTimer(...opened<TimerSession>(server));
    timer.triggerPeriodic(40);
    clock.advance(30);
    assert.equal(timer.remainingUs(), periodUs - 30);
    timer.triggerPeriodic(40, 35);
    assert.equal(timer.remainingUs(), 35);
    clock.advance(35 + 15);
    assert.equal(timer.remainingUs(), periodUs - 15);
    const info = { elapsedUs: 7, timeoutUs: 40, periodic: true, remainingUs: periodUs - 15 } as TimerInfo;
    const again = new RtcrTimer(...opened<TimerSession>(server));
    again.restore(info, INVALID, server === others);
    assert.equal(again.remainingUs(), periodUs - 15);
  }
});

const modules = () => new RomModules((size) => success(bytesDataspace(size, "rom")));

romSessionSuite("interposed by RTCR", (content) => {
  const all = modules();
  const module = all.dynamic("config", content === undefined ? undefined : encode(content));
  const session = new RtcrRom(...opened(required(all.open("config"), "the module")));
  return {
    session,
    change: (text) => module.change(text === undefined ? undefined : encode(text)),
    close: () => session.dispose(),
  };
});

bootRomSessionSuite("boot module interposed by RTCR", (content) => {
  const all = modules();
  all.boot("program", encode(content));
  const session = new RtcrRom(...opened(required(all.open("program"), "the module")));
  return { session, close: () => session.dispose() };
});

reportSessionSuite("interposed by RTCR", () => {
  const taken: Uint8Array[] = [];
  const session = new RtcrReport(...opened(new CoreReport(bytesDataspace(5000), (report) => taken.push(report))));
  return { session, reports: () => taken.splice(0), close: () => session.dispose() };
});
