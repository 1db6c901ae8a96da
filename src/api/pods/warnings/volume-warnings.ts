import type * as core from '../../types/core-v1.gen.ts'

/** Kinds of volumes that are going or gone, in Kubernetes' order; by field, with the name that the message has where it differs. */
const GONE: readonly (readonly [field: Exclude<keyof core.Volume, 'name'>, why: string, shown?: string])[] = [
  ['photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  ['gitRepo', 'deprecated in v1.11, and disabled by default in v1.33+'],
  ['scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  ['flocker', 'deprecated in v1.22, non-functional in v1.25+'],
  ['storageos', 'deprecated in v1.22, non-functional in v1.25+', 'storageOS'],
  ['quobyte', 'deprecated in v1.22, non-functional in v1.25+'],
  ['glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  ['cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  ['rbd', 'deprecated in v1.28, non-functional in v1.31+'],
]

export function volumeWarnings(volumes: readonly core.Volume[], path: string, warnings: string[]): void {
  volumes.forEach((volume, i) => {
    for (const [field, why, shown] of GONE) if (volume[field] !== undefined) warnings.push(`${path}[${i}].${shown ?? field}: ${why}`)
  })
  for (const volume of volumes) overlapWarnings(volume, warnings)
}

interface File {
  readonly path: string
  /** What it comes from, where a volume has several sources. */
  readonly source?: string
}

function overlapWarnings(volume: core.Volume, warnings: string[]): void {
  const { name, configMap, secret, downwardAPI, projected } = volume
  if (configMap?.items !== undefined) tell(name, `ConfigMap ${JSON.stringify(configMap.name ?? '')}`, overlapsOf(configMap.items), warnings)
  if (secret?.items !== undefined) tell(name, `Secret ${JSON.stringify(secret.secretName ?? '')}`, overlapsOf(secret.items), warnings)
  if (downwardAPI?.items !== undefined) tell(name, 'DownwardAPI', overlapsOf(downwardAPI.items), warnings)
  if (projected?.sources === undefined || projected.sources === null) return
  const before: File[] = []
  for (const source of projected.sources) {
    const files = filesOf(source)
    if (files === undefined) warnings.push(`volume ${JSON.stringify(name)} (Projected) has no sources provided`)
    else
      tell(
        name,
        'Projected',
        files.flatMap((file) => overlaps(before, file)),
        warnings,
      )
    before.push(...(files ?? []))
  }
}

function filesOf({ configMap, secret, downwardAPI, serviceAccountToken }: core.VolumeProjection): File[] | undefined {
  if (configMap !== undefined)
    return (configMap.items ?? []).map(({ path }) => ({ path, source: `ConfigMap ${JSON.stringify(configMap.name ?? '')}` }))
  if (secret !== undefined) return (secret.items ?? []).map(({ path }) => ({ path, source: `Secret ${JSON.stringify(secret.name ?? '')}` }))
  if (downwardAPI !== undefined) return (downwardAPI.items ?? []).map(({ path }) => ({ path, source: 'DownwardAPI' }))
  if (serviceAccountToken !== undefined) return [{ path: serviceAccountToken.path, source: 'ServiceAccountToken' }]
  return undefined
}

function overlapsOf(files: readonly File[]): string[] {
  return files.flatMap(({ path }, i) => overlaps(files.slice(0, i), { path }))
}

/** One file cannot be where another one is, nor below it. */
function overlaps(others: readonly File[], file: File): string[] {
  return others
    .filter((other) => isAtOrBelow(other.path, file.path) || isAtOrBelow(file.path, other.path))
    .map((other) => `${shown(file)} with ${shown(other)}`)
}

const isAtOrBelow = (path: string, top: string): boolean => path === top || path.startsWith(`${top}/`)
const shown = ({ path, source }: File): string => (source === undefined ? JSON.stringify(path) : `${JSON.stringify(path)} (${source})`)

function tell(volume: string, kind: string, found: readonly string[], warnings: string[]): void {
  for (const one of found) warnings.push(`volume ${JSON.stringify(volume)} (${kind}): overlapping paths: ${one}`)
}
