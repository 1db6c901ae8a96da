import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

/** What a running API server and the Go types say, as far as the generator reads it. `import.ts` writes these files. */
export const INPUT_DIR = join(import.meta.dirname, 'input')

export interface OpenApiSchema {
  readonly type?: string
  readonly format?: string
  readonly $ref?: string
  readonly allOf?: readonly OpenApiSchema[]
  readonly oneOf?: readonly OpenApiSchema[]
  readonly items?: OpenApiSchema
  readonly additionalProperties?: OpenApiSchema
  readonly properties?: Readonly<Record<string, OpenApiSchema>>
  readonly required?: readonly string[]
  readonly enum?: readonly string[]
  readonly default?: unknown
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map'
  readonly 'x-kubernetes-list-map-keys'?: readonly string[]
  readonly 'x-kubernetes-patch-merge-key'?: string
  readonly 'x-kubernetes-patch-strategy'?: string
  readonly 'x-kubernetes-map-type'?: 'atomic' | 'granular'
  readonly 'x-kubernetes-group-version-kind'?: readonly GroupVersionKind[]
  readonly 'x-kubernetes-unions'?: readonly unknown[]
}

export interface GroupVersionKind {
  readonly group: string
  readonly version: string
  readonly kind: string
}

export interface OpenApiDocument {
  readonly paths?: Readonly<Record<string, unknown>>
  readonly components?: { readonly schemas?: Readonly<Record<string, OpenApiSchema>> }
}

export interface DiscoverySubresource {
  readonly subresource: string
  readonly responseKind?: GroupVersionKind
  readonly verbs: readonly string[]
}
export interface DiscoveryResource {
  readonly resource: string
  readonly responseKind: GroupVersionKind
  readonly scope: 'Namespaced' | 'Cluster'
  readonly singularResource: string
  readonly verbs: readonly string[]
  readonly shortNames?: readonly string[]
  readonly categories?: readonly string[]
  readonly subresources?: readonly DiscoverySubresource[]
}
export interface DiscoveryList {
  readonly items: readonly {
    readonly metadata: { readonly name?: string }
    readonly versions: readonly { readonly version: string; readonly resources: readonly DiscoveryResource[] }[]
  }[]
}

export interface TableColumn {
  readonly name: string
  readonly type: string
  readonly format: string
  readonly description: string
  readonly priority: number
}

/** JSON name, flags (`o` omitempty, `z` omitzero, `p` pointer), Go kind, Go type, names of embedded structs on the way; in the order of the struct. */
export type GoField = readonly [name: string, flags: string, kind: string, type: string, embedded?: string]
/** Field number, type, and `repeated` where it is a list. */
export type ProtoField = readonly [number: number, type: string, label?: string]

export interface Input {
  readonly openApi: Readonly<Record<string, OpenApiDocument>>
  readonly discovery: { readonly api: DiscoveryList; readonly apis: DiscoveryList }
  readonly columns: Readonly<Record<string, readonly TableColumn[]>>
  readonly proto: Readonly<Record<string, Readonly<Record<string, ProtoField>>>>
  readonly versions: { readonly version: unknown; readonly api: unknown; readonly apis: unknown }
  readonly go: Readonly<Record<string, readonly GoField[] | null>>
}

export function readInput(): Input {
  return {
    openApi: read('openapi-v3') as Input['openApi'],
    discovery: read('discovery-v2') as Input['discovery'],
    columns: read('table-columns') as Input['columns'],
    proto: read('k8s-protobuf-fields') as Input['proto'],
    versions: read('versions') as Input['versions'],
    go: read('go-fields') as Input['go'],
  }
}

function read(name: string): unknown {
  return JSON.parse(gunzipSync(readFileSync(join(INPUT_DIR, `${name}.json.gz`))).toString('utf8'))
}

/** All types of all documents, by their full name. */
export function allSchemas(input: Input): ReadonlyMap<string, OpenApiSchema> {
  const schemas = new Map<string, OpenApiSchema>()
  for (const document of Object.values(input.openApi)) {
    for (const [name, schema] of Object.entries(document.components?.schemas ?? {})) {
      const known = schemas.get(name)
      // Shared types (DeleteOptions, Status) list the kinds of all groups in one document and fewer in another.
      if (known === undefined || JSON.stringify(known).length < JSON.stringify(schema).length) schemas.set(name, schema)
    }
  }
  return schemas
}
