// RTCR's interposers of File_system and Terminal under the suites of these sessions, on core's services: the same without a
// checkpoint, and with one and a restore before every command (S62, S63, S96).
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type InputUnderTest,
  type OutputUnderTest,
  terminalInputSuite,
  terminalOutputSuite,
} from "../../test/contracts/terminal-session.ts";
import type { FileSystemInfo, TerminalInfo } from "../checkpoint/index.ts";
import { Shell } from "../core/files/shell.test.ts";
import { fileSystemSuite } from "../core/files/suite.test.ts";
import { type Random, randomCommand, randomOf } from "../core/host-files/subject-node.test.ts";
import {
  createCoreContext,
  createFileSystem,
  createMemoryOutput,
  createSharedInput,
  FilesFault,
  type ProvideFiles,
  type SharedInput,
  volumeStates,
} from "../core/index.ts";
import { createMemoryVolume } from "../core/memory-file-system.ts";
import type { CoreRoot } from "../core/service/root.ts";
import { fileSystemRoot, terminalRoot } from "../core/service/small-roots.ts";
import { type Capability, DONATION, type KernelObject, type SessionState, writeQuota } from "../session/index.ts";
import { DirectCopier } from "./copier.ts";
import { RtcrFault, RtcrFileSystem, RtcrTerminal } from "./index.ts";
import { RecordReader } from "./record-reader.ts";
import { RecordWriter } from "./record-writer.ts";
import { READ } from "./records.ts";
import type { Opened } from "./session.ts";
import { ChildContext } from "./tracked.ts";

const ROOM_BYTES = 1 << 20;
const SHARED_ID = 6;

/** A session of a core of its own, as RTCR opens it for its child. */
function opened<T extends KernelObject>(
  make: (core: ReturnType<typeof createCoreContext>) => CoreRoot,
): readonly [ChildContext, Opened<T>, CoreRoot] {
  const core = createCoreContext();
  const root = make(core);
  const args = `${writeQuota(DONATION.File_system)}, label="child -> data"`;
  const made = root.session(args, { x: 0, y: 0, width: 0, height: 0 });
  assert.ok(made.ok);
  return [new ChildContext(core.badges), { id: SHARED_ID, args, real: made.value as Capability<T> }, root];
}

/** What `checkpoint` writes of a session, read back. */
function recorded<T>(session: { checkpoint(records: RecordWriter): void }, read: (from: RecordReader) => T[]): T {
  const bytes = new Uint8Array(ROOM_BYTES);
  const records = new RecordWriter(bytes, new DirectCopier(bytes));
  const begin = records.beginList();
  session.checkpoint(records);
  records.endList(begin, 1);
  assert.ok(records.neededBytes <= ROOM_BYTES);
  return structuredClone(read(new RecordReader(bytes.subarray(0, records.neededBytes))))[0]!;
}

const memoryFiles: ProvideFiles = (_, state) => {
  const [captured] = state === undefined ? [] : volumeStates(state);
  return createFileSystem([createMemoryVolume({ guestPaths: ["/"] }, captured)], state);
};

function fileSystem(provide = memoryFiles): RtcrFileSystem {
  const [context, session] = opened<RtcrFileSystem>((core) => fileSystemRoot(core, provide));
  return new RtcrFileSystem(context, session);
}

/** The same files behind an interposer of another place. */
function elsewhere(before: RtcrFileSystem): RtcrFileSystem {
  const info: FileSystemInfo = recorded(before, READ.files);
  before.session.dispose();
  const after = fileSystem();
  after.restore(info);
  return after;
}

fileSystemSuite("S62: interposed by RTCR", () => ({ files: fileSystem().session, end: () => undefined }));

fileSystemSuite("S62, S96: interposed by RTCR, restored before every command", () => {
  let now = fileSystem();
  return {
    files: now.session,
    moved: (shell: Shell) => {
      now = elsewhere(now);
      return new Shell(now.session, 0, new Map(shell.held));
    },
    end: () => undefined,
  };
});

