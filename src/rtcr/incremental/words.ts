// Whole words of memory, compared and copied where they are: nothing is made for it.

/** `Math.floor(number / by)` of integers, without a fraction in between: V8 puts one into a box where it has not compiled. */
export function quotient(number: number, by: number): number {
  return (number - (number % by)) / by;
}

/** Whether so many bytes, whole words, differ. @param from,at in bytes, multiples of 4 */
export function wordsDiffer(
  source: Int32Array,
  from: number,
  target: Int32Array,
  at: number,
  lengthBytes: number,
): boolean {
  const first = from >>> 2;
  const other = at >>> 2;
  const count = lengthBytes >>> 2;
  const eights = count & ~7;
  let i = 0;
  for (; i < eights; i += 8) {
    const a = first + i;
    const b = other + i;
    const low =
      (source[a]! ^ target[b]!) |
      (source[a + 1]! ^ target[b + 1]!) |
      (source[a + 2]! ^ target[b + 2]!) |
      (source[a + 3]! ^ target[b + 3]!);
    const high =
      (source[a + 4]! ^ target[b + 4]!) |
      (source[a + 5]! ^ target[b + 5]!) |
      (source[a + 6]! ^ target[b + 6]!) |
      (source[a + 7]! ^ target[b + 7]!);
    if ((low | high) !== 0) return true;
  }
  for (; i < count; i++) if (source[first + i] !== target[other + i]) return true;
  return false;
}

export function copyWords(source: Int32Array, from: number, target: Int32Array, at: number, lengthBytes: number): void {
  const first = from >>> 2;
  const to = at >>> 2;
  const count = lengthBytes >>> 2;
  const eights = count & ~7;
  let i = 0;
  for (; i < eights; i += 8) {
    const a = first + i;
    const b = to + i;
    target[b] = source[a]!;
    target[b + 1] = source[a + 1]!;
    target[b + 2] = source[a + 2]!;
    target[b + 3] = source[a + 3]!;
    target[b + 4] = source[a + 4]!;
    target[b + 5] = source[a + 5]!;
    target[b + 6] = source[a + 6]!;
    target[b + 7] = source[a + 7]!;
  }
  for (; i < count; i++) target[to + i] = source[first + i]!;
}
