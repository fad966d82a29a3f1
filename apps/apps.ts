// The guest programs: one row for each, with what a test has to know to run it. Built by scripts/build-apps.ts.
//
// A row's source is apps/<folder>/<name>.<extension>. Every program is an ordinary WASI preview1 command and, except
// where `size` says otherwise, takes the size of its work as first argument. Default sizes are small: a run passes some
// thousand safe points, so that freezing at each of them takes seconds. Expected output: apps/expected/<name>.txt.

/** How one guest program is built and run. */
export interface App {
  /** Unique name; also that of build/apps/<name>.wasm. */
  readonly name: string;
  readonly language: Language;
  /** Path of the source from the repository's root. */
  readonly source: string;
  /** What the program is there to exercise. */
  readonly features: readonly string[];
  /** Arguments of a test run, without the program's name. */
  readonly args: readonly string[];
  /** What the program reads from standard input; empty when it reads nothing. */
  readonly stdin: string;
  /** True when it needs an empty, writable directory under the guest name `/data`. */
  readonly directory: boolean;
  /** How a run ends: with an exit code, a trap, an exception nobody catches, or on an exhausted stack. */
  readonly ends: number | "trap" | "exception" | "stack-overflow";
  /** Work size of a benchmark, the argument of its exported `run(i32) -> i32`; absent for other programs. */
  readonly benchSize?: number;
}

/** Source languages of the guest programs. */
export type Language = "c" | "c++" | "rust" | "assemblyscript" | "wat" | "wat-gc";

type Row = readonly [name: string, features: string, options?: Partial<App>];

const CALCULATIONS = "1 + 2 * 3\n(4 + 5) * -6 / (7 - 1.5)\n2 ^ 3 ^ 2\n7 / 0\n((1)\n".repeat(6);

const PROSE = `A frozen thread is data: frames, locals, and the place where it stood.
What was a stack becomes a list; what was a place becomes a number.
The thread does not know. It wakes, and the sum it was about to add
is added: the same frames, the same locals, in another process.
`;

const C: readonly Row[] = [
  ["recursion", "fib, ackermann, mutual recursion"],
  ["deep-stack", "recursion with arrays and pointers into callers' frames"],
  ["quicksort", "sorting through function pointers, qsort, bsearch"],
  ["hash-map", "string keys, chaining, rehashing"],
  ["sha256", "integer rounds, rotations"],
  ["n-body", "f64"],
  ["mandelbrot", "f64 inner loop with break"],
  ["matmul", "f32 and f64, blocked loops"],
  ["sieve", "byte stores, tight loops"],
  ["interpreter", "switch dispatch"],
  ["compress", "match search, copies that overlap"],
  ["strings", "printf family, strtok, strings that grow"],
  ["files", "write, seek, read back, truncate", { directory: true }],
  ["directories", "mkdir, readdir, rename, unlink", { directory: true }],
  ["binary-trees", "malloc and free"],
  ["pi-digits", "arithmetic of big numbers"],
  ["regex", "backtracking"],
  ["sudoku", "backtracking with bit masks"],
  ["life", "two grids"],
  ["varargs", "va_list, structures by value"],
  ["calculator", "standard input, recursive descent", { stdin: CALCULATIONS }],
  ["clock", "sleeps, clocks, random bytes", { args: ["1"] }],
  ["exit-code", "atexit, exit from below", { ends: 7 }],
];

const CPP: readonly Row[] = [
  ["dijkstra", "priority_queue, map, vector, string"],
  ["shapes", "virtual calls, multiple bases, unique_ptr"],
  ["templates", "templates, concepts"],
  ["functional", "lambdas, std::function, shared_ptr, algorithms"],
  ["word-count", "iostreams, standard input, unordered_map", { stdin: PROSE }],
  ["containers", "list, deque, variant, optional"],
];

const RUST: readonly Row[] = [
  ["iterators", "iterators, closures"],
  ["collections", "HashMap, BTreeMap, BinaryHeap, String"],
  ["traits", "trait objects, Rc, closures in generics"],
  ["records", "files, Result", { directory: true }],
  ["panic", "panic=abort", { ends: "trap" }],
];

