import type { Scope } from '#base'
import { type KubeObject, type ResourceRef, type core, keyOf, refs, type storage } from '#api'
import {
  type ControllerContext,
  type ControllerDefinition,
  type Informer,
  PODS_BY_CLAIM,
  type Reconcile,
  claimsOfPod,
  done,
  indexByClaim,
  isControlledBy,
} from '#reconcile'

const BY_ATTRIBUTES_CLASS = 'attributes-class'

/** Holds objects by a finalizer as long as they are in use, and gives one to those that have none. */
function protection<T extends KubeObject>(
  context: ControllerContext,
  ref: ResourceRef<T>,
  finalizer: string,
  isUsed: (scope: Scope, object: T) => boolean | Promise<boolean>,
): Reconcile {
  const objects = context.informers.informer(ref)
  const client = context.client.resource(ref)
  return async (scope, key) => {
    const object = objects.get(key)
    if (object === undefined) return done
    const { deletionTimestamp, finalizers = [] } = object.metadata ?? {}
    const isHeld = finalizers.includes(finalizer)
    if (deletionTimestamp === undefined && !isHeld)
      await client.update(scope, { ...object, metadata: { ...object.metadata, finalizers: [...finalizers, finalizer] } })
    if (deletionTimestamp !== undefined && isHeld && !(await isUsed(scope, object))) {
      const left = finalizers.filter((one) => one !== finalizer)
      await client.update(scope, { ...object, metadata: { ...object.metadata, finalizers: left } })
    }
    return done
  }
}

/** A claim stays while a pod on a node uses it. */
export const claimProtection: ControllerDefinition = {
  name: 'persistentvolumeclaim-protection-controller',
  setup: (context) => {
    context.watch(refs.persistentvolumeclaims, ({ key, now }) => (now === undefined ? [] : [key]))
    const pods = context.watch(refs.pods, ({ old, now }) => {
      // A pod that comes changes nothing for claims that are not being deleted; one that ends or goes may free them.
      if (now !== undefined && now.metadata?.deletionTimestamp === undefined) return []
      return claimsOfPod(now ?? old ?? {})
    })
    indexByClaim(pods)
    return protection(context, refs.persistentvolumeclaims, 'kubernetes.io/pvc-protection', async (scope, claim) => {
      if (pods.byIndex(PODS_BY_CLAIM, keyOf(claim)).some((pod) => uses(pod, claim))) return true
      const namespace = claim.metadata?.namespace
      const { items } = await context.client.resource(refs.pods).list(scope, { namespace })
      return (items ?? []).some((pod) => claimsOfPod(pod).includes(keyOf(claim)) && uses(pod, claim))
    })
  },
}

/** Kubelets see pods once they have a node, and start none whose claim is being deleted. */
function uses(pod: core.Pod, claim: core.PersistentVolumeClaim): boolean {
  if ((pod.spec?.nodeName ?? '') === '') return false
  const hasShutDown = pod.metadata?.deletionTimestamp !== undefined && pod.metadata.deletionGracePeriodSeconds === 0
  return (pod.spec?.volumes ?? []).some((volume) => {
    if (volume.persistentVolumeClaim?.claimName === claim.metadata?.name) return true
    const isOwn = `${pod.metadata?.name ?? ''}-${volume.name}` === claim.metadata?.name && isControlledBy(claim, pod)
    return volume.ephemeral !== undefined && isOwn && !hasShutDown
  })
}

/** A volume stays while a claim has it. */
export const volumeProtection: ControllerDefinition = {
  name: 'persistentvolume-protection-controller',
  setup: (context) => {
    context.watch(refs.persistentvolumes, ({ key, now }) => (now === undefined ? [] : [key]))
    return protection(context, refs.persistentvolumes, 'kubernetes.io/pv-protection', (_, { status }) => status?.phase === 'Bound')
  },
}

/** A class of attributes stays while a claim or a volume names it. */
export const attributesClassProtection: ControllerDefinition = {
  name: 'volumeattributesclass-protection-controller',
  setup: (context) => {
    context.watch(refs.volumeattributesclasses, ({ key, now }) => (now === undefined ? [] : [key]))
    const claims = context.watch(refs.persistentvolumeclaims, ({ old, now }) => gone(claimClasses(old), claimClasses(now)))
    const volumes = context.watch(refs.persistentvolumes, ({ old, now }) => gone(volumeClasses(old), volumeClasses(now)))
    claims.addIndex(BY_ATTRIBUTES_CLASS, claimClasses)
    volumes.addIndex(BY_ATTRIBUTES_CLASS, volumeClasses)
    const finds = (informer: Informer<core.PersistentVolume> | Informer<core.PersistentVolumeClaim>, name: string): boolean =>
      informer.byIndex(BY_ATTRIBUTES_CLASS, name).length > 0
    return protection<storage.VolumeAttributesClass>(
      context,
      refs.volumeattributesclasses,
      'kubernetes.io/vac-protection',
      (_, { metadata }) => finds(claims, metadata?.name ?? '') || finds(volumes, metadata?.name ?? ''),
    )
  },
}

const gone = (before: readonly string[], now: readonly string[]): readonly string[] => before.filter((name) => !now.includes(name))
const named = (...names: readonly (string | undefined)[]): readonly string[] => [
  ...new Set(names.filter((name): name is string => name !== undefined && name !== '')),
]
const volumeClasses = (volume: core.PersistentVolume | undefined): readonly string[] => named(volume?.spec?.volumeAttributesClassName)
const claimClasses = (claim: core.PersistentVolumeClaim | undefined): readonly string[] =>
  named(
    claim?.spec?.volumeAttributesClassName,
    claim?.status?.currentVolumeAttributesClassName,
    claim?.status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  )
