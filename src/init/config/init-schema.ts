// The grammar of init's configuration (spec 3.1) as a schema.
import { SERVICE_NAME_LIMIT } from "../../session/index.ts";
import type { AttributeSchema, AttributeType, ChildSchema, ElementSchema } from "./schema.ts";

/** Longest name of a child. */
export const CHILD_NAME_LIMIT = 64;
/** Most priority levels. */
export const PRIO_LEVELS_LIMIT = 1 << 16;
/** Largest width and height of an affinity space. */
export const AFFINITY_LIMIT = 1 << 10;

const MAX = Number.MAX_SAFE_INTEGER;
const TEXT: AttributeType = { is: "text" };
const NAME: AttributeType = { is: "text", limit: CHILD_NAME_LIMIT };
const SERVICE: AttributeType = { is: "text", limit: SERVICE_NAME_LIMIT };
const BOOL: AttributeType = { is: "bool" };
const AMOUNT: AttributeType = { is: "number", min: 0, max: MAX, units: true };
const POSITION: AttributeType = { is: "number", min: 0, max: AFFINITY_LIMIT };
const EXTENT: AttributeType = { is: "number", min: 1, max: AFFINITY_LIMIT };

function needs(type: AttributeType): AttributeSchema {
  return { type, required: true };
}

function may(type: AttributeType): AttributeSchema {
  return { type };
}

function one(element: ElementSchema): ChildSchema {
  return { element, many: false };
}

function many(element: ElementSchema): ChildSchema {
  return { element, many: true };
}

function element(
  about: string,
  attributes: ElementSchema["attributes"] = {},
  children: ElementSchema["children"] = {},
): ElementSchema {
  return { about, attributes, children };
}

const LABEL_CONDITIONS = {
  label: may({ is: "text" }),
  label_prefix: may(TEXT),
  label_suffix: may(TEXT),
  label_last: may(TEXT),
  unscoped_label: may(TEXT),
};

const PARENT_TARGET = element("the parent provides it", { label: may(TEXT), diag: may(BOOL) });
const CHILD_TARGET = element("a named child (or alias) provides it", {
  name: needs(NAME),
  label: may(TEXT),
  diag: may(BOOL),
});
const TARGETS = {
  parent: many(PARENT_TARGET),
  child: many(CHILD_TARGET),
  "any-child": many(element("the only child that provides it", { label: may(TEXT), diag: may(BOOL) })),
};

const ROUTE = element(
  "where session requests go; the first entry that matches",
  {},
  {
    service: many(element("a named service", { name: needs(SERVICE), ...LABEL_CONDITIONS }, TARGETS)),
    "any-service": many(element("every service", LABEL_CONDITIONS, TARGETS)),
  },
);

const NAMED_SERVICE = element("a service", { name: needs(SERVICE) });
const SERVICE_TARGET = { child: one(element("who serves it", { name: needs(NAME), label: may(TEXT) })) };

const UPWARD_SERVICE = element(
  "a service that init offers to its parent",
  { name: needs(SERVICE) },
  {
    "default-policy": one(element("for clients that no policy matches", {}, SERVICE_TARGET)),
    policy: many(element("for clients whose label matches", LABEL_CONDITIONS, SERVICE_TARGET)),
  },
);

const START = element(
  "one child",
  {
    name: needs(NAME),
    caps: may(AMOUNT),
    ram: may(AMOUNT),
    priority: may({ is: "number", min: -PRIO_LEVELS_LIMIT, max: 0 }),
    ld: may(BOOL),
    version: may(TEXT),
    managing_system: may(BOOL),
  },
  {
    binary: one(
      element("the ROM module of the program; windows: with translated accesses; growth_requests: memory.grow waits", {
        name: may(TEXT),
        windows: may(BOOL),
        growth_requests: may(BOOL),
      }),
    ),
    resource: many(
      element("a quota of the child", {
        name: needs({ is: "one-of", values: ["RAM", "CPU", "CAP"] }),
        quantum: needs(AMOUNT),
        constrain_phys: may(BOOL),
      }),
    ),
    provides: one(element("services of the child", {}, { service: many(NAMED_SERVICE) })),
    route: one(ROUTE),
    config: one(element("the child's configuration", "anything")),
    configfile: one(element("the ROM module to use as configuration", { name: needs(TEXT) })),
    affinity: one(
      element("the CPUs of the child", {
        xpos: may(POSITION),
        ypos: may(POSITION),
        width: may(EXTENT),
        height: may(EXTENT),
      }),
    ),
    exit: one(element("the child's exit becomes init's exit", { propagate: may(BOOL) })),
    heartbeat: one(
      element("the child takes part in heartbeat monitoring", {
        restart_after_skipped: may({ is: "number", min: 1, max: MAX }),
      }),
    ),
  },
);

const REPORT_FLAGS = [
  "ids",
  "requested",
  "provided",
  "session_args",
  "child_ram",
  "child_caps",
  "init_ram",
  "init_caps",
] as const;

const REPORT = element("the state report", {
  ...(Object.fromEntries(REPORT_FLAGS.map((flag) => [flag, may(BOOL)])) as Record<string, AttributeSchema>),
  delay_ms: may({ is: "number", min: 1, max: 3_600_000 }),
  buffer: may({ is: "number", min: 4096, max: 1 << 24, units: true }),
});

/** A configuration of init. */
export const INIT_SCHEMA: ElementSchema = element(
  "configuration of init",
  {
    prio_levels: may({ is: "number", min: 0, max: PRIO_LEVELS_LIMIT }),
    verbose: may(BOOL),
    ld_verbose: may(BOOL),
    version: may(TEXT),
  },
  {
    "parent-provides": one(element("services that init may ask its parent for", {}, { service: many(NAMED_SERVICE) })),
    "default-route": one(ROUTE),
    default: one(element("quota of children that say nothing", { caps: may(AMOUNT), ram: may(AMOUNT) })),
    "affinity-space": one(element("the grid of affinities", { width: may(EXTENT), height: may(EXTENT) })),
    alias: many(element("another name for a child", { name: needs(NAME), child: needs(NAME) })),
    resource: many(
      element("what init keeps for itself", {
        name: needs({ is: "one-of", values: ["RAM", "CAP"] }),
        preserve: needs(AMOUNT),
      }),
    ),
    report: one(REPORT),
    heartbeat: one(element("the period of heartbeats", { rate_ms: may({ is: "number", min: 1, max: 3_600_000 }) })),
    service: many(UPWARD_SERVICE),
    start: many(START),
  },
);
