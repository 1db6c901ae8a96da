import type { KubeObject } from '../meta/object.ts'
import { compareQuantities, wholeQuantity } from '../meta/quantity.ts'
import type { Amounts } from '../pods/resources.ts'
import type * as core from '../types/core-v1.gen.ts'
import type { QuotaEvaluator } from './evaluator.ts'
import { holdsFor } from './scopes.ts'

const COUNT = 'count/persistentvolumeclaims'
const CLAIMS = 'persistentvolumeclaims'
const STORAGE = 'requests.storage'
/** `gold.storageclass.storage.k8s.io/requests.storage` */
const BY_CLASS = '.storageclass.storage.k8s.io/'
const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class'

export const volumeClaimEvaluator: QuotaEvaluator = {
  matching: (names) =>
    names.filter(
      (name) =>
        name === COUNT || name === CLAIMS || name === STORAGE || name.endsWith(BY_CLASS + CLAIMS) || name.endsWith(BY_CLASS + STORAGE),
    ),
  matchesScope: (scope, claim) => scope.scopeName === 'VolumeAttributesClass' && holdsFor(scope, attributesClasses(claim)),
  problem: () => undefined,
  usage: claimUsage,
  charges: ({ operation, subresource }) =>
    subresource === '' ? operation === 'CREATE' || operation === 'UPDATE' : subresource === 'status' && operation === 'UPDATE',
  frees: (old, now) =>
    JSON.stringify([claimUsage(old), attributesClasses(old)]) !== JSON.stringify([claimUsage(now), attributesClasses(now)]),
}

function claimUsage(claim: core.PersistentVolumeClaim): Amounts {
  const className = claim.metadata?.annotations?.[CLASS_ANNOTATION] ?? claim.spec?.storageClassName ?? ''
  const size = sizeOf(claim)
  return {
    [COUNT]: '1',
    [CLAIMS]: '1',
    ...(size === undefined ? {} : { [STORAGE]: size }),
    ...(className === '' ? {} : { [className + BY_CLASS + CLAIMS]: '1' }),
    ...(className === '' || size === undefined ? {} : { [className + BY_CLASS + STORAGE]: size }),
  }
}

/** In whole bytes: what is wanted, or what has been set aside for it if that is more. */
function sizeOf({ spec, status }: core.PersistentVolumeClaim): string | undefined {
  const wanted = spec?.resources?.requests?.['storage']
  if (wanted === undefined) return undefined
  const allocated = status?.allocatedResources?.['storage']
  return wholeQuantity(allocated !== undefined && compareQuantities(allocated, wanted) > 0 ? allocated : wanted)
}

function attributesClasses(claim: KubeObject): readonly string[] {
  const { spec, status } = claim as core.PersistentVolumeClaim
  const names = [
    spec?.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ]
  return [...new Set(names.filter((name): name is string => name !== undefined && name !== ''))]
}
