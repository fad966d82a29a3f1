// Labels: who asks for a session, from the nearest ancestor inwards: `parent -> child -> suffix` (spec 2.0).

export const LABEL_LIMIT = 160;
const SEPARATOR = " -> ";

/** Puts a client's name in front of the label that it gave. */
export function prefixLabel(name: string, label: string): string {
  return label === "" ? name : `${name}${SEPARATOR}${label}`;
}

/** What stands behind the last separator: the whole label if there is none. */
export function lastElement(label: string): string {
  const at = label.lastIndexOf(SEPARATOR);
  return at < 0 ? label : label.slice(at + SEPARATOR.length);
}

/** What stands in front of the last separator: empty if there is none. */
export function labelPrefix(label: string): string {
  const at = label.lastIndexOf(SEPARATOR);
  return at < 0 ? "" : label.slice(0, at);
}

/** The label without the name of the client itself: what stands behind the first separator, empty if there is none. */
export function withoutName(label: string): string {
  const at = label.indexOf(SEPARATOR);
  return at < 0 ? "" : label.slice(at + SEPARATOR.length);
}
