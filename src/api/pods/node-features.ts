import { deepEqual } from '../meta/deep.ts'
import type * as core from '../types/core-v1.gen.ts'

type Spec = Pick<core.PodSpec, 'hostNetwork' | 'hostUsers' | 'initContainers' | 'resources'> & {
  readonly containers?: readonly core.Container[] | null | undefined
}

/** What nodes of 1.36 say in `status.declaredFeatures`, where pods may ask for it. */
export const NODE_FEATURES = {
  resizeOfPods: 'InPlacePodLevelResourcesVerticalScaling',
  resizeOfInitContainers: 'InPlacePodVerticalScalingInitContainers',
  restartOfAll: 'RestartAllContainersOnContainerExits',
  hostNetworkOfUsers: 'UserNamespacesHostNetworkSupport',
} as const

/** Features that a node must have for the pod to run there, in the order of their names. */
export function featuresToRun(spec: Spec | undefined): readonly string[] {
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])]
  const needed: string[] = []
  if (containers.some(({ restartPolicyRules }) => restartPolicyRules?.some(({ action }) => action === 'RestartAllContainers') === true))
    needed.push(NODE_FEATURES.restartOfAll)
  if (spec?.hostNetwork === true && spec.hostUsers === false) needed.push(NODE_FEATURES.hostNetworkOfUsers)
  return needed
}

/** Features that a node must have for a pod of its own to become another one. */
export function featuresToChange(old: Spec | undefined, now: Spec | undefined): readonly string[] {
  const needed: string[] = []
  if (!deepEqual(old?.resources, now?.resources)) needed.push(NODE_FEATURES.resizeOfPods)
  const changed = (old?.initContainers ?? []).some(
    ({ restartPolicy, resources }, i) => restartPolicy !== 'Always' && !deepEqual(resources, now?.initContainers?.[i]?.resources),
  )
  if (changed) needed.push(NODE_FEATURES.resizeOfInitContainers)
  return needed
}
