import type { Scope } from '#base'
import { type KubeObject, type ResourceRef, isAlreadyExists, podMetricsRef, refs } from '#api'
import {
  type ApiServer,
  type StartStep,
  type StartSteps,
  SYSTEM_PRIORITY_CLASSES,
  bootstrapPolicy,
  keepFlowControlDefaults,
  keepLocalServices,
  metricsReaderRole,
  reconcilePolicy,
} from '#apiserver'
import { useTracking } from './legacy-tokens.ts'

const SYSTEM_NAMESPACES = ['default', 'kube-node-lease', 'kube-public', 'kube-system']

/** What works as soon as there is a server. */
export const WITH_THE_SERVER: readonly StartStep[] = [
  'poststarthook/start-apiserver-admission-initializer',
  'poststarthook/priority-and-fairness-config-consumer',
  'poststarthook/priority-and-fairness-filter',
]
export const AGGREGATION: readonly StartStep[] = [
  'poststarthook/start-kube-aggregator-informers',
  'poststarthook/apiservice-status-local-available-controller',
  'poststarthook/apiservice-status-remote-available-controller',
  'poststarthook/apiservice-registration-controller',
  'poststarthook/apiservice-discovery-controller',
  'poststarthook/apiservice-openapi-controller',
  'poststarthook/apiservice-openapiv3-controller',
]
export const PUBLISHING: readonly StartStep[] = [
  'poststarthook/bootstrap-controller',
  'poststarthook/start-kubernetes-service-cidr-controller',
  'poststarthook/peer-endpoint-reconciler-controller',
]
export const IDENTITY: readonly StartStep[] = [
  'poststarthook/start-kube-apiserver-identity-lease-controller',
  'poststarthook/start-kube-apiserver-identity-lease-garbage-collector',
]

/** What every cluster has from its first moment. Idempotent: what is there stays. */
export async function bootstrap(scope: Scope, { reader, writer, catalog, follow }: ApiServer, steps: StartSteps): Promise<void> {
  const ensure = async <T extends KubeObject>(ref: ResourceRef<T>, object: T): Promise<void> => {
    const { namespace = '', name = '' } = object.metadata ?? {}
    if (reader.peek(ref, namespace, name) !== undefined) return
    await writer.create(scope, ref, object).catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error
    })
  }
  await steps.run(['poststarthook/start-system-namespaces-controller'], () =>
    Promise.all(SYSTEM_NAMESPACES.map((name) => ensure(refs.namespaces, { metadata: { name } }))),
  )
  const serves = (ref: ResourceRef): boolean =>
    [...catalog.all].some((resource) => resource.group === ref.group && resource.plural === ref.plural)
  if (serves(podMetricsRef)) await ensure(refs.clusterroles, metricsReaderRole)
  await Promise.all([
    steps.run(['poststarthook/rbac/bootstrap-roles'], () => reconcilePolicy(scope, reader, writer, bootstrapPolicy())),
    steps.run(['poststarthook/priority-and-fairness-config-producer'], () => keepFlowControlDefaults(scope, reader, writer, follow)),
    steps.run(['poststarthook/start-legacy-token-tracking-controller'], () => ensure(refs.configmaps, useTracking(scope))),
    steps.run(['poststarthook/kube-apiserver-autoregistration', 'autoregister-completion'], () =>
      keepLocalServices(scope, { reader, writer, follow, catalog }),
    ),
    steps.run(['poststarthook/scheduling/bootstrap-system-priority-classes'], () =>
      Promise.all(
        serves(refs.priorityclasses) ? SYSTEM_PRIORITY_CLASSES.map((priorityClass) => ensure(refs.priorityclasses, priorityClass)) : [],
      ),
    ),
  ])
}
