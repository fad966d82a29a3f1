// RTCR's own messages (thesis 5.1.3, S123): `[TYPE]:[FILE]:[LINE]:[MESSAGE]`, by level, silent unless switched on.
//
//   log.debug?.(`restored ${name}`)      nothing is evaluated, and nothing is called, while the level is off
//
// Not here: what people must know in any case; that goes to the component's LOG session.

/** From the most severe on. Choosing one switches it and all before it on. */
export const LOG_LEVELS = ["ERROR", "WARNING", "INFO", "DEBUG"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

type Write = (message: string) => void;

/** A method is there while its level is on. */
interface Log {
  error?: Write;
  warning?: Write;
  info?: Write;
  debug?: Write;
}

/** Where messages go in: call its methods with `?.`. */
export const log: Log = {};

export interface LogOptions {
  readonly level: LogLevel;
  /** Takes a line without its end. */
  readonly sink: (line: string) => void;
  /** For terminals. */
  readonly coloured?: boolean;
}

/** ANSI colours by type. */
const COLOURS: Readonly<Record<LogLevel, number>> = { ERROR: 31, WARNING: 33, INFO: 32, DEBUG: 36 };

/** Switches messages on, instead of what was on before. @returns switches them off */
export function startLog({ level, sink, coloured = false }: LogOptions): () => void {
  stopLog();
  for (const type of LOG_LEVELS.slice(0, LOG_LEVELS.indexOf(level) + 1)) {
    log[methodOf(type)] = (message) => {
      const { file, line } = caller();
      const text = `[${type}]:[${file}]:[${line}]:[${message}]`;
      sink(coloured ? `\u001b[${COLOURS[type]}m${text}\u001b[0m` : text);
    };
  }
  return stopLog;
}

/** Back to silence. */
export function stopLog(): void {
  for (const type of LOG_LEVELS) delete log[methodOf(type)];
}

/** The name of the running function, for `log.debug?.(runningFunction())`. */
export function runningFunction(): string {
  return stack()[1]?.name || "anonymous";
}

function methodOf(type: LogLevel): keyof Log {
  return type.toLowerCase() as Lowercase<LogLevel>;
}

interface Place {
  readonly name: string;
  readonly file: string;
  readonly line: number;
}

/** Who has called the method of `log`. */
function caller(): Place {
  return stack()[2] ?? { name: "", file: "unknown", line: 0 };
}

/** Callers, the nearest first, beginning with who has called this. `at Class.name (file:///a/b.ts:1:2)`, and as Firefox. */
function stack(): readonly Place[] {
  const lines = new Error().stack?.split("\n") ?? [];
  const places = lines.flatMap((text): Place[] => {
    const [, file, line] = /([^/\\\s(@]+):(\d+):\d+\)?$/.exec(text) ?? [];
    if (!file || !line) return [];
    const name = /^\s*at (?:async )?(?:new )?([^\s(]+) \(/.exec(text)?.[1] ?? /^([^@]*)@/.exec(text)?.[1] ?? "";
    return [{ name, file, line: Number(line) }];
  });
  return places.slice(1);
}
