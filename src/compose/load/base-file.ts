import { withoutBlanks } from '../canonical/blanks.ts'
import { canonical } from '../canonical/canonical.ts'
import { interpolate } from '../interpolation/interpolate.ts'
import { clear, mergeFiles } from '../merge/merge.ts'
import { withoutRepeats } from '../merge/unique.ts'
import { ComposeRefused } from '../refusal.ts'
import { type Dict, type Path, dict, isDict } from '../value.ts'
import { readDocuments } from '../yaml/read.ts'
import { type LoadContext, inFile, readSource } from './context.ts'
import { folderOf } from './files.ts'
import { resolvePaths } from './paths.ts'

/**
 * A file that a service extends one of, in long form with absolute paths. What it says is checked once it is joined, and what it extends
 * itself is left in it. `cleared` is what its last document marked as starting afresh.
 */
export function readBaseFile(place: string, { files, lookup }: LoadContext): { readonly root: Dict; readonly cleared: readonly Path[] } {
  return inFile(place, () => {
    let root = dict()
    let cleared: readonly Path[] = []
    for (const document of readDocuments(readSource(files, place).text, place)) {
      if (!isDict(document.root)) throw new ComposeRefused('Top-level object must be a mapping')
      cleared = document.cleared
      const filled = interpolate(document.root, { lookup, file: place, lineOf: document.lineOf, unset: () => undefined })
      const joined = withoutRepeats(mergeFiles(clear(root, cleared), filled))
      root = withoutRepeats(withoutBlanks(canonical(joined)))
    }
    return { root: resolvePaths(root, folderOf(place), files), cleared }
  })
}
