/** Lets tasks that touch the same keys run one after the other, in the order of the calls, and all others at the same time. */
export class KeyOrder {
  readonly #last = new Map<string, Promise<void>>()
  readonly #running = new Set<Promise<void>>()

  run<T>(keys: readonly string[], task: () => Promise<T>): Promise<T> {
    const before = keys.map((key) => this.#last.get(key)).filter((one) => one !== undefined)
    const result = before.length === 0 ? task() : Promise.all(before).then(task)
    const over = result.then(
      () => undefined,
      () => undefined,
    )
    for (const key of keys) this.#last.set(key, over)
    this.#running.add(over)
    void over.then(() => {
      this.#running.delete(over)
      for (const key of keys) if (this.#last.get(key) === over) this.#last.delete(key)
    })
    return result
  }

  /** Resolves when everything that has been asked for until now is over. */
  async idle(): Promise<void> {
    await Promise.all(this.#running)
  }
}
