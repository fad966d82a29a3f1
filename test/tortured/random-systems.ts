// Random systems for torture: components of apps/ with random configurations, sessions and routes, in inits and supervisors
// that lie in one another. The same seed gives the same system. Those that would never come to rest (heartbeats, periodic
// timers) are ended by a clock, which is the last child.
import { APPS } from "../../apps/apps.ts";
import { type Random, seededRandom } from "../random.ts";
import { config } from "../support/core-system.ts";
import { MANAGED } from "./adversarial.ts";
import { command, node, PROPAGATE, type TorturedSystem } from "./systems.ts";
import { GROWING, SPAWNING } from "./wasi-modules.ts";

/** Some children of one parent. */
interface Part {
  readonly text: string;
  readonly caps: number;
  readonly mib: number;
}

/** What a component needs by itself. */
const ENOUGH = { caps: 300, mib: 8 };
const MOST_DEPTH = 3;
/** In the place of a lower priority, which the keeper knows whether it has. */
const RANKED = " @ranked";

/** The <config> of a component. */
type Configured = (random: Random) => string;
const counting: Configured = (random) =>
  `<config iterations="${random.below(1000)}" turns="${1 + random.below(5)}" sleep_ms="${1 + random.below(4)}" period_ms="${1 + random.below(4)}"/>`;
const plain: Configured = () => "<config/>";
const turning: Configured = (random) => `<config turns="${1 + random.below(3)}"/>`;

const WINDOWED: Readonly<Record<string, Configured>> = {
  ...{ managed_dataspace: plain, fault_handler: plain, attachments: counting, torture_faults: turning },
};
const ALONE: Readonly<Record<string, Configured>> = {
  ...{ sheep_counter: counting, stack_counter: counting, small_dataspaces: counting, large_dataspaces: counting },
  ...{ large_stack_counter: counting, "as-sheep_counter": counting, "as-large_stack_counter": counting },
  ...{ sheep_counter_timer: counting, sheep_counter_async: counting, sheep_counter_extended: counting },
  ...{
    sheep_counter_threaded: counting,
    thread_registers: counting,
    validator: counting,
    detached_dataspaces: counting,
  },
  ...{ cap_reuse: plain, stress_rm: plain, smoke: plain, lock_test: plain, signal_levels: plain, heap_test: plain },
  ...{ profiled: plain, "as-profiled": plain, "rs-profiled": plain, "rs-counter": counting },
  ...{ torture_quota: turning, torture_waits: turning, torture_signals: turning, torture_threads: turning },
  rtcr_resume_child: (random) => `<config pause_ms="${5 + random.below(20)}"/>`,
  many_dataspaces: (random) => `<config dataspaces="${5 + random.below(30)}" pages="2" iterations="20" turns="3"/>`,
  many_threads: (random) => `<config threads="${2 + random.below(4)}" depth="9" iterations="20" turns="3"/>`,
  memory_eater: (random) => `<config mib="${1 + random.below(12)}"/>`, // more than it has: it waits for what never comes
  ...WINDOWED,
};

/** Programs of WASI, with files, traps and exits; how deep a stack is when it overflows is no promise. */
const COMMANDS = APPS.filter(({ ends, benchSize }) => ends !== "stack-overflow" && benchSize === undefined);

/** A server and its client, by the service between them. */
interface Talk {
  readonly servers: readonly string[];
  readonly client: string;
  readonly windows: boolean;
  readonly serves: Configured;
  readonly asks: Configured;
}
const role = (name: string): Configured => {
  return (random) =>
    `<config role="${name}" ms="${random.below(3)}" turns="${2 + random.below(4)}" threads="${1 + random.below(3)}"/>`;
};
const TALKS: Readonly<Record<string, Talk>> = {
  Pair: {
    ...{ servers: ["pair_server", "as-pair_server"], client: "pair_client", windows: true },
    ...{ serves: plain, asks: counting },
  },
  Adder: {
    ...{ servers: ["adder_server"], client: "adder_client", windows: true },
    ...{ serves: plain, asks: (random) => `<config numbers="${1 + random.below(4)}"/>` },
  },
  Kv: {
    ...{ servers: ["kv_server"], client: "kv_load", windows: false, serves: plain },
    asks: (random) => `<config seed="${random.below(99)}" keys="9" operations="${20 + random.below(60)}" report="9"/>`,
  },
  Slow: {
    ...{ servers: ["torture_sessions"], client: "torture_sessions", windows: false },
    ...{ serves: role("server"), asks: role("client") },
  },
  Exchange: {
    ...{ servers: ["torture_caps"], client: "torture_caps", windows: true },
    ...{ serves: role("server"), asks: role("client") },
  },
};

