// Garbage collection: trees and lists that live long or short, cycles, strings, arrays that grow, several collections.

class Node {
  left: Node | null = null;
  right: Node | null = null;
  owner: Node | null = null;

  constructor(readonly key: i32) {}

  insert(key: i32): void {
    if (key < this.key) {
      if (this.left) this.left!.insert(key);
      else this.left = this.adopt(new Node(key));
    } else {
      if (this.right) this.right!.insert(key);
      else this.right = this.adopt(new Node(key));
    }
  }

  /** Makes a cycle: the child knows its owner. */
  private adopt(child: Node): Node {
    child.owner = this;
    return child;
  }

  depth(): i32 {
    const left = this.left ? this.left!.depth() : 0;
    const right = this.right ? this.right!.depth() : 0;
    return 1 + max(left, right);
  }

  text(): string {
    const left = this.left ? this.left!.text() : "";
    const right = this.right ? this.right!.text() : "";
    return left + this.key.toString() + (this.owner ? "," : ";") + right;
  }
}

function makeTree(size: i32, seed: u32): Node {
  const root = new Node(500);
  for (let i = 1, state = seed; i < size; i++) {
    state = state * 1664525 + 1013904223;
    root.insert(<i32>((state >> 8) % 1000));
  }
  return root;
}

const rounds = process.argv.length > 1 ? I32.parseInt(process.argv[1]) : 6;
const kept: Node[] = [];
let checksum: u32 = 0;
for (let i = 0; i < rounds; i++) {
  const tree = makeTree(14, i + 1);
  if (i % 4 === 0) kept.push(tree);
  const text = tree.text();
  for (let k = 0; k < text.length; k++) checksum = checksum * 31 + text.charCodeAt(k);
  if (i % 5 === 4) __collect();
}
let depths = "";
for (let i = 0; i < kept.length; i++) depths += `${kept[i].depth()} `;
console.log(`${kept.length} trees kept, depths ${depths}`);
console.log(kept[0].text());
console.log(`checksum ${checksum}`);
