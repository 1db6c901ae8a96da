import { deepEqual } from './deep.ts'

/** What differs between two structs, in the way of a unified diff: for each field one line before and one after. Starts on a line of its own. */
export function fieldDifference(before: object, now: object): string {
  const lines: string[] = []
  const [old, next] = [before as Readonly<Record<string, unknown>>, now as Readonly<Record<string, unknown>>]
  for (const field of new Set([...Object.keys(old), ...Object.keys(next)])) {
    if (deepEqual(old[field], next[field])) continue
    if (old[field] !== undefined) lines.push(`-${field}: ${JSON.stringify(old[field])}`)
    if (next[field] !== undefined) lines.push(`+${field}: ${JSON.stringify(next[field])}`)
  }
  return `\n@@ -1,${lines.filter((line) => line.startsWith('-')).length} +1,${lines.filter((line) => line.startsWith('+')).length} @@\n${lines.join('\n')}\n`
}
