// What the suites of this folder share: signal contexts that write down what is submitted. Runs nothing by itself.
import { Badges, type Capability, type SignalContext } from "../../src/session/index.ts";

/** A live context whose submissions are counted. */
export interface Recorder {
  readonly context: Capability<SignalContext>;
  /** The submissions since the last call, merged as a wait would merge them; 0: none. */
  taken(): number;
  /** Ends the context: its capability is dead afterwards. */
  dispose(): void;
}

export function recorder(badges = new Badges()): Recorder {
  let pending = 0;
  const identity = badges.identify<SignalContext>({
    kind: "signal-context",
    get pending() {
      return pending;
    },
    submit: (count) => {
      pending += count;
    },
  });
  return {
    context: identity.capability,
    taken: () => {
      const count = pending;
      pending = 0;
      return count;
    },
    dispose: () => identity.dispose(),
  };
}
