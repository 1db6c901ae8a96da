import { type Scope, messageOf } from '#base'
import { isNotFound, refs } from '#api'
import type { Client } from '#client'
import type { Cluster } from '../cluster/cluster.ts'
import type { NodeState } from '../cluster/node-state.ts'
import { DEFAULT_PREEMPTION, DYNAMIC_RESOURCES } from '../config/plugin-sets.ts'
import { candidatesOfExtenders } from '../extenders/ask.ts'
import type { Extender } from '../extenders/extender.ts'
import type { Diagnosis } from '../framework/decide.ts'
import { refusalMessage } from '../framework/message.ts'
import type { PodInfo } from '../pod/pod-info.ts'
import { giveBack } from '../plugins/dynamic-resources/bind-claims.ts'
import { type DynamicResources, NOT_ON_NODE } from '../plugins/dynamic-resources/dynamic-resources.ts'
import { type PreemptionPlan, type PreemptionTerms, choosePreemption, planPreemption, preemptionCandidates } from '../preemption/plan.ts'
import { afterwords, generalMessage } from '../preemption/afterwords.ts'
import type { SchedulingQueue } from '../queue/queue.ts'
import type { Nominations } from './nominations.ts'
import { dated, patchStatus } from './pod-status.ts'
import { type Scheduling, schedulerNameOf } from './scheduling.ts'
import type { Sources } from './watches.ts'

const NO_PREEMPTION: PreemptionPlan = { kind: 'none', message: '', isBarred: true }

/** What refusals look at and change: the scheduler's own, not copies. */
export interface RefusalParts {
  readonly client: Client
  readonly cluster: Cluster
  readonly queue: SchedulingQueue
  readonly nominated: Nominations
  readonly devices: DynamicResources
  readonly budgets: Sources['budgets']
  readonly of: (pod: PodInfo) => Scheduling
}

/**
 * What follows when no node will do: the pod waits, whoever looks at it is told why, and pods that matter less make room for it. What is
 * written about it is written in the background; a write that fails is made again by the next refusal.
 */
export class Refusals {
  readonly #scope: Scope
  readonly #parts: RefusalParts

  constructor(scope: Scope, parts: RefusalParts) {
    this.#scope = scope
    this.#parts = parts
  }

