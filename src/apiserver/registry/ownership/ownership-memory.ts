import type { Resource } from '#api'

type OwnedFields = Readonly<Record<string, unknown>>

/** Owned fields of new objects, by the shape of the object: all pods of a workload own the same. */
export class OwnershipMemory {
  readonly #known = new WeakMap<Resource, Map<string, OwnedFields>>()
  readonly #limit: number
  constructor(limit = 256) {
    this.#limit = limit
  }
  find(resource: Resource, shape: string): OwnedFields | undefined {
    return this.#known.get(resource)?.get(shape)
  }
  keep(resource: Resource, shape: string, fields: OwnedFields): void {
    const shapes = this.#known.get(resource) ?? new Map<string, OwnedFields>()
    if (shapes.size >= this.#limit) shapes.clear()
    shapes.set(shape, fields)
    this.#known.set(resource, shapes)
  }
}
