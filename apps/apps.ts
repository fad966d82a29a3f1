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
  /** How a run ends: an exit code, or a trap, or an exception nobody catches. */
  readonly ends: number | "trap" | "exception";
  /** Work size of a benchmark, the argument of its exported `run(i32) -> i32`; absent for other programs. */
  readonly benchSize?: number;
}

/** Source languages of the guest programs. */
export type Language = "c" | "c++" | "rust" | "assemblyscript" | "wat" | "wat-gc";

type Row = readonly [name: string, features: string, options?: Partial<App>];

const CALCULATIONS = "1 + 2 * 3\n(4 + 5) * -6 / (7 - 1.5)\n2 ^ 3 ^ 2\n7 / 0\n((1)\n".repeat(6);

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
  ["clock", "sleeps, clocks, random bytes"],
  ["exit-code", "atexit, exit from below", { ends: 7 }],
];

const CPP: readonly Row[] = [];

const RUST: readonly Row[] = [];

const ASSEMBLYSCRIPT: readonly Row[] = [];

const WAT: readonly Row[] = [];

const BENCH: readonly (readonly [name: string, features: string, benchSize: number])[] = [];

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
