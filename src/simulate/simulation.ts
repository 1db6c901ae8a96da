import { type Scope, messageOf } from '#base'
import { type core, isAlreadyExists, isNodeReady, isNotFound, keyOf, refs } from '#api'
import type { Client } from '#client'
import { inParallel, reflect, WorkQueue } from '#reconcile'
import { DueList } from './due-list.ts'
import { nextStep } from './pod-phases.ts'
import { LEASE_NAMESPACE, type NodeShape, isSimulated, leaseOf, nodeName, readyStatus, simulatedNode } from './simulated-node.ts'

export interface SimulationOptions {
  readonly client: Client
  readonly nodes: number
  readonly shape: NodeShape
  /** How long the pods of Jobs run. */
  readonly jobMs: number
}

export interface SimulationStats {
  readonly nodes: number
  readonly started: number
  readonly ended: number
  readonly removed: number
}

export interface Simulation {
  stats(): SimulationStats
}

/** Requests under way at once: more does not make one server faster. */
const WIDTH = 64
const TRY_AGAIN_MS = 1_000
const RENEW_TICK_MS = 250
/** Leases are renewed more seldom when there are many, but well within the 40 s that they are good for. */
const renewEveryMs = (nodes: number): number => Math.min(Math.max(10_000, nodes * 6), 30_000)

/**
 * Makes nodes that are none and lives the lives of the pods on them, until the scope ends. Resolves when the nodes are there. Other nodes with
 * kwok's annotation are pretended as well. Nothing is kept of a pod but while something is to be done about it, so that their number costs
 * no memory. The nodes stay when it ends: they become not ready, as dead ones do.
 */
