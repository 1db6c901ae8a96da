import { compareQuantities, type core, labelSelectorOf, parseQuantity, type storage } from '#api'
import { nodeSelectorMatches } from '../pod/node-match.ts'
import type { NodeState } from '../cluster/node-state.ts'

/** The storage objects that a decision may read. */
export interface StorageView {
  claim(namespace: string, name: string): core.PersistentVolumeClaim | undefined
  volume(name: string): core.PersistentVolume | undefined
  volumesOfClass(name: string): readonly core.PersistentVolume[]
  storageClass(name: string): storage.StorageClass | undefined
  tracksCapacity(driver: string): boolean
  capacitiesOf(storageClass: string): readonly storage.CSIStorageCapacity[]
  /** The CSI drivers of a node, with how many volumes they take there. */
  driversOf(node: string): readonly storage.CSINodeDriver[]
  /** Pods with volumes of this driver go only where it runs. */
  mustBeInstalled(driver: string): boolean
  attachmentsOn(node: string): readonly storage.VolumeAttachment[]
}

export const BOUND = 'pv.kubernetes.io/bind-completed'
export const SELECTED_NODE = 'volume.kubernetes.io/selected-node'
const NO_PROVISIONER = 'kubernetes.io/no-provisioner'

export const isBound = (claim: core.PersistentVolumeClaim): boolean =>
  (claim.spec?.volumeName ?? '') !== '' && claim.metadata?.annotations !== undefined && Object.hasOwn(claim.metadata.annotations, BOUND)

export const classOf = (claim: core.PersistentVolumeClaim): string => claim.spec?.storageClassName ?? ''

export function fitsVolume(volume: core.PersistentVolume, node: NodeState): boolean {
  const required = volume.spec?.nodeAffinity?.required
  return required === undefined || nodeSelectorMatches(required, node.name, node.labels)
}

/** The smallest free volume that the claim can have on this node, or one that was reserved for it. */
export function matchingVolume(
  view: StorageView,
  claim: core.PersistentVolumeClaim,
  node: NodeState,
  taken: ReadonlySet<string>,
): core.PersistentVolume | undefined {
  const wanted = claim.spec
  if (wanted === undefined) return undefined
  const size = parseQuantity(wanted.resources?.requests?.['storage'] ?? '0')
  const selector = wanted.selector === undefined ? undefined : labelSelectorOf(wanted.selector)
  const candidates = view.volumesOfClass(classOf(claim)).filter((volume) => {
    const { spec, metadata } = volume
    if (spec === undefined || taken.has(metadata?.name ?? '') || metadata?.deletionTimestamp !== undefined) return false
    if (spec.claimRef !== undefined) return spec.claimRef.uid === claim.metadata?.uid && fitsVolume(volume, node)
    if (volume.status?.phase !== undefined && volume.status.phase !== 'Available') return false
    if ((spec.volumeMode ?? 'Filesystem') !== (wanted.volumeMode ?? 'Filesystem')) return false
    if (!(wanted.accessModes ?? []).every((mode) => spec.accessModes?.includes(mode) === true)) return false
    if (selector !== undefined && !selector.matches(metadata?.labels ?? {})) return false
    return compareQuantities(parseQuantity(spec.capacity?.['storage'] ?? '0'), size) >= 0 && fitsVolume(volume, node)
  })
  const sizeOf = (volume: core.PersistentVolume): ReturnType<typeof parseQuantity> =>
    parseQuantity(volume.spec?.capacity?.['storage'] ?? '0')
  return (
    candidates.find((volume) => volume.spec?.claimRef !== undefined) ??
    candidates.sort((a, b) => compareQuantities(sizeOf(a), sizeOf(b)))[0]
  )
}

export type Provisioning = 'possible' | 'impossible' | 'no-space'

/** Whether a volume could be made for the claim where this node can use it. */
export function canProvision(view: StorageView, claim: core.PersistentVolumeClaim, node: NodeState): Provisioning {
  const storageClass = view.storageClass(classOf(claim))
  if (storageClass === undefined || storageClass.provisioner === '' || storageClass.provisioner === NO_PROVISIONER) return 'impossible'
  const selected = claim.metadata?.annotations?.[SELECTED_NODE]
  if (selected !== undefined && selected !== node.name) return 'impossible'
  const topologies = storageClass.allowedTopologies ?? []
  const inside = (term: core.TopologySelectorTerm): boolean =>
    (term.matchLabelExpressions ?? []).every(({ key, values }) => values.includes(node.labels[key] ?? ''))
  if (topologies.length > 0 && !topologies.some(inside)) return 'impossible'
  if (!view.tracksCapacity(storageClass.provisioner)) return 'possible'
  const size = parseQuantity(claim.spec?.resources?.requests?.['storage'] ?? '0')
  const enough = view.capacitiesOf(classOf(claim)).some((capacity) => {
    const room = capacity.maximumVolumeSize ?? capacity.capacity
    const here = capacity.nodeTopology !== undefined && labelSelectorOf(capacity.nodeTopology).matches(node.labels)
    return here && room !== undefined && compareQuantities(parseQuantity(room), size) >= 0
  })
  return enough ? 'possible' : 'no-space'
}
