import type { JsonSchema } from '../structural/json-schema.ts'

export interface GroupVersionKind {
  readonly group: string
  readonly version: string
  readonly kind: string
}

/** The types of a document of `/openapi/v3`. */
export type Components = Readonly<Record<string, Published>>

/** A schema as it is published: it may refer to others, and an allOf does nothing but hold such a reference. */
interface Published extends Omit<JsonSchema, 'allOf' | 'properties' | 'items' | 'additionalProperties'> {
  readonly $ref?: string
  readonly allOf?: readonly Published[]
  readonly properties?: Readonly<Record<string, Published>>
  readonly items?: Published
  readonly additionalProperties?: Published | boolean
  readonly 'x-kubernetes-group-version-kind'?: readonly GroupVersionKind[]
}

const PREFIX = '#/components/schemas/'
/** References that fan out can make a small document endless. The largest kind of Kubernetes has 3,000 parts. */
const MOST_PARTS = 100_000

/**
 * The schema of a kind with what it refers to in its place. A type within itself is an object of which nothing is known. Undefined when the
 * document has no such kind, refers to what it does not have, or is too large when it is whole.
 */
export function wholeSchema(components: Components, { group, version, kind }: GroupVersionKind): JsonSchema | undefined {
  const found = Object.entries(components).find(([, schema]) =>
    (schema['x-kubernetes-group-version-kind'] ?? []).some((one) => one.group === group && one.version === version && one.kind === kind),
  )
  return found === undefined ? undefined : new Filling(components).whole(found[1], new Set([found[0]]))
}

class Filling {
  readonly #components: Components
  #parts = 0

  constructor(components: Components) {
    this.#components = components
  }

  whole(schema: Published, within: ReadonlySet<string>): JsonSchema | undefined {
    if (++this.#parts > MOST_PARTS) return undefined
    const name = referenceOf(schema)
    if (name === undefined) return this.#withParts(schema, within)
    if (within.has(name)) return { type: 'object' }
    const named = Object.hasOwn(this.#components, name) ? this.#components[name] : undefined
    return named === undefined ? undefined : this.#withParts(named, new Set(within).add(name))
  }

  #withParts(schema: Published, within: ReadonlySet<string>): JsonSchema | undefined {
    const { allOf: _allOf, $ref: _ref, properties, items, additionalProperties, ...rest } = schema
    // Built-in kinds say it by a format, custom ones by a word of their own.
    const whole: JsonSchema = rest.format === 'int-or-string' ? { ...rest, 'x-kubernetes-int-or-string': true } : { ...rest }
    if (properties !== undefined) {
      const filled: Record<string, JsonSchema> = Object.create(null)
      for (const [name, property] of Object.entries(properties)) {
        const part = this.whole(property, within)
        if (part === undefined) return undefined
        filled[name] = part
      }
      whole.properties = filled
    }
    if (items !== undefined) {
      const part = this.whole(items, within)
      if (part === undefined) return undefined
      whole.items = part
    }
    if (typeof additionalProperties === 'object') {
      const part = this.whole(additionalProperties, within)
      if (part === undefined) return undefined
      whole.additionalProperties = part
    }
    return whole
  }
}

function referenceOf({ $ref, allOf = [] }: Published): string | undefined {
  if ($ref !== undefined) return $ref.slice(PREFIX.length)
  for (const part of allOf) {
    const name = referenceOf(part)
    if (name !== undefined) return name
  }
  return undefined
}