const ASSEMBLYSCRIPT: readonly Row[] = [
  ["classes", "virtual calls, interfaces, operators"],
  ["generics", "generic classes, functions as values"],
  ["numbers", "i64, f32, small integers"],
  ["vectors", "v128"],
  ["garbage", "garbage-collected allocation, strings"],
];

const WAT: readonly Row[] = [
  ["multi-value", "several results, block and loop parameters", { args: ["80"] }],
  ["sign-extension", "extend8_s, extend16_s, extend32_s", { args: ["1"] }],
  ["saturating", "trunc_sat", { args: ["60"] }],
  ["bulk-memory", "memory.copy, memory.fill, memory.init, data.drop", { args: ["2"] }],
  [
    "tables",
    "table.get, table.set, table.grow, table.fill, table.copy, table.init, elem.drop, funcref, externref",
    { args: ["300"] },
  ],
  ["call-ref", "call_ref, return_call_ref, br_on_null, br_on_non_null", { args: ["80"], language: "wat-gc" }],
  ["simd", "v128", { args: ["60"] }],
  ["relaxed-simd", "relaxed v128", { args: ["60"] }],
  ["atomics", "shared memory, atomic operations, wait, notify", { args: ["150"] }],
  ["tail-call", "return_call, return_call_indirect", { args: ["2500"] }],
  ["exceptions", "try_table, throw, throw_ref, exnref across calls", { args: ["150"] }],
  ["exceptions-nested", "try_table in loops, operands under calls that throw", { args: ["100"] }],
  ["legacy-exceptions", "try, catch, catch_all, rethrow, delegate", { args: ["120"] }],
  ["multi-memory", "three memories", { args: ["300"] }],
  ["memory64", "addresses of 64 bits; takes no argument"],
  ["extended-const", "arithmetic in constant expressions", { args: ["600"] }],
  ["nesting", "operands under nested blocks, loops and ifs", { args: ["60"] }],
  ["v128-locals", "vectors across calls", { args: ["60"] }],
  ["start-function", "start function that loops; takes no argument"],
  ["br-table", "br_table, branches with values", { args: ["60"] }],
  ["dead-code", "polymorphic stack", { args: ["80"] }],
  ["globals", "mutable globals", { args: ["150"] }],
  ["memory-grow", "memory.grow", { args: ["30"] }],
  ["trap", "ends in a trap", { args: ["40"], ends: "trap" }],
  ["uncaught", "ends with an exception", { args: ["40"], ends: "exception" }],
  ["stack-overflow", "ends by exhausting the stack", { ends: "stack-overflow" }],
];

/** Sizes for tens of milliseconds a call; the defaults of the sources are smaller. */
const BENCH: readonly (readonly [name: string, features: string, benchSize: number])[] = [
  ["bench-fib", "calls", 33],
  ["bench-matmul", "f64 loops", 40],
  ["bench-sieve", "byte loops", 60],
  ["bench-sha256", "i32 arithmetic", 60],
  ["bench-nbody", "f64 arithmetic", 1000],
  ["bench-bintrees", "allocation in recursion", 60],
  ["bench-interp", "switch dispatch", 500],
  ["bench-sort", "indirect calls", 10],
  ["bench-memcpy", "bulk copies", 300],
  ["bench-hashmap", "hashing", 50],
  ["bench-calls", "calls with many types, direct and indirect", 800],
  ["bench-depth", "a deep stack; also exports hold(depth, turns)", 20000],
  ["bench-alloc", "malloc, realloc, free", 300],
];

/** Every guest program, by folder. */
export const APPS: readonly App[] = [
  ...rows("c", "c", "c", C),
  ...rows("c++", "cpp", "cpp", CPP),
  ...rows("rust", "rust", "rs", RUST),
  ...rows("assemblyscript", "assemblyscript", "ts", ASSEMBLYSCRIPT),
  ...rows("wat", "wat", "wat", WAT),
  ...rows(
    "c",
    "bench",
    "c",
    BENCH.map(([name, features, benchSize]) => [name, features, { benchSize }]),
  ),
];

function rows(language: Language, folder: string, extension: string, list: readonly Row[]): App[] {
  return list.map(([name, features, options]) => ({
    name,
    language,
    source: `apps/${folder}/${name}.${extension}`,
    features: features.split(", "),
    args: [],
    stdin: "",
    directory: false,
    ends: 0,
    ...options,
  }));
}
