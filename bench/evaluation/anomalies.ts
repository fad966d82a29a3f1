// The part of docs/EVALUATION.md that says which of the thesis's anomalies disappear, and why; its numbers are those measured.
import { type Overhead, overheadOf } from "./figures.ts";
import { ms, percent, us } from "./numbers.ts";
import { OVERHEAD, PROGRAMS, type Program, type Results } from "./relations.ts";

/** Results of restores that stood by, of strategies A and B. */
interface Standing {
  readonly a: Results;
  readonly b: Results;
}

/** What becomes of what the thesis could not explain, and what is left. */
export function anomalies(a: Results, standing: Standing): string {
  return `## The thesis's anomalies

- _A larger stack is not slower_ (6.2, 6.4). It is here: exactly the bytes between the stack pointers are copied, and the
  clock resolves the copy. The thesis's clock had 1 ms for copies of some microseconds, and its repair was look-ups nearly
  all: 47 of 55 ms.
- _The overhead without copying cannot be explained_ (6.5: 44 to 75 %). It can here. The allocation itself is the same
  call with restore information; on top comes finding what was recorded for it: an element of an array and two comparisons.
  What is left of a difference is where the allocations happen: the first one after other code costs 2 to 4 µs, those that
  follow 0.6 to 1, because code and data have left the processor's caches. By A the last ones are made at the barrier, as soon as
  the bootstrap stands (the fourth of large_dataspaces), by B all of them in a row, so that only the first of B's is dear. In the
  thesis each step besides searched lists, and each scope called the timer's component twice.
${whatIsLeft(a, standing)}
- _Identical work with different values_ (6.1: 7 and 6, 37 and 32 ms). Rounding of each scope to whole milliseconds, and one run.
  Medians of many runs that take turns do not differ so; what is left is in the deviations above.
- _The same 141.7 ms of Thread Restore for both stack counters_ (spec 5.5) is most likely a slip of the pen.
- _77 %_ is a share of the longer time, a factor of 3.6 to 6 (spec 5.5); both are given above as the thesis defines them.
- What does not disappear: many small dataspaces cost more than a large one, because each is an object of its own.`;
}

function whatIsLeft(a: Results, standing: Standing): string {
  const { small_dataspaces: small, large_dataspaces: large } = a;
  const { allocation, allocationRestore, dataspaceMemcpy, look } = large.statistics;
  const most = allocation.median * (1 / (1 - OVERHEAD) - 1);
  const ofSmall = small.statistics;
  const copy = (name: Program) => us(standing.a[name].statistics.dataspaceMemcpy.median);
  return `- _An overhead of 30 %, the copy included_. By the letter, by A
  ${byTheLetter(a)};
  of restores that stood by
  ${byTheLetter(standing.a)}; of those by B
  ${byTheLetter(standing.b)}.
  What was recorded as zero is neither copied nor touched where memory is zero already: of ${large.pages} pages of large_dataspaces
  ${large.usedPages} hold something, of each of small_dataspaces' 100 one line of 64 bytes does. Which lines they are is looked up at the
  checkpoint, behind the pause (${ms(look.median)} and ${ms(ofSmall.look.median)} ms of its _checkpoint_ above), for contents of up to 1 MiB together.
  small_dataspaces' lines take ${us(ofSmall.dataspaceMemcpy.median)}, and ${copy("small_dataspaces")} when they stood by; each allocation ${us(ofSmall.allocation.median / small.allocations)}.
  Few of its pages are touched there for the first time: an attachment clears what it shows of memory that was reached before,
  15 of the 16 pages by which a memory grows, in a plain run as in a restore, and is in neither figure.
  large_dataspaces' four plain allocations take ${us(allocation.median)}, so a restore may add ${us(most)}. Its own take
  ${us(allocationRestore.median)}, and its one line of 64 bytes ${us(dataspaceMemcpy.median)}, the first write to its page, for which there is no table of pages yet
  (${copy("large_dataspaces")} when it stood by). docs/RATIONALE.md says why nobody touches these pages ahead, unless the restore stands by
  (_Standing by_ above). B copies stacks here, which A repairs: line by line through caches that hold neither
  side, beside three or four allocations. With the first writes on both sides, as in the thesis, what a restore adds is ${copyShare(a)}.`;
}

/** For which programs the overhead is within the limit. */
function byTheLetter(results: Results): string {
  const shares = PROGRAMS.slice(1).map((name) => ({ name, share: overheadOf(results[name]).withCopy }));
  const list = (holds: boolean) =>
    shares
      .filter(({ share }) => share <= OVERHEAD === holds)
      .map(({ name, share }) => `${name} (${percent(share)})`)
      .join(", ");
  const [within, beyond] = [list(true), list(false)];
  if (within === "") return `it does not hold for any: ${beyond}`;
  return beyond === "" ? `it holds for all: ${within}` : `it holds for ${within}, and does not for ${beyond}`;
}

/** What the overhead with first writes on both sides comes to. */
function copyShare(a: Results): string {
  const shares = overheadsOf(a).map(({ withFirstWrites }) => withFirstWrites);
  const most = Math.max(...shares);
  const limit = `${OVERHEAD * 100} %`;
  return most <= OVERHEAD
    ? `within the ${limit} (${percent(most)} at most)`
    : `not within the ${limit}: up to ${percent(most)}`;
}

/** Of the thesis's four programs. */
export function overheadsOf(a: Results): readonly Overhead[] {
  return PROGRAMS.slice(1).map((name) => overheadOf(a[name]));
}
