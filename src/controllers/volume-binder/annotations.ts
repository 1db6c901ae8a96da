import type { KubeObject, core } from '#api'

/** Who binds, provisions and resizes speaks to the others by annotations; their names are the interface. */
export const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed'
export const BOUND_BY_CONTROLLER = 'pv.kubernetes.io/bound-by-controller'
export const SELECTED_NODE = 'volume.kubernetes.io/selected-node'
export const PROVISIONED_BY = 'pv.kubernetes.io/provisioned-by'
export const MIGRATED_TO = 'pv.kubernetes.io/migrated-to'
export const PROVISIONER = 'volume.kubernetes.io/storage-provisioner'
export const PROVISIONER_BETA = 'volume.beta.kubernetes.io/storage-provisioner'
export const BEFORE_RESIZE = 'volume.alpha.kubernetes.io/pre-resize-capacity'
const CLASS_BETA = 'volume.beta.kubernetes.io/storage-class'

export function hasAnnotation({ metadata }: KubeObject, name: string): boolean {
  return metadata?.annotations !== undefined && Object.hasOwn(metadata.annotations, name)
}

/** Undefined: the claim leaves it to the cluster. Empty: it wants none. */
export const askedClass = ({ metadata, spec }: core.PersistentVolumeClaim): string | undefined =>
  metadata?.annotations?.[CLASS_BETA] ?? spec?.storageClassName

export const classOfClaim = (claim: core.PersistentVolumeClaim): string => askedClass(claim) ?? ''
export const classOfVolume = ({ metadata, spec }: core.PersistentVolume): string =>
  metadata?.annotations?.[CLASS_BETA] ?? spec?.storageClassName ?? ''
