// Directories by parent and name, for hosts that know paths only: an open directory stays the same one when the program
// renames it or one above it, because its record moves along.

/** A directory that is or was open, below the record of its parent. `about` is what its host knows of it. */
export class TreeRecord<About> {
  readonly about: About;
  parent: TreeRecord<About> | undefined;
  /** In a root, the host's path of it. */
  name: string;
  removed = false;
  readonly children = new Map<string, TreeRecord<About>>();

  constructor(about: About, parent: TreeRecord<About> | undefined, name: string) {
    this.about = about;
    this.parent = parent;
    this.name = name;
  }

  /** The host's path. */
  get path(): string {
    return this.parent === undefined ? this.name : `${this.parent.path}/${this.name}`;
  }

  /** The path below the root, "" for the root itself. */
  get pathInRoot(): string {
    if (this.parent === undefined) return "";
    const above = this.parent.pathInRoot;
    return above === "" ? this.name : `${above}/${this.name}`;
  }

  get root(): TreeRecord<About> {
    return this.parent?.root ?? this;
  }

  /** Directories between this one and its root; 0 for the root. */
  get depth(): number {
    return this.parent === undefined ? 0 : this.parent.depth + 1;
  }

  /** Whether this is `other` or lies below it. */
  within(other: TreeRecord<About>): boolean {
    return this === other || (this.parent?.within(other) ?? false);
  }

  /** The child of that name was removed. */
  drop(name: string): void {
    const child = this.children.get(name);
    if (child !== undefined) child.removed = true;
    this.children.delete(name);
  }

  /** The child of that name was renamed, to a name that nothing has any more. */
  move(name: string, to: TreeRecord<About>, toName: string): void {
    const child = this.children.get(name);
    this.children.delete(name);
    to.drop(toName);
    if (child === undefined) return;
    child.parent = to;
    child.name = toName;
    to.children.set(toName, child);
  }
}
