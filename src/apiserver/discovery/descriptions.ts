import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { Describe, Description } from '#api'

/**
 * What the built-in types and their fields are, in Kubernetes' words. Most servers are asked for it by people's tools alone, so it is read
 * for each document that is made and not kept.
 */
export function readDescriptions(): Describe {
  const bytes = gunzipSync(readFileSync(new URL('descriptions.json.gz', import.meta.url)))
  const table = JSON.parse(bytes.toString()) as Readonly<Record<string, Description>>
  return (type) => (Object.hasOwn(table, type) ? table[type] : undefined)
}
