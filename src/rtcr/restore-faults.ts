// How the restore of a child says that it cannot be.
import type { Attempt } from "../util/index.ts";
import { RtcrFault } from "./faults.ts";

/** The faults of one child's restore. */
export class RestoreFaults {
  readonly #name: string;

  /** @param name of the child */
  constructor(name: string) {
    this.#name = name;
  }

  /** Somebody refuses something here. */
  readonly refused = (what: string, why: string): RtcrFault => {
    const name = this.#name;
    return new RtcrFault("refused", `restore of "${name}": ${what}: ${why}`, { child: name, what, why });
  };

  /** What was recorded and what is there are not the same. */
  mismatch(what: string): RtcrFault {
    const name = this.#name;
    const message = `restore of "${name}": ${what} does not fit what is there`;
    return new RtcrFault("mismatch", message, { child: name, what });
  }

  /** @throws RtcrFault "refused" */
  readonly require = <T>(attempt: Attempt<T, string>, what: string): T => {
    if (attempt.ok) return attempt.value;
    throw this.refused(what, attempt.reason);
  };
}
