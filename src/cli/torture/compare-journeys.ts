// How two runs of a system differ. With one CPU all is compared: lines in their order, ends of children, files. Several
// CPUs promise no order between components: there each component's own lines are compared, in their order, and ends of
// children whenever they came.
import { compareTrees } from "./outcome.ts";
import type { SystemJourney } from "./system.ts";
import type { Tree } from "./tree.ts";

/** The first difference, for people; undefined: there is none. */
export function compareJourneys(expected: SystemJourney, tortured: SystemJourney, cpus: number): string | undefined {
  const lines = cpus === 1 ? compareLines(expected, tortured) : compareComponents(expected, tortured);
  return lines ?? compareTrees(filesOf(expected), filesOf(tortured))?.text;
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
function compareComponents({ lines: expected }: SystemJourney, { lines: found }: SystemJourney): string | undefined {
  const [all, some] = [expected, found].map(byComponent) as [Lines, Lines];
  for (const component of [...new Set([...all.keys(), ...some.keys()])].sort()) {
    const difference = firstOf(all.get(component) ?? [], some.get(component) ?? []);
    if (difference) return `component ${component}, its line ${difference.at + 1}: ${difference.text}`;
  }
  return undefined;
}

type Lines = ReadonlyMap<string, readonly string[]>;

/** The end of a child, which its init tells, counts as the last line of the child. */
function byComponent(lines: readonly string[]): Lines {
  return Map.groupBy(lines, (line) => {
    const label = line.slice(1, line.indexOf("]"));
    const child = line.match(/\] child "(.*)" exited with exit value/)?.[1];
    return child === undefined ? label : `${label} -> ${child}`;
  });
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
