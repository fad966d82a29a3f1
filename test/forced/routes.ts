// Ways through functions: which way each choice has to go so that a thread comes to a site, or out of a function.

import { type Body, BodyDecoder, type FunctionType, type IndexSpaces, type Module, OP } from "../../src/wasm/index.ts";

/** A step from one instruction to another; `choice` is the value that makes it, -1 where nothing chooses. */
interface Step {
  readonly to: number;
  readonly choice: number;
}

/** One function as a graph: a node an instruction, and one more, `length`, for its end. */
interface Flow {
  readonly steps: readonly (readonly Step[])[];
  /** By instruction: the functions that a call may enter, with the choice that selects each (-1: no choice). */
  readonly calls: ReadonlyMap<number, readonly Step[]>;
  /** Offsets of the instructions. */
  readonly starts: readonly number[];
}

/** Cost of a safe point behind which there is no way out: others are better, a call goes on behind them. */
const NO_RETURN = 1e6;

/** Which way the choices of a function go: by instruction, the value. */
export type Way = ReadonlyMap<number, number>;

/** The way of one function on a route. */
export interface Leg {
  readonly way: Way;
  /** How often the function is called before it is to take the way: it is left at once by then. */
  readonly calls: number;
  /** Its choices when it is left at once: only these see all calls. */
  readonly leaving: ReadonlySet<number>;
}

/** Legs by function index, to a target and below it to a safe point; other functions are to be left. */
export type Route = ReadonlyMap<number, Leg>;

type Sites = (functionIndex: number) => readonly number[];

export class Routes {
  readonly #flows = new Map<number, Flow>();
  readonly #spaces: IndexSpaces;
  readonly #sites: Sites;
  /** Steps from the entry to the end, by function index; Infinity if it does not come back. */
  readonly #through: number[] = [];
  /** Steps from the entry to the nearest safe point, and the site there. */
  readonly #nearest: { readonly cost: number; readonly position: number }[] = [];
  readonly #out = new Map<number, Way>();

