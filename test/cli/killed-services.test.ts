// Components that talk to each other, checkpointed while they run and killed (killed.ts).
import { spread } from "../tortured/spread.ts";
import { node, PROPAGATE, TALKING } from "../tortured/systems.ts";
import { killEach, type Running } from "./killed.ts";

const windows = true;
const from = (service: string) => ({ from: { [service]: "server" } });

const CLIENT_AND_SERVER: Running = {
  programs: ["pair_server", "pair_client", "soak_client"],
  children:
    node("server", "", { binary: "pair_server", windows, provides: "Pair" }) +
    node("client", '<config iterations="5000000"/>', { binary: "pair_client", windows, ...from("Pair") }) +
    node("ticking", '<config period_ms="20"/>', { binary: "soak_client", windows, ...from("Pair") }),
  speakers: ["client", "ticking"],
};

const CRUISE = TALKING["cruise control"]!;

killEach({
  "S80: client and server": CLIENT_AND_SERVER,
  "S28: client and server, each on a CPU of its own": {
    ...CLIENT_AND_SERVER,
    ...spread(CLIENT_AND_SERVER, 3),
    cpus: 3,
  },
  "S122: cruise control": {
    programs: CRUISE.programs,
    // without an end; in how many looks the controller is not heard of depends on the machine
    children: CRUISE.children
      .replace(PROPAGATE, "")
      .replace('steps="200"', 'steps="100000000"')
      .replace('looks="10"', 'looks="100000000"'),
    speakers: ["logger"],
  },
  "S122: key-value server under load": {
    programs: ["kv_server", "kv_load"],
    children:
      node("server", "", { binary: "kv_server", provides: "Kv" }) +
      [1, 2]
        .map((seed) =>
          node(`load-${seed}`, `<config seed="${seed}" keys="64" operations="1000000000" report="5000"/>`, {
            ...{ binary: "kv_load", ...from("Kv") },
          }),
        )
        .join(""),
    speakers: ["load-1", "load-2"],
    varies: /\d+ keys$/,
  },
});
