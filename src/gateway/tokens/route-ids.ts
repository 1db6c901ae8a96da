import { createHash } from 'node:crypto'

/** The gateway may have been told of a change while a request is still led by what was before. */
const IDS_KEPT = 2

/** By which the data plane asks about routes: what it remembers is of one id, and whatever changes is another one. */
export class RouteIds<T> {
  /** The newest first. The data plane knows one of them. */
  readonly #idsOf = new Map<string, readonly string[]>()
  readonly #byId = new Map<string, T>()

  /** Of the wish as it is now, and what it wants with all that this depends on. */
  idFor(wish: string, wants: T, dependsOn: readonly unknown[]): string {
    const id = createHash('sha256')
      .update(JSON.stringify([wish, ...dependsOn]))
      .digest('hex')
      .slice(0, 32)
    const known = this.#idsOf.get(wish) ?? []
    if (known[0] === id) return id
    const ids = [id, ...known.filter((one) => one !== id)]
    this.#idsOf.set(wish, ids.slice(0, IDS_KEPT))
    for (const one of ids.slice(IDS_KEPT)) this.#byId.delete(one)
    this.#byId.set(id, wants)
    return id
  }

  get(id: string): T | undefined {
    return this.#byId.get(id)
  }

  forget(wish: string): void {
    for (const id of this.#idsOf.get(wish) ?? []) this.#byId.delete(id)
    this.#idsOf.delete(wish)
  }
}
