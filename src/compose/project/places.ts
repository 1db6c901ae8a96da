import type { SourceFile } from '../load/context.ts'
import type { Place } from '../refusal.ts'
import type { Path } from '../value.ts'
import { readDocuments } from '../yaml/read.ts'

/** Finds where a key of a project was written last, or the nearest one above it. Reads the files again, when first asked. */
export function placeFinder(sources: readonly SourceFile[]): (path: Path) => Place | undefined {
  let read: { readonly file: string; readonly lineAt: (path: Path) => number | undefined }[] | undefined
  return (path) => {
    read ??= sources.flatMap((source) => readDocuments(source.text, source.path).map(({ lineAt }) => ({ file: source.path, lineAt })))
    for (let length = path.length; length > 0; length--)
      for (const { file, lineAt } of read.toReversed()) {
        const line = lineAt(path.slice(0, length)) ?? (length > 1 && path[0] === 'services' ? lineAt(path.slice(1, length)) : undefined)
        if (line !== undefined) return { file, line }
      }
    const [first] = sources
    return first === undefined ? undefined : { file: first.path }
  }
}
