// The one fault of this layer.
import { Fault } from "../util/index.ts";

/**
 * A checkpoint that could not be made, or a record that could not be brought to life.
 *
 * - no-such-child: nobody of that name is under this supervisor
 * - unsaveable: something of a child has no saved form; the message names it
 * - no-room: the data provider has no storage for the contents
 * - mismatch: a record and what is there differ; the message names both sides
 * - refused: a service or an account refused what the record needs; nothing of the child is left
 * - gone: a child has ended, or stands still for good, in the middle of its checkpoint or restore
 * - late: a child's bootstrap has not come to its end in time; nothing of the child is left
 * - copy-failed: workers of a parallel checkpoint have not copied everything
 * - busy: another restore is under way, perhaps of a supervisor among the children; a thread has not come to a safe point; a
 *   child is being started (then `detail.starting` is its name)
 */
export class RtcrFault extends Fault<
  "no-such-child" | "unsaveable" | "no-room" | "copy-failed" | "mismatch" | "refused" | "gone" | "late" | "busy"
> {}

/** What `work` throws, if it is one; other things are thrown on. */
export function faultOf(work: () => void): RtcrFault | undefined {
  try {
    work();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof RtcrFault) return thrown;
    throw thrown;
  }
}