for (const seed of [1, 2, 3, 4]) {
  test(`S62, S96: random calls have the same outcomes with RTCR and without, restores in between included (seed ${seed})`, () => {
    const random = randomOf(seed);
    let [written, restores, now] = [0, 0, fileSystem()];
    const plain = new Shell(memoryFiles("")!);
    let watched = new Shell(now.session);
    for (let i = 0; i < 400; i++) {
      const command = random(6) === 0 ? looking(random) : randomCommand(random, () => `text${written++}`);
      assert.equal(watched.give(command), plain.give(command), command);
      assert.deepEqual(watched.held, plain.held, `${command}: the same handles`);
      if (random(8) > 0) continue;
      restores++;
      now = elsewhere(now);
      watched = new Shell(now.session, 0, new Map(watched.held));
    }
    assert.ok(restores > 20 && written > 50);
    for (const name of plain.held.keys()) assert.equal(watched.give(`hread ${name}`), plain.give(`hread ${name}`));
    for (const path of [".", "a", "b", "c"]) assert.equal(watched.give(`ls ${path}`), plain.give(`ls ${path}`));
  });
}

/** A command that changes nothing. */
function looking(random: Random): string {
  const of = <T>(all: readonly T[]) => all[random(all.length)]!;
  const about = `${of(["kind", "lkind", "size", "links", "readlink", "read", "ls"])} ${of([".", "a", "b", "a/x", "c/x"])}`;
  return random(2) === 0 ? about : `${of(["hread", "hlinks", "hls"])} h${random(4)}`;
}

test("S63, S72: a File_system session records what is open, oldest first, and after a restore as before", () => {
  const files = fileSystem();
  const shell = new Shell(files.session);
  shell.run("mkdir d; write d/f text; hold dir d r; hold f d/f rw; hold g d/f r; drop f");
  const made = files.session.open(shell.held.get("dir")!, "f", OPEN_TO_WRITE);
  assert.ok(made.ok);
  const opened = (session: RtcrFileSystem) =>
    recorded(session, READ.files).nodes.map(({ path, read, write }) => `${path} ${read} ${write}`);
  const expected = ["/ true false", "/d true false", "/d/f true false", "/d/f false true"];
  assert.deepEqual(opened(files), expected);
  const { state: _, nodes, ...base } = recorded(files, READ.files);
  assert.equal(new Set(nodes.map(({ handle }) => handle)).size, 4);
  const { badge, creationArgs } = base;
  const session = { id: SHARED_ID, creationArgs, upgradeArgs: "", allocated: 1, bootstrapped: true };
  assert.deepEqual(base, { ...session, badge });
  assert.equal(badge, files.base.capability.badge, "one capability, the child's");
  assert.deepEqual(opened(elsewhere(files)), expected);
});

const OPEN_TO_WRITE = {
  ...{ create: false, exclusive: false, truncate: false, directory: false, follow: true },
  ...{ read: false, write: true, append: false },
};

test("S63: a program that opens a directory within itself again and again does not make its record grow", () => {
  const files = fileSystem();
  const deeper = { ...OPEN_TO_WRITE, read: true, write: false };
  let handle = 0;
  for (let i = 0; i < 300; i++) {
    const opened = files.session.open(handle, "./".repeat(2000), deeper);
    assert.ok(opened.ok);
    if (handle !== 0) files.session.close(handle);
    handle = opened.value;
  }
  const { nodes } = recorded(files, READ.files);
  assert.deepEqual(
    nodes.map(({ path }) => path.length),
    [1, 4096],
  );
  assert.ok(nodes[1]?.path.startsWith("...") && nodes[1].path.endsWith("/./"));
});

