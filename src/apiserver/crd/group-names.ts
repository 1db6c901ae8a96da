import type { Names, Taken } from './names.ts'

/** The names that the definitions of one group have had accepted, with whose they are: the same name may be of several for a moment. */
export class GroupNames {
  readonly #resources = new Map<string, Set<string>>()
  readonly #kinds = new Map<string, Set<string>>()

  add(owner: string, names: Names): void {
    for (const name of resourceNames(names)) ownersOf(this.#resources, name).add(owner)
    for (const name of kindNames(names)) ownersOf(this.#kinds, name).add(owner)
  }

  remove(owner: string, names: Names): void {
    for (const name of resourceNames(names)) drop(this.#resources, name, owner)
    for (const name of kindNames(names)) drop(this.#kinds, name, owner)
  }

  get isEmpty(): boolean {
    return this.#resources.size === 0 && this.#kinds.size === 0
  }

  /** What others have. */
  takenFor(owner: string): Taken {
    const isTaken = (names: ReadonlyMap<string, ReadonlySet<string>>, name: string): boolean => {
      const owners = names.get(name)
      return owners !== undefined && owners.size > (owners.has(owner) ? 1 : 0)
    }
    return { hasResource: (name) => isTaken(this.#resources, name), hasKind: (name) => isTaken(this.#kinds, name) }
  }
}

export const NOTHING_TAKEN: Taken = { hasResource: () => false, hasKind: () => false }

const resourceNames = ({ plural, singular = '', shortNames = [] }: Names): readonly string[] => [plural, singular, ...(shortNames ?? [])]
const kindNames = ({ kind, listKind = '' }: Names): readonly string[] => [kind, listKind]

function ownersOf(names: Map<string, Set<string>>, name: string): Set<string> {
  const owners = names.get(name) ?? new Set<string>()
  names.set(name, owners)
  return owners
}

function drop(names: Map<string, Set<string>>, name: string, owner: string): void {
  const owners = names.get(name)
  owners?.delete(owner)
  if (owners?.size === 0) names.delete(name)
}
