// CPython among components, checkpointed while they run and killed (killed.ts).
import { config, start } from "../support/core-system.ts";
import { node } from "../tortured/systems.ts";
import { killEach } from "./killed.ts";

const SCRIPT = `
import time
def squares():
    n = 0
    while True:
        yield n, sum(i * i for i in range(n % 1000))
        n += 1
for n, total in squares():
    print(n, total, flush=True)
    time.sleep(0.02)
`;
const python = (name: string) =>
  start(
    name,
    `<binary name="python"/><config><arg value="-c"/><arg value="${SCRIPT.replaceAll("\n", "&#10;")}"/></config>`,
    'caps="300" ram="60M"',
  );
const keeper = (name: string, children: string) =>
  start(name, `<binary name="${name}"/>${config(children)}`, 'caps="1500" ram="90M"');

const sheep = node("sheep_counter_timer", '<config sleep_ms="20"/>', { quota: 'caps="300" ram="8M"' });

// Their keepers have names that their own keepers have too.
killEach({
  "S97: CPython in an init, components in it and in a supervisor beside it": {
    programs: ["python", "sheep_counter_timer"],
    children: keeper("init", python("inner") + sheep) + keeper("rtcr", sheep),
    speakers: ["init -> inner", "init -> sheep_counter_timer", "rtcr -> sheep_counter_timer"],
  },
});
