// What IO_PORT, IO_MEM and IRQ sessions must do, by their contracts alone (spec 2.14). Implementations call the suites from
// their own tests; this file runs nothing by itself.
import assert from "node:assert/strict";
import { test } from "node:test";
import { INVALID, type IoMemSession, type IoPortSession, type IrqSession } from "../../src/session/index.ts";
import { recorder } from "./recorder.ts";

export interface IoPortUnderTest {
  /** For the four ports from 0x100; those from 0x100 to 0x102 are registers that keep what is written. */
  readonly session: IoPortSession;
  close(): void;
}

export function ioPortSessionSuite(label: string, make: () => IoPortUnderTest): void {
  test(`${label}: S60: bytes, words and longs reach the registers, lowest port first`, () => {
    const { session, close } = make();
    session.outb(0x100, 0x1aa);
    session.outw(0x101, 0xccbb);
    assert.deepEqual(
      [0x100, 0x101, 0x102].map((port) => session.inb(port)),
      [0xaa, 0xbb, 0xcc],
    );
    assert.deepEqual([session.inw(0x100), session.inw(0x101)], [0xbbaa, 0xccbb]);
    assert.equal(session.inl(0x100), 0xffccbbaa, "a port without register reads as ones");
    session.outl(0x100, 0x01020304);
    assert.equal(session.inl(0x100), 0xff020304);
    close();
  });

  test(`${label}: S60: ports outside the session's range read as ones and swallow writes`, () => {
    const { session, close } = make();
    session.outl(0x100, 0);
    assert.deepEqual([session.inb(0xff), session.inb(0x104)], [0xff, 0xff]);
    assert.deepEqual([session.inw(0x103), session.inl(0x101), session.inl(0xfe)], [0xffff, 0xffffffff, 0xffffffff]);
    session.outl(0xfe, 0x11111111);
    session.outl(0x101, 0x22222222);
    session.outw(0x103, 0x3333);
    assert.equal(session.inl(0x100), 0xff000000);
    close();
  });
}

export interface IoMemUnderTest {
  /** For a device's memory of 8192 bytes. */
  readonly session: IoMemSession;
  /** For addresses that no device has. */
  readonly nothing: IoMemSession;
  /** What the device sees. */
  readonly bytes: Uint8Array;
  close(): void;
}

export function ioMemSessionSuite(label: string, make: () => IoMemUnderTest): void {
  test(`${label}: S60: the client and the device share the memory`, () => {
    const { session, bytes, close } = make();
    const dataspace = session.dataspace();
    assert.equal(session.dataspace(), dataspace);
    assert.equal(dataspace.object?.size(), 8192);
    dataspace.object?.write(5000, Uint8Array.of(1, 2, 3));
    assert.deepEqual([...bytes.subarray(5000, 5003)], [1, 2, 3]);
    bytes[6000] = 9;
    const seen = new Uint8Array(1);
    dataspace.object?.read(6000, seen);
    assert.equal(seen[0], 9);
    close();
  });

  test(`${label}: S60: addresses of no device give no dataspace`, () => {
    const { nothing, close } = make();
    assert.equal(nothing.dataspace().valid, false);
    close();
  });
}

export interface IrqUnderTest {
  readonly session: IrqSession;
  /** The device wants attention, or no longer; signals reach their contexts before it ends. */
  assertLine(asserted: boolean): void | Promise<void>;
  close(): void;
}

/** @param make a session of a line used by level, or by edge */
export function irqSessionSuite(label: string, make: (trigger: "level" | "edge") => IrqUnderTest): void {
  for (const trigger of ["level", "edge"] as const) {
    test(`${label}: S60: one signal an interrupt until it is acknowledged (${trigger})`, async () => {
      const { session, assertLine, close } = make(trigger);
      const signals = recorder();
      session.sigh(signals.context);
      await assertLine(true);
      assert.equal(signals.taken(), 1);
      for (let i = 0; i < 3; i++) {
        await assertLine(false);
        await assertLine(true);
      }
      assert.equal(signals.taken(), 0, "none before the acknowledgement");
      session.ackIrq();
      await assertLine(true);
      assert.equal(signals.taken(), 1, "what came meanwhile is told once");
      await assertLine(false);
      session.ackIrq();
      assert.equal(signals.taken(), 0);
      await assertLine(true);
      assert.equal(signals.taken(), 1);
      close();
    });
  }

  test(`${label}: S60: a level that stays is told again after each acknowledgement, an edge is not`, async () => {
    for (const [trigger, again] of [
      ["level", 1],
      ["edge", 0],
    ] as const) {
      const { session, assertLine, close } = make(trigger);
      const signals = recorder();
      session.sigh(signals.context);
      await assertLine(true);
      signals.taken();
      session.ackIrq();
      await assertLine(true);
      assert.equal(signals.taken(), again);
      close();
    }
  });

  test(`${label}: S60: an interrupt before there is a handler is told to the first one`, async () => {
    const { session, assertLine, close } = make("edge");
    await assertLine(true);
    await assertLine(false);
    const signals = recorder();
    session.sigh(signals.context);
    await assertLine(false);
    assert.equal(signals.taken(), 1);
    session.sigh(INVALID);
    session.ackIrq();
    await assertLine(true);
    assert.equal(signals.taken(), 0);
    close();
  });

  test(`${label}: S60: the line is no message-signalled interrupt`, () => {
    const { session, close } = make("level");
    assert.deepEqual(session.info(), { type: "invalid", address: 0, value: 0 });
    close();
  });
}
