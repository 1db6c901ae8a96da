/** Keys of the entries in which a name (of a label, of a field) has a value. A value of one entry costs no set. */
export class Postings {
  readonly #values = new Map<string, Map<string, string | Set<string>>>()

  add(name: string, value: string, key: string): void {
    let values = this.#values.get(name)
    if (values === undefined) this.#values.set(name, (values = new Map()))
    const present = values.get(value)
    if (present === undefined) values.set(value, key)
    else if (present instanceof Set) present.add(key)
    else values.set(value, new Set([present, key]))
  }

  remove(name: string, value: string, key: string): void {
    const values = this.#values.get(name)
    const present = values?.get(value)
    if (values === undefined || present === undefined) return
    if (present instanceof Set) {
      present.delete(key)
      if (present.size > 0) return
    } else if (present !== key) return
    values.delete(value)
    if (values.size === 0) this.#values.delete(name)
  }

  count(name: string, value: string): number {
    const present = this.#values.get(name)?.get(value)
    return present === undefined ? 0 : present instanceof Set ? present.size : 1
  }

  of(name: string, value: string): Iterable<string> {
    const present = this.#values.get(name)?.get(value)
    return present === undefined ? [] : present instanceof Set ? present : [present]
  }
}
