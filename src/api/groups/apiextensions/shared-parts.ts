import { deepEqual } from '../../meta/deep.ts'
import { Path } from '../../meta/path.ts'
import type { CustomResourceDefinitionSpec, CustomResourceDefinitionVersion } from '../../types/apiextensions-v1.gen.ts'

/** A part of the versions of a definition with the place under which messages speak of it. */
export interface Part<T> {
  readonly value: T
  readonly path: Path
  /** All versions have it. */
  readonly isShared: boolean
  /** The version that it belongs to; the first one where all have the same. */
  readonly version: CustomResourceDefinitionVersion
}

const SPEC = Path.of('spec')

/** What all versions have in common is spoken of as a part of the definition (`shared`), anything else as a part of its version. */
export function partsOf<K extends 'schema' | 'subresources' | 'additionalPrinterColumns' | 'selectableFields'>(
  spec: CustomResourceDefinitionSpec,
  field: K,
  shared: string,
): Part<NonNullable<CustomResourceDefinitionVersion[K]>>[] {
  const [first, ...others] = spec.versions
  if (first === undefined) return []
  const isShared = others.every((version) => deepEqual(version[field], first[field]))
  const parts: Part<NonNullable<CustomResourceDefinitionVersion[K]>>[] = []
  spec.versions.forEach((version, i) => {
    const value = version[field]
    if (value === undefined || value === null || (isShared && i > 0)) return
    parts.push({ value, version, isShared, path: isShared ? SPEC.child(shared) : SPEC.child('versions').index(i).child(field) })
  })
  return parts
}
