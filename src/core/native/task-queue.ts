// The event loop of native components: what they do when signals arrive. Owned by the machine, which runs it between
// guests; nothing is ever run from within a guest's or another component's call.

export class TaskQueue {
  #tasks: (() => void)[] = [];
  #running = false;
  #notEmpty: () => void = () => {};

  get empty(): boolean {
    return this.#tasks.length === 0;
  }

  /** Runs `task` once, after everything that was posted before. */
  post(task: () => void): void {
    this.#tasks.push(task);
    if (this.#tasks.length === 1) this.#notEmpty();
  }

  /**
   * Runs what is posted now; what that posts waits for the next run. Within a task it does nothing: a task may wait for
   * another CPU, and what that one does ends slices.
   *
   * @returns how many tasks ran
   */
  run(): number {
    if (this.#running) return 0;
    this.#running = true;
    const tasks = this.#tasks;
    this.#tasks = [];
    try {
      for (const task of tasks) task();
    } finally {
      this.#running = false;
    }
    return tasks.length;
  }

  /** Runs until nothing is left. @returns false: `limit` tasks did not suffice, or one of them is running */
  runAll(limit = 1_000_000): boolean {
    if (this.#running) return false;
    for (let left = limit; left > 0 && !this.empty; ) left -= this.run();
    return this.empty;
  }

  /** `notEmpty` is called whenever the queue stops being empty, until replaced; it must only make a note. */
  listen(notEmpty: () => void): void {
    this.#notEmpty = notEmpty;
    if (!this.empty) notEmpty();
  }
}
