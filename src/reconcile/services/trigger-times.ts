import type { core } from '#api'
import { podCondition } from '../workloads/pods.ts'

interface Seen {
  readonly serviceMs: number
  readonly podsMs: ReadonlyMap<string, number>
}

/**
 * Remembers when each Service and its pods last changed, to tell the earliest of the changes that an update answers: what programming
 * latency is measured from. Undefined: nothing with a known time has changed.
 */
export class TriggerTimes {
  readonly #seen = new Map<string, Seen>()

  changed(key: string, service: core.Service, pods: readonly core.Pod[]): number | undefined {
    const before = this.#seen.get(key)
    const times: number[] = []
    const podsMs = new Map<string, number>()
    for (const pod of pods) {
      const atMs = Date.parse(podCondition(pod, 'Ready')?.lastTransitionTime ?? '')
      if (Number.isNaN(atMs)) continue
      const name = pod.metadata?.name ?? ''
      podsMs.set(name, atMs)
      if (atMs > (before?.podsMs.get(name) ?? 0)) times.push(atMs)
    }
    const serviceMs = Date.parse(service.metadata?.creationTimestamp ?? '') || 0
    if (serviceMs > (before?.serviceMs ?? 0)) times.push(serviceMs)
    this.#seen.set(key, { serviceMs, podsMs })
    return times.length === 0 ? undefined : Math.min(...times)
  }

  forget(key: string): void {
    this.#seen.delete(key)
  }
}
