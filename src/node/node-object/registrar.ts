import { type Scope, isCancelled, messageOf, rfc3339Micro } from '#base'
import { type coordination, type core, isAlreadyExists, isConflict, isNotFound, refs } from '#api'
import type { Client } from '#client'
import { same } from '../api/status-patch.ts'

export interface RegistrarOptions {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly taints: readonly core.Taint[]
  readonly podCidrs: readonly string[] | undefined
  readonly leaseSeconds: number
  readonly beatMs: number
  /** The status now; `before` is what the API has. */
  readonly status: (before: core.NodeStatus | undefined) => Promise<core.NodeStatus>
  /** Somebody has said that the node is to leave the cluster: a Node that is deleted then is not made anew. */
  readonly isRemoved: () => boolean
}

/** Annotation of a Node that is about to be deleted for good. */
export const NODE_REMOVED = 'sampan.io/removed'

const LEASE_NAMESPACE = 'kube-node-lease'
/** An unchanged status is written this seldom: the Lease says that the node lives. */
const STATUS_EVERY_MS = 300_000
const TOLD_WITHIN_MS = 1_000
/** What others have written into the Node (resources of the cluster's own) is looked for this often, as a kubelet does. */
const READ_EVERY_MS = 10_000

/** Keeps the Node object and its Lease: registers, beats, and writes the status when it changes. */
export class NodeRegistrar {
  readonly #client: Client
  readonly #options: RegistrarOptions
  #node: core.Node | undefined
  #lease: coordination.Lease | undefined
  #writtenAtMs = Number.NEGATIVE_INFINITY
  #beatenAtMs = Number.NEGATIVE_INFINITY
  #readAtMs = Number.NEGATIVE_INFINITY
  /** Until then the Node is read before it is judged whether its status has to be written. */
  #doubtUntilMs = Number.NEGATIVE_INFINITY

  constructor(client: Client, options: RegistrarOptions) {
    this.#client = client
    this.#options = options
  }

  get node(): core.Node | undefined {
    return this.#node
  }

  /** Resolves once the Node is there and says that it is ready (or why not). Tries again until then. */
  async register(scope: Scope): Promise<void> {
    for (let failures = 1; ; failures++) {
      try {
        await this.#createOrAdopt(scope)
        return await this.writeStatus(scope)
      } catch (error) {
        if (isCancelled(error)) throw error
        scope.log.warn('the node could not be registered', { error: messageOf(error) })
        await scope.sleep(Math.min(100 * 2 ** failures, 7000))
      }
    }
  }

