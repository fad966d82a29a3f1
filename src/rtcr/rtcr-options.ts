// What a program that is a supervisor may say about it.
import type { SystemCheckpoint } from "../checkpoint/index.ts";
import type { InitHooks } from "../init/index.ts";
import type { ContentKeeper } from "./content-keeper.ts";
import type { CopyEngine } from "./copier.ts";
import type { DataProvider } from "./data-provider.ts";
import type { RtcrFault } from "./faults.ts";
import type { DataspaceModule } from "./module.ts";
import type { CopyPool } from "./parallel/copy-pool.ts";
import type { CopyPlaces } from "./parallel/parallel-copier.ts";
import type { Phase } from "./phases.ts";
import type { RepairReport, Strategy } from "./restore.ts";
import type { Timing } from "./timing.ts";
import type { Interposers } from "./tracked-child.ts";

export interface RtcrOptions {
  /** Default: storage as it is needed. */
  readonly provider?: DataProvider;
  /** Copies contents instead of the processor, where it can. */
  readonly engine?: CopyEngine;
  /** Asked at each checkpoint: keeps contents beside its lease. Default: all lie in it. */
  readonly keeper?: (() => ContentKeeper | undefined) | undefined;
  /** Asked when a program is loaded: whether its stores mark what they write. Default: no. */
  readonly marks?: (() => boolean) | undefined;
  /** Asked when a program is loaded: slots of a mirror that it shall have. Default: none. */
  readonly mirrorSlots?: (() => number | undefined) | undefined;
  /** Asked at each checkpoint: workers that copy contents while records are written; undefined: none do. */
  readonly pool?: () => CopyPool | undefined;
  /** Asked at each checkpoint: which of them copies what (S76). Default: whoever comes first. */
  readonly copyPlaces?: () => CopyPlaces;
  /**
   * Asked for each session that a child opens: whether those are refused that a restore could only open anew (S67). Sessions
   * between children are not meant. Default: they pass through, and are recorded as such.
   */
  readonly refusesForeign?: () => boolean;
  /** Asked at each checkpoint: whether what programs have written where nothing was ever attached is recorded. Default: no. */
  readonly keepsUnattached?: () => boolean;
  /** Interposers by kind of object; a module replaces those of the base (spec 1.5). */
  readonly interposers?: Interposers;
  /** What a module does with the dataspaces of children, and keeps of each. */
  readonly dataspaces?: DataspaceModule<unknown>;
  /** Children that are not started but restored, as soon as the configuration has them. */
  readonly restore?: SystemCheckpoint;
  /** How they are restored. Default: direct. */
  readonly strategy?: Strategy;
  /** Milliseconds that it waits for an environment, or for a bootstrap to begin or to end. Default: `BOOTSTRAP_MS`. */
  readonly bootstrapMs?: () => number;
  /**
   * Asked when all children of a restore could be restored, and when there is another configuration: whether they stand by until it
   * is told to go on, their memory made ready (standby.ts). Default: no.
   */
  readonly standby?: () => boolean;
  /** Called when all is ready for that; once more when a configuration has changed that. */
  readonly standingBy?: () => void;
  /** Whether programs are translated for windows. Default: no. */
  readonly windows?: (child: string) => boolean;
  /** What else is changed of init's ways, by the program around. */
  readonly hooks?: Pick<InitHooks, "configuration" | "services" | "serve"> & Partial<Pick<InitHooks, "ownEvents">>;
  /** Checkpoints that are kept: a restore that was asked of one is part of the supervisor's own state. */
  readonly kept?: {
    nameOf(system: SystemCheckpoint): string | undefined;
    /** It is read until it is released. */
    use(name: string): { readonly system: SystemCheckpoint; release(): void } | undefined;
  };
  /** Called after each checkpoint with the times that it took. */
  readonly timed?: (made: {
    readonly name: string;
    readonly children: readonly string[];
    readonly timing: Timing;
  }) => void;
  /** Called when a restore has ended, with what became of stacks, or with what refused it. */
  readonly restored?: (outcome: readonly RepairReport[] | RtcrFault) => void;
  /** Called at the beginning of each phase of a checkpoint or a restore; of a restore's first four, with the child. */
  readonly atPhase?: (phase: Phase, child?: string) => void;
}
