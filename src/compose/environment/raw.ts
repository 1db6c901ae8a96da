import type { Lookup } from '../interpolation/template.ts'
import { ComposeRefused } from '../refusal.ts'

/** Adds to `found` the lines of a file as they are, as `docker run --env-file` reads them; a bare key takes its value from `lookup`. */
export function readRawFile(text: string, file: string, lookup: Lookup, found: Map<string, string>): void {
  for (const [at, whole] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const line = whole.trimStart()
    if (line === '' || line.startsWith('#')) continue
    const [key = '', ...rest] = line.split('=')
    if (key === '') throw new ComposeRefused(`no variable name on line '${line}'`, { file, line: at + 1 })
    if (/[ \t]/.test(key)) throw new ComposeRefused(`variable '${key}' contains whitespaces`, { file, line: at + 1 })
    const value = rest.length > 0 ? rest.join('=') : lookup(key)
    if (value !== undefined) found.set(key, value)
  }
}
