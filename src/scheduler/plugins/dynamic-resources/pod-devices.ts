import { canBeReserved, claimNameOf, type core, isClaimOfPod, isExtendedResource, isReservedFor, notClaimOfPod, type resource } from '#api'
import { type DeviceView, IMPLICIT_PREFIX } from './device-view.ts'

/** The claims of a pod that exist, or why it cannot be scheduled yet. `isEarly`: nobody is told, it is still being set up. */
export type PodDevices =
  | { readonly kind: 'claims'; readonly claims: readonly resource.ResourceClaim[] }
  | { readonly kind: 'wait'; readonly message: string; readonly isEarly: boolean }

export const hasClaims = (pod: core.Pod): boolean => (pod.spec?.resourceClaims ?? []).length > 0

export function claimsOf(view: DeviceView, pod: core.Pod, isPending: (uid: string) => boolean): PodDevices {
  const claims: resource.ResourceClaim[] = []
  const namespace = pod.metadata?.namespace ?? ''
  const early = (message: string): PodDevices => ({ kind: 'wait', message, isEarly: true })
  const wait = (message: string): PodDevices => ({ kind: 'wait', message, isEarly: false })
  for (const podClaim of pod.spec?.resourceClaims ?? []) {
    const known = claimNameOf(pod, podClaim)
    if (known === undefined)
      return early(`pod ${JSON.stringify(`${namespace}/${pod.metadata?.name ?? ''}`)}: ResourceClaim not created yet`)
    if (known === 'unneeded') continue
    const claim = view.claim(namespace, known.name)
    if (claim === undefined) return early(`resourceclaim.resource.k8s.io ${JSON.stringify(known.name)} not found`)
    if (claim.metadata?.deletionTimestamp !== undefined) return early(`resourceclaim ${JSON.stringify(known.name)} is being deleted`)
    if (known.isGenerated && !isClaimOfPod(pod, claim)) return early(notClaimOfPod(pod, claim))
    claims.push(claim)
  }
  for (const claim of claims) {
    const { name = '', uid = '' } = claim.metadata ?? {}
    if (claim.status?.allocation !== undefined) {
      if (!canBeReserved(claim) && !isReservedFor(pod, claim)) return wait('resourceclaim in use')
      continue
    }
    if (isPending(uid)) return wait(`resource claim ${namespace}/${name} is in the process of being allocated`)
    for (const { name: request, exactly, firstAvailable = [] } of claim.spec.devices?.requests ?? []) {
      if (exactly === undefined && firstAvailable.length === 0)
        return wait(`resource claim ${namespace}/${name}, request ${request}: unknown request type`)
      const wanted =
        exactly === undefined
          ? firstAvailable.map((one) => [`${request}/${one.name}`, one.deviceClassName] as const)
          : [[request, exactly.deviceClassName] as const]
      for (const [of, className] of wanted)
        if (view.deviceClass(className) === undefined) return wait(`request ${of}: device class ${className} does not exist`)
    }
  }
  return { kind: 'claims', claims }
}

/** Extended resources that a class of devices stands behind, of those that a pod asks for. */
export function extendedOf(view: DeviceView, requests: Iterable<readonly [name: string, amount: number]>): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const [name, amount] of requests) {
    if (amount === 0 || !name.includes('/')) continue
    const deviceClass = name.startsWith(IMPLICIT_PREFIX)
      ? view.deviceClass(name.slice(IMPLICIT_PREFIX.length))
      : view.hasExtended && isExtendedResource(name)
        ? view.classOfExtended(name)
        : undefined
    if (deviceClass !== undefined) found.set(name, deviceClass.metadata?.name ?? '')
  }
  return found
}
