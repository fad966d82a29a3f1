// Test cases of WebAssembly/wasi-testsuite: a program and, beside it, a JSON file that says how to run it and what it
// has to do. Two forms of the file are known:
//
//   flat         args, env, dirs, root, stdin, stdout, stderr, exit_code
//   operations   a list: run (args, env, dirs, root), write (to stdin), read (from stdout, stderr), wait (exit_code)
//
// `dirs` are folders beside the program and are found under their own names; `root` is found as `/`. Flat outputs are
// the whole output, those of `read` its beginning. Operations on sockets and HTTP belong to later versions of WASI.

import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

export interface WasiCase {
  /** Path of the program. */
  readonly file: string;
  readonly args: readonly string[];
  readonly environment: readonly string[];
  readonly directories: readonly { readonly source: string; readonly guestPath: string }[];
  readonly stdin: string;
  readonly exitCode: number;
  readonly outputs: readonly Expected[];
}

export interface Expected {
  readonly stream: "stdout" | "stderr";
  readonly text: string;
  /** Whether there may be more behind it. */
  readonly open: boolean;
}

interface RunFields {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly dirs?: readonly string[];
  readonly root?: string;
}

interface FlatFields extends RunFields {
  readonly stdin?: string;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly exit_code?: number;
}

interface Operation extends RunFields {
  readonly type: string;
  readonly id?: string;
  readonly payload?: string;
  readonly exit_code?: number;
}

const PREVIEW1_OPERATIONS = ["run", "write", "read", "wait"];

/**
 * The case of a program; without a JSON file it has to end with 0.
 *
 * @throws Error if the case asks for what preview1 does not have
 */
export function readCase(file: string): WasiCase {
  const json = file.replace(/\.wa(sm|t)$/, ".json");
  const fields = existsSync(json) ? (JSON.parse(readFileSync(json, "utf8")) as FlatFields) : {};
  const {
    operations,
    proposals = [],
    world,
  } = fields as {
    operations?: Operation[];
    proposals?: string[];
    world?: string;
  };
  if (proposals.length > 0)
    throw new Error(`${json}: expected a case of preview1, found one of ${proposals.join(", ")}`);
  if (world !== undefined && world !== "wasi:cli/command")
    throw new Error(`${json}: expected a command, found ${world}`);
  return operations ? caseOfOperations(file, json, operations) : caseOfFields(file, fields);
}

function caseOfFields(file: string, fields: FlatFields): WasiCase {
  const outputs = (["stdout", "stderr"] as const).flatMap((stream) => {
    const text = fields[stream];
    return text === undefined ? [] : [{ stream, text, open: false }];
  });
  return { ...run(file, fields), stdin: fields.stdin ?? "", exitCode: fields.exit_code ?? 0, outputs };
}

function caseOfOperations(file: string, json: string, operations: readonly Operation[]): WasiCase {
  const strange = operations.find(({ type }) => !PREVIEW1_OPERATIONS.includes(type));
  if (strange) throw new Error(`${json}: expected operations ${PREVIEW1_OPERATIONS.join(", ")}, found ${strange.type}`);
  const first = operations.find(({ type }) => type === "run");
  if (!first) throw new Error(`${json}: expected an operation run, found none`);
  const payload = (type: string, stream: string) =>
    operations.flatMap((operation) => {
      const { id = type === "read" ? "stdout" : "stdin", payload: text = "" } = operation;
      return operation.type === type && id === stream ? [text] : [];
    });
  const outputs = (["stdout", "stderr"] as const).map((stream) => {
    return { stream, text: payload("read", stream).join(""), open: true };
  });
  const exitCode = operations.find(({ type }) => type === "wait")?.exit_code ?? 0;
  return { ...run(file, first), stdin: payload("write", "stdin").join(""), exitCode, outputs };
}

function run(file: string, { args = [], env = {}, dirs = [], root }: RunFields) {
  const folder = dirname(file);
  const own = dirs.map((name) => ({ source: join(folder, name), guestPath: name }));
  const whole = root === undefined ? [] : [{ source: join(folder, root), guestPath: "/" }];
  return {
    file,
    args: [basename(file), ...args],
    environment: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    directories: [...whole, ...own],
  };
}
