import { type Scope, messageOf } from '#base'
import { type core, keyOf, quantityMilli, refs } from '#api'
import type { Client } from '#client'

/** One change of one pod, and all pods as they are after it. */
export interface PodChange {
  readonly type: string
  readonly pod: core.Pod
  readonly before: core.Pod | undefined
  readonly pods: ReadonlyMap<string, core.Pod>
}
/** Says what is wrong with the state after a change. */
export type HistoryRule = (change: PodChange) => string | undefined

/**
 * Follows every change of every pod, in the order in which the API has made them, and notes each moment at which a rule was broken: not what the end is
 * like, but that nobody ever saw anything else. A hole in the history is a problem too.
 */
export function watchHistory(scope: Scope, client: Client, rules: readonly HistoryRule[]): readonly string[] {
  const problems: string[] = []
  const pods = new Map<string, core.Pod>()
  const look = (type: string, pod: core.Pod): void => {
    const key = keyOf(pod)
    const before = pods.get(key)
    if (type === 'DELETED') pods.delete(key)
    else pods.set(key, pod)
    for (const rule of rules) {
      const problem = rule({ type, pod, before, pods })
      if (problem !== undefined) problems.push(`revision ${pod.metadata?.resourceVersion}: ${problem}`)
    }
  }
  void (async () => {
    const first = await client.resource(refs.pods).list(scope)
    for (const pod of first.items) look('ADDED', pod)
    let version = first.metadata?.resourceVersion ?? ''
    while (!scope.signal.aborted)
      for await (const { type, object } of client.resource(refs.pods).watch(scope, { resourceVersion: version })) {
        version = object.metadata?.resourceVersion ?? version
        look(type, object)
      }
  })().catch((error: unknown) => {
    if (!scope.signal.aborted) problems.push(`the history cannot be followed: ${messageOf(error)}`)
  })
  return problems
}

const isReady = ({ status, metadata }: core.Pod): boolean =>
  metadata?.deletionTimestamp === undefined && status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') === true
const hasEnded = ({ status }: core.Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed'
const isOf = (app: string, { metadata }: core.Pod): boolean => metadata?.labels?.['app'] === app
const milliCpu = ({ spec }: core.Pod): number =>
  (spec?.containers ?? []).reduce((sum, { resources }) => sum + quantityMilli(resources?.requests?.['cpu'] ?? '0'), 0)

/** No pod that is ready is taken down when fewer are ready without it than the specs so far allow at the least. */
export function keepsReady(app: string, least: () => number): HistoryRule {
  return ({ type, pod, before, pods }) => {
    if (!isOf(app, pod) || before === undefined || !isReady(before) || (type !== 'DELETED' && isReady(pod))) return undefined
    const ready = [...pods.values()].filter((one) => isOf(app, one) && isReady(one)).length
    return ready < least() ? `without ${pod.metadata?.name} ${ready} of ${app} are ready, promised were ${least()}` : undefined
  }
}

/** Pods are made one after the other, each when those before it are ready. */
export function madeInOrder(app: string): HistoryRule {
  return ({ type, pod, pods }) => {
    if (!isOf(app, pod) || type !== 'ADDED') return undefined
    const { namespace, name = '' } = pod.metadata ?? {}
    for (let at = 0; at < Number(/-(\d+)$/.exec(name)?.[1]); at++) {
      const one = pods.get(`${namespace}/${app}-${at}`)
      if (one === undefined || !isReady(one)) return `${name} was made before ${app}-${at} was ready`
    }
    return undefined
  }
}

/** There are never more pods in the namespace than its quota allows. */
export function withinQuota(namespace: string, most: number): HistoryRule {
  return ({ pods }) => {
    const count = [...pods.values()].filter((pod) => pod.metadata?.namespace === namespace && !hasEnded(pod)).length
    return count > most ? `${count} pods in ${namespace}, its quota are ${most}` : undefined
  }
}

/** What the pods of a node ask for is never more than it has. */
export function withinNodes(has: { readonly milliCpu: number; readonly pods: number }): HistoryRule {
  return ({ pod: { spec }, pods }) => {
    const node = spec?.nodeName
    if (node === undefined) return undefined
    const there = [...pods.values()].filter((pod) => pod.spec?.nodeName === node && !hasEnded(pod))
    const asked = there.reduce((sum, pod) => sum + milliCpu(pod), 0)
    return asked > has.milliCpu || there.length > has.pods
      ? `${node} has ${there.length} pods that ask for ${asked} thousandths of a processor`
      : undefined
  }
}
