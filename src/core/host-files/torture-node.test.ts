// Torture of the undo journal: random operations, checkpoints and ways back, compared byte for byte with snapshots.

import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { tmpdir } from "node:os";
import { test } from "node:test";
import type { Host } from "./host-node.ts";
import { PortableHost } from "./portable-node.ts";
import { randomCommand, randomOf, type Snapshot, Subject } from "./subject-node.test.ts";

function torture(seed: number, rounds: number, journalBase: string, newHost?: () => Host): void {
  const random = randomOf(seed);
  const subject = new Subject(journalBase, newHost);
  const snapshots: Snapshot[] = [];
  let count = 0;
  try {
    for (let round = 0; round < rounds; round++) {
      const length = random(12);
      for (let i = 0; i < length; i++) {
        subject.shell.give(randomCommand(random, () => `<${count++}>`));
      }
      if (random(3) === 0) snapshots.push(subject.snapshot());
      if (snapshots.length > 0 && random(4) === 0) subject.goBack(snapshots[random(snapshots.length)]!);
    }
  } catch (thrown) {
    throw new Error(`seed ${seed}`, { cause: thrown });
  } finally {
    subject.end();
  }
}

test("going back and forth, trash on the same file system", () => {
  for (let seed = 1; seed <= 20; seed++) torture(seed, 60, tmpdir());
});

test("going back and forth, trash on another file system", () => {
  const other = "/dev/shm";
  assert.notEqual(statSync(other).dev, statSync(tmpdir()).dev, `${other} is another file system than ${tmpdir()}`);
  for (let seed = 101; seed <= 112; seed++) torture(seed, 60, other);
});

test("going back and forth by paths", () => {
  for (let seed = 201; seed <= 206; seed++) torture(seed, 60, tmpdir(), () => new PortableHost());
});
