// What a failed assertion does: a line in the log, then a trap.
import { print } from "./log";

export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  print().text("Error: ").text(message ? message : "abort").text(" (").text(file ? file : "?").text(":").num(line).text(")").end();
  unreachable();
}
