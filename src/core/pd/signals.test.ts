// Signals: merged, counted, first in first out (S31-S33).
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { createCoreContext } from "../memory/context.ts";
import { CoreSignalSource } from "./signals.ts";

const makeSource = () => new CoreSignalSource(createCoreContext());

test("S31: submissions are merged and counted, and a count starts again when it was taken", () => {
  const source = makeSource();
  const context = source.createContext(0xdead_beef);
  context.submit(1);
  context.submit(3);
  deepEqual(source.take(), { imprint: 0xdead_beef, count: 4 });
  equal(source.take(), undefined);
  context.submit(0);
  deepEqual(source.take(), { imprint: 0xdead_beef, count: 1 });
});

test("S31: counts stay at 32 bits", () => {
  const source = makeSource();
  const context = source.createContext(1);
  context.submit(Infinity);
  context.submit(7);
  equal(source.take()?.count, 0xffff_ffff);
});

test("S33: contexts are queued once each, oldest first", () => {
  const source = makeSource();
  const [a, b, c] = [1, 2, 3].map((imprint) => source.createContext(imprint));
  for (const context of [b, a, b, c, a]) context!.submit(1);
  deepEqual(
    [source.take(), source.take(), source.take(), source.take()],
    [{ imprint: 2, count: 2 }, { imprint: 1, count: 2 }, { imprint: 3, count: 1 }, undefined],
  );
});

test("S33: the listener is told when the queue stops being empty, and only then", () => {
  const source = makeSource();
  const [a, b] = [source.createContext(1), source.createContext(2)];
  a.submit(1);
  let told = 0;
  source.listen(() => told++);
  equal(told, 1);
  b.submit(1);
  equal(told, 1);
  source.take();
  source.take();
  b.submit(1);
  equal(told, 2);
});

test("S32: what is pending of a context that ends is dropped, whatever its place in the queue", () => {
  const source = makeSource();
  const contexts = [1, 2, 3].map((imprint) => source.createContext(imprint));
  for (const context of contexts) context.submit(1);
  const { capability } = contexts[1]!;
  source.removeContext(contexts[1]!);
  contexts[1]!.submit(1);
  equal(capability.valid, false);
  deepEqual([source.take()?.imprint, source.take()?.imprint, source.take()], [1, 3, undefined]);
});

test("S32: contexts of a source that has ended have no effect", () => {
  const source = makeSource();
  const context = source.createContext(1);
  context.submit(1);
  source.dispose();
  context.submit(1);
  equal(source.take(), undefined);
  equal(context.pending, 0);
});
