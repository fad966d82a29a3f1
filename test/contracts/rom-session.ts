// What every ROM session must do, by its contract alone (spec 2.7). Implementations call romSessionSuite from their own
// tests; this file runs nothing by itself.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Capability, contentOf, type Dataspace, INVALID, type RomSession } from "../../src/session/index.ts";
import { type Recorder, recorder } from "./recorder.ts";

export interface RomUnderTest {
  /** Of a module that had the content given to `make` when the session was opened. */
  readonly session: RomSession;
  /** Gives the module new content, none if undefined; signals reach their contexts before it ends. */
  change(content: string | undefined): void | Promise<void>;
  close(): void;
}

const BIG = "b".repeat(5000);

/** Text of a dataspace without the zeros behind it; undefined if the capability is dead. */
export function textOf(capability: Capability<Dataspace>): string | undefined {
  const dataspace = capability.object;
  return dataspace && new TextDecoder().decode(contentOf(dataspace)).replace(/\0*$/, "");
}

/** What holds for modules that never change as well; `make` gives a session of a module with that content. */
export function bootRomSessionSuite(label: string, make: (content: string) => Omit<RomUnderTest, "change">): void {
  test(`${label}: S56: the module's content, in whole pages`, () => {
    const { session, close } = make(BIG);
    const { object } = session.dataspace();
    assert.equal(object?.size(), 8192);
    assert.equal(textOf(session.dataspace()), BIG);
    close();
  });

  test(`${label}: S56: without a change an update refreshes nothing and breaks nothing`, () => {
    const { session, close } = make("same");
    session.sigh(recorder().context);
    session.dataspace();
    for (let i = 0; i < 3; i++) {
      session.update();
      assert.equal(textOf(session.dataspace()), "same");
    }
    close();
  });
}

export function romSessionSuite(label: string, make: (content: string | undefined) => RomUnderTest): void {
  bootRomSessionSuite(label, make);
  const on = (
    title: string,
    content: string | undefined,
    body: (rom: RomUnderTest, signals: Recorder) => Promise<void>,
  ): void => {
    test(`${label}: S56: ${title}`, async () => {
      const rom = make(content);
      try {
        await body(rom, recorder());
      } finally {
        rom.close();
      }
    });
  };

  on("each change is signalled", "one", async (rom, signals) => {
    rom.session.sigh(signals.context);
    rom.session.dataspace();
    assert.equal(signals.taken(), 0);
    await rom.change("two");
    assert.equal(signals.taken(), 1);
    await rom.change("three");
    await rom.change("four");
    assert.ok(signals.taken() >= 1);
    rom.session.sigh(INVALID);
    await rom.change("five");
    assert.equal(signals.taken(), 0);
  });

  on("a change between looking and listening is not lost", "one", async (rom, signals) => {
    rom.session.dataspace();
    await rom.change("two");
    rom.session.sigh(signals.context);
    assert.equal(signals.taken(), 1);
  });

  on("what the client sees changes by its own calls only", "one", async (rom) => {
    const first = rom.session.dataspace();
    await rom.change("two");
    assert.equal(textOf(first), "one");
    await rom.change("three");
    assert.equal(textOf(first), "one");
    assert.equal(rom.session.update(), true);
    assert.equal(textOf(first), "three");
  });

  on("an update in place leaves nothing of a longer content before", "a long content", async (rom) => {
    const first = rom.session.dataspace();
    await rom.change("short");
    assert.equal(rom.session.update(), true);
    assert.equal(textOf(first), "short");
    assert.equal(rom.session.dataspace(), first);
  });

  on("content that does not fit needs a new dataspace, which ends the one before", "one", async (rom) => {
    const first = rom.session.dataspace();
    await rom.change(BIG);
    assert.equal(rom.session.update(), false);
    assert.equal(textOf(first), "one");
    assert.equal(textOf(rom.session.dataspace()), BIG);
    assert.equal(first.valid, false);
  });

  on("a module without content gives no dataspace, until it has one", undefined, async (rom, signals) => {
    rom.session.sigh(signals.context);
    assert.equal(rom.session.dataspace().valid, false);
    assert.equal(rom.session.update(), false);
    await rom.change("now");
    assert.equal(signals.taken(), 1);
    assert.equal(textOf(rom.session.dataspace()), "now");
    await rom.change(undefined);
    assert.equal(signals.taken(), 1);
    assert.equal(rom.session.update(), false);
    assert.equal(rom.session.dataspace().valid, false);
  });
}