export async function startSimulation(scope: Scope, options: SimulationOptions): Promise<Simulation> {
  const { client, shape } = options
  const nodeClient = client.resource(refs.nodes)
  const podClient = client.resource(refs.pods)
  const leaseClient = client.resource(refs.leases)
  const managed = new Set<string>()
  const stats = { started: 0, ended: 0, removed: 0 }
  let addresses = 0
  const address = (): string => {
    addresses = (addresses % 0xff_ff_fe) + 1
    return `10.${(addresses >> 16) & 255}.${(addresses >> 8) & 255}.${addresses & 255}`
  }

  /** Pods and nodes that something is to be done about, as they were seen last. */
  const waiting = new Map<string, core.Pod>()
  const unwell = new Map<string, core.Node>()
  const queue = new WorkQueue(scope.clock, WIDTH, async (key) => {
    try {
      const node = unwell.get(key)
      if (node !== undefined) await mend(key, node)
      else await advance(key)
    } catch (error) {
      if (scope.signal.aborted) return
      scope.log.debug('tried again later', { key, error: messageOf(error) })
      queue.addAfter(key, TRY_AGAIN_MS)
    }
  })
  const due = new DueList(scope.clock, (keys) => keys.forEach((key) => queue.add(key)))

  async function mend(key: string, node: core.Node): Promise<void> {
    const status = readyStatus(node, shape, scope.clock.now())
    await nodeClient
      .patch(scope, { name: node.metadata?.name ?? '' }, { type: 'merge', body: { status } }, { subresource: 'status' })
      .catch(unlessGone)
    if (unwell.get(key) === node) unwell.delete(key)
  }

  async function advance(key: string): Promise<void> {
    const pod = waiting.get(key)
    const step = pod === undefined ? undefined : nextStep(pod, { nowMs: scope.clock.now(), jobMs: options.jobMs, address })
    if (pod === undefined || step === undefined) return void waiting.delete(key)
    if (step.do === 'wait') return due.add(key, step.untilMs)
    const { namespace, name = '', uid = '' } = pod.metadata ?? {}
    try {
      if (step.do === 'remove') {
        await podClient.delete(scope, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } })
        stats.removed++
      } else {
        await podClient.patch(
          scope,
          { namespace, name },
          { type: 'merge', body: { metadata: { uid }, status: step.status } },
          { subresource: 'status' },
        )
        if (step.status.phase === 'Running') stats.started++
        else if (step.status.phase !== undefined) stats.ended++
      }
    } catch (error) {
      // One of the same name, or somebody else wrote just then: what is known of it by the time it is tried again decides.
      if (!isNotFound(error)) throw error
    }
    // What it became comes by as a change, and waits anew where more is to be done.
    if (waiting.get(key) === pod) waiting.delete(key)
  }

  const seePod = (pod: core.Pod): void => {
    if (!managed.has(pod.spec?.nodeName ?? '')) return
    const key = keyOf(pod)
    const step = nextStep(pod, { nowMs: scope.clock.now(), jobMs: options.jobMs, address: () => '' })
    if (step === undefined) return
    waiting.set(key, pod)
    if (step.do === 'wait') due.add(key, step.untilMs)
    else queue.add(key)
  }
  const losePod = (pod: core.Pod): void => {
    waiting.delete(keyOf(pod))
    due.remove(keyOf(pod))
  }
  const seeNode = (node: core.Node): void => {
    const name = node.metadata?.name ?? ''
    if (!isSimulated(node)) return void managed.delete(name)
    managed.add(name)
    if (isNodeReady(node)) return
    const key = `node ${name}`
    unwell.set(key, node)
    queue.add(key)
  }

  async function makeNodes(): Promise<void> {
    const indexes = Array.from({ length: options.nodes }, (_, i) => i)
    await inParallel(indexes, WIDTH, async (index) => {
      managed.add(nodeName(index))
      await renew(nodeName(index))
      await nodeClient.create(scope, simulatedNode(index, shape, scope.clock.now())).catch((error: unknown) => {
        if (!isAlreadyExists(error)) throw error
      })
    })
  }

  async function renew(name: string): Promise<void> {
    const lease = leaseOf(name, scope.clock.now())
    try {
      await leaseClient.patch(scope, { namespace: LEASE_NAMESPACE, name }, { type: 'merge', body: { spec: lease.spec } })
    } catch (error) {
      if (!isNotFound(error)) throw error
      await leaseClient.create(scope, lease)
    }
  }

  /**
   * A few at each tick, all of them once in a round. Each by itself, as the agents of real nodes: a server that answers late is no reason to ask it late for
   * the next one, and have it take healthy nodes for dead.
   */
  async function keepLeases(): Promise<void> {
    const underWay = new Set<string>()
    const keep = (name: string): void => {
      underWay.add(name)
      void renew(name)
        .catch((error: unknown) => scope.log.debug('a lease was not renewed', { error: messageOf(error) }))
        .finally(() => underWay.delete(name))
    }
    let round: string[] = []
    let share = 0
    while (!scope.signal.aborted) {
      if (round.length === 0) {
        round = [...managed]
        share = Math.max(1, Math.ceil((round.length * RENEW_TICK_MS) / renewEveryMs(round.length)))
      }
      for (const name of round.splice(0, share)) if (!underWay.has(name)) keep(name)
      await scope.sleep(RENEW_TICK_MS).catch(() => undefined)
    }
  }

  const onEach =
    <T>(see: (object: T) => void) =>
    (objects: readonly T[]): void =>
      objects.forEach(see)
  await makeNodes()
  queue.open()
  const nodesSeen = Promise.withResolvers<void>()
  void reflect(
    scope,
    nodeClient,
    {},
    {
      replace: (nodes) => {
        managed.clear()
        onEach(seeNode)(nodes)
        nodesSeen.resolve()
      },
      put: seeNode,
      remove: (node) => void managed.delete(node.metadata?.name ?? ''),
      reached: () => undefined,
    },
  )
  await nodesSeen.promise
  void reflect(
    scope,
    podClient,
    { fieldSelector: 'spec.nodeName!=' },
    { replace: onEach(seePod), put: seePod, remove: losePod, reached: () => undefined },
  )
  void keepLeases()
  scope.signal.addEventListener('abort', () => {
    due.close()
    void queue.close()
  })
  return { stats: () => ({ nodes: managed.size, ...stats }) }
}

function unlessGone(error: unknown): void {
  if (!isNotFound(error)) throw error
}
