// Where two plain values differ, leaf by leaf, in words.

/** What a badge means in its checkpoint: badges of the same object differ from one to another. */
export type Names = (badge: number) => string;

export interface Difference {
  /** As `frames[1].position`; empty: the values themselves. */
  readonly path: string;
  readonly before: string;
  readonly after: string;
}

/** Most characters of a value. */
const TEXT_CHARS = 60;
/** Shown of bytes, from the first that differ. */
const BYTES = 16;

/** All places at which two values differ. Numbers whose key says that they are badges are compared by what they mean. */
export function differences(before: unknown, after: unknown, oldNames: Names, newNames: Names): readonly Difference[] {
  const found: Difference[] = [];
  compare("", false, before, after);
  return found;

  function compare(path: string, badges: boolean, old: unknown, now: unknown): void {
    if (Array.isArray(old) && Array.isArray(now)) {
      for (let i = 0; i < Math.max(old.length, now.length); i++) compare(`${path}[${i}]`, badges, old[i], now[i]);
    } else if (isRecord(old) && isRecord(now)) {
      for (const key of new Set([...Object.keys(old), ...Object.keys(now)])) {
        compare(below(path, key), BADGE.test(key), old[key], now[key]);
      }
    } else if (old instanceof Uint8Array && now instanceof Uint8Array) compareBytes(path, old, now);
    else {
      const [was, is] = [show(old, badges, oldNames), show(now, badges, newNames)];
      if (was !== is) found.push({ path, before: short(was), after: short(is) });
    }
  }

  function compareBytes(path: string, old: Uint8Array, now: Uint8Array): void {
    const at = old.findIndex((byte, i) => byte !== now[i]);
    const from = at === -1 ? old.length : at;
    if (at === -1 && old.length === now.length) return;
    const text = (bytes: Uint8Array) => `${bytes.length} bytes, ${bytes.subarray(from, from + BYTES).toHex() || "end"}`;
    found.push({ path: `${path}[${from}]`, before: text(old), after: text(now) });
  }
}

const BADGE = /(^b|B)adges?$/;

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

function below(path: string, key: string): string {
  const name = /^[\w ]+$/.test(key) ? key : JSON.stringify(key);
  return path === "" ? name : `${path}.${name}`;
}

function show(value: unknown, badge: boolean, names: Names): string {
  if (badge && typeof value === "number") return names(value);
  if (typeof value === "bigint") return String(value);
  const text = JSON.stringify(value, (key, item: unknown) => {
    if (typeof item === "bigint") return `${item}n`;
    if (item instanceof Uint8Array) return `${item.length} bytes, ${item.subarray(0, BYTES).toHex()}`;
    if (!BADGE.test(key)) return item;
    if (Array.isArray(item)) return item.map((each) => (typeof each === "number" ? names(each) : each));
    return typeof item === "number" ? names(item) : item;
  });
  return text ?? "absent";
}

function short(text: string): string {
  return text.length > TEXT_CHARS ? `${text.slice(0, TEXT_CHARS - 3)}...` : text;
}
