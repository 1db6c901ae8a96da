import { type apps, type core, keyOf } from '#api'
import { type Change, type Informer, controllerOf, isFinished, matcherOf } from '#reconcile'

/** Keys of the deployments that a change of a set concerns: its owners, and who may adopt it. */
export function deploymentsOfSet(deployments: Informer<apps.Deployment>, { old, now }: Change<apps.ReplicaSet>): readonly string[] {
  const keys = new Set<string>()
  for (const set of [old, now]) {
    const owner = set === undefined ? undefined : controllerOf(set)
    if (owner?.kind === 'Deployment') keys.add(`${set?.metadata?.namespace ?? ''}/${owner.name}`)
  }
  if (now !== undefined && controllerOf(now) === undefined) {
    for (const candidate of deployments.list(now.metadata?.namespace ?? ''))
      if (matcherOf(candidate.spec?.selector)(now.metadata?.labels ?? {})) keys.add(keyOf(candidate))
  }
  return [...keys]
}

/** Only Recreate waits for pods: when one ends or goes. */
export function deploymentsOfPod(
  deployments: Informer<apps.Deployment>,
  sets: Informer<apps.ReplicaSet>,
  { old, now }: Change<core.Pod>,
): readonly string[] {
  if (old === undefined || (now !== undefined && !isFinished(now))) return []
  const owner = controllerOf(old)
  if (owner?.kind !== 'ReplicaSet') return []
  const namespace = old.metadata?.namespace ?? ''
  const manager = controllerOf(sets.get(`${namespace}/${owner.name}`) ?? {})
  const key = `${namespace}/${manager?.name ?? ''}`
  return deployments.get(key)?.spec?.strategy?.type === 'Recreate' ? [key] : []
}
