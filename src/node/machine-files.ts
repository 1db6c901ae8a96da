import { readFileSync, readdirSync } from 'node:fs'

/** Files in which the kernel describes the machine: one that is not there says nothing. */

/** Its text without the line break at its end; `''` when it cannot be read. */
export function textOfFile(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}

/** In order; none when there is no such folder. */
export function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort()
  } catch {
    return []
  }
}