test("S72: removal is at once: with the service's session the child's capability is dead, and its files are closed", () => {
  const [context, session, root] = opened<RtcrFileSystem>((core) => fileSystemRoot(core, memoryFiles));
  const files = new RtcrFileSystem(context, session);
  assert.equal(files.base.capability.object, files);
  root.close(session.real);
  assert.equal(files.base.capability.object, undefined);
  assert.deepEqual(files.session.status(0), { ok: false, reason: "badf" });
});

test("S106: files that a service cannot record make the child unsaveable, by name; the session goes on", () => {
  const failing: ProvideFiles = (label, state) => {
    const session = memoryFiles(label, state)!;
    session.capture = () => {
      throw new FilesFault("unlinked-file", "an unlinked file of 99 bytes is open");
    };
    return session;
  };
  const files = fileSystem(failing);
  assert.throws(
    () => recorded(files, READ.files),
    (fault) => {
      assert.ok(fault instanceof RtcrFault);
      assert.equal(fault.code, "unsaveable");
      assert.equal(fault.message, `File_system session ${SHARED_ID}: an unlinked file of 99 bytes is open`);
      return true;
    },
  );
  new Shell(files.session).run("write f x; read f = x");
});

test("S106: a restore that does not find a file changes nothing of the session", () => {
  const files = fileSystem();
  const shell = new Shell(files.session);
  shell.run("write f x; hold f f r");
  const info = recorded(files, READ.files);
  const empty = fileSystem((_, state) => createFileSystem([createMemoryVolume({ guestPaths: ["/"] })], state));
  assert.throws(() => empty.restore(info), FilesFault);
  new Shell(empty.session).run("write g y; read g = y; ls . = g");
  assert.deepEqual(
    recorded(empty, READ.files).nodes.map(({ path }) => path),
    ["/"],
  );
});

const bytesOf = (text: string) => new TextEncoder().encode(text);

function terminal(session: ReturnType<typeof createMemoryOutput> | SharedInput): RtcrTerminal {
  const [context, open] = opened<RtcrTerminal>((core) =>
    terminalRoot(core, (_, state) => {
      if (state !== undefined && "goBack" in session) session.goBack(state);
      return session;
    }),
  );
  return new RtcrTerminal(context, open);
}

function input(captured?: TerminalInfo): InputUnderTest {
  const stdin = createSharedInput();
  const interposer = terminal(stdin);
  if (captured) interposer.restore(captured);
  return {
    session: interposer.session,
    arrive: (text) => stdin.push(bytesOf(text)),
    end: () => stdin.end(),
    again: () => input(recorded(interposer, READ.terminals)),
    close: () => interposer.dispose(),
  };
}
terminalInputSuite("S62: interposed by RTCR", () => input());

function output(captured?: TerminalInfo): OutputUnderTest {
  let out = "";
  const interposer = terminal(createMemoryOutput((bytes) => void (out += new TextDecoder().decode(bytes))));
  if (captured) interposer.restore(captured);
  return {
    session: interposer.session,
    written: () => {
      const text = out;
      out = "";
      return text;
    },
    again: () => output(recorded(interposer, READ.terminals)),
    close: () => interposer.dispose(),
  };
}
terminalOutputSuite("S62: interposed by RTCR", () => output());

test("S63, S72: a Terminal session records what stands behind it, its size, and what is unread", () => {
  const sized = { kind: "terminal" as const, size: { columns: 80, rows: 25 } };
  const { state, device, size, unreadBytes } = recorded(terminal(createMemoryOutput(() => {}, sized)), READ.terminals);
  assert.deepEqual([device, size, unreadBytes, state], ["terminal", { columns: 80, rows: 25 }, 0, {}]);
  const stdin = createSharedInput("file");
  stdin.push(bytesOf("unread"));
  const info = recorded(terminal(stdin), READ.terminals);
  assert.deepEqual([info.device, info.size, info.unreadBytes], ["file", undefined, 6]);
  assert.deepEqual((info.state as { readonly input: SessionState }).input, bytesOf("unread"));
});
