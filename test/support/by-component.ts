/**
 * Lines of a log in an order that several CPUs cannot change: by component, each component's own as they came. Ends of
 * children, which their init tells, come in any order, and how many keys there are depends on what others have put.
 */
export function byComponent(lines: readonly string[]): string[] {
  const key = (line: string) => (/ exited with exit value /.test(line) ? line : line.slice(0, line.indexOf("]")));
  const own = lines.map((line) => line.replace(/, \d+ keys$/, ""));
  return own.toSorted((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}
