import type { CancellableScope, Scope } from '#base'
import { type KubeObject, type OwnerReference, type ResourceRef, apiVersionOf, isConflict, isNotFound, refs } from '#api'
import { discover } from '#client'
import { after, type ControllerContext, type ControllerDefinition, done, inParallel, type Reconcile, reflect } from '#reconcile'
import { type Findings, type Node, OwnerGraph, type Place } from './graph.ts'
import { type OwnerState, planDeletion } from './plan-deletion.ts'
import { ResourceFeed } from './resource-feed.ts'

/** The key that brings the set of watched resources up to date; all other keys are uids. */
const RESOURCES = 'resources'
const WIDTH = 16
/** A new kind shows in discovery a moment after its definition says so. */
const DISCOVER_AGAIN_MS = 500

/** Deletes what has lost all its owners, and sees to foreground and orphaning deletion. */
export const garbageCollector: ControllerDefinition = { name: 'garbage-collector-controller', workers: 20, setup }

function setup(context: ControllerContext): Reconcile {
  const { client } = context
  const graph = new OwnerGraph()
  const feeds = new Map<string, { readonly ref: ResourceRef; readonly feed: ResourceFeed; readonly scope: CancellableScope }>()
  /** Every kind in every version that is served, by its id. */
  let kinds: ReadonlyMap<string, ResourceRef> = new Map()
  const waitingForKind = new Map<string, Set<string>>()
  context.watch(refs.customresourcedefinitions, () => [RESOURCES])
  context.watch(refs.apiservices, () => [RESOURCES])
  context.enqueue(RESOURCES)

  const act = ({ lookAt, misplaced }: Findings): void => {
    for (const { dependent, owner } of misplaced) tellMisplaced(context, dependent, owner)
    for (const { uid } of lookAt) context.enqueue(uid)
  }
  const allSynced = (): boolean => [...feeds.values()].every(({ feed }) => feed.synced)
  const idOf = (apiVersion: string, kind: string): string => `${apiVersion} ${kind}`

  /** Follows every resource that can be listed, watched and deleted, and no other. */
  async function followResources(scope: Scope): Promise<boolean> {
    const { resources, failures } = await discover(scope, client)
    const wanted = new Map<string, ResourceRef>()
    const served = new Map<string, ResourceRef>()
    for (const { ref, verbs, otherVersions } of resources) {
      const canFollow = verbs.has('list') && verbs.has('watch') && verbs.has('delete')
      // Events have no owners and are many; they are also served twice.
      if (!canFollow || ref.plural === 'events') continue
      wanted.set(`${apiVersionOf(ref)}/${ref.plural}`, ref)
      for (const version of [ref.version, ...otherVersions]) {
        const of = { ...ref, version }
        served.set(idOf(apiVersionOf(of), ref.kind), of)
      }
    }
    kinds = failures.length > 0 ? new Map([...kinds, ...served]) : served
    for (const [id, { feed, scope: feedScope }] of feeds) {
      if (wanted.has(id) || failures.length > 0) continue
      feedScope.cancel()
      feeds.delete(id)
      for (const uid of feed.uids()) act(graph.remove(uid))
    }
    for (const [id, ref] of wanted) {
      if (feeds.has(id)) continue
      const feedScope = context.scope.child()
      const feed = new ResourceFeed(ref, graph, act, () => context.enqueue(RESOURCES))
      feeds.set(id, { ref, feed, scope: feedScope })
      const whole = context.informers.known(ref)
      if (whole === undefined) void reflect(feedScope, client.metadata(ref), {}, feed)
      else feed.readAlong(feedScope, whole)
    }
    for (const [id, waiting] of waitingForKind) {
      if (!kinds.has(id)) continue
      for (const uid of waiting) context.enqueue(uid)
      waitingForKind.delete(id)
    }
    return allSynced()
  }

  async function read(scope: Scope, ref: ResourceRef, namespace: string, name: string): Promise<KubeObject | undefined> {
    try {
      return await client.metadata(ref).get(scope, { namespace: namespace === '' ? undefined : namespace, name })
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  async function patch(scope: Scope, place: Place, body: object): Promise<void> {
    try {
      await client
        .resource(place.ref)
        .patch(scope, { namespace: place.namespace === '' ? undefined : place.namespace, name: place.name }, { type: 'merge', body })
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }

  const withoutOwners = (object: KubeObject, gone: (owner: OwnerReference) => boolean): object => ({
    metadata: {
      uid: object.metadata?.uid,
      resourceVersion: object.metadata?.resourceVersion,
      ownerReferences: (object.metadata?.ownerReferences ?? []).filter((owner) => !gone(owner)),
    },
  })
  const withoutFinalizer = (object: KubeObject, name: string): object => ({
    metadata: {
      uid: object.metadata?.uid,
      resourceVersion: object.metadata?.resourceVersion,
      finalizers: (object.metadata?.finalizers ?? []).filter((finalizer) => finalizer !== name),
    },
  })

  /** An owner that nobody has seen is asked for where its dependents say it is. */
  async function lookAtVirtual(scope: Scope, node: Node, virtual: NonNullable<Node['virtual']>): Promise<void> {
    const state = await ownerState(scope, virtual.reference, virtual.namespace, node.uid)
    if (graph.get(node.uid) !== node || node.virtual === undefined) return
    if (state === 'absent') for (const dependent of node.dependents) context.enqueue(dependent.uid)
  }

  async function ownerState(scope: Scope, reference: OwnerReference, namespace: string, waiter: string): Promise<OwnerState> {
    const id = idOf(reference.apiVersion, reference.kind)
    const ref = kinds.get(id)
    if (ref === undefined) {
      waitingForKind.set(id, (waitingForKind.get(id) ?? new Set()).add(waiter))
      return 'unknown-kind'
    }
    if (ref.namespaced && namespace === '') return 'impossible'
    const owner = await read(scope, ref, ref.namespaced ? namespace : '', reference.name)
    if (owner?.metadata?.uid !== reference.uid) return 'absent'
    const waits = owner.metadata.deletionTimestamp !== undefined && (owner.metadata.finalizers ?? []).includes('foregroundDeletion')
    return waits ? 'waits-for-dependents' : 'there'
  }

  async function orphanDependents(scope: Scope, node: Node, object: KubeObject, place: Place): Promise<void> {
    await inParallel([...node.dependents], WIDTH, async ({ place: at, uid }) => {
      const dependent = at === undefined ? undefined : await read(scope, at.ref, at.namespace, at.name)
      if (at !== undefined && dependent?.metadata?.uid === uid)
        await patch(
          scope,
          at,
          withoutOwners(dependent, (owner) => owner.uid === node.uid),
        )
    })
    await patch(scope, place, withoutFinalizer(object, 'orphan'))
  }

  async function finishForeground(scope: Scope, node: Node, object: KubeObject, place: Place): Promise<void> {
    const blocking = [...node.dependents].filter(({ owners }) => owners.some((owner) => owner.uid === node.uid && owner.blockOwnerDeletion))
    if (blocking.length === 0) await patch(scope, place, withoutFinalizer(object, 'foregroundDeletion'))
    else for (const dependent of blocking) if (!dependent.isDeleting) context.enqueue(dependent.uid)
  }

  async function lookAt(scope: Scope, node: Node, place: Place): Promise<void> {
    const object = await read(scope, place.ref, place.namespace, place.name)
    if (object?.metadata?.uid !== node.uid) return act(graph.remove(node.uid))
    const { deletionTimestamp, finalizers = [], ownerReferences = [], resourceVersion } = object.metadata
    if (deletionTimestamp !== undefined) {
      if (finalizers.includes('orphan')) await orphanDependents(scope, node, object, place)
      else if (finalizers.includes('foregroundDeletion')) await finishForeground(scope, node, object, place)
      return
    }
    const owners = await Promise.all(
      ownerReferences.map(async (reference) => ({ reference, state: await ownerState(scope, reference, place.namespace, node.uid) })),
    )
    const dependents = [...node.dependents]
    const plan = planDeletion({
      owners,
      finalizers,
      hasDependents: dependents.length > 0,
      dependentWaits: dependents.some(({ isForeground }) => isForeground),
    })
    if (plan.kind === 'drop-references')
      await patch(
        scope,
        place,
        withoutOwners(object, ({ uid }) => plan.uids.includes(uid)),
      )
    if (plan.kind !== 'delete') return
    if (plan.unblock) {
      const unblocked = ownerReferences.map((owner) => ({ ...owner, blockOwnerDeletion: false }))
      await patch(scope, place, { metadata: { uid: node.uid, ownerReferences: unblocked } })
    }
    const preconditions = { uid: node.uid, ...(plan.unblock || resourceVersion === undefined ? {} : { resourceVersion }) }
    try {
      await client
        .resource(place.ref)
        .delete(
          scope,
          { namespace: place.namespace === '' ? undefined : place.namespace, name: place.name },
          { propagationPolicy: plan.policy, preconditions },
        )
    } catch (error) {
      if (isConflict(error)) context.enqueue(node.uid)
      else if (!isNotFound(error)) throw error
    }
  }

  return async (scope, key) => {
    if (key === RESOURCES) return (await followResources(scope)) ? done : after(DISCOVER_AGAIN_MS)
    const node = graph.get(key)
    if (node === undefined) return done
    // Before everything is in, an owner that is not there may only not have been listed yet; asking the server is right, but dear.
    if (!allSynced()) return after(DISCOVER_AGAIN_MS / 10)
    if (node.place !== undefined) await lookAt(scope, node, node.place)
    else if (node.virtual !== undefined) await lookAtVirtual(scope, node, node.virtual)
    return done
  }
}

function tellMisplaced(context: ControllerContext, dependent: Node, owner: OwnerReference): void {
  const { place, uid } = dependent
  if (place === undefined) return
  const { ref, namespace, name } = place
  const regarding = { apiVersion: apiVersionOf(ref), kind: ref.kind, metadata: { name, uid, ...(namespace === '' ? {} : { namespace }) } }
  const what = `[${owner.apiVersion}/${owner.kind}, namespace: ${namespace}, name: ${owner.name}, uid: ${owner.uid}]`
  context.events.event(regarding, 'Warning', 'OwnerRefInvalidNamespace', `ownerRef ${what} does not exist in namespace "${namespace}"`)
}
