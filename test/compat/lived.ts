// The system that the kept images of real runs are of (lived-<version>.json): a supervisor beneath a supervisor, which keeps a
// child that counts sheep, and one that is in an init beside it. Never changed; see compat.test.ts.

const SERVICES = ["PD", "CPU", "ROM", "RM", "LOG", "Timer", "Report"];
const PROVIDED = `<parent-provides>${SERVICES.map((name) => `<service name="${name}"/>`).join("")}</parent-provides>
<default-route><any-service><parent/></any-service></default-route>`;
const SHEEP = `<start name="sheep" caps="150" ram="4M"><binary name="sheep_counter_timer"/><config sleep_ms="20"/></start>`;

/** Labels of the two that count. */
export const COUNTING = ["init -> rtcr -> inner -> sheep", "init -> rtcr -> other -> sheep"];

/** Whose program is the ROM module sheep_counter_timer, unless a checkpoint brings it. */
export const LIVED = `<config>${PROVIDED}<start name="rtcr" caps="6000" ram="96M"><config>${PROVIDED}
<start name="inner" caps="2000" ram="40M"><binary name="rtcr"/><config>${PROVIDED}${SHEEP}</config></start>
<start name="other" caps="900" ram="20M"><binary name="init"/><config>${PROVIDED}${SHEEP}</config></start>
</config></start></config>`;

/** The numbers that a component has counted to, in their order. */
export function counted(out: string, label: string): number[] {
  const lines = out.split("\n").filter((line) => line.startsWith(`[${label}] `));
  return lines.flatMap((line) => /\] (\d+) sheep/.exec(line)?.slice(1).map(Number) ?? []);
}
