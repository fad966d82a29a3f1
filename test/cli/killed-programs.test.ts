// The five programs of the thesis and the older programs of spec 5.1, checkpointed while they run and killed (killed.ts).
import { alone, node, type TorturedSystem } from "../tortured/systems.ts";
import { killEach } from "./killed.ts";

const BUSY = '<config iterations="5000000"/>';
const PACED = '<config iterations="5000000" period_ms="20" sleep_ms="20" rounds="0"/>';
const windows = true;

function together(...systems: readonly TorturedSystem[]): TorturedSystem {
  return {
    programs: [...new Set(systems.flatMap(({ programs }) => programs))],
    children: systems.map(({ children }) => children).join(""),
  };
}

const THESIS = ["sheep_counter", "stack_counter", "large_stack_counter", "small_dataspaces", "large_dataspaces"];
const OLDER = [
  ...["sheep_counter_timer", "sheep_counter_extended", "sheep_counter_async", "sheep_counter_threaded"],
  ...["thread_registers", "cap_reuse", "stress_rm", "validator"],
];
const WINDOWED = ["managed_dataspace", "fault_handler"];

// A line of the validator is like any other of it: what is seen of it is that its memory stays valid.
killEach({
  "S116: the programs of the thesis": {
    ...together(...THESIS.map((name) => alone(name, BUSY))),
    speakers: THESIS,
  },
  "S116: the older programs": {
    ...together(
      ...OLDER.map((name) => alone(name, PACED)),
      ...WINDOWED.map((name) => alone(name, PACED, { windows })),
      {
        programs: ["arbitrary_child", "stack_counter"],
        children: node("arbitrary_child", '<config child="stack_counter" iterations="5000000"/>', {
          quota: 'caps="800"',
        }),
      },
    ),
    speakers: [...OLDER, ...WINDOWED, "arbitrary_child -> stack_counter"],
  },
});
