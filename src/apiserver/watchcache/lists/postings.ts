/** Keys of the entries that carry a term (`label=value`, a field's value). A term with one key costs no set. */
export class Postings {
  readonly #terms = new Map<string, string | Set<string>>()

  add(term: string, key: string): void {
    const present = this.#terms.get(term)
    if (present === undefined) this.#terms.set(term, key)
    else if (present instanceof Set) present.add(key)
    else this.#terms.set(term, new Set([present, key]))
  }

  remove(term: string, key: string): void {
    const present = this.#terms.get(term)
    if (present === key) this.#terms.delete(term)
    else if (present instanceof Set) {
      present.delete(key)
      if (present.size === 0) this.#terms.delete(term)
    }
  }

  count(term: string): number {
    const present = this.#terms.get(term)
    return present === undefined ? 0 : present instanceof Set ? present.size : 1
  }

  of(term: string): Iterable<string> {
    const present = this.#terms.get(term)
    return present === undefined ? [] : present instanceof Set ? present : [present]
  }

  clear(): void {
    this.#terms.clear()
  }
}

export const labelTerm = (key: string, value: string): string => `l${key}=${value}`
export const fieldTerm = (path: string, value: string): string => `f${path}=${value}`
