import { readFile, rename, writeFile } from 'node:fs/promises'
import { Turns } from './turns.ts'

/** A value that outlives the agent, as JSON in a file for root alone. A crash leaves the old value or the new one. */
export class SavedFile<T> {
  readonly #path: string
  readonly #turns = new Turns()

  constructor(path: string) {
    this.#path = path
  }

  /** Undefined where there is no file; throws when what is in it is no JSON. */
  async load(): Promise<T | undefined> {
    const text = await readFile(this.#path, 'utf8').catch(() => undefined)
    return text === undefined ? undefined : (JSON.parse(text) as T)
  }

  /** Writes follow each other, each with the value of its turn: the last one holds everything. Resolves when it is written. */
  save(value: () => T): Promise<void> {
    return this.#turns.take('', async () => {
      await writeFile(`${this.#path}.new`, JSON.stringify(value()), { mode: 0o600 })
      await rename(`${this.#path}.new`, this.#path)
    })
  }
}