class Maker {
  readonly programs = new Set<string>();
  readonly modules: Record<string, Uint8Array> = {};
  memoryFiles = false;
  /** Something ticks for ever. */
  endless = false;
  readonly #random: Random;
  #named = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Some parts of one parent. */
  parts(depth: number, most: number): Part {
    const all = Array.from({ length: 1 + this.#random.below(most) }, () => this.#part(depth));
    const sum = (of: (part: Part) => number) => all.reduce((total, part) => total + of(part), 0);
    return { text: all.map(({ text }) => text).join(""), caps: sum(({ caps }) => caps), mib: sum(({ mib }) => mib) };
  }

  #part(depth: number): Part {
    const makers = [
      ...[() => this.#alone(), () => this.#alone(), () => this.#talk(depth), () => this.#talk(depth)],
      ...[() => this.#command(), () => this.#logged(), () => this.#text(), () => this.#news()],
      ...(depth < MOST_DEPTH ? [0, 1, 2].map(() => () => this.#keeper(this.parts(depth + 1, 3))) : []),
      ...(depth < MOST_DEPTH ? [() => this.#managed()] : []),
    ];
    return this.#random.pick(makers)();
  }

  #chance(of: number): boolean {
    return this.#random.below(of) === 0;
  }

  #name(kind: string): string {
    return `${kind}-${this.#named++}`;
  }

  #component(
    binary: string,
    inside: string,
    { from, windows = this.#chance(4), caps = 300, provides }: Wanted = {},
  ): Part {
    this.programs.add(binary);
    const share = this.#chance(6) ? `<resource name="CPU" quantum="${5 + this.#random.below(10)}"/>` : "";
    const quota = `caps="${caps}" ram="${ENOUGH.mib}M"${this.#chance(4) ? RANKED : ""}`;
    const options = { binary, windows, quota, ...(from ? { from } : {}), ...(provides ? { provides } : {}) };
    return { text: node(this.#name(binary), share + inside, options), caps, mib: ENOUGH.mib };
  }

  #alone(from?: Readonly<Record<string, string>>): Part {
    const [binary, configured] = this.#random.pick(Object.entries(ALONE));
    const ticks = this.#chance(8) ? '<heartbeat restart_after_skipped="3"/>' : "";
    return this.#component(binary, configured(this.#random) + ticks, {
      ...(from ? { from } : {}),
      ...(binary in WINDOWED ? { windows: true } : {}),
    });
  }

  #command(): Part {
    const { name, args } = this.#random.pick(COMMANDS);
    this.programs.add(name);
    this.memoryFiles = true;
    return { text: command({ name, args }, this.#name(name)), caps: 300, mib: 12 };
  }

  /** A program in text. */
  #text(): Part {
    const name = this.#random.pick(["spawning", "growing"]);
    this.modules[name] = { spawning: SPAWNING, growing: GROWING }[name]!;
    return this.#native(name, "<config/>");
  }

  /** A component whose lines go through a sibling. */
  #logged(): Part {
    const server = this.#name("lines");
    const kind = this.#random.pick(["log_server", "interposer"]);
    const lines = node(server, kind === "log_server" ? `<config keep="3"/>` : "<config/>", {
      ...{ binary: kind, provides: "LOG", quota: 'caps="300" ram="8M"' },
    });
    return joined({ text: lines, ...ENOUGH }, this.#alone({ LOG: server }));
  }

  #native(binary: string, inside: string): Part {
    return { text: node(this.#name(binary), inside, { binary, quota: 'caps="300" ram="8M"' }), ...ENOUGH };
  }

  /** A ROM module that a writer changes under its readers. */
  #news(): Part {
    this.programs.add("torture_rom");
    const [reports, turns] = [this.#name("reports"), 2 + this.#random.below(6)];
    const options = { binary: "torture_rom", quota: 'caps="300" ram="8M"' };
    const route = `<route><service name="ROM" label="news"><child name="${reports}"/></service><any-service><parent/></any-service></route>`;
    const policy = `<config><policy label_suffix="news" report="${reports}-writer -> news"/></config>`;
    const provides = 'Report"/><service name="ROM';
    const text = [
      node(reports, policy, { binary: "report_rom", provides, quota: options.quota }),
      node(`${reports}-writer`, `<config role="writer" turns="${turns}"/>`, { ...options, from: { Report: reports } }),
      node(this.#name("reader"), `${route}<config role="reader" last="${turns}"/>`, options),
    ];
    return { text: text.join(""), caps: 900, mib: 24 };
  }

  #managed(): Part {
    for (const name of ["torture_manager", "memory_eater", "sheep_counter_timer", "sheep_counter_async"])
      this.programs.add(name);
    this.endless = true;
    return this.#keeper({ text: MANAGED.replace(PROPAGATE, ""), caps: 2200, mib: 34 });
  }

  /** An init or a supervisor that has these children. */
  #keeper(
    inside: Part,
    { exports, imports }: { exports?: readonly [string, string]; imports?: readonly [string, string] } = {},
  ): Part {
    const binary = this.#random.pick(["init", "init", "rtcr"]);
    const ticks = this.#chance(4) ? `<heartbeat rate_ms="${3 + this.#random.below(8)}"/>` : "";
    if (ticks) this.endless = true;
    const [caps, mib] = [inside.caps + 400, inside.mib + 8];
    const [service, server] = exports ?? [];
    const offered = service
      ? `<service name="${service}"><default-policy><child name="${server}"/></default-policy></service>`
      : "";
    let own = config(ticks + offered + inside.text.replaceAll(RANKED, ' priority="-1"'), 'prio_levels="2"');
    if (imports) own = own.replace("<parent-provides>", `<parent-provides><service name="${imports[0]}"/>`);
    const text = node(this.#name(binary), own, {
      ...{ binary, quota: `caps="${caps}" ram="${mib}M"` },
      ...(service ? { provides: service } : {}),
      ...(imports ? { from: { [imports[0]]: imports[1] } } : {}),
    });
    return { text, caps, mib };
  }

  /** A server and clients, any of them in a keeper of its own, an interposer between some of them. */
  #talk(depth: number): Part {
    const [service, talk] = this.#random.pick(Object.entries(TALKS));
    const { windows } = talk;
    let server = this.#component(this.#random.pick(talk.servers), talk.serves(this.#random), {
      ...{ provides: service, ...(windows ? { windows } : {}) },
    });
    if (depth < MOST_DEPTH && this.#chance(3)) server = this.#keeper(server, { exports: [service, nameOf(server)] });
    const clients = Array.from({ length: 1 + this.#random.below(3) }, () => {
      const asks = talk.asks(this.#random);
      if (depth < MOST_DEPTH && this.#chance(3)) {
        const inside = this.#component(talk.client, asks, windows ? { windows } : {});
        return this.#keeper(inside, { imports: [service, nameOf(server)] });
      }
      if (!this.#chance(4)) return this.#client(talk, asks, service, nameOf(server));
      const between = node(this.#name("interposer"), `<config><service name="${service}"/></config>`, {
        ...{
          binary: "interposer",
          provides: service,
          from: { [service]: nameOf(server) },
          quota: 'caps="300" ram="8M"',
        },
      });
      const part = { text: between, ...ENOUGH };
      return joined(part, this.#client(talk, asks, service, nameOf(part)));
    });
    return joined(server, ...clients);
  }

  #client({ client, windows }: Talk, asks: string, service: string, server: string): Part {
    return this.#component(client, asks, { from: { [service]: server }, ...(windows ? { windows } : {}) });
  }
}

interface Wanted {
  readonly from?: Readonly<Record<string, string>>;
  readonly windows?: boolean;
  readonly caps?: number;
  readonly provides?: string;
}

/** Of a part's first child. */
const nameOf = ({ text }: Part) => text.match(/^<start name="([^"]*)"/)![1]!;

function joined(...parts: readonly Part[]): Part {
  return parts.reduce((all, part) => ({
    text: all.text + part.text,
    caps: all.caps + part.caps,
    mib: all.mib + part.mib,
  }));
}

/** The system of a seed. */
export function randomSystem(seed: number): TorturedSystem {
  const random = seededRandom(seed);
  const maker = new Maker(random);
  const { text } = maker.parts(0, 5);
  const endless = maker.endless || text.includes("<heartbeat");
  if (endless) maker.programs.add("sheep_counter_timer");
  const clock = node("clock", `<config turns="${10 + random.below(10)}" sleep_ms="5"/>${PROPAGATE}`, {
    binary: "sheep_counter_timer",
  });
  const parallel = random.below(3) === 0 ? '<checkpoint parallel="yes"/>' : "";
  return {
    programs: [...maker.programs],
    modules: maker.modules,
    children: parallel + text.replaceAll(RANKED, "") + (endless ? clock : ""),
    memoryFiles: maker.memoryFiles,
  };
}
