// Checkpoints of components, and what is between two of them, as text.
import {
  type ChildChanges,
  type FieldChange,
  type ObjectChanges,
  objectName,
  type SystemChanges,
} from "../../checkpoint/index.ts";
import { toSize } from "../print.ts";
import {
  type CallDescription,
  type ChildDescription,
  type ComponentDescription,
  type DataspaceDescription,
  interval,
  programName,
  type SystemDescription,
} from "./describe-checkpoint.ts";

/** A paragraph a child. */
export function printCheckpoint(system: SystemDescription): string {
  const { id, name, created, parent, children, exited, calls } = system;
  const head = [`checkpoint ${id}`, `  name      ${name}`, `  created   ${created}`];
  if (parent !== undefined) head.push(`  parent    ${parent}`);
  const ended = exited.map((child) => `exited ${child.name} with ${child.value}`);
  return [...head, ...children.flatMap(childLines), ...ended, ...calls.map(callLine)]
    .map((line) => `${line}\n`)
    .join("");
}

function childLines(child: ChildDescription): string[] {
  const sessions = child.sessions.map(({ id, service, badge, args, state }) => {
    const known = state === "" ? "" : `: ${state}`;
    return `  session   ${id} ${service} (cap-${badge})${known}; ${args}`;
  });
  return [
    `child ${child.name}`,
    ...componentLines(child, sessions),
    ...child.components.flatMap((component) => [
      `  component ${component.name}`,
      ...componentLines(component).map((line) => `  ${line}`),
    ]),
  ];
}

function componentLines(component: ComponentDescription, sessions: readonly string[] = []): string[] {
  const { windows, ramQuota, capQuota, threads, regionMaps, dataspaces, capabilities } = component;
  return [
    `  program   ${programName(component)}${windows ? ", with windows" : ""}`,
    `  quota     ${toSize(ramQuota)} of RAM, ${capQuota} caps`,
    ...sessions,
    ...threads.flatMap(({ name: thread, badge, activity, frames }) => [
      `  thread    "${thread}" (cap-${badge}): ${activity}, ${frames.length} frames${frames.length > 1 ? ", innermost first" : ""}`,
      ...frames.map(({ name: at, position, values }) => `    ${at} at ${position}, ${values} values`),
    ]),
    ...regionMaps.map(({ name: map, badge, size, regions }) => {
      return `  map       ${map} (cap-${badge}), ${interval(0, size)}: ${regions.length} regions`;
    }),
    ...component.signalContexts.map(({ badge, imprint, pending }) => {
      return `  signals   context 0x${imprint.toString(16)} (cap-${badge}): ${pending} pending`;
    }),
    ...dataspaces.flatMap(dataspaceLines),
    ...capabilities.map(({ slot, badge, references, what }) => {
      return `  slot ${String(slot).padStart(4)} cap-${badge}, ${references} references: ${what}`;
    }),
  ];
}

function dataspaceLines({ badge, bytes, role, attached }: DataspaceDescription): string[] {
  const places = attached.map(({ map, begin, end, access }) => `${interval(begin, end)} of the ${map}, ${access}`);
  return [`  dataspace cap-${badge}, ${bytes} bytes, ${role}: ${places.join("; ") || "detached"}`];
}

function callLine({ number, opcode, state, caller, entrypoint, target, bytes }: CallDescription): string {
  return `call ${number}: ${state}, opcode ${opcode} of ${target}, by ${caller}, served by ${entrypoint}, ${bytes} bytes`;
}

/** Fields of one object that are listed. */
const LISTED = 6;

/** What came, went and changed; empty if nothing did. */
export function printChanges({ addedChildren, removedChildren, children, between }: SystemChanges): string {
  const lines = [
    ...addedChildren.map((name) => `+ child ${name}`),
    ...removedChildren.map((name) => `- child ${name}`),
    ...children.flatMap(childChanges),
    ...objectLines(between),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function childChanges({ name, dataspaces, ...changes }: ChildChanges): string[] {
  const contents = dataspaces.map(({ allocated, role, changedPages, pages }) => {
    return `~ dataspace ${allocated} (${role}): ${changedPages} of ${pages} pages`;
  });
  const lines = [...objectLines({ ...changes, fields: [] }), ...contents, ...fieldLines(changes.fields)];
  return lines.length === 0 ? [] : [`child ${name}`, ...lines.map((line) => `  ${line}`)];
}

function objectLines({ added, removed, fields }: ObjectChanges): string[] {
  const came = added.map((change) => `+ ${objectName(change)}`);
  return [...came, ...removed.map((change) => `- ${objectName(change)}`), ...fieldLines(fields)];
}

function fieldLines(fields: readonly FieldChange[]): string[] {
  return [...Map.groupBy(fields, objectName)].flatMap(([object, changes]) => {
    const shown = changes.length > LISTED + 1 ? changes.slice(0, LISTED) : changes;
    const lines = shown.map(({ field, before, after }) => `~ ${object} ${field}: ${before} -> ${after}`);
    return shown === changes ? lines : [...lines, `~ ${object}: ${changes.length - LISTED} fields more`];
  });
}
