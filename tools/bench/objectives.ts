import type { Scope } from '#base'
import { type core, refs } from '#api'
import type { Client } from '#client'
import { createInformers } from '#reconcile'

/** What Kubernetes promises of a cluster of 5,000 nodes: changes and looks at one object within a second, lists within 30, a pod of its own within 5. */
const PROBE_EVERY_MS = 3_000
const SCHEDULING = { tolerations: [{ key: 'kwok.x-k8s.io/node', operator: 'Exists' }] }

interface Durations {
  count: number
  readonly upTo: Map<number, number>
}

/** The server's own histograms, by what the promise distinguishes: `changes`, `looks at one object`, `lists`. */
export async function requestDurations(scope: Scope, client: Client): Promise<ReadonlyMap<string, Durations>> {
  const { body } = await client.raw(scope, { method: 'GET', path: '/metrics' })
  const found = new Map<string, Durations>()
  for (const line of Buffer.from(body).toString('utf8').split('\n')) {
    if (!line.startsWith('apiserver_request_duration_seconds_bucket{')) continue
    const label = (name: string): string => new RegExp(`[{,]${name}="([^"]*)"`).exec(line)?.[1] ?? ''
    const verb = label('verb')
    const what = verb === 'LIST' ? 'lists' : verb === 'GET' ? 'looks at one object' : /POST|PUT|PATCH|DELETE/.test(verb) ? 'changes' : ''
    if (what === '' || label('resource') === '') continue
    const known = found.get(what) ?? { count: 0, upTo: new Map<number, number>() }
    const value = Number(line.slice(line.lastIndexOf(' ') + 1))
    if (label('le') === '+Inf') known.count += value
    else known.upTo.set(Number(label('le')), (known.upTo.get(Number(label('le'))) ?? 0) + value)
    found.set(what, known)
  }
  return found
}

/** The bound of the histogram that this part of them stays below, in milliseconds. */
export function boundMs({ count, upTo }: Durations, part: number): number {
  for (const [bound, below] of [...upTo].sort(([a], [b]) => a - b)) if (below >= count * part) return bound * 1000
  return Number.POSITIVE_INFINITY
}

export interface PodProbes {
  /** Milliseconds from the request to a watch that shows it running, in the order of the probes. */
  readonly startedMs: readonly number[]
  readonly pending: number
}

/** A pod of its own every few seconds, and how long each takes until it runs. They go when they do. */
export async function probePods(scope: Scope, client: Client, namespace: string): Promise<PodProbes> {
  const pods = client.resource(refs.pods)
  const begunMs = new Map<string, number>()
  const startedMs: number[] = []
  const informers = createInformers(client)
  informers.informer(refs.pods, { namespace }).onChange(({ now }) => {
    const name = now?.metadata?.name ?? ''
    const begun = begunMs.get(name)
    if (begun === undefined || now?.status?.phase !== 'Running') return
    begunMs.delete(name)
    startedMs.push(performance.now() - begun)
    void pods.delete(scope, { namespace, name }, { gracePeriodSeconds: 0 }).catch(() => undefined)
  })
  await informers.start(scope)
  const run = async (): Promise<void> => {
    for (let i = 0; !scope.signal.aborted; i++) {
      const name = `probe-${i}`
      begunMs.set(name, performance.now())
      const pod: core.Pod = { metadata: { namespace, name }, spec: { ...SCHEDULING, containers: [{ name: 'main', image: 'app:1' }] } }
      await pods.create(scope, pod)
      await scope.sleep(PROBE_EVERY_MS)
    }
  }
  run().catch((error: unknown) => {
    if (!scope.signal.aborted) console.error('pods are probed no longer:', error)
  })
  return {
    startedMs,
    get pending() {
      return begunMs.size
    },
  }
}
