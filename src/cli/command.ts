// What a verb is, how its arguments are read, and what it talks to. One file per verb lies in verbs/.

import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import { usageError } from "./failure.ts";
import type { Home } from "./home.ts";

/** Where a command prints; tests give their own. Guests write to the process's descriptors themselves. */
export interface Io {
  /** Data: results, JSON. */
  out(text: string): void;
  /** Everything said to people: progress, errors. */
  err(text: string): void;
  /** The bytes of programs, which may say anything: nothing of them is changed. Default: out, err. */
  readonly programs?: Pick<Io, "out" | "err">;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export type Values = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;

/** One invocation. */
export interface Call {
  readonly values: Values;
  readonly positionals: readonly string[];
  readonly io: Io;
  readonly home: Home;
}

export interface Command {
  readonly name: string;
  /** One line for the list of verbs. */
  readonly summary: string;
  /** What stands behind the verb. */
  readonly usage: string;
  /** Prose and flags. */
  readonly help: string;
  readonly options: ParseArgsOptionsConfig;
  /** Fewest and most operands; what follows the first operand of a verb with `program` belongs to the program. */
  readonly operands: readonly [least: number, most: number];
  readonly program?: true;
  /** The exit code. Failures are thrown. */
  run(call: Call): Promise<number>;
}

/** Options that every verb has. */
const COMMON: ParseArgsOptionsConfig = { help: { type: "boolean", short: "h" } };

/** @throws CliFailure (usage) */
export function readArguments(
  command: Command,
  args: readonly string[],
): { readonly values: Values; readonly positionals: readonly string[] } {
  const options = { ...command.options, ...COMMON };
  const cut = command.program ? firstOperand(args, options) : args.length;
  try {
    const { values, positionals } = parseArgs({ args: args.slice(0, cut), options, allowPositionals: true });
    const all = [...positionals, ...args.slice(cut)];
    if (values["help"] !== true) requireOperands(command, all);
    return { values: values as Values, positionals: all };
  } catch (thrown) {
    const code = (thrown as { code?: unknown }).code;
    if (typeof code !== "string" || !code.startsWith("ERR_PARSE_ARGS")) throw thrown;
    const what = (thrown as Error).message.split(/\.\s/)[0]!;
    throw usageError(what.charAt(0).toLowerCase() + what.slice(1), command.name);
  }
}

/** Where the program stands in the arguments. */
function firstOperand(args: readonly string[], options: ParseArgsOptionsConfig): number {
  const { tokens } = parseArgs({ args: [...args], options, allowPositionals: true, strict: false, tokens: true });
  return tokens.find((token) => token.kind === "positional")?.index ?? args.length;
}

function requireOperands({ name, operands, usage }: Command, found: readonly string[]): void {
  const [least, most] = operands;
  if (found.length >= least && found.length <= most) return;
  const expected = least === most ? String(least) : most === Infinity ? `${least} or more` : `${least} to ${most}`;
  throw usageError(`${found.length} operands, expected ${expected}: rtcr ${name} ${usage}`, name);
}

/** A flag that is there or not. */
export function flag(values: Values, name: string): boolean {
  return values[name] === true;
}

/** The text of an option; undefined when it was not given. */
export function text(values: Values, name: string): string | undefined {
  const value = values[name];
  return typeof value === "string" ? value : undefined;
}

/** The texts of an option that may be repeated. */
export function texts(values: Values, name: string): readonly string[] {
  const value = values[name];
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
}

/** A whole number of at least `least`. */
export function count(values: Values, name: string, least: number): number | undefined {
  const value = text(values, name);
  if (value === undefined) return undefined;
  const number = Number(value);
  if (/^\d+$/.test(value) && Number.isSafeInteger(number) && number >= least) return number;
  throw usageError(`--${name} is ${JSON.stringify(value)}, expected a whole number of at least ${least}`);
}
