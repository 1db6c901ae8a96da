import { compareQuantities, type core, labelSelectorOf, parseQuantity, type storage } from '#api'
import { labelsMatch } from '../pod/node-match.ts'
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
  return required === undefined || labelsMatch(required, node.labels)
}

/** The smallest free volume that the claim can have on this node, or one that was reserved for it. */
function matchingVolume(
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
    if (spec.claimRef !== undefined && !isReservedFor(spec.claimRef, claim)) return false
    if ((spec.volumeMode ?? 'Filesystem') !== (wanted.volumeMode ?? 'Filesystem')) return false
    if ((spec.volumeAttributesClassName ?? '') !== (wanted.volumeAttributesClassName ?? '')) return false
    if (compareQuantities(parseQuantity(spec.capacity?.['storage'] ?? '0'), size) < 0) return false
    if (spec.claimRef !== undefined) return true
    if (volume.status?.phase !== 'Available') return false
    if (selector !== undefined && !selector.matches(metadata?.labels ?? {})) return false
    return (wanted.accessModes ?? []).every((mode) => spec.accessModes?.includes(mode) === true) && fitsVolume(volume, node)
  })
  // What was reserved is taken, or nothing is.
  const reserved = candidates.find((volume) => volume.spec?.claimRef !== undefined)
  if (reserved !== undefined) return fitsVolume(reserved, node) ? reserved : undefined
  const sizeOf = (volume: core.PersistentVolume): ReturnType<typeof parseQuantity> =>
    parseQuantity(volume.spec?.capacity?.['storage'] ?? '0')
  return candidates.sort((a, b) => compareQuantities(sizeOf(a), sizeOf(b)))[0]
}

/** By name, and by identity where that is said: whoever reserves a volume by hand does not know it. */
const isReservedFor = ({ namespace, name, uid = '' }: core.ObjectReference, { metadata }: core.PersistentVolumeClaim): boolean =>
  name === metadata?.name && namespace === metadata?.namespace && (uid === '' || uid === metadata?.uid)

/** The volume that each claim gets on this node, if there is one for it: the smallest claims choose first. One that is being provisioned chooses none. */
export function assignVolumes(
  view: StorageView,
  open: readonly core.PersistentVolumeClaim[],
  node: NodeState,
): readonly { readonly claim: core.PersistentVolumeClaim; readonly volume: core.PersistentVolume | undefined }[] {
  const sizeOf = ({ spec }: core.PersistentVolumeClaim): ReturnType<typeof parseQuantity> =>
    parseQuantity(spec?.resources?.requests?.['storage'] ?? '0')
  const provisioned = open.filter((claim) => selectedNodeOf(claim) !== undefined)
  const choosing = open.filter((claim) => selectedNodeOf(claim) === undefined).toSorted((a, b) => compareQuantities(sizeOf(a), sizeOf(b)))
  const taken = new Set<string>()
  return [
    ...provisioned.map((claim) => ({ claim, volume: undefined })),
    ...choosing.map((claim) => {
      const volume = matchingVolume(view, claim, node, taken)
      if (volume !== undefined) taken.add(volume.metadata?.name ?? '')
      return { claim, volume }
    }),
  ]
}

export const selectedNodeOf = ({ metadata }: core.PersistentVolumeClaim): string | undefined => metadata?.annotations?.[SELECTED_NODE]

export type Provisioning = 'possible' | 'impossible' | 'no-space'

/** Whether a volume could be made for the claim where this node can use it. */
export function canProvision(view: StorageView, claim: core.PersistentVolumeClaim, node: NodeState): Provisioning {
  const storageClass = view.storageClass(classOf(claim))
  if (storageClass === undefined || storageClass.provisioner === '' || storageClass.provisioner === NO_PROVISIONER) return 'impossible'
  const topologies = storageClass.allowedTopologies ?? []
  const inside = (term: core.TopologySelectorTerm): boolean =>
    (term.matchLabelExpressions ?? []).every(({ key, values }) => values.includes(node.labels[key] ?? ''))
  if (topologies.length > 0 && !topologies.some(inside)) return 'impossible'
  if (!view.tracksCapacity(storageClass.provisioner)) return 'possible'
  const asked = claim.spec?.resources?.requests?.['storage']
  if (asked === undefined) return 'possible'
  const size = parseQuantity(asked)
  const enough = view.capacitiesOf(classOf(claim)).some((capacity) => {
    const room = capacity.maximumVolumeSize ?? capacity.capacity
    const here = capacity.nodeTopology !== undefined && labelSelectorOf(capacity.nodeTopology).matches(node.labels)
    return here && room !== undefined && compareQuantities(parseQuantity(room), size) >= 0
  })
  return enough ? 'possible' : 'no-space'
}
