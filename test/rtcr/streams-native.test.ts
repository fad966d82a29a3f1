// A component in TypeScript with several File_system sessions and a terminal: they are opened at its parent, and go on with
// it after a restore, each with what it had open (S64).
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChildInfo, SystemCheckpoint } from "../../src/checkpoint/index.ts";
import {
  createFileSystem,
  createSharedInput,
  type NativeProgram,
  type ProvideFiles,
  volumeStates,
} from "../../src/core/index.ts";
import { createMemoryVolume } from "../../src/core/memory-file-system.ts";
import { type RepairReport, Rtcr, RtcrFault, STRATEGIES } from "../../src/rtcr/index.ts";
import {
  type Capability,
  DONATION,
  type Env,
  type FileSystemObject,
  type OpenOptions,
  type TerminalObject,
  writeQuota,
} from "../../src/session/index.ts";
import { required } from "../../src/util/index.ts";
import { config, start, startSystem } from "../support/core-system.ts";
import { throughImage } from "./rig.ts";

const WRITE: OpenOptions = {
  ...{ create: true, exclusive: false, truncate: false, directory: false, follow: true },
  ...{ read: true, write: true, append: false },
};

/** Each session by its label. */
interface Keeper {
  readonly files: Readonly<Record<"one" | "two", Capability<FileSystemObject>>>;
  readonly terminal: Capability<TerminalObject>;
}

/** A program that has these sessions, and gives them to the test. */
function keeper(began: (keeper: Keeper) => void): NativeProgram {
  return (env, saved) => {
    const slots = saved?.state as { readonly one: number; readonly two: number; readonly terminal: number } | undefined;
    const own: Keeper =
      saved && slots
        ? {
            files: { one: saved.slots.held(slots.one), two: saved.slots.held(slots.two) },
            terminal: saved.slots.held(slots.terminal),
          }
        : {
            files: { one: opened(env, 20, "File_system", "one"), two: opened(env, 21, "File_system", "two") },
            terminal: opened(env, 22, "Terminal", "stdin"),
          };
    began(own);
    return {
      capture: ({ held }) => ({ one: held(own.files.one), two: held(own.files.two), terminal: held(own.terminal) }),
      dispose: () => {},
    };
  };
}

function opened<T extends FileSystemObject | TerminalObject>(
  env: Env,
  id: number,
  service: "File_system" | "Terminal",
  label: string,
): Capability<T> {
  const made = env.session(id, service, `${writeQuota(DONATION[service])}, label="${label}"`);
  assert.ok(made.ok);
  return made.value as Capability<T>;
}

/** Each label has files of its own. */
const files: ProvideFiles = (_, state) => {
  const [captured] = state === undefined ? [] : volumeStates(state);
  return createFileSystem([createMemoryVolume({ guestPaths: ["/"] }, captured)], state);
};

function place(restore?: SystemCheckpoint, strategy?: (typeof STRATEGIES)[number]) {
  const made: { rtcr?: Rtcr; own?: Keeper } = {};
  const outcomes: (readonly RepairReport[] | RtcrFault)[] = [];
  const stdin = createSharedInput();
  const children = start("keeper", "", 'caps="300" ram="8M"');
  const tree = startSystem({
    config: config(start("rtcr", config(children), 'caps="4000" ram="64M"')),
    natives: {
      rtcr: (env) => {
        const restored = (outcome: readonly RepairReport[] | RtcrFault) => void outcomes.push(outcome);
        made.rtcr = new Rtcr(env, { restored, ...(restore ? { restore } : {}), ...(strategy ? { strategy } : {}) });
        return made.rtcr;
      },
      keeper: keeper((began) => {
        made.own = began;
      }),
    },
    files,
    terminals: (_, state) => {
      if (state !== undefined) stdin.goBack(state);
      return stdin;
    },
  });
  tree.settle();
  const faults = outcomes.filter((outcome) => outcome instanceof RtcrFault);
  assert.deepEqual(faults, []);
  return { tree, rtcr: required(made.rtcr, "the supervisor"), own: required(made.own, "the program"), stdin };
}

const write = ({ own }: ReturnType<typeof place>, which: "one" | "two", node: number, text: string) => {
  const { session } = required(own.files[which].object, "the session");
  assert.ok(session.write(node, new TextEncoder().encode(text), "end").ok);
};

function read({ own }: ReturnType<typeof place>, which: "one" | "two", node: number): string {
  const bytes = new Uint8Array(100);
  const result = required(own.files[which].object, "the session").session.read(node, bytes, 0n);
  assert.ok(result.ok);
  return new TextDecoder().decode(bytes.subarray(0, result.value));
}

for (const strategy of STRATEGIES) {
  test(`S64, S72, S93: several sessions of a component in TypeScript go on with what each had open (${strategy})`, async () => {
    const first = place();
    const nodes = (["one", "two"] as const).map((which) => {
      const opened = first.own.files[which].object!.session.open(0, `of ${which}`, WRITE);
      assert.ok(opened.ok);
      write(first, which, opened.value, which);
      return opened.value;
    });
    first.stdin.push(new TextEncoder().encode("typed"));
    const made = first.rtcr.checkpoint("both").system;
    const [child] = made.children;
    assert.deepEqual(
      child?.fileSystems?.map(({ id, nodes }) => [id, nodes.map(({ path }) => path)]),
      [
        [20, ["/", "/of one"]],
        [21, ["/", "/of two"]],
      ],
    );
    const held = new Set(child?.capabilities.map(({ badge }) => badge));
    for (const { badge } of [...(child?.fileSystems ?? []), ...(child?.terminals ?? [])]) assert.ok(held.has(badge));
    write(first, "one", nodes[0]!, " later");
    const system = await throughImage(made);
    first.tree.close();
    const second = place(system, strategy);
    write(second, "two", nodes[1]!, " again");
    assert.deepEqual([read(second, "one", nodes[0]!), read(second, "two", nodes[1]!)], ["one", "two again"]);
    const input = new Uint8Array(9);
    assert.deepEqual(second.own.terminal.object?.session.read(input), { ok: true, value: 5 });
    assert.equal(new TextDecoder().decode(input.subarray(0, 5)), "typed");
    const [again] = second.rtcr.checkpoint("again").system.children;
    const allocated = (info: ChildInfo | undefined) => info?.fileSystems?.map(({ id, allocated }) => [id, allocated]);
    assert.deepEqual(allocated(again), allocated(child), "at their places among the child's objects");
    second.tree.close();
  });
}
