import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { gzipSync } from 'node:zlib'
import { INPUT_DIR } from './input.ts'

/**
 * Takes new facts in: `node tools/gen/gen.ts --import DIR`, where DIR has the layout of a dump of a running API server
 * (`openapi-v3/`, `discovery-v2.json`, `table-columns.json`, `k8s-protobuf-fields.json`, `versions.json`) and `go-fields.json`,
 * which `input/go-fields.go` prints. Descriptions of OpenAPI are left behind.
 */
export function importFacts(directory: string): void {
  const documents: Record<string, unknown> = {}
  const root = join(directory, 'openapi-v3')
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && entry.name.endsWith('.json'),
  )
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort()
  for (const file of paths)
    documents[relative(root, file).replace(/\.json$/, '')] = withoutDescriptions(JSON.parse(readFileSync(file, 'utf8')))
  write('openapi-v3', documents)
  for (const name of ['discovery-v2', 'table-columns', 'k8s-protobuf-fields', 'versions', 'go-fields']) {
    write(name, JSON.parse(readFileSync(join(directory, `${name}.json`), 'utf8')))
  }
}

function write(name: string, value: unknown): void {
  writeFileSync(join(INPUT_DIR, `${name}.json.gz`), gzipSync(JSON.stringify(value), { level: 9 }))
}

/** A property that is called `description` holds a schema, not text, and stays. */
function withoutDescriptions(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDescriptions)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([key, child]) => !(key === 'description' && typeof child === 'string'))
  return Object.fromEntries(entries.map(([key, child]) => [key, withoutDescriptions(child)]))
}
