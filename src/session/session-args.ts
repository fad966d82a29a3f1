// Session arguments: one string of `key=value` pairs separated by commas, at most 160 characters (spec 2.0). Numbers may
// be decimal or hexadecimal and carry K, M or G; strings may be quoted, with `\` before quotes and backslashes inside.
import { type Attempt, refusal, success } from "../util/index.ts";
import { NO_QUOTA, type Quota } from "./quota.ts";

export const SESSION_ARGS_LIMIT = 160;
const UNITS: Readonly<Record<string, number>> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };
const NUMBER = /^(0[xX][0-9a-fA-F]+|[0-9]+)([KMG])?$/;
const PAIR = /\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*("(?:[^"\\]|\\.)*"|[^,"]*?)\s*(?:,|$)/y;

/** Arguments by key, as they were written (strings without their quotes). A later setting replaces an earlier one. */
export type SessionArgs = ReadonlyMap<string, string>;

/** @returns "malformed" for anything that is not a list of pairs, or is too long */
export function readSessionArgs(text: string): Attempt<SessionArgs, "malformed"> {
  if (text.length > SESSION_ARGS_LIMIT) return refusal("malformed");
  const args = new Map<string, string>();
  for (let at = 0; at < text.length && text.slice(at).trim() !== ""; at = PAIR.lastIndex) {
    PAIR.lastIndex = at;
    const pair = PAIR.exec(text);
    if (!pair) return refusal("malformed");
    const [, key, value] = pair as unknown as [string, string, string];
    args.set(key, value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, "$1") : value);
  }
  return success(args);
}

/** The string for `args`. @returns "malformed" when it would be longer than the limit */
export function writeSessionArgs(
  args: Iterable<readonly [string, string | number | boolean]>,
): Attempt<string, "malformed"> {
  const pairs = Array.from(args, ([key, value]) =>
    typeof value === "string" && !NUMBER.test(value)
      ? `${key}="${value.replace(/[\\"]/g, "\\$&")}"`
      : `${key}=${value}`,
  );
  const text = pairs.join(", ");
  return text.length > SESSION_ARGS_LIMIT ? refusal("malformed") : success(text);
}

/** A number with its unit; undefined if it is none, or not below 2^53. */
export function readNumber(text: string): number | undefined {
  const found = NUMBER.exec(text.trim());
  if (!found) return undefined;
  const value = Number(found[1]) * (UNITS[found[2] ?? ""] ?? 1);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** A number of the arguments, or `otherwise` if it is absent or none. */
export function numberArg(args: SessionArgs, key: string, otherwise = 0): number {
  return readNumber(args.get(key) ?? "") ?? otherwise;
}

/** yes, true and 1 are true; no, false and 0 are false; anything else is `otherwise`. */
export function boolArg(args: SessionArgs, key: string, otherwise = false): boolean {
  const value = args.get(key)?.toLowerCase();
  if (value === "yes" || value === "true" || value === "1") return true;
  return value === "no" || value === "false" || value === "0" ? false : otherwise;
}

/** `ram_quota` and `cap_quota` of arguments; 0 where absent. */
export function quotaArgs(args: SessionArgs): Quota {
  return { ram: numberArg(args, "ram_quota"), caps: numberArg(args, "cap_quota") };
}

/** As `quotaArgs`, of a string; nothing if that is malformed. */
export function readQuota(text: string): Quota {
  const args = readSessionArgs(text);
  return args.ok ? quotaArgs(args.value) : NO_QUOTA;
}

/** `ram_quota` and `cap_quota` as a string of arguments. */
export function writeQuota({ ram, caps }: Quota): string {
  return `ram_quota=${ram}, cap_quota=${caps}`;
}

/** Everything but label and quotas: what a server between client and service passes on. */
export function withoutQuotaAndLabel(args: SessionArgs): SessionArgs {
  const rest = new Map(args);
  for (const key of ["label", "ram_quota", "cap_quota"]) rest.delete(key);
  return rest;
}
