// How two runs of a system differ. With one CPU all is compared: lines in their order, ends of children, files. Several
// CPUs promise no order between components: there each component's own lines are compared, in their order, and ends of
// children whenever they came. Where even these may differ, as what several threads of a component say, or what one says of
// others, rules say what is promised.
import { compareTrees } from "./outcome.ts";
import type { SystemJourney } from "./system.ts";
import type { Tree } from "./tree.ts";

/** What of the lines is compared. Expressions are matched against the text that a component has logged. */
export interface CompareRules {
  /** Of the machine. */
  readonly cpus: number;
  /** What matches is left out; a line of which nothing is left is none. */
  readonly ignore?: readonly RegExp[];
  /** Lines of a component for which its groups match the same are compared among themselves only. */
  readonly by?: RegExp | undefined;
  /** Lines that match are not compared: its first group is a number, which never falls among a component's lines. */
  readonly rising?: RegExp | undefined;
}

/** The first difference, for people; undefined: there is none. */
export function compareJourneys(
  expected: SystemJourney,
  tortured: SystemJourney,
  rules: CompareRules,
): string | undefined {
  const lines = inOrder(rules) ? compareLines(expected, tortured) : compareComponents(expected, tortured, rules);
  return lines ?? compareTrees(filesOf(expected), filesOf(tortured))?.text;
}

/** Whether all lines are compared, in the order of the whole system. */
export function inOrder({ cpus, ignore = [], by, rising }: CompareRules): boolean {
  return cpus === 1 && ignore.length === 0 && !by && !rising;
}

/** All files of all clients. */
export function filesOf({ files }: SystemJourney): Tree {
  return new Map([...files.values()].flatMap((tree) => [...tree]));
}

/** The first line that is another one, and the last point before it. */
function compareLines({ lines: expected }: SystemJourney, { lines: found, taken, linesAt }: SystemJourney) {
  const difference = firstOf(expected, found);
  if (!difference) return undefined;
  const last = linesAt.findLastIndex((lines) => lines <= difference.at);
  const after = last < 0 ? "before any point" : `after safe point ${taken[last]}`;
  return `line ${difference.at + 1}, ${after}: ${difference.text}`;
}

/** The first component with a line that is another one. */
function compareComponents(expected: SystemJourney, found: SystemJourney, rules: CompareRules): string | undefined {
  const [all, some] = [byComponent(expected.lines, rules), byComponent(found.lines, rules)];
  for (const component of [...new Set([...all.keys(), ...some.keys()])].sort()) {
    const difference = firstOf(all.get(component) ?? [], some.get(component) ?? []);
    if (difference) return `component ${component}, its line ${difference.at + 1}: ${difference.text}`;
  }
  return rules.rising && (fallOf(expected.lines, rules.rising) ?? fallOf(found.lines, rules.rising));
}

type Lines = ReadonlyMap<string, readonly string[]>;

/** The end of a child, which its init tells, counts as the last line of the child. */
function byComponent(lines: readonly string[], { ignore = [], by, rising }: CompareRules): Lines {
  const groups = new Map<string, string[]>();
  for (const line of lines) {
    const { label, text } = read(line);
    const left = ignore.reduce((rest, each) => rest.replaceAll(each, ""), text);
    if (rising?.test(text) || (left === "" && text !== "")) continue;
    const child = line.match(/\] child "(.*)" exited with exit value/)?.[1];
    const group = by?.exec(text)?.slice(1).filter(Boolean).join(" ");
    const key = child === undefined ? label + (group ? `, ${group}` : "") : `${label} -> ${child}`;
    const known = groups.get(key) ?? [];
    groups.set(key, known);
    known.push(left === text ? line : `[${label}] ${left}`);
  }
  return groups;
}

/** The first number that is below one before it, in the lines of a component, or that is none. */
function fallOf(lines: readonly string[], rising: RegExp): string | undefined {
  const highest = new Map<string, number>();
  for (const line of lines) {
    const { label, text } = read(line);
    const match = rising.exec(text);
    if (!match) continue;
    const number = Number(match[1]?.trim() || Number.NaN);
    if (Number.isNaN(number)) return `component ${label}: found ${text}, expected a number for ${rising}`;
    const before = highest.get(label) ?? number;
    if (number < before) return `component ${label}: found ${text}, expected ${before} or more`;
    highest.set(label, number);
  }
  return undefined;
}

function read(line: string): { readonly label: string; readonly text: string } {
  const end = line.indexOf("]");
  return { label: line.slice(1, end), text: line.slice(end + 2).trimEnd() };
}

function firstOf(expected: readonly string[], found: readonly string[]) {
  const length = Math.max(expected.length, found.length);
  for (let at = 0; at < length; at++) {
    if (expected[at] === found[at]) continue;
    const [want, have] = [expected[at], found[at]].map((line) => line?.trimEnd() ?? "the end");
    return { at, text: `found ${have}, expected ${want}` };
  }
  return undefined;
}
