import assert from "node:assert/strict";
import { test } from "node:test";
import type { PlainData } from "../abi/index.ts";
import { ERRNO } from "../session/index.ts";
import { WasiStateFault } from "./index.ts";
import type { TestProgram } from "./test-program.test.ts";
import { make, ROOT } from "./test-sessions.test.ts";

type Subscription =
  | { readonly clock: number; readonly timeout: bigint; readonly absolute?: boolean }
  | { readonly read: number }
  | { readonly write: number }
  | { readonly type: number };

/** Writes subscriptions with their index as userdata; the arguments of poll_oneoff. */
function subscribe(program: TestProgram, subscriptions: readonly Subscription[]) {
  const [input, output] = [program.room(48 * subscriptions.length), program.room(32 * subscriptions.length)];
  for (const [index, subscription] of subscriptions.entries()) {
    const at = input + 48 * index;
    const { view } = program;
    view.setBigUint64(at, BigInt(index), true);
    if ("clock" in subscription) {
      view.setUint32(at + 16, subscription.clock, true);
      view.setBigUint64(at + 24, subscription.timeout, true);
      view.setUint16(at + 40, Number(subscription.absolute ?? false), true);
    } else if ("read" in subscription) {
      view.setUint8(at + 8, 1);
      view.setUint32(at + 16, subscription.read, true);
    } else if ("write" in subscription) {
      view.setUint8(at + 8, 2);
      view.setUint32(at + 16, subscription.write, true);
    } else {
      view.setUint8(at + 8, subscription.type);
    }
  }
  return { input, output, args: [input, output, subscriptions.length, program.room(4)] };
}

/** The events of a poll as `index:type`, with bytes, errno and `hangup` where there are any; or how it ended. */
function poll(program: TestProgram, subscriptions: readonly Subscription[], progress?: PlainData) {
  const { output, args } = subscribe(program, subscriptions);
  const ending = program.begin("poll_oneoff", progress, ...args);
  if (!("errno" in ending)) return ending;
  if (ending.errno !== "success") return ending.errno;
  return Array.from({ length: program.u32(args[3]!) }, (_, index) => {
    const at = output + 32 * index;
    const errno = ERRNO[program.view.getUint16(at + 8, true)];
    const bytes = program.u64(at + 16);
    const details = [
      ...(errno === "success" ? [] : [errno]),
      ...(bytes ? [bytes] : []),
      ...(program.memory[at + 24] ? ["hangup"] : []),
    ];
    return [`${program.u64(at)}:${program.memory[at + 10]}`, ...details].join(" ");
  });
}

test("no subscription, an unknown one, unknown clock flags: inval", () => {
  const { program } = make();
  assert.equal(poll(program, []), "inval");
  assert.equal(poll(program, [{ type: 3 }]), "inval");
  assert.equal(program.call("poll_oneoff", 0, 0, 65_537, 0), "inval");
});

test("a relative timeout waits that long, an absolute one until then", () => {
  for (const [subscription, waited] of [
    [{ clock: 1, timeout: 500n }, [500n]],
    [{ clock: 0, timeout: 500n }, [500n]],
    [{ clock: 1, timeout: 0n }, []],
    [{ clock: 1, timeout: 1_500n, absolute: true }, [500n]],
    [{ clock: 1, timeout: 5n, absolute: true }, []],
    [{ clock: 0, timeout: 1_700_000_000_000_002_000n, absolute: true }, [1_000n]],
  ] as const) {
    const { program } = make();
    assert.deepEqual(poll(program, [subscription]), ["0:0"]);
    assert.deepEqual(program.waited, waited);
  }
});

test("clocks that cannot be waited for are events with their errno", () => {
  const clocks = [9, 2, 3].map((clock) => ({ clock, timeout: 1n }));
  assert.deepEqual(poll(make().program, clocks), ["0:0 inval", "1:0 notsup", "2:0 notsup"]);
});

test("the earliest of several timeouts", () => {
  const { program } = make();
  const subscriptions = [30n, 10n, 20n, 10n].map((timeout) => ({ clock: 1, timeout }));
  assert.deepEqual(poll(program, subscriptions), ["1:0", "3:0"]);
});

test("a sleep goes on after a freeze with what remained of it", () => {
  const { program, clock } = make();
  const sleep = [{ clock: 1, timeout: 1_000n }];
  program.waits.push(() => {
    clock.nowNs += 300n;
    return "freeze";
  });
  const first = poll(program, sleep) as { frozen: PlainData };
  assert.deepEqual(first, { frozen: [2_000n] });
  // The clock stands still until the restore, then the rest is waited, through further freezes as well.
  program.waits.push(() => {
    clock.nowNs += 600n;
    return "freeze";
  });
  assert.deepEqual(poll(program, sleep, first.frozen), first);
  program.waited.length = 0;
  assert.deepEqual(poll(program, sleep, first.frozen), ["0:0"]);
  assert.deepEqual(program.waited, [100n]);
});

test("being woken for nothing does not lengthen a sleep", () => {
  const { program, clock } = make();
  program.waits.push(() => {
    clock.nowNs += 400n;
    return "woken";
  });
  assert.deepEqual(poll(program, [{ clock: 1, timeout: 1_000n }]), ["0:0"]);
  assert.deepEqual(program.waited, [1_000n, 600n]);
});

test("input: what is there, what comes while waiting, its end", () => {
  const { program, stdin } = make();
  const both = [{ clock: 1, timeout: 100n }, { read: 0 }];
  assert.deepEqual(poll(program, both), ["0:0"]);
  program.waits.push(() => {
    stdin.push(new Uint8Array(7));
    return "woken";
  });
  assert.deepEqual(poll(program, both), ["1:1 7"]);
  program.read(0);
  stdin.end();
  assert.deepEqual(poll(program, both), ["1:1 hangup"]);
});

test("output and files are ready at once, all that are ready are told", () => {
  const { program } = make();
  const file = program.open(ROOT, "file", { oflags: 1, rights: -1n }) as number;
  program.write(file, "hello");
  program.call("fd_seek", file, 2n, 0, program.room(8));
  const all = [{ write: 1 }, { write: 2 }, { read: file }, { write: file }, { read: 0 }];
  assert.deepEqual(poll(program, all), ["0:2 1", "1:2 1", "2:1 3", "3:2 1"]);
});

test("descriptors that cannot be watched are events with their errno", () => {
  const { program } = make();
  assert.deepEqual(poll(program, [{ read: 99 }, { read: ROOT }, { read: 1 }, { write: 0 }]), [
    "0:1 badf",
    "1:1 badf",
    "2:1 notcapable",
    "3:2 notcapable",
  ]);
});

test("events may be written over the subscriptions", () => {
  const { program } = make();
  const { input, args } = subscribe(program, [{ write: 1 }, { write: 2 }]);
  assert.equal(program.call("poll_oneoff", input, input, 2, args[3]!), "success");
  assert.deepEqual([program.u64(input), program.u64(input + 32)], [0n, 1n]);
});

test("progress that cannot be of this call is refused", () => {
  const { program } = make();
  for (const progress of [[], [1n, 2n], [-1n], ["x"], { moved: 1 }, null]) {
    assert.throws(() => poll(program, [{ clock: 1, timeout: 5n }], progress), WasiStateFault);
  }
});