  /**
   * @param sites positions of a function's sites
   * @param returns whether an imported function comes back
   */
  constructor(module: Module, spaces: IndexSpaces, sites: Sites, returns: (functionIndex: number) => boolean) {
    this.#spaces = spaces;
    this.#sites = sites;
    const decoder = new BodyDecoder();
    const entered = enteredIndirectly(module, spaces);
    module.code.forEach((code, number) => {
      const index = spaces.importedFunctions + number;
      const { params } = module.types[module.functions[number]!] as FunctionType;
      this.#flows.set(index, flowOf(decoder.decode(code, params), entered));
    });
    for (let index = 0; index < spaces.functions.length; index++) {
      const imported = index < spaces.importedFunctions;
      this.#through.push(imported && returns(index) ? 1 : Infinity);
      this.#nearest.push({ cost: imported ? 0 : Infinity, position: -1 });
    }
    while (this.#shortenThrough());
    while (this.#shortenNearest());
  }

  /** How to get out of a function from wherever a thread is. */
  out(functionIndex: number): Way {
    let way = this.#out.get(functionIndex);
    if (!way) {
      const flow = this.#flows.get(functionIndex)!;
      this.#out.set(functionIndex, (way = this.#way(flow, this.#distances(flow, flow.starts.length))));
    }
    return way;
  }

  /** How to get to a target from its function's entry, and below it to a safe point; undefined if there is no way. */
  to([index, position]: readonly [functionIndex: number, position: number]): Route | undefined {
    const route = new Map<number, Leg>();
    const passed: number[] = [];
    for (let at = { index, position }; !route.has(at.index); ) {
      const flow = this.#flows.get(at.index)!;
      const node = nodeAt(flow, at.position);
      const distances = this.#distances(flow, node);
      if (distances[0] === Infinity) return undefined;
      const way = new Map(this.#way(flow, distances));
      const leaving = walk(flow, this.out(at.index), flow.starts.length);
      const calls = passed.reduce((sum, callee) => sum + this.#calls(callee, at.index, new Map()), 0);
      route.set(at.index, { way, calls, leaving: new Set(leaving) });
      const best = this.#bestCallee(flow, node);
      if (!best && flow.calls.has(node)) return undefined;
      if (!best) break;
      if (best.choice >= 0) way.set(node, best.choice);
      if (best.to < this.#spaces.importedFunctions) break;
      passed.push(...this.#entered(flow, way, node));
      at = { index: best.to, position: this.#nearest[best.to]!.position };
      if (at.position < 0) return undefined;
    }
    return route;
  }

  /** The functions that are called on a way from the entry up to `goal`. */
  #entered(flow: Flow, way: Way, goal: number): number[] {
    const callee = (at: number) =>
      flow.calls.get(at)?.find(({ choice }) => choice < 0 || choice === way.get(at))?.to ?? -1;
    return walk(flow, way, goal)
      .map(callee)
      .filter((index) => index >= this.#spaces.importedFunctions);
  }

  /** How often `wanted` is called when `index` is called and left at once, that call included. */
  #calls(index: number, wanted: number, known: Map<number, number>): number {
    const found = known.get(index);
    if (found !== undefined) return found;
    known.set(index, 0); // a function that calls itself on its way out comes no further
    const flow = this.#flows.get(index)!;
    const below = this.#entered(flow, this.out(index), flow.starts.length);
    const calls = below.reduce((sum, callee) => sum + this.#calls(callee, wanted, known), index === wanted ? 1 : 0);
    known.set(index, calls);
    return calls;
  }

  #shortenThrough(): boolean {
    let changed = false;
    for (const [index, flow] of this.#flows) {
      const [cost] = this.#distances(flow, flow.starts.length);
      if (cost! < this.#through[index]!) changed = true;
      this.#through[index] = Math.min(this.#through[index]!, cost!);
    }
    return changed;
  }

  #shortenNearest(): boolean {
    let changed = false;
    for (const [index, flow] of this.#flows) {
      for (const position of this.#sites(index)) {
        const node = nodeAt(flow, position);
        const callee = flow.calls.has(node) ? this.#costBelow(flow, node) : 0;
        if (callee >= this.#nearest[index]!.cost) continue;
        const behind = this.#distances(flow, flow.starts.length)[node]! < Infinity ? 1 : NO_RETURN;
        const cost = this.#distances(flow, node)[0]! + callee + behind;
        if (cost >= this.#nearest[index]!.cost) continue;
        this.#nearest[index] = { cost, position };
        changed = true;
      }
    }
    return changed;
  }

  #costBelow(flow: Flow, node: number): number {
    const best = this.#bestCallee(flow, node);
    return best ? this.#nearest[best.to]!.cost : Infinity;
  }

  #bestCallee(flow: Flow, node: number): Step | undefined {
    return cheapest(flow.calls.get(node) ?? [], ({ to }) => this.#nearest[to]!.cost);
  }

  /** Steps from every instruction to `goal`. */
  #distances(flow: Flow, goal: number): Float64Array {
    const distances = new Float64Array(flow.steps.length + 1).fill(Infinity);
    distances[goal] = 0;
    for (let changed = true; changed; ) {
      changed = false;
      for (let at = flow.steps.length - 1; at >= 0; at--) {
        const passing = 1 + this.#passing(flow, at);
        for (const { to } of flow.steps[at]!) {
          if (passing + distances[to]! >= distances[at]!) continue;
          distances[at] = passing + distances[to]!;
          changed = true;
        }
      }
    }
    return distances;
  }

  #passing(flow: Flow, at: number): number {
    const calls = flow.calls.get(at);
    if (!calls) return 0;
    const best = cheapest(calls, ({ to }) => this.#through[to]!);
    return best ? this.#through[best.to]! : Infinity;
  }

  #way(flow: Flow, distances: Float64Array): Way {
    const way = new Map<number, number>();
    flow.steps.forEach((steps, at) => {
      const best = cheapest(steps, ({ to }) => distances[to]!);
      if (best && best.choice >= 0) way.set(at, best.choice);
      const callee = cheapest(flow.calls.get(at) ?? [], ({ to }) => this.#through[to]!);
      if (callee && callee.choice >= 0) way.set(at, callee.choice);
    });
    return way;
  }
}

function cheapest(steps: readonly Step[], cost: (step: Step) => number): Step | undefined {
  let best: Step | undefined;
  for (const step of steps) {
    const found = cost(step);
    if (found !== Infinity && (!best || found < cost(best))) best = step;
  }
  return best;
}

/** The instructions on a way from a function's entry up to `goal`, without it. */
function walk({ steps }: Flow, way: Way, goal: number): number[] {
  const passed: number[] = [];
  for (let at = 0; at !== goal && passed.length < steps.length; ) {
    passed.push(at);
    const choice = way.get(at);
    const step = steps[at]?.find((found) => found.choice < 0 || found.choice === choice);
    if (!step) break;
    at = step.to;
  }
  return passed;
}

/** The instruction at a site's position; the entry is the first one. */
function nodeAt(flow: Flow, position: number): number {
  return position === 0 ? 0 : flow.starts.indexOf(position);
}

/** By table and type index: the functions that lie there, and where. Only segments at constant offsets count. */
function enteredIndirectly(module: Module, spaces: IndexSpaces): (table: number, type: number) => Step[] {
  const lying = new Map<number, Map<number, number>>();
  for (const { mode, table = 0, offset, functions } of module.elements) {
    if (mode !== "active" || !functions || offset?.[0] !== OP.i32Const) continue;
    const entries = lying.get(table) ?? new Map<number, number>();
    lying.set(table, entries);
    functions.forEach((index, i) => void entries.set(i + constantOf(offset), index));
  }
  const same = (a: number, b: number) => JSON.stringify(module.types[a]) === JSON.stringify(module.types[b]);
  return (table, type) =>
    [...(lying.get(table) ?? [])]
      .filter(([, index]) => same(spaces.functions[index]!, type))
      .map(([slot, to]) => ({ to, choice: slot }));
}

/** The value of an `i32.const` that is not negative. */
function constantOf(expression: Uint8Array): number {
  let value = 0;
  for (let i = 1, shift = 0; ; i++, shift += 7) {
    value |= (expression[i]! & 0x7f) << shift;
    if (expression[i]! < 0x80) return value;
  }
}

function flowOf(body: Body, entered: (table: number, type: number) => Step[]): Flow {
  const { op, a, b, count, match, next } = body;
  const open: number[] = [];
  const steps: Step[][] = [];
  const calls = new Map<number, Step[]>();
  const label = (depth: number) => {
    if (depth >= open.length) return count;
    const opener = open[open.length - 1 - depth]!;
    return op[opener] === OP.loop ? opener : match[opener]!;
  };
  const plain = (to: number): Step[] => [{ to, choice: -1 }];
  const stepsOf = (at: number): Step[] => {
    switch (op[at]) {
      case OP.if: {
        const otherwise = next[at]!;
        return [
          { to: at + 1, choice: 1 },
          { to: op[otherwise] === OP.else ? otherwise + 1 : otherwise, choice: 0 },
        ];
      }
      case OP.else:
      case OP.catch:
      case OP.catchAll:
        return plain(match[match[at]!]!);
      case OP.br:
        return plain(label(a[at]!));
      case OP.brIf:
        return [
          { to: label(a[at]!), choice: 1 },
          { to: at + 1, choice: 0 },
        ];
      case OP.brOnNull:
      case OP.brOnNonNull:
        return [...plain(label(a[at]!)), ...plain(at + 1)];
      case OP.brTable:
        return body.labels.get(at)!.map((depth, choice) => ({ to: label(depth), choice }));
      case OP.return:
      case OP.returnCall:
      case OP.returnCallIndirect:
      case OP.returnCallRef:
        return plain(count);
      case OP.unreachable:
      case OP.throw:
      case OP.throwRef:
      case OP.rethrow:
        return [];
      default:
        return plain(at + 1);
    }
  };
  for (let at = 0; at < count; at++) {
    const code = op[at]!;
    if (code === OP.call || code === OP.returnCall) calls.set(at, plain(a[at]!));
    if (code === OP.callIndirect || code === OP.returnCallIndirect) calls.set(at, entered(b[at]!, a[at]!));
    steps.push(stepsOf(at));
    if (opens(code)) open.push(at);
    else if (code === OP.end || code === OP.delegate) open.pop();
  }
  return { steps, calls, starts: Array.from(body.start.subarray(0, count)) };
}

function opens(code: number): boolean {
  return [OP.block, OP.loop, OP.if, OP.try, OP.tryTable].includes(code as never);
}