  /** Beats until the scope ends. */
  async run(scope: Scope): Promise<void> {
    while (!scope.signal.aborted) {
      try {
        await this.#beat(scope)
        if (this.#isInDoubt(scope) || scope.clock.monotonic() - this.#readAtMs >= READ_EVERY_MS) await this.refresh(scope)
        await this.writeStatus(scope)
      } catch (error) {
        if (isCancelled(error)) return
        scope.log.warn('the node could not report', { error: messageOf(error) })
        // Deleted by somebody: a node that lives comes back, unless it has been told not to. What tells it may be on its way.
        if (isNotFound(error)) {
          await scope.sleep(TOLD_WITHIN_MS).catch(() => undefined)
          if (scope.signal.aborted || this.#options.isRemoved()) return
          await this.register(scope)
        }
      }
      await scope.sleep(this.#options.beatMs).catch(() => undefined)
    }
  }

  /**
   * After a silence of half a Lease the Node may have been taken for dead, and the API says so: what was written last is there no more. Whoever judges
   * may be at it at this very moment, so the doubt lasts for a Lease.
   */
  #isInDoubt({ clock }: Scope): boolean {
    const now = clock.monotonic()
    const leaseMs = this.#options.leaseSeconds * 1000
    if (now - this.#beatenAtMs > leaseMs / 2) this.#doubtUntilMs = now + leaseMs
    this.#beatenAtMs = now
    return now < this.#doubtUntilMs
  }

  /** Reads what others have changed of the Node; what was known stays when it cannot be read. */
  async refresh(scope: Scope): Promise<void> {
    this.#readAtMs = scope.clock.monotonic()
    try {
      this.#node = await this.#client.resource(refs.nodes).get(scope, { name: this.#options.name })
    } catch (error) {
      if (!isCancelled(error)) scope.log.warn('the node could not be read', { error: messageOf(error) })
    }
  }

  /** Writes the status when it has changed, or when it is due. */
  async writeStatus(scope: Scope): Promise<void> {
    const before = this.#node?.status
    const status = await this.#options.status(before)
    const isDue = scope.clock.monotonic() - this.#writtenAtMs >= STATUS_EVERY_MS
    if (!isDue && same(withoutBeats(before), withoutBeats(status))) return
    const addresses = [{ $patch: 'replace' }, ...(status.addresses ?? [])]
    const capacity = changesOf(before?.capacity, status.capacity)
    const allocatable = { ...goneFrom(before?.allocatable, status.allocatable), ...changesOf(before?.allocatable, status.allocatable) }
    const body = { status: { ...status, addresses, capacity, allocatable } }
    this.#node = await this.#client
      .resource(refs.nodes)
      .patch(scope, { name: this.#options.name }, { type: 'strategic', body }, { subresource: 'status' })
    this.#writtenAtMs = scope.clock.monotonic()
  }

  async #createOrAdopt(scope: Scope): Promise<void> {
    const nodes = this.#client.resource(refs.nodes)
    const { name, labels, taints, podCidrs } = this.#options
    const fresh: core.Node = {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name, labels: { ...labels }, annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' } },
      spec: {
        ...(podCidrs?.[0] === undefined ? {} : { podCIDR: podCidrs[0], podCIDRs: [...podCidrs] }),
        ...(taints.length === 0 ? {} : { taints: [...taints] }),
      },
      status: await this.#options.status(undefined),
    }
    try {
      this.#node = await nodes.create(scope, fresh)
    } catch (error) {
      if (!isAlreadyExists(error)) throw error
      this.#node = await nodes.patch(scope, { name }, { type: 'merge', body: { metadata: { labels } } })
    }
  }

  async #beat(scope: Scope): Promise<void> {
    const leases = this.#client.resource(refs.leases)
    const { name, leaseSeconds } = this.#options
    const spec = { holderIdentity: name, leaseDurationSeconds: leaseSeconds, renewTime: rfc3339Micro(scope.clock.now()) }
    const owner = { apiVersion: 'v1', kind: 'Node', name, uid: this.#node?.metadata?.uid ?? '' }
    const fresh: coordination.Lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name, namespace: LEASE_NAMESPACE, ownerReferences: [owner] },
      spec,
    }
    try {
      this.#lease = await (this.#lease === undefined ? leases.create(scope, fresh) : leases.update(scope, { ...this.#lease, spec }))
    } catch (error) {
      if (!isAlreadyExists(error) && !isConflict(error) && !isNotFound(error)) throw error
      this.#lease = isNotFound(error) ? undefined : await leases.get(scope, { namespace: LEASE_NAMESPACE, name })
      this.#lease = await (this.#lease === undefined ? leases.create(scope, fresh) : leases.update(scope, { ...this.#lease, spec }))
    }
  }
}

type Amounts = Readonly<Record<string, string>>

/** What somebody else has just taken out of the Node is not written back because it was there before. */
function changesOf(before: Amounts = {}, now: Amounts = {}): Amounts {
  return Object.fromEntries(Object.entries(now).filter(([name, amount]) => before[name] !== amount))
}

/** A patch leaves what it does not name. */
function goneFrom(before: Amounts = {}, now: Amounts = {}): Readonly<Record<string, null>> {
  return Object.fromEntries(Object.keys(before).flatMap((name) => (name in now ? [] : [[name, null]])))
}

function withoutBeats(status: core.NodeStatus | undefined): unknown {
  return {
    ...status,
    conditions: status?.conditions?.map(({ lastHeartbeatTime: _, ...rest }) => rest),
    config: undefined,
    volumesInUse: status?.volumesInUse ?? [],
    volumesAttached: undefined,
  }
}
