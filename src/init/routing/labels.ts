// Whether a label fulfils the conditions of a route entry or policy (spec 3.2). Pure.
import { lastElement } from "../../session/index.ts";
import type { LabelConditions } from "../config/types.ts";

/**
 * The label without the client's name; undefined if there is nothing behind the name, or another name.
 *
 * @param client names may hold ` -> ` themselves, so the name is compared whole
 */
export function scopedLabel(client: string, label: string): string | undefined {
  const prefix = `${client} -> `;
  return label.startsWith(prefix) ? label.slice(prefix.length) : undefined;
}

/** All conditions hold. @param scoped the part behind the client's name, undefined if there is none */
export function labelMatches(conditions: LabelConditions, label: string, scoped: string | undefined): boolean {
  const { unscopedLabel, labelLast, label: whole, labelPrefix, labelSuffix } = conditions;
  if (unscopedLabel !== undefined && label !== unscopedLabel) return false;
  if (labelLast !== undefined && lastElement(label) !== labelLast) return false;
  if (whole === undefined && labelPrefix === undefined && labelSuffix === undefined) return true;
  if (scoped === undefined) return false;
  return (
    (whole === undefined || scoped === whole) &&
    (labelPrefix === undefined || scoped.startsWith(labelPrefix)) &&
    (labelSuffix === undefined || scoped.endsWith(labelSuffix))
  );
}

/** How special conditions are: a whole label before prefixes before suffixes, longer ones first. */
export function conditionScore({ label, labelPrefix, labelSuffix, labelLast, unscopedLabel }: LabelConditions): number {
  if (label !== undefined || unscopedLabel !== undefined) return 3_000_000;
  const length = (text: string | undefined) => text?.length ?? 0;
  return length(labelPrefix) * 1000 + length(labelSuffix) + length(labelLast);
}
