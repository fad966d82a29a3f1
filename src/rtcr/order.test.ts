// What a restore does to timers and ROMs: the same ticks in the same order, and a child is told of what it has not been told.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { bytesDataspace } from "../../test/contracts/bytes-dataspace.ts";
import type { RomInfo } from "../checkpoint/index.ts";
import { CoreTimer, RomModules, VirtualClock } from "../core/index.ts";
import { Badges, type Capability, type Dataspace, type KernelObject, type SignalContext } from "../session/index.ts";
import { required, success } from "../util/index.ts";
import { RtcrRom, RtcrTimer } from "./index.ts";
import { ringOrder } from "./timer.ts";
import { ChildContext } from "./tracked.ts";

const badges = new Badges();
const opened = <T extends KernelObject>(real: T) => ({
  ...{ id: 1, args: 'label="config"' },
  real: badges.identify(real).capability,
});

/** A child's timers, which write their names when they tick. */
function timers(names: readonly string[]) {
  const clock = new VirtualClock();
  const context = new ChildContext(badges);
  const ticks: string[] = [];
  const handler = (name: string) => {
    const object: SignalContext = {
      ...{ kind: "signal-context", pending: 0 },
      submit: () => void ticks.push(`${name} ${clock.alarms.nowUs()}`),
    };
    return badges.identify<SignalContext>(object).capability;
  };
  const all = names.map((name) => {
    const timer = new RtcrTimer(context, opened(new CoreTimer(clock.alarms)));
    const sigh = handler(name);
    timer.sigh(sigh);
    return { name, timer, sigh };
  });
  return { clock, all, ticks };
}

test("S58, S88: timers that end at the same time ring in the same order after a restore, periodic ones in their phase", () => {
  const before = timers(["once", "slow", "fast", "late", "none"]);
  const [once, slow, fast, late] = before.all.map(({ timer }) => timer);
  slow!.triggerPeriodic(4000);
  once!.triggerOnce(8000);
  before.clock.advance(500);
  fast!.triggerPeriodic(2500);
  before.clock.advance(4500); // slow has ticked at 4000, fast at 3000
  late!.triggerOnce(3000);
  ringOrder(before.all.map(({ timer }) => timer));
  deepEqual(
    before.all.map(({ timer }) => timer.place),
    [0, 2, 1, 3, undefined],
  );
  const after = timers(["once", "slow", "fast", "late", "none"]);
  after.clock.advance(123);
  const infos = before.all.map(({ timer }, i) => ({
    ...{ timer: after.all[i]!.timer, sigh: after.all[i]!.sigh, place: timer.place ?? 0 },
    remainingUs: [3000, 3000, 500, 3000, 0][i]!,
    timeoutUs: [8000, 4000, 2500, 3000, 0][i]!,
    periodic: i === 1 || i === 2,
  }));
  for (const { timer, sigh, ...info } of infos.toSorted((x, y) => x.place - y.place)) {
    const object = { badge: 1, allocated: 1, bootstrapped: true, id: 1, creationArgs: "", upgradeArgs: "" };
    timer.restore({ ...object, ...info, handlerBadge: 1, elapsedUs: 5000 }, sigh);
  }
  ringOrder(after.all.map(({ timer }) => timer));
  deepEqual(after.all.filter(({ timer }) => timer.place !== undefined).length, 4);
  const rest = (line: string, offsetUs: number) => `${line.split(" ")[0]} ${Number(line.split(" ")[1]) - offsetUs}`;
  const from = before.ticks.length;
  before.clock.advance(20_000);
  after.clock.advance(20_000);
  deepEqual(
    after.ticks.map((line) => rest(line, 123)),
    before.ticks.slice(from).map((line) => rest(line, 5000)),
  );
  ok(after.ticks.length > 10);
});

/** A ROM session of a child that has seen `content`. */
function rom(content: string) {
  const encode = (text: string) => new TextEncoder().encode(text);
  const modules = new RomModules((size) => success(bytesDataspace(size, "rom")));
  const module = modules.dynamic("config", encode(content));
  const session = new RtcrRom(new ChildContext(badges), opened(required(modules.open("config"), "the module")));
  const heard = { signals: 0 };
  const object: SignalContext = {
    kind: "signal-context",
    pending: 0,
    submit: (count) => void (heard.signals += count),
  };
  const handler = badges.identify<SignalContext>(object).capability;
  const shown = () => new TextDecoder().decode(contentOf(session.current)).replace(/\0*$/, "");
  return { session, heard, handler, shown, change: (text: string) => module.change(encode(text)) };
}

function contentOf({ object }: Capability<Dataspace>): Uint8Array {
  const bytes = new Uint8Array(object!.size());
  object!.read(0, bytes);
  return bytes;
}

test("S63, S88: a child is told of a module that has changed since, once, and refreshes what it sees in place", () => {
  for (const told of [false, true]) {
    const { session, heard, handler, shown } = rom("short");
    const content = new TextEncoder().encode("a longer text\0\0");
    const info = { dataspaceBadge: 7, content, ...(told ? { told } : {}) } as unknown as RomInfo;
    const keep = (bytes: Uint8Array) => {
      const dataspace = bytesDataspace(bytes.length, "ram");
      dataspace.fill(bytes);
      return { capability: dataspace.capability, dispose: () => {} };
    };
    session.show(info, keep);
    equal(shown(), "a longer text", "it sees what it saw");
    if (session.listen(info, handler)) session.tell();
    equal(heard.signals, told ? 0 : 1);
    equal(session.update(), true);
    equal(shown(), "short");
  }
});

test("S63, S88: zeros behind a shorter text are no change", () => {
  const { session, heard, handler } = rom("short");
  const info = { dataspaceBadge: 7, content: new TextEncoder().encode("short\0\0\0") } as unknown as RomInfo;
  session.show(info, () => ({ capability: bytesDataspace(8, "ram").capability, dispose: () => {} }));
  equal(session.listen(info, handler), false);
  equal(heard.signals, 0);
});