  refuse(pod: PodInfo, diagnosis: Diagnosis): void {
    if (!this.#noteRefusal(pod, diagnosis)) return this.report(pod, generalMessage(diagnosis, this.#postFilters(pod)), 'nowhere')
    const { cluster, of } = this.#parts
    if (!this.#preempts(pod)) return this.#preempt(pod, diagnosis, NO_PREEMPTION)
    this.#preempt(pod, diagnosis, planPreemption(cluster, pod, diagnosis, of(pod).plugins.filters, this.#terms(pod)))
  }

  /** Those who can tell which pods may go are asked. */
  async refuseWith(extenders: readonly Extender[], pod: PodInfo, diagnosis: Diagnosis): Promise<void> {
    if (!this.#noteRefusal(pod, diagnosis)) return this.report(pod, generalMessage(diagnosis, this.#postFilters(pod)), 'nowhere')
    const { cluster, of, queue } = this.#parts
    if (!this.#preempts(pod)) return this.#preempt(pod, diagnosis, NO_PREEMPTION)
    const found = preemptionCandidates(cluster, pod, diagnosis, of(pod).plugins.filters, this.#terms(pod))
    if (found.kind === 'none') return this.#preempt(pod, diagnosis, found)
    const candidates = await candidatesOfExtenders(this.#scope, extenders, pod, found.candidates)
    if (queue.has(pod.uid)) this.#preempt(pod, diagnosis, choosePreemption(candidates))
  }

  #postFilters(pod: PodInfo): readonly string[] {
    return this.#parts.of(pod).profile.plugins.postFilters
  }

  #preempts(pod: PodInfo): boolean {
    return this.#postFilters(pod).includes(DEFAULT_PREEMPTION)
  }

  /** What was promised to the pod is given up, kept, or is this node. */
  report(pod: PodInfo, message: string, place: 'nowhere' | 'as promised' | NodeState, reason = 'Unschedulable'): void {
    if (place === 'nowhere') this.#giveUpPromise(pod)
    const before = pod.pod.status?.nominatedNodeName ?? ''
    const promised = place === 'as promised' ? before : place === 'nowhere' ? '' : place.name
    this.#parts.of(pod).events.event(pod.pod, 'Warning', 'FailedScheduling', 'Scheduling', message)
    const condition = { type: 'PodScheduled', status: 'False', reason, message }
    const known = pod.pod.status?.conditions?.find(({ type }) => type === 'PodScheduled')
    const same = known?.status === 'False' && known.reason === condition.reason && known.message === message
    if (same && promised === before) return
    this.#inBackground(pod, () =>
      patchStatus(this.#scope, this.#parts.client, pod, {
        conditions: [dated(this.#scope, pod, condition)],
        ...(promised === before ? {} : { nominatedNodeName: promised === '' ? null : promised }),
      }),
    )
  }

  /** The pod waits. Whether others could make room. */
  #noteRefusal(pod: PodInfo, diagnosis: Diagnosis): boolean {
    const plugins = new Set<string>()
    // Most are like their neighbour.
    let last: Diagnosis['refusals'][number]
    for (const refused of diagnosis.refusals) {
      if (refused === last) continue
      last = refused
      if (refused !== undefined) plugins.add(refused.plugin)
    }
    if (diagnosis.general !== undefined) plugins.add(diagnosis.general.plugin)
    this.#parts.queue.refuse(pod.uid, diagnosis.nodes === 0 ? new Set(['NodeAffinity']) : plugins)
    return diagnosis.nodes > 0 && diagnosis.general === undefined && this.#postFilters(pod).length > 0
  }

  #terms(pod: PodInfo): PreemptionTerms {
    const { budgets, cluster, nominated, of } = this.#parts
    return {
      budgets: budgets?.list() ?? [],
      random: this.#scope.random,
      limits: of(pod).profile.preemption,
      promised: (node) => nominated.awaitedOn(node.name, cluster),
      memo: of(pod).victims,
    }
  }

  #preempt(pod: PodInfo, diagnosis: Diagnosis, plan: PreemptionPlan): void {
    const { client, cluster, devices, nominated } = this.#parts
    const { plugins, devices: args } = this.#parts.of(pod).profile
    // Devices that nobody uses are given back, where they alone stood in the way.
    const lost = cluster.nodes().filter((_, at) => diagnosis.refusals[at]?.reasons.includes(NOT_ON_NODE) === true)
    const useless = plugins.postFilters.includes(DYNAMIC_RESOURCES) ? devices.useless(pod, lost, args) : undefined
    if (useless !== undefined) this.#inBackground(pod, () => giveBack(this.#scope, client, useless))
    if (plan.kind === 'none') {
      const words = afterwords(pod, plugins.postFilters, plan.message, useless !== undefined)
      return this.report(pod, refusalMessage(diagnosis, words), plan.isBarred ? 'as promised' : 'nowhere')
    }
    nominated.set(pod, plan.node.name)
    const victims = plan.victims.filter(({ terminating }) => !terminating)
    // Who waits for pods that go already leaves others' promises alone.
    if (victims.length > 0)
      for (const { pod: other } of nominated.on(plan.node.name)) if (other.priority < pod.priority) this.#withdraw(other)
    for (const victim of victims) this.#inBackground(victim, () => this.#evict(victim, pod, plan.node))
    this.report(pod, refusalMessage(diagnosis, ''), plan.node)
  }

  /** What was kept free for it is free to others. */
  #giveUpPromise(pod: PodInfo): void {
    const { nominated, queue } = this.#parts
    const promise = nominated.delete(pod.uid)
    if (promise !== undefined) queue.changed({ kind: 'pod-left', ...promise })
  }

  /** A promise that somebody more important has taken over. */
  #withdraw(pod: PodInfo): void {
    this.#parts.nominated.delete(pod.uid)
    this.#inBackground(pod, () => patchStatus(this.#scope, this.#parts.client, pod, { nominatedNodeName: null }))
  }

  async #evict(victim: PodInfo, pod: PodInfo, node: NodeState): Promise<void> {
    const { client, of } = this.#parts
    const condition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'PreemptionByScheduler',
      message: `${schedulerNameOf(pod.pod)}: preempting to accommodate a higher priority pod`,
    }
    await patchStatus(this.#scope, client, victim, { conditions: [dated(this.#scope, victim, condition)] })
    const { namespace, name, uid } = victim
    await client.resource(refs.pods).delete(this.#scope, { namespace, name }, { preconditions: { uid } })
    of(pod).events.event(victim.pod, 'Normal', 'Preempted', 'Preempting', `Preempted by pod ${pod.uid} on node ${node.name}`)
  }

  #inBackground(pod: PodInfo, work: () => Promise<unknown>): void {
    work().catch((error: unknown) => {
      if (!this.#scope.signal.aborted && !isNotFound(error))
        this.#scope.log.warn('pod not updated', { pod: pod.key, error: messageOf(error) })
    })
  }
}
