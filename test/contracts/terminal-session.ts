// What every Terminal session must do, by its contract alone. Implementations call these suites from their own tests; this
// file runs nothing by itself.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TerminalSession } from "../../src/session/index.ts";
import { refusal, success } from "../../src/util/index.ts";

export interface InputUnderTest {
  readonly session: TerminalSession;
  /** Somebody has typed. */
  arrive(text: string): void;
  end(): void;
  /** The session again, in its place or in another one, from what `capture` gave. */
  again(): InputUnderTest;
  close(): void;
}

export interface OutputUnderTest {
  readonly session: TerminalSession;
  /** What came out since the last call. */
  written(): string;
  again(): OutputUnderTest;
  close(): void;
}

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** One read of so many bytes: its text, `!errno` after a refusal. */
function read({ session }: InputUnderTest, size = 100): string {
  const target = new Uint8Array(new SharedArrayBuffer(size));
  const result = session.read(target);
  return result.ok ? new TextDecoder().decode(target.slice(0, result.value)) : `!${result.reason}`;
}

/** All there is, by reads of three bytes. */
function all(input: InputUnderTest): string {
  let got = "";
  for (let piece = read(input, 3); !piece.startsWith("!") && piece !== ""; piece = read(input, 3)) got += piece;
  return got;
}

export function terminalInputSuite(label: string, make: () => InputUnderTest): void {
  const on = (title: string, body: (input: InputUnderTest) => void): void => {
    test(`${label}: ${title}`, () => {
      const input = make();
      try {
        body(input);
      } finally {
        input.close();
      }
    });
  };

  on("what has come is read in its order, in pieces as they fit; then there is nothing yet", (input) => {
    assert.equal(read(input), "!again");
    input.arrive("one ");
    input.arrive("two");
    assert.deepEqual(
      [read(input, 2), read(input, 0), read(input, 4), read(input), read(input)],
      ["on", "", "e tw", "o", "!again"],
    );
  });

  on("readiness tells how much a read would give, and removes nothing", (input) => {
    const idle = { readable: false, readableBytes: 0, writable: true, hangup: false };
    assert.deepEqual(input.session.readiness(), idle);
    input.arrive("abc");
    assert.deepEqual(input.session.readiness(), { ...idle, readable: true, readableBytes: 3 });
    assert.equal(read(input), "abc");
    assert.deepEqual(input.session.readiness(), idle);
  });

  on("at the end reads give nothing, for ever", (input) => {
    input.arrive("z");
    input.end();
    assert.deepEqual([read(input), read(input), read(input)], ["z", "", ""]);
    const { readable, hangup } = input.session.readiness();
    assert.deepEqual([readable, hangup], [true, true]);
  });

  on("input answers writes with badf", (input) => {
    assert.deepEqual(input.session.write(bytesOf("x")), refusal("badf"));
  });

  on("S88: what was unread comes first after a restore, then what comes there; a capture removes nothing", (input) => {
    input.arrive("abcdef");
    assert.equal(read(input, 2), "ab");
    const second = input.again();
    second.arrive("gh");
    assert.equal(all(second), "cdefgh");
  });

  on("S88: from restore to restore nothing is lost and nothing comes twice", (input) => {
    let now = input;
    let got = "";
    for (let turn = 0; turn < 6; turn++) {
      now.arrive(`${turn}abc`);
      got += read(now, 3);
      now = now.again();
    }
    assert.equal(got + all(now), [0, 1, 2, 3, 4, 5].map((turn) => `${turn}abc`).join(""));
  });
}

export function terminalOutputSuite(label: string, make: () => OutputUnderTest): void {
  const on = (title: string, body: (output: OutputUnderTest) => void): void => {
    test(`${label}: ${title}`, () => {
      const output = make();
      try {
        body(output);
      } finally {
        output.close();
      }
    });
  };

  on("what is written comes out in its order; nothing is nothing", (output) => {
    assert.deepEqual(output.session.write(bytesOf("one ")), success(4));
    assert.deepEqual(output.session.write(new Uint8Array(0)), success(0));
    assert.deepEqual(output.session.write(bytesOf("two")), success(3));
    assert.equal(output.written(), "one two");
  });

  on("output answers reads with badf, and is writable", (output) => {
    assert.deepEqual(output.session.read(new Uint8Array(1)), refusal("badf"));
    assert.equal(output.session.readiness().writable, true);
  });

  on("S88: what came out does not come out again after a restore, what is written then does", (output) => {
    output.session.write(bytesOf("before"));
    assert.equal(output.written(), "before");
    const second = output.again();
    assert.equal(second.written(), "");
    second.session.write(bytesOf("behind"));
    assert.equal(second.written(), "behind");
  });
}
