// Takes the measurements out of a log (spec 5.3): `\STATS\`, a JSON object, `\STATE\`, anywhere in a line, between
// whatever else was logged.
import { PROFILE_VERSION, type Profile, ProfileFault, readInstance } from "./profile-file.ts";
import type { Scope } from "./scopes.ts";

const BEGIN = "\\STATS\\";
const END = "\\STATE\\";

/** A measurement as one line of a log, in whole microseconds as the original has them. */
export function toLogLine({ name, color, startNs, stopNs }: Scope): string {
  const measured = { name, color, start: Math.round(startNs / 1000), stop: Math.round(stopNs / 1000) };
  return `${BEGIN}${JSON.stringify(measured)}${END}`;
}

/** @param what the log's name, for faults; a marker without its end, or anything but a measurement between, is one */
export function filterLog(log: string, what: string): Profile {
  const instances = [];
  let line = 1;
  let counted = 0;
  for (let at = log.indexOf(BEGIN); at >= 0; at = log.indexOf(BEGIN, at + 1)) {
    for (let end = log.indexOf("\n", counted); end >= 0 && end < at; end = log.indexOf("\n", counted)) {
      line++;
      counted = end + 1;
    }
    const end = log.indexOf(END, at);
    if (end < 0) throw new ProfileFault("malformed", `${what}:${line}: ${BEGIN} without ${END}`, { line });
    const text = log.slice(at + BEGIN.length, end);
    instances.push(readInstance(parse(text, `${what}:${line}`), "measurement", `${what}:${line}`));
  }
  return { version: PROFILE_VERSION, instances: instances.sort((a, b) => a.start - b.start) };
}

function parse(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ProfileFault("malformed", `${what}: not JSON between the markers: ${text.slice(0, 60)}`, {}, cause);
  }
}
