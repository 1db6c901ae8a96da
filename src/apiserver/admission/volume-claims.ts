import { type KubeObject, compareQuantities, type core, refs } from '#api'
import type { AdmissionStep, ObjectReader } from '../contract.ts'
import { forbidden, isAbout } from './refuse.ts'

const PROTECTION = new Map([
  ['/persistentvolumeclaims', 'kubernetes.io/pvc-protection'],
  ['/persistentvolumes', 'kubernetes.io/pv-protection'],
  ['storage.k8s.io/volumeattributesclasses', 'kubernetes.io/vac-protection'],
])

/** Claims, volumes and attribute classes are not deleted while something uses them: a finalizer holds them from the start. */
export const storageInUseProtection: AdmissionStep = {
  name: 'StorageObjectInUseProtection',
  replaces: true,
  handles: ({ operation, resource, subresource }) =>
    operation === 'CREATE' && subresource === '' && PROTECTION.has(`${resource.group}/${resource.plural}`),
  mutate(_scope, { object, resource }) {
    const finalizer = PROTECTION.get(`${resource.group}/${resource.plural}`)
    const draft = object as KubeObject
    const finalizers = draft.metadata?.finalizers ?? []
    if (finalizer === undefined || finalizers.includes(finalizer)) return
    draft.metadata = { ...draft.metadata, finalizers: [...finalizers, finalizer] }
  },
}

/** A claim grows only where its class says that volumes can. */
export function volumeClaimResize(reader: ObjectReader): AdmissionStep {
  return {
    name: 'PersistentVolumeClaimResize',
    handles: (request) => request.operation === 'UPDATE' && isAbout(request, '', 'persistentvolumeclaims'),
    validate(_scope, request) {
      const claim = request.object as core.PersistentVolumeClaim
      const old = request.old as core.PersistentVolumeClaim
      if (compareQuantities(sizeOf(claim), sizeOf(old)) <= 0) return
      if (old.status?.phase !== 'Bound') throw forbidden(request, 'Only bound persistent volume claims can be expanded')
      if (!canGrow(reader, claim, old)) {
        throw forbidden(
          request,
          'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
        )
      }
    },
  }
}

const sizeOf = (claim: core.PersistentVolumeClaim): string => claim.spec?.resources?.requests?.['storage'] ?? '0'

function canGrow(reader: ObjectReader, claim: core.PersistentVolumeClaim, old: core.PersistentVolumeClaim): boolean {
  const name = claim.spec?.storageClassName ?? ''
  if (name === '' || name !== (old.spec?.storageClassName ?? '')) return false
  return reader.get(refs.storageclasses, '', name)?.allowVolumeExpansion === true
}
