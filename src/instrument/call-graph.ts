// The call graph: which functions can reach a safe point, and which entries must poll so that every recursion holds
// one.
//
// Nodes are the functions, one node for each function type in use by indirect calls (all functions of that type whose
// address is taken lie behind it), and one for the world outside (imports that may call back; exports lie behind it).
// A depth-first walk finds the edges that close a cycle; polling where each of them arrives is enough for every cycle
// to hold a poll, and needs far fewer entries than polling in all functions of a strongly connected component. Calls
// inside a loop that polls at every turn are no edges for this walk: whoever makes them has just polled.
//
// The graph is an over-approximation: if references to functions can come in from outside (Program), all indirect calls
// may reach anything.

import { type IndexSpaces, type Module, OP } from "../wasm/index.ts";

/** What the graph needs to know of one function, from its body. */
export interface FunctionScan {
  /** Functions called directly, tail calls included; each once. */
  readonly calls: readonly number[];
  /** Canonical type indices of indirect calls and calls through references; each once. */
  readonly types: readonly number[];
  /** Those of `calls` and `types` that are also called outside all loops that poll at every turn. */
  readonly bareCalls: readonly number[];
  readonly bareTypes: readonly number[];
  /** Whether it polls somewhere in its body, or holds an operation in pieces. */
  readonly polls: boolean;
}

export interface CallGraph {
  /** 1 for functions in which a thread may be frozen, or that call one; by function index. */
  readonly freezable: Uint8Array;
  /** 1 for functions whose entry polls; by function index. */
  readonly entryPolls: Uint8Array;
  /** Whether a call through canonical type `type` can reach a safe point. */
  readonly indirectFreezable: (type: number) => boolean;
}

export interface GraphInput {
  readonly module: Module;
  readonly spaces: IndexSpaces;
  readonly canonical: Int32Array;
  readonly scans: readonly FunctionScan[];
  /** Functions whose address is taken (element segments, ref.func, exports). */
  readonly taken: Iterable<number>;
  /** What an imported function may do. */
  readonly imported: (functionIndex: number) => "instant" | "restartable" | "anything";
  /** Whether functions from outside may be called indirectly. */
  readonly open: boolean;
}

export function callGraph(input: GraphInput): CallGraph {
  const graph = new Graph(input);
  const entryPolls = graph.entryPolls();
  return graph.close(entryPolls);
}

class Graph {
  readonly #input: GraphInput;
  readonly #functions: number;
  readonly #outside: number;
  readonly #typeNodes = new Map<number, number>();
  /** Successors of every node. */
  readonly #next: number[][] = [];
  /** Successors by bare calls of the functions that have others, too. */
  readonly #bare = new Map<number, number[]>();
  #exportsPoll = false;

  constructor(input: GraphInput) {
    this.#input = input;
    this.#functions = input.spaces.functions.length;
    for (let node = 0; node < this.#functions; node++) this.#next.push([]);
    this.#outside = this.#next.push([]) - 1;
    this.#addEdges();
  }

  #addEdges(): void {
    const { spaces, canonical, scans, taken, imported, module } = this.#input;
    const imports = spaces.importedFunctions;
    for (const target of taken) {
      // A function can be called through every supertype of its type.
      for (let type: number | undefined = spaces.functions[target]!; type !== undefined; ) {
        this.#next[this.#typeNode(canonical[type]!)]!.push(target);
        type = module.types[type]!.supertype;
      }
    }
    scans.forEach((scan, index) => {
      const { calls, types, bareCalls, bareTypes } = scan;
      this.#addCalls(this.#next[imports + index]!, calls, types);
      if (calls.length + types.length === bareCalls.length + bareTypes.length) return;
      const bare: number[] = [];
      this.#addCalls(bare, bareCalls, bareTypes);
      this.#bare.set(imports + index, bare);
    });
    for (let index = 0; index < imports; index++) {
      if (imported(index) === "anything") this.#next[index]!.push(this.#outside);
    }
    for (const exported of module.exports) {
      if (exported.kind === "func") this.#next[this.#outside]!.push(exported.index);
    }
  }

  #addCalls(next: number[], calls: readonly number[], types: readonly number[]): void {
    for (const target of calls) next.push(target);
    for (const type of types) {
      next.push(this.#typeNode(type));
      if (this.#input.open) next.push(this.#outside);
    }
  }

  #typeNode(type: number): number {
    let node = this.#typeNodes.get(type);
    if (node === undefined) {
      node = this.#next.push([]) - 1;
      this.#typeNodes.set(type, node);
    }
    return node;
  }

  /** The functions at which an edge that closes a cycle arrives, or starts where it arrives at no function. */
  entryPolls(): Uint8Array {
    const polls = new Uint8Array(this.#functions);
    const state = new Uint8Array(this.#next.length); // 0 new, 1 on the path, 2 done
    const path: number[] = [];
    const position: number[] = [];
    const imports = this.#input.spaces.importedFunctions;
    for (let root = 0; root < this.#next.length; root++) {
      if (state[root]) continue;
      path.push(root);
      position.push(0);
      state[root] = 1;
      while (path.length) {
        const node = path.at(-1)!;
        const next = this.#bare.get(node) ?? this.#next[node]!;
        const at = position[position.length - 1]!++;
        if (at === next.length) {
          state[node] = 2;
          path.pop();
          position.pop();
          continue;
        }
        const target = next[at]!;
        if (state[target] === 0) {
          state[target] = 1;
          path.push(target);
          position.push(0);
        } else if (state[target] === 1) {
          for (const found of this.#cyclePolls(path.at(-1)!, target, imports)) polls[found] = 1;
        }
      }
    }
    return polls;
  }

  /** Defined functions that, together, lie on every cycle through the edge from `source` to `target`. */
  #cyclePolls(source: number, target: number, imports: number): readonly number[] {
    const defined = (node: number) => node >= imports && node < this.#functions;
    if (defined(target)) return [target];
    if (defined(source)) return [source];
    // An import calls back: through an export, whatever comes between. All of them poll then, so once is enough.
    if (this.#exportsPoll) return [];
    this.#exportsPoll = true;
    return this.#next[this.#outside]!.filter(defined);
  }

  close(entryPolls: Uint8Array): CallGraph {
    const { scans, spaces, imported, open } = this.#input;
    const before: number[][] = this.#next.map(() => []);
    this.#next.forEach((targets, node) => {
      for (const target of targets) before[target]!.push(node);
    });
    const reached = new Uint8Array(this.#next.length);
    const pending: number[] = [];
    const add = (node: number) => {
      if (reached[node]) return;
      reached[node] = 1;
      pending.push(node);
    };
    add(this.#outside);
    for (let index = 0; index < spaces.importedFunctions; index++) if (imported(index) !== "instant") add(index);
    scans.forEach((scan, index) => {
      const node = spaces.importedFunctions + index;
      if (scan.polls || entryPolls[node]) add(node);
    });
    for (let node = pending.pop(); node !== undefined; node = pending.pop())
      for (const from of before[node]!) add(from);
    const indirectFreezable = (type: number) => {
      const node = this.#typeNodes.get(type);
      return open || (node !== undefined && reached[node] === 1);
    };
    return { freezable: reached.subarray(0, this.#functions), entryPolls, indirectFreezable };
  }
}

/** Whether an instruction calls through a table or a reference. */
export function isIndirectCall(code: number): boolean {
  return code === OP.callIndirect || code === OP.callRef || code === OP.returnCallIndirect || code === OP.returnCallRef;
}
