import { EXTENDED_CLAIM_ANNOTATION, type KubeObject, type ResourceRef, refs, type resource } from '#api'
import type { Informer, Informers } from '#reconcile'
import { type DeviceView, noDevices } from './device-view.ts'

const BY_NODE = 'device-node'
const BY_POOL = 'device-pool'
const ALLOCATED = 'allocated'
const BY_POD = 'extended-pod'
const BY_RESOURCE = 'extended-resource'

/** Newest first, as the server has them: the newest class is the one that stands for a resource. */
const newest = (a: KubeObject, b: KubeObject): number => {
  const [one, other] = [a.metadata?.creationTimestamp ?? '', b.metadata?.creationTimestamp ?? '']
  return one === other ? ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1) : one > other ? -1 : 1
}

export interface WatchedDevices {
  readonly view: DeviceView
  readonly claims: Informer<resource.ResourceClaim> | undefined
}

/** Follows claims, classes and what drivers announce. A server without them has none. */
export function watchDevices(informers: Informers, isServed: (ref: ResourceRef) => boolean, onChange: () => void): WatchedDevices {
  if (!isServed(refs.resourceclaims) || !isServed(refs.resourceslices) || !isServed(refs.deviceclasses))
    return { view: noDevices, claims: undefined }
  const claims = informers.informer(refs.resourceclaims)
  const slices = informers.informer(refs.resourceslices)
  const classes = informers.informer(refs.deviceclasses)
  claims.addIndex(ALLOCATED, ({ status }) => (status?.allocation === undefined ? [] : ['']))
  claims.addIndex(BY_POD, ({ metadata }) =>
    metadata?.annotations?.[EXTENDED_CLAIM_ANNOTATION] === 'true'
      ? (metadata.ownerReferences ?? []).flatMap(({ uid, controller }) => (controller === true ? [uid] : []))
      : [],
  )
  slices.addIndex(BY_NODE, ({ spec }) => [spec.nodeName ?? ''])
  slices.addIndex(BY_POOL, ({ spec }) => [`${spec.driver}/${spec.pool.name}`])
  let extendedClasses = 0
  classes.addIndex(BY_RESOURCE, ({ spec }) => (spec.extendedResourceName === undefined ? [] : [spec.extendedResourceName]))
  classes.onChange(({ old, now }) => {
    extendedClasses += (now?.spec.extendedResourceName === undefined ? 0 : 1) - (old?.spec.extendedResourceName === undefined ? 0 : 1)
  })
  for (const informer of [claims, slices, classes] as readonly Informer<KubeObject>[]) informer.onChange(onChange)
  return {
    claims,
    view: {
      claim: (namespace, name) => claims.get(`${namespace}/${name}`),
      extendedClaimOf: (podUid) => claims.byIndex(BY_POD, podUid)[0],
      allocatedClaims: () => claims.byIndex(ALLOCATED, ''),
      deviceClass: (name) => classes.get(name),
      classOfExtended: (name) => [...classes.byIndex(BY_RESOURCE, name)].sort(newest)[0],
      get hasExtended() {
        return extendedClasses > 0
      },
      slicesFor: (node) => [...slices.byIndex(BY_NODE, node), ...slices.byIndex(BY_NODE, '')],
      slicesOfPool: (driver, pool) => slices.byIndex(BY_POOL, `${driver}/${pool}`),
    },
  }
}
