import type { MetricFamily } from '#base'
import type { core } from '#api'

/** As the kubelet names kinds of containers, and where a status has them. */
const KINDS = [
  ['init_container', 'initContainerStatuses'],
  ['container', 'containerStatuses'],
  ['ephemeral_container', 'ephemeralContainerStatuses'],
] as const

/** How often pods were started and it failed, and how containers ended, since the agent runs. */
export class StartTally {
  readonly #counts = { pods: 0, podErrors: 0, ownUsers: 0, ownUsersErrors: 0 }

  readonly #ends = new Map<string, MetricFamily['samples'][number]>()

  /** A sandbox is being made. */
  started(pod: core.Pod): void {
    this.#counts.pods++
    if (pod.spec?.hostUsers === false) this.#counts.ownUsers++
  }
  /** Its sandbox, or one of its containers, could not be made. */
  failed(pod: core.Pod, what: 'sandbox' | 'container'): void {
    if (what === 'sandbox') this.#counts.podErrors++
    if (pod.spec?.hostUsers === false) this.#counts.ownUsersErrors++
  }

  /** What is told of a pod, and what was told before: whatever has ended in between is counted. */
  ended(before: core.PodStatus | undefined, now: core.PodStatus): void {
    for (const [container_type, key] of KINDS)
      for (const { name, state } of now[key] ?? []) {
        if (state?.terminated === undefined) continue
        if (before?.[key]?.find((one) => one.name === name)?.state?.terminated !== undefined) continue
        const { exitCode, reason = '' } = state.terminated
        const labels = { container_type, exit_code: String(exitCode), reason }
        const id = Object.values(labels).join(' ')
        this.#ends.set(id, { labels, value: (this.#ends.get(id)?.value ?? 0) + 1 })
      }
  }

  /** In the kubelet's names. */
  metrics(): readonly MetricFamily[] {
    const counter = (name: string, help: string, value: number): MetricFamily => ({
      name: `kubelet_${name}_total`,
      help,
      type: 'counter',
      samples: [{ labels: {}, value }],
    })
    const { pods, podErrors, ownUsers, ownUsersErrors } = this.#counts
    return [
      counter('started_pods', 'Cumulative number of pods started', pods),
      counter('started_pods_errors', 'Cumulative number of errors when starting pods', podErrors),
      counter('started_user_namespaced_pods', 'Cumulative number of pods with user namespaces started', ownUsers),
      counter('started_user_namespaced_pods_errors', 'Cumulative number of errors when starting pods with user namespaces', ownUsersErrors),
      {
        name: 'kubelet_terminated_containers_total',
        help: 'Cumulative number of container terminations.',
        type: 'counter',
        samples: [...this.#ends.values()],
      },
    ]
  }
}
