import type { MetricFamily } from '#base'
import type { core } from '#api'

/** How often pods were started and it failed, since the agent runs. */
export class StartTally {
  readonly #counts = { pods: 0, podErrors: 0, ownUsers: 0, ownUsersErrors: 0 }

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
    ]
  }
}
