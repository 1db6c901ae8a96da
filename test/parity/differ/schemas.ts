import type { Json, JsonObject } from '../corpus.ts'
import { type Target, Wire } from '../http.ts'

/** What of an OpenAPI schema the changes are made from. */
export interface Schema {
  readonly type?: string
  readonly format?: string
  readonly enum?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema
  readonly items?: Schema
  readonly $ref?: string
  readonly allOf?: readonly Schema[]
}

/** The schemas that a server publishes for one group and version. */
export class Schemas {
  readonly #all: Readonly<Record<string, Schema>>

  constructor(all: Readonly<Record<string, Schema>>) {
    this.#all = all
  }

  static async read(target: Target, apiVersion: string): Promise<Schemas> {
    const wire = new Wire(target)
    try {
      const path = `/openapi/v3/${apiVersion.includes('/') ? 'apis' : 'api'}/${apiVersion}`
      const headers = { Authorization: `Bearer ${target.token}`, Accept: 'application/json' }
      const { bytes, response } = await wire.send({ method: 'GET', path, headers, body: undefined })
      if (response.statusCode !== 200) return new Schemas({})
      const document = JSON.parse(bytes.toString('utf8')) as { components?: { schemas?: Record<string, Schema> } }
      return new Schemas(document.components?.schemas ?? {})
    } finally {
      wire.close()
    }
  }

  ofKind(apiVersion: string, kind: string): Schema | undefined {
    const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion]
    return Object.values(this.#all).find((schema) => {
      const kinds = (schema as { 'x-kubernetes-group-version-kind'?: JsonObject[] })['x-kubernetes-group-version-kind']
      return kinds?.some((of) => of['group'] === group && of['version'] === version && of['kind'] === kind) === true
    })
  }

  /** The schema itself, where it is a reference. */
  follow(schema: Schema | undefined): Schema {
    let at = schema ?? {}
    for (let depth = 0; depth < 8; depth++) {
      const next = at.$ref ?? at.allOf?.[0]?.$ref
      if (next === undefined) return at
      at = this.#all[next.replace('#/components/schemas/', '')] ?? {}
    }
    return at
  }

  child(schema: Schema, key: string | number): Schema {
    return this.follow(typeof key === 'number' ? schema.items : (schema.properties?.[key] ?? schema.additionalProperties))
  }

  /** A value of the schema's form in which every field is there; nothing says that it is valid. */
  example(schema: Schema, depth: number): Json {
    const at = this.follow(schema)
    if (at.enum?.[0] !== undefined) return at.enum[0]
    if (at.type === 'integer' || at.type === 'number') return 1
    if (at.type === 'boolean') return true
    if (at.type === 'array') return depth <= 0 ? [] : [this.example(at.items ?? {}, depth - 1)]
    if (at.properties !== undefined)
      return depth <= 0
        ? {}
        : Object.fromEntries(Object.entries(at.properties).map(([name, property]) => [name, this.example(property, depth - 1)]))
    if (at.additionalProperties !== undefined) return { k: this.example(at.additionalProperties, depth - 1) }
    if (at.type === 'object') return {}
    return at.format === 'date-time' ? '2024-01-02T03:04:05Z' : 'x'
  }
}
