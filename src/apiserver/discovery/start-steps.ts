import { type HealthCheck, HEALTH_PATHS } from './health.ts'

/**
 * What a server does when it starts, by the names of kube-apiserver's health checks for it and in their order. Work of ours that it
 * splits in several steps stands for all of them.
 */
const NAMES = [
  'poststarthook/start-apiserver-admission-initializer',
  'poststarthook/generic-apiserver-start-informers',
  'poststarthook/priority-and-fairness-config-consumer',
  'poststarthook/priority-and-fairness-filter',
  'poststarthook/storage-object-count-tracker-hook',
  'poststarthook/start-apiextensions-informers',
  'poststarthook/start-apiextensions-controllers',
  'poststarthook/crd-informer-synced',
  'poststarthook/start-system-namespaces-controller',
  'poststarthook/peer-endpoint-reconciler-controller',
  'poststarthook/start-cluster-authentication-info-controller',
  'poststarthook/start-kube-apiserver-identity-lease-controller',
  'poststarthook/start-kube-apiserver-identity-lease-garbage-collector',
  'poststarthook/storage-readiness',
  'poststarthook/start-legacy-token-tracking-controller',
  'poststarthook/start-service-ip-repair-controllers',
  'poststarthook/rbac/bootstrap-roles',
  'poststarthook/scheduling/bootstrap-system-priority-classes',
  'poststarthook/priority-and-fairness-config-producer',
  'poststarthook/bootstrap-controller',
  'poststarthook/start-kubernetes-service-cidr-controller',
  'poststarthook/start-kube-aggregator-informers',
  'poststarthook/apiservice-status-local-available-controller',
  'poststarthook/apiservice-status-remote-available-controller',
  'poststarthook/apiservice-registration-controller',
  'poststarthook/apiservice-discovery-controller',
  'poststarthook/kube-apiserver-autoregistration',
  'autoregister-completion',
  'poststarthook/apiservice-openapi-controller',
  'poststarthook/apiservice-openapiv3-controller',
] as const

export type StartStep = (typeof NAMES)[number]

/** The steps of one start and how far they are. Each is a health check from the moment that it begins, and well when its work is done. */
export class StartSteps {
  readonly #done = new Map<StartStep, boolean>()

  /** Does the work of these steps. What it throws is thrown; the steps are then never well. */
  async run<T>(steps: readonly StartStep[], work: () => T | Promise<T>): Promise<T> {
    for (const step of steps) this.#done.set(step, false)
    const result = await work()
    this.done(steps)
    return result
  }

  /** The work of these steps was done with something else. */
  done(steps: readonly StartStep[]): void {
    for (const step of steps) this.#done.set(step, true)
  }

  /** Of the steps that have begun. */
  checks(): HealthCheck[] {
    return NAMES.filter((name) => this.#done.has(name)).map((name) => ({
      name,
      on: HEALTH_PATHS,
      check: () => {
        if (this.#done.get(name) !== true) throw new Error('not finished')
      },
    }))
  }
}
