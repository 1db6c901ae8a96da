import type { Scope } from '#base'
import { type core, statusError, refs } from '#api'
import type { Informers } from '#reconcile'
import { Cluster } from '../cluster/cluster.ts'
import { DEFAULT_SCHEDULER, type SchedulerConfig, defaultConfig } from '../config/profile.ts'
import { siblingSelector } from '../loop/siblings.ts'
import { type IsServed, watchSources } from '../loop/watches.ts'
import { compilePod } from '../pod/pod-info.ts'
import { DynamicResources } from '../plugins/dynamic-resources/dynamic-resources.ts'
import { watchDevices } from '../plugins/dynamic-resources/watch-devices.ts'
import { defaultPlugins } from '../plugins/default-plugins.ts'
import { type Explanation, explainPod } from './explain-pod.ts'

/** Reads the cluster and explains one of its pods. Throws `StatusError` 404. The informers are started here, within the scope. */
export async function explain(
  scope: Scope,
  options: { readonly informers: Informers; readonly isServed: IsServed; readonly config?: SchedulerConfig },
  of: { readonly namespace: string; readonly name: string },
): Promise<Explanation> {
  const sources = watchSources(options.informers, options.isServed, () => undefined)
  const { view } = watchDevices(options.informers, options.isServed, () => undefined)
  await options.informers.start(scope)
  const pod = sources.pods.get(`${of.namespace}/${of.name}`)
  if (pod === undefined) throw statusError.notFound(refs.pods, of.name)
  const cluster = new Cluster()
  for (const { metadata } of sources.namespaces.list()) cluster.setNamespace(metadata?.name ?? '', metadata?.labels ?? {})
  for (const node of sources.nodes.list()) cluster.setNode(node)
  for (const other of sources.pods.list()) if (takesPlace(other)) cluster.place(compilePod(other), other.spec?.nodeName ?? '')
  const name = pod.spec?.schedulerName || DEFAULT_SCHEDULER
  const { profiles } = options.config ?? defaultConfig()
  // Pods of other schedulers are explained as ours would see them.
  const profile = profiles.find(({ schedulerName }) => schedulerName === name) ?? profiles[0]
  return explainPod(
    cluster,
    compilePod(pod),
    defaultPlugins(sources.view, siblingSelector(sources), profile, new DynamicResources(view, scope.clock, scope.random)),
  )
}

const takesPlace = ({ spec, status }: core.Pod): boolean =>
  (spec?.nodeName ?? '') !== '' && status?.phase !== 'Succeeded' && status?.phase !== 'Failed'
