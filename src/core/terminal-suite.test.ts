// Terminals under the suites of their contract, and what goes beyond it: input that several clients share.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type InputUnderTest,
  type OutputUnderTest,
  terminalInputSuite,
  terminalOutputSuite,
} from "../../test/contracts/terminal-session.ts";
import type { SessionState } from "../session/index.ts";
import {
  ByteRing,
  createLogTerminal,
  createMemoryInput,
  createMemoryOutput,
  createRingInput,
  createSharedInput,
  holdOutput,
  TerminalFault,
} from "./index.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

function memoryInput(state?: SessionState): InputUnderTest {
  const session = createMemoryInput({ open: true, ...(state === undefined ? {} : { state }) });
  return {
    session,
    arrive: (text) => session.push(bytesOf(text)),
    end: () => session.end(),
    again: () => memoryInput(session.capture()),
    close: () => {},
  };
}
terminalInputSuite("input in memory", () => memoryInput());

function ringInput(state?: SessionState): InputUnderTest {
  const ring = ByteRing.create(64);
  const session = createRingInput(ring, { kind: "pipe", ...(state === undefined ? {} : { state }) });
  return {
    session,
    arrive: (text) => void ring.write(bytesOf(text)),
    end: () => ring.end(),
    again: () => ringInput(session.capture()),
    close: () => {},
  };
}
terminalInputSuite("input through a ring", () => ringInput());

function sharedInput(again: (captured: SessionState) => InputUnderTest, session = createSharedInput()): InputUnderTest {
  return {
    session,
    arrive: (text) => session.push(bytesOf(text)),
    end: () => session.end(),
    again: () => again(session.capture()),
    close: () => {},
  };
}
/** Elsewhere: a place of its own for each life. */
function elsewhere(captured: SessionState): InputUnderTest {
  const session = createSharedInput();
  session.goBack(captured);
  return sharedInput(elsewhere, session);
}
terminalInputSuite("shared input, restored elsewhere", () => sharedInput(elsewhere));
terminalInputSuite("shared input, restored in place", () => {
  const session = createSharedInput();
  const inPlace = (captured: SessionState): InputUnderTest => {
    session.goBack(captured);
    return sharedInput(inPlace, session);
  };
  return sharedInput(inPlace, session);
});

function read(input: ReturnType<typeof createSharedInput>, size = 100): string {
  const target = new Uint8Array(size);
  const result = input.read(target);
  return result.ok ? textOf(target.subarray(0, result.value)) : `!${result.reason}`;
}

test("S88: in the same place a restore gives back what was unread, and behind it what came since and nobody has read", () => {
  const input = createSharedInput();
  input.push(bytesOf("abcd"));
  assert.equal(read(input, 1), "a");
  const captured = input.capture();
  input.push(bytesOf("ef"));
  assert.equal(read(input, 2), "bc", "by the life that is given up");
  input.goBack(captured);
  assert.equal(read(input), "bcdef");
  input.push(bytesOf("gh"));
  assert.equal(read(input, 1), "g");
  input.goBack(captured);
  assert.equal(read(input), "bcdh", "e, f and g went with the life that had read them");
});

test("S65, S88: clients that share an input and go back together get what was unread once", () => {
  const input = createSharedInput();
  input.push(bytesOf("xyz"));
  const states = [input.capture(), input.capture()];
  assert.equal(read(input), "xyz");
  for (const state of states) input.goBack(state);
  assert.deepEqual([read(input), read(input)], ["xyz", "!again"]);
});

test("shared input: a state that is none of a terminal is refused, and nothing has changed", () => {
  const input = createSharedInput();
  input.push(bytesOf("kept"));
  assert.throws(() => input.goBack({ input: "text" }), TerminalFault);
  assert.equal(read(input), "kept");
});

function memoryOutput(): OutputUnderTest {
  let out = "";
  const sink = createMemoryOutput((bytes) => void (out += textOf(bytes)));
  const taken = () => {
    const text = out;
    out = "";
    return text;
  };
  return { session: sink, written: taken, again: memoryOutput, close: () => {} };
}
terminalOutputSuite("output in memory", memoryOutput);

function passedOutput(state?: SessionState): OutputUnderTest {
  const { session: sink, written } = memoryOutput();
  const session = holdOutput(sink, { passing: true, ...(state === undefined ? {} : { state }) });
  return { session, written, again: () => passedOutput(session.capture()), close: () => {} };
}
terminalOutputSuite("output that passes what was held", () => passedOutput());

function logOutput(state?: SessionState): OutputUnderTest {
  let out = "";
  const log = { kind: "log" as const, write: (text: string) => (out += text).length };
  const session = createLogTerminal(() => log, state);
  const written = () => {
    session.flush();
    const text = out.replaceAll("\n", "");
    out = "";
    return text;
  };
  return { session, written, again: () => logOutput(session.capture()), close: () => {} };
}
terminalOutputSuite("output that becomes lines of a log", () => logOutput());
