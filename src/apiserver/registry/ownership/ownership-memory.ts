import type { Resource } from '#api'
import { ShapeTree } from './shape-tree.ts'

/** Owned fields of new objects, by the shape of the object: all pods of a workload own the same. */
export class OwnershipMemory {
  readonly #trees = new WeakMap<Resource, ShapeTree>()
  readonly #limit: number
  /** `limit` counts the steps that are remembered of a resource's shapes: some 200 for a pod that is like no other. */
  constructor(limit = 20_000) {
    this.#limit = limit
  }
  of(resource: Resource): ShapeTree {
    const known = this.#trees.get(resource)
    if (known !== undefined) return known
    const tree = new ShapeTree(this.#limit)
    this.#trees.set(resource, tree)
    return tree
  }
}
