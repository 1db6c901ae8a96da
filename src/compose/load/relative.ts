import { canonical } from '../canonical/canonical.ts'
import { type Dict, childDict, dict } from '../value.ts'
import type { Files } from './files.ts'
import { resolvePaths } from './paths.ts'

/** A service of a file in another folder, with its paths seen from there; unchanged when the folder is the same. */
export function relativeTo(service: Dict, theirs: string, ours: string, files: Files): Dict {
  if (theirs === ours) return service
  const wrapped = dict([['services', dict([['extended', service]])]])
  return childDict(childDict(resolvePaths(canonical(wrapped), theirs, files), 'services'), 'extended')
}
