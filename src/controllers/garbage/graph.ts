import type { KubeObject, OwnerReference, ResourceRef } from '#api'

/** Where an object is: its resource, namespace (empty for cluster scope) and name. */
export interface Place {
  readonly ref: ResourceRef
  readonly namespace: string
  readonly name: string
}

export interface Node {
  readonly uid: string
  place: Place | undefined
  /** The owner reference that told of an object which has not been seen; undefined for those that have. */
  virtual: { readonly reference: OwnerReference; readonly namespace: string } | undefined
  owners: readonly OwnerReference[]
  readonly dependents: Set<Node>
  isDeleting: boolean
  /** Is being deleted and waits for its dependents to go first. */
  isForeground: boolean
  /** Is being deleted and its dependents are to stay. */
  isOrphaning: boolean
}

/** What a change of the graph calls for: nodes to look at, and references across namespaces to tell of. */
export interface Findings {
  readonly lookAt: readonly Node[]
  readonly misplaced: readonly { readonly dependent: Node; readonly owner: OwnerReference }[]
}

const FOREGROUND = 'foregroundDeletion'
const ORPHAN = 'orphan'

/**
 * Who owns whom, over all resources. Fed with the metadata of everything that exists; holds no more of an object than what deciding about it
 * takes. Changing the graph does nothing by itself: it says which nodes have to be looked at.
 */
export class OwnerGraph {
  readonly #nodes = new Map<string, Node>()

  get(uid: string): Node | undefined {
    return this.#nodes.get(uid)
  }

  get size(): number {
    return this.#nodes.size
  }

  put(ref: ResourceRef, object: KubeObject): Findings {
    const metadata = object.metadata ?? {}
    const uid = metadata.uid ?? ''
    const lookAt = new Set<Node>()
    const misplaced: { dependent: Node; owner: OwnerReference }[] = []
    const node = this.#nodes.get(uid) ?? newNode(uid)
    this.#nodes.set(uid, node)
    const wasVirtual = node.virtual !== undefined
    node.place = { ref, namespace: metadata.namespace ?? '', name: metadata.name ?? '' }
    node.virtual = undefined

    this.#setOwners(node, metadata.ownerReferences ?? [], lookAt, misplaced)
    // Dependents that came first have only guessed where their owner is.
    if (wasVirtual) for (const dependent of node.dependents) this.#checkPlaces(dependent, node, lookAt, misplaced)

    const finalizers = metadata.finalizers ?? []
    const isDeleting = metadata.deletionTimestamp !== undefined
    const isForeground = isDeleting && finalizers.includes(FOREGROUND)
    const isOrphaning = isDeleting && finalizers.includes(ORPHAN)
    if (isForeground && !node.isForeground) {
      lookAt.add(node)
      for (const dependent of node.dependents) lookAt.add(dependent)
    }
    if (isOrphaning && !node.isOrphaning) lookAt.add(node)
    // An owner that waits for its dependents may be waiting for this one to begin.
    if (isDeleting && !node.isDeleting) for (const owner of this.#ownersOf(node)) if (owner.isForeground) lookAt.add(owner)
    Object.assign(node, { isDeleting, isForeground, isOrphaning })
    return { lookAt: [...lookAt], misplaced }
  }

  /** The object is gone, or has never been. */
  remove(uid: string): Findings {
    const node = this.#nodes.get(uid)
    if (node === undefined) return { lookAt: [], misplaced: [] }
    const lookAt = new Set<Node>(node.dependents)
    for (const owner of this.#ownersOf(node)) {
      owner.dependents.delete(node)
      if (owner.isForeground) lookAt.add(owner)
      this.#dropIfUnused(owner)
    }
    this.#nodes.delete(uid)
    // Its dependents still name it: for them it is an owner that has not been seen.
    for (const dependent of node.dependents) {
      const reference = dependent.owners.find((owner) => owner.uid === uid)
      if (reference !== undefined) this.#attach(dependent, reference)
    }
    return { lookAt: [...lookAt], misplaced: [] }
  }

  #setOwners(
    node: Node,
    owners: readonly OwnerReference[],
    lookAt: Set<Node>,
    misplaced: { dependent: Node; owner: OwnerReference }[],
  ): void {
    const before = node.owners
    node.owners = owners
    for (const reference of before) {
      const still = owners.find((owner) => owner.uid === reference.uid)
      const owner = this.#nodes.get(reference.uid)
      if (owner === undefined) continue
      if (still === undefined) {
        owner.dependents.delete(node)
        this.#dropIfUnused(owner)
      }
      if (owner.isForeground && reference.blockOwnerDeletion && !still?.blockOwnerDeletion) lookAt.add(owner)
    }
    for (const reference of owners) {
      const isNew = !before.some((owner) => owner.uid === reference.uid)
      const owner = this.#attach(node, reference)
      if (!isNew) continue
      if (owner.virtual !== undefined) lookAt.add(owner)
      if (
        owner.virtual === undefined ||
        !sameReference(owner.virtual.reference, reference) ||
        owner.virtual.namespace !== (node.place?.namespace ?? '')
      )
        this.#checkPlaces(node, owner, lookAt, misplaced)
      if (owner.isForeground) lookAt.add(node)
    }
  }

  #attach(dependent: Node, reference: OwnerReference): Node {
    const owner = this.#nodes.get(reference.uid) ?? {
      ...newNode(reference.uid),
      virtual: { reference, namespace: dependent.place?.namespace ?? '' },
    }
    this.#nodes.set(reference.uid, owner)
    owner.dependents.add(dependent)
    return owner
  }

  #checkPlaces(dependent: Node, owner: Node, lookAt: Set<Node>, misplaced: { dependent: Node; owner: OwnerReference }[]): void {
    const reference = dependent.owners.find(({ uid }) => uid === owner.uid)
    if (reference === undefined) return
    const { place } = owner
    if (place === undefined) return void lookAt.add(dependent)
    if (place.namespace !== '' && place.namespace !== dependent.place?.namespace) {
      misplaced.push({ dependent, owner: reference })
      lookAt.add(dependent)
    } else if (place.ref.kind !== reference.kind || place.name !== reference.name || groupOf(reference) !== place.ref.group)
      lookAt.add(dependent)
  }

  #ownersOf(node: Node): readonly Node[] {
    return node.owners.map(({ uid }) => this.#nodes.get(uid)).filter((owner) => owner !== undefined)
  }

  #dropIfUnused(node: Node): void {
    if (node.virtual !== undefined && node.dependents.size === 0) this.#nodes.delete(node.uid)
  }
}

export function groupOf(reference: OwnerReference): string {
  return reference.apiVersion.includes('/') ? (reference.apiVersion.split('/')[0] ?? '') : ''
}

function sameReference(a: OwnerReference, b: OwnerReference): boolean {
  return a.apiVersion === b.apiVersion && a.kind === b.kind && a.name === b.name
}

function newNode(uid: string): Node {
  return {
    uid,
    place: undefined,
    virtual: undefined,
    owners: [],
    dependents: new Set(),
    isDeleting: false,
    isForeground: false,
    isOrphaning: false,
  }
}
