import type { ObjectMeta } from '../../../meta/object.ts'
import { parseQuantity } from '../../../meta/quantity.ts'

/** What volumes and claims show of themselves alike. */

const OLD_CLASS = 'volume.beta.kubernetes.io/storage-class'
const SHORT_MODES: readonly (readonly [mode: string, short: string])[] = [
  ['ReadWriteOnce', 'RWO'],
  ['ReadOnlyMany', 'ROX'],
  ['ReadWriteMany', 'RWX'],
  ['ReadWriteOncePod', 'RWOP'],
]

export function shortModes(modes: readonly string[] | undefined): string {
  return SHORT_MODES.filter(([mode]) => modes?.includes(mode))
    .map(([, short]) => short)
    .join(',')
}

interface Classed {
  readonly metadata?: ObjectMeta | undefined
  readonly spec?: { readonly storageClassName?: string | undefined } | undefined
}

/** The storage class by the old annotation, or else by its field. */
export function className({ metadata, spec }: Classed): string {
  return metadata?.annotations?.[OLD_CLASS] ?? spec?.storageClassName ?? ''
}

export function classAnnotationWarnings(metadata: ObjectMeta | undefined): string[] {
  if (metadata?.annotations?.[OLD_CLASS] === undefined) return []
  return [`metadata.annotations[${OLD_CLASS}]: deprecated since v1.8; use "storageClassName" attribute instead`]
}

/** Parts of a byte cannot be stored. */
export function fractionWarning(amount: string | undefined, path: string, warnings: string[]): void {
  if (amount === undefined) return
  const { mantissa, scale } = parseQuantity(amount)
  if (scale < 0 && mantissa % 10n ** BigInt(-scale) !== 0n)
    warnings.push(`${path}: fractional byte value ${JSON.stringify(amount)} is invalid, must be an integer`)
}
