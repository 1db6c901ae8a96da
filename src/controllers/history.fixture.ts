import type { Scope } from '#base'
import { type core, refs } from '#api'
import type { Client } from '#client'

/** The pods of one workload, by their label `app`, and how many of them the specs so far allow to be up at the least. */
export interface Promised {
  readonly app: string
  readonly leastReady: () => number
  /** Pods are made one after the other, each when those before it are ready. */
  readonly inOrder?: boolean
}

const isReady = ({ status, metadata }: core.Pod): boolean =>
  metadata?.deletionTimestamp === undefined && status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') === true
const ordinalOf = (name: string): number => Number(/-(\d+)$/.exec(name)?.[1])

/**
 * Follows every change of every pod, in the order in which the API has made them, and notes each moment at which a promise was broken: not what the end is
 * like, but that nobody ever saw anything else.
 */
export function watchPromises(scope: Scope, client: Client, promises: readonly Promised[]): readonly string[] {
  const problems: string[] = []
  const pods = new Map<string, core.Pod>()
  const readyOf = (app: string): number => [...pods.values()].filter((pod) => pod.metadata?.labels?.['app'] === app && isReady(pod)).length
  const look = (type: string, pod: core.Pod): void => {
    const { name = '', labels, resourceVersion } = pod.metadata ?? {}
    const before = pods.get(name)
    if (type === 'DELETED') pods.delete(name)
    else pods.set(name, pod)
    const promise = promises.find(({ app }) => app === labels?.['app'])
    if (promise === undefined) return
    const ready = readyOf(promise.app)
    const wasTaken = before !== undefined && isReady(before) && (type === 'DELETED' || !isReady(pod))
    if (wasTaken && ready < promise.leastReady())
      problems.push(
        `revision ${resourceVersion}: without ${name} ${ready} of ${promise.app} are ready, promised were ${promise.leastReady()}`,
      )
    if (promise.inOrder !== true || type !== 'ADDED') return
    for (let at = 0; at < ordinalOf(name); at++) {
      const one = pods.get(`${promise.app}-${at}`)
      if (one === undefined || !isReady(one))
        problems.push(`revision ${resourceVersion}: ${name} was made before ${promise.app}-${at} was ready`)
    }
  }
  void (async () => {
    for await (const { type, object } of client.resource(refs.pods).watch(scope, { resourceVersion: '1' })) look(type, object)
  })().catch(() => undefined)
  return problems
}
