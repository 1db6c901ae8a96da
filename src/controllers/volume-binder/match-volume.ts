import { compareQuantities, type core, labelSelectorOf } from '#api'
import { classOfClaim, classOfVolume } from './annotations.ts'

type Claim = core.PersistentVolumeClaim
type Volume = core.PersistentVolume

const requestOf = ({ spec }: Claim): string => spec?.resources?.requests?.['storage'] ?? '0'
const capacityOf = ({ spec }: Volume): string => spec?.capacity?.['storage'] ?? '0'
const modeOf = (spec: { readonly volumeMode?: string | undefined } | undefined): string => spec?.volumeMode ?? 'Filesystem'
const attributesOf = (spec: { readonly volumeAttributesClassName?: string | undefined } | undefined): string =>
  spec?.volumeAttributesClassName ?? ''

export const sameMode = (claim: Claim, volume: Volume): boolean => modeOf(claim.spec) === modeOf(volume.spec)

/** The volume names this claim, and this very one if it names a uid. */
export function isReservedFor({ spec }: Volume, { metadata }: Claim): boolean {
  const { name, namespace, uid = '' } = spec?.claimRef ?? {}
  return name === metadata?.name && namespace === metadata?.namespace && (uid === '' || uid === metadata?.uid)
}

/**
 * The volume for a claim: one that is reserved for it, or else the smallest free one that has all it asks for; among those, the ones with the
 * fewest access modes come first. With `delayed`, free ones are left to the scheduler.
 */
export function bestVolume(claim: Claim, volumes: readonly Volume[], delayed: boolean): Volume | undefined {
  const wanted = claim.spec?.accessModes ?? []
  const selector = claim.spec?.selector === undefined ? undefined : labelSelectorOf(claim.spec.selector)
  const possible = volumes.filter((volume) => {
    const { spec, metadata } = volume
    return (
      wanted.every((mode) => spec?.accessModes?.includes(mode) === true) &&
      (spec?.claimRef === undefined || isReservedFor(volume, claim)) &&
      compareQuantities(capacityOf(volume), requestOf(claim)) >= 0 &&
      sameMode(claim, volume) &&
      attributesOf(claim.spec) === attributesOf(spec) &&
      metadata?.deletionTimestamp === undefined
    )
  })
  const modes = ({ spec }: Volume): number => new Set(spec?.accessModes ?? []).size
  for (const count of [...new Set(possible.map(modes))].sort((a, b) => a - b)) {
    const level = possible.filter((volume) => modes(volume) === count)
    const reserved = level.find((volume) => volume.spec?.claimRef !== undefined)
    if (reserved !== undefined) return reserved
    if (delayed) continue
    const free = level.filter(
      (volume) =>
        volume.status?.phase === 'Available' &&
        (selector === undefined || selector.matches(volume.metadata?.labels ?? {})) &&
        classOfVolume(volume) === classOfClaim(claim),
    )
    const smallest = free.sort((a, b) => compareQuantities(capacityOf(a), capacityOf(b)))[0]
    if (smallest !== undefined) return smallest
  }
  return undefined
}

/** Why a claim cannot have the volume that it names. */
export function mismatch(claim: Claim, volume: Volume): string | undefined {
  if (volume.metadata?.deletionTimestamp !== undefined) return `the volume is marked for deletion ${JSON.stringify(volume.metadata.name)}`
  if (compareQuantities(capacityOf(volume), requestOf(claim)) < 0) return 'requested PV is too small'
  if (classOfVolume(volume) !== classOfClaim(claim)) return 'storageClassName does not match'
  if (attributesOf(claim.spec) !== attributesOf(volume.spec)) return 'volumeAttributesClassName does not match'
  if (!sameMode(claim, volume)) return 'incompatible volumeMode'
  const hasModes = (claim.spec?.accessModes ?? []).every((mode) => volume.spec?.accessModes?.includes(mode) === true)
  return hasModes ? undefined : 'incompatible accessMode'
}
