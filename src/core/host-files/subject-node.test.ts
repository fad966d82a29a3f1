// A directory with a journaled file system on it, and its snapshots: support for the tests of the journal.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PlainData } from "../../abi/index.ts";
import { createFileSystem, volumeStates } from "../files/index.ts";
import { Shell } from "../files/shell.test.ts";
import { createHost, type Host } from "./host-node.ts";
import { JournaledVolume } from "./journaled-volume-node.ts";

/** A tree as text: every name with kind, permissions, content, target, and which names are one file (null: not that). */
export function treeOf(path: string, names: Map<bigint, string> | null = new Map(), name = "."): string {
  const stats = lstatSync(path, { bigint: true });
  if (stats.isSymbolicLink()) return `${name} -> ${readlinkSync(path)}\n`;
  if (stats.isDirectory()) {
    const entries = readdirSync(path).sort();
    const below = entries.map((entry) => treeOf(join(path, entry), names, `${name}/${entry}`)).join("");
    return `${name}/ ${(stats.mode & 0o777n).toString(8)}\n${below}`;
  }
  if (!stats.isFile()) return `${name} special\n`;
  const first = names?.get(stats.ino);
  if (first !== undefined) return `${name} = ${first}\n`;
  names?.set(stats.ino, name);
  return `${name} ${(stats.mode & 0o777n).toString(8)} ${readFileSync(path, "latin1")}\n`;
}

/** The modification times of all files below a directory, by path. */
function timesOf(path: string, times = new Map<string, bigint>()): Map<string, bigint> {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const below = join(path, entry.name);
    if (entry.isDirectory()) timesOf(below, times);
    else if (entry.isFile()) times.set(below, statSync(below, { bigint: true }).mtimeNs);
  }
  return times;
}

/** Times come back as exactly as Node can set them. */
function assertTimes(actual: ReadonlyMap<string, bigint>, expected: ReadonlyMap<string, bigint>): void {
  for (const [path, time] of expected) {
    const off = (actual.get(path) ?? 0n) - time;
    assert(off < 1000n && off > -1000n, `${path} is off by ${off} ns`);
  }
}

export type Random = (below: number) => number;

export function randomOf(seed: number): Random {
  let state = seed * 2 + 1;
  return (below) => {
    state = (state * 48271) % 0x7fffffff;
    return state % below;
  };
}

const NAMES = ["a", "b", "c", "d", "a/x", "a/y", "b/x", "b/y", "c/x", "a/x/z", "b/x/z"];

/** One random command of the shell's notation; most make sense often enough. */
export function randomCommand(random: Random, next: () => string): string {
  const name = (): string => NAMES[random(NAMES.length)]!;
  const held = (): string => `h${random(4)}`;
  const text = next();
  const commands = [
    `mkdir ${name()}`, `mkdir ${name()}`, `mkdir ${name()}`, `rmdir ${name()}`, `unlink ${name()}`, `unlink ${name()}`,
    `rename ${name()} ${name()}`, `rename ${name()} ${name()}`, `rename ${name()} ${name()}`, `link ${name()} ${name()}`,
    `symlink ${name()} ${name()}`, `create ${name()}`, `write ${name()} ${text}`, `write ${name()} ${text}`,
    `write ${name()} ${text}${text}`, `append ${name()} ${text}`, `append ${name()} ${text}`,
    `patch ${name()} ${random(30)} ${text}`, `patch ${name()} ${random(9)} X`, `resize ${name()} ${random(40)}`,
    `touch ${name()} ${random(1000)}000000`, `hold ${held()} ${name()} rw`, `hold ${held()} ${name()} rw`,
    `hwrite ${held()} ${text}`, `happend ${held()} ${text}`, `drop ${held()}`,
  ]; // biome-ignore format: one table
  return commands[random(commands.length)]!;
}

export interface Snapshot {
  readonly state: PlainData;
  readonly tree: string;
  readonly times: ReadonlyMap<string, bigint>;
  /** What the held files read, by name. */
  readonly held: ReadonlyMap<string, string>;
  readonly handles: ReadonlyMap<string, number>;
}

export class Subject {
  readonly base = mkdtempSync(join(tmpdir(), "rtcr-test-"));
  readonly root = join(this.base, "root");
  readonly journal: string;
  readonly #newHost: () => Host;
  readonly #before: string[] = [];
  volume: JournaledVolume;
  shell: Shell;

  /** A new directory, with its journal in another one. */
  constructor(journalBase: string = tmpdir(), newHost: () => Host = createHost) {
    this.#newHost = newHost;
    this.journal = join(mkdtempSync(join(journalBase, "j-")), "journal");
    mkdirSync(this.root);
    this.volume = this.#openVolume();
    this.shell = new Shell(createFileSystem([this.volume]));
  }

  #openVolume(): JournaledVolume {
    const directories = [{ hostPath: this.root, guestPath: "/", writable: true }];
    return new JournaledVolume({ directories, journal: this.journal, host: this.#newHost() });
  }

  snapshot(): Snapshot {
    const state = this.shell.files.capture() as PlainData;
    const held = new Map([...this.shell.held.keys()].map((name) => [name, this.shell.give(`hread ${name}`)]));
    return { state, tree: treeOf(this.root), times: timesOf(this.root), held, handles: new Map(this.shell.held) };
  }

  /** A checkpoint without reading the files. */
  snapshotWithoutContent(): PlainData {
    return this.shell.files.capture() as PlainData;
  }

  /** The volume anew; the last one is over. */
  reopen(): JournaledVolume {
    this.volume = this.#openVolume();
    return this.volume;
  }

  /** Ends the session as if the process had ended, and goes back in a new one. */
  goBack(snapshot: Snapshot): void {
    this.shell.files.dispose();
    this.goBackAfterCrash(snapshot);
  }

  /**
   * Leaves the session as a dead process does; files and journal are copies from now on, with their times: other inodes.
   *
   * @param links what was one file is one; else each name has its own
   */
  moveToCopy(links: boolean): void {
    this.volume.dispose();
    for (const path of [this.base, join(this.journal, "..")]) {
      // Beside what is there, so that no inode is used again.
      execFileSync("cp", ["-dR", `--preserve=mode,timestamps${links ? ",links" : ""}`, path, `${path}.copy`]);
      renameSync(path, `${path}.before`);
      renameSync(`${path}.copy`, path);
      this.#before.push(`${path}.before`);
    }
  }

  /** Leaves the session as a dead process does, and goes back in a new one. */
  goBackAfterCrash({ state, tree, times, held, handles }: Snapshot): void {
    this.volume.dispose();
    this.volume = this.#openVolume();
    const volumeState = volumeStates(state)[0]!;
    assert.deepEqual(this.volume.check(volumeState), [], "nobody else has changed anything");
    assert.deepEqual(this.volume.goBack(volumeState, false), [], "everything can be undone");
    assert.equal(treeOf(this.root), tree);
    assertTimes(timesOf(this.root), times);
    this.shell = new Shell(createFileSystem([this.volume], state), 0, new Map(handles));
    for (const [name, text] of held) assert.equal(this.shell.give(`hread ${name}`), text, `held ${name}`);
  }

  end(): void {
    this.shell.files.dispose();
    rmSync(this.base, { recursive: true });
    rmSync(join(this.journal, ".."), { recursive: true, force: true });
    for (const path of this.#before) rmSync(path, { recursive: true });
  }
}
