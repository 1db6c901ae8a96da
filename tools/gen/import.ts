import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { gzipSync } from 'node:zlib'
import { INPUT_DIR, type OpenApiDocument } from './input.ts'

/**
 * Takes new facts in: `node tools/gen/gen.ts --import DIR`, where DIR has the layout of a dump of a running API server
 * (`openapi-v3/`, `discovery-v2.json`, `table-columns.json`, `k8s-protobuf-fields.json`, `versions.json`) and `go-fields.json`,
 * which `input/go-fields.go` prints. Descriptions of OpenAPI are kept apart, where the documents are served.
 */
export function importFacts(directory: string): void {
  const documents: Record<string, unknown> = {}
  const descriptions: Record<string, TypeDescription> = {}
  const root = join(directory, 'openapi-v3')
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && entry.name.endsWith('.json'),
  )
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort()
  for (const file of paths) {
    const document = JSON.parse(readFileSync(file, 'utf8')) as OpenApiDocument
    Object.assign(descriptions, descriptionsOf(document))
    takeParameters(document, descriptions)
    documents[relative(root, file).replace(/\.json$/, '')] = withoutDescriptions(document)
  }
  write('openapi-v3', documents)
  writeFileSync(DESCRIPTIONS_FILE, gzipSync(JSON.stringify(descriptions), { level: 9 }))
  for (const name of ['discovery-v2', 'table-columns', 'k8s-protobuf-fields', 'versions', 'go-fields']) {
    write(name, JSON.parse(readFileSync(join(directory, `${name}.json`), 'utf8')))
  }
}

/** What a type is, and what its fields are. */
type TypeDescription = readonly [text: string, fields: Readonly<Record<string, string>>]

const DESCRIPTIONS_FILE = join(import.meta.dirname, '../../src/apiserver/discovery/descriptions.json.gz')

function descriptionsOf({ components }: OpenApiDocument): Record<string, TypeDescription> {
  const text = (schema: object): string => ('description' in schema ? String(schema.description) : '')
  return Object.fromEntries(
    Object.entries(components?.schemas ?? {}).map(([name, schema]) => {
      const fields = Object.entries(schema.properties ?? {}).flatMap(([field, value]) => (text(value) === '' ? [] : [[field, text(value)]]))
      return [name, [text(schema), Object.fromEntries(fields)]]
    }),
  )
}

/** Those of query parameters: of most paths under `parameters`, with words of their own under `parameters patch`, `parameters Pod/log`. */
export function takeParameters({ paths }: OpenApiDocument, into: Record<string, TypeDescription>): void {
  const take = (list: unknown, of: string): void => {
    for (const { name, in: place, description } of (list ?? []) as readonly Record<string, string>[]) {
      if (place !== 'query' || name === undefined || description === undefined) continue
      const common = (into['parameters'] ??= ['', {}])[1] as Record<string, string>
      if (of === '') common[name] ??= description
      else if (common[name] !== description) ((into[`parameters ${of}`] ??= ['', {}])[1] as Record<string, string>)[name] = description
    }
  }
  for (const [path, item] of Object.entries(paths as Readonly<Record<string, Record<string, unknown>>>)) {
    const { parameters, ...operations } = item
    const [, plural, subresource] = /\/([a-z]+)\/\{name\}\/([a-z]+)(?:\/\{path\})?$/.exec(path) ?? []
    const kind = STREAMING[plural ?? '']
    const streams = kind !== undefined && ['attach', 'exec', 'log', 'portforward', 'proxy'].includes(subresource ?? '')
    take(parameters, streams ? `${kind}/${subresource}` : '')
    for (const operation of Object.values(operations) as readonly Record<string, unknown>[])
      take(operation['parameters'], operation['x-kubernetes-action'] === 'patch' ? 'patch' : '')
  }
}
const STREAMING: Readonly<Record<string, string>> = { pods: 'Pod', services: 'Service', nodes: 'Node' }

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
