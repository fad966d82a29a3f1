// Systems spread over several CPUs.
import type { TorturedSystem } from "./systems.ts";

/** The same children, each on the next CPU in turn; inits and supervisors have all CPUs, and so do those inside. */
export function spread({ children, ...system }: TorturedSystem, cpus: number): TorturedSystem {
  let next = 0;
  const space = `<affinity-space width="${cpus}"/>`;
  const placed = children.replaceAll(/(<start [^>]*>)(?!<binary name="(?:init|rtcr)")/g, (tag) => {
    return `${tag}<affinity xpos="${next++ % cpus}"/>`;
  });
  const inside = placed.replaceAll(
    /<binary name="(?:init|rtcr)"\/>([^<]*<!--.*?-->)?[^<]*<config[^>]*>/gs,
    (tag) => tag + space,
  );
  return { ...system, children: space + inside };
}

/** The same children, each on all CPUs: the threads that it starts are spread over them. */
export function widened({ children, ...system }: TorturedSystem, cpus: number): TorturedSystem {
  const placed = children.replaceAll(/<start [^>]*>/g, (tag) => `${tag}<affinity xpos="0" width="${cpus}"/>`);
  return { ...system, children: `<affinity-space width="${cpus}"/>${placed}` };
}

/** Until all have ended by themselves: what a server still says when its client's end ends the system is nobody's promise. */
export const toTheEnd = (system: TorturedSystem): TorturedSystem => ({
  ...system,
  children: system.children.replaceAll('<exit propagate="yes"/>', ""),
});
