import type { Scope } from '#base'
import { type KubeObject, type ResourceRef, refs } from '#api'
import type { Client } from '#client'
import { SPACES } from './wishes.ts'

/** How it all is, without what is chance: names, times, versions, and which pod is on which node. */
export async function stateOf(scope: Scope, client: Client): Promise<unknown> {
  const all = async <T extends KubeObject>(ref: ResourceRef<T>): Promise<readonly T[]> =>
    (await client.resource(ref).list(scope)).items.filter(({ metadata }) => SPACES.some((space) => space === metadata?.namespace))
  const [pods, deployments, sets, statefulSets, daemonSets, jobs, quotas, slices] = await Promise.all([
    all(refs.pods),
    all(refs.deployments),
    all(refs.replicasets),
    all(refs.statefulsets),
    all(refs.daemonsets),
    all(refs.jobs),
    all(refs.resourcequotas),
    all(refs.endpointslices),
  ])
  const owners = new Set([...deployments, ...sets, ...statefulSets, ...daemonSets, ...jobs].map(({ metadata }) => metadata?.uid))
  return {
    pods: counted(
      pods.map(({ metadata, spec, status }) =>
        [
          metadata?.labels?.['app'],
          spec?.containers[0]?.image,
          status?.phase,
          spec?.nodeName === undefined ? 'nowhere' : 'placed',
          ...(metadata?.deletionTimestamp === undefined ? [] : ['going']),
          ...(metadata?.finalizers ?? []),
        ].join(' '),
      ),
    ),
    orphans: [...pods, ...sets]
      .filter(({ metadata }) => !owners.has(metadata?.ownerReferences?.[0]?.uid))
      .map(({ metadata }) => metadata?.name),
    ordinals: new Set(pods.flatMap(({ metadata }) => (metadata?.labels?.['app'] === 'db' ? [metadata.name] : []))),
    nodesOfAgents: new Set(pods.flatMap(({ metadata, spec }) => (metadata?.labels?.['app'] === 'agent' ? [spec?.nodeName] : []))).size,
    deployments: deployments.map(({ metadata, status }) => ({
      name: metadata?.name,
      ...timeless(status),
      conditions: status?.conditions?.map(({ type, status: is, reason }) => `${type} ${is} ${isOfProgress(reason) ? '' : reason}`).sort(),
      isSeen: status?.observedGeneration === metadata?.generation,
    })),
    sets: counted(
      sets
        .filter(({ spec }) => spec?.replicas !== 0)
        .map(
          ({ spec, status }) =>
            `${spec?.template?.spec?.containers[0]?.image} ${JSON.stringify({ ...timeless(status), conditions: undefined })}`,
        ),
    ),
    statefulSets: statefulSets.map(({ status }) => ({
      ...timeless(status),
      isNewest: status?.currentRevision === status?.updateRevision,
    })),
    daemonSets: daemonSets.map(({ status }) => timeless(status)),
    jobs: jobs.map(({ metadata, status }) => ({
      name: metadata?.name,
      completed: status?.completedIndexes,
      active: status?.active,
      waiting: status?.uncountedTerminatedPods,
      conditions: status?.conditions?.map(({ type, status: is }) => `${type} ${is}`).sort(),
    })),
    quotas: quotas.map(({ status }) => status),
    endpoints: slices.map(({ endpoints }) => (endpoints ?? []).filter(({ conditions }) => conditions?.ready).length),
  }
}

/** How the last rollout went is history: a change that came before it had ended leaves another word. */
const isOfProgress = (reason: string | undefined): boolean =>
  reason === 'NewReplicaSetAvailable' ||
  reason === 'ReplicaSetUpdated' ||
  reason === 'FoundNewReplicaSet' ||
  reason === 'NewReplicaSetCreated'

const CHANCE: ReadonlySet<string> = new Set(['observedGeneration', 'currentRevision', 'updateRevision', 'collisionCount', 'conditions'])
const timeless = (status: object | undefined): Record<string, unknown> =>
  Object.fromEntries(Object.entries(status ?? {}).filter(([name]) => !CHANCE.has(name)))

function counted(words: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const word of [...words].sort()) counts[word] = (counts[word] ?? 0) + 1
  return counts
}
