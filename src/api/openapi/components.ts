import { builtInSchemas } from '../schema/builtin.ts'
import type { FactField, FactOptions, FactType } from '../schema/facts.ts'
import { type Dialect, type Json, NAMED_VALUES } from './dialect.ts'

/** Collects the types that a document speaks of, each once, with everything that they refer to. */
export class Components {
  readonly dialect: Dialect
  readonly describe: Describe
  readonly #schemas = new Map<string, Json>()
  readonly #kinds: ReadonlyMap<string, readonly Json[]>

  constructor(dialect: Dialect, describe: Describe = () => undefined) {
    this.dialect = dialect
    this.describe = describe
    this.#kinds = kindsByType()
  }

  /** Sorted by name. */
  schemas(): Record<string, Json> {
    return Object.fromEntries([...this.#schemas].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  ref(name: string): Json {
    return { $ref: `${this.dialect.prefix}${name}` }
  }

  /** A reference to a built-in type, by the name in the facts: `core.v1.Pod`. */
  builtIn(type: string): Json {
    const fact = builtInSchemas.facts.types[type]
    const name = fullName(type)
    if (fact !== undefined && !this.#schemas.has(name)) {
      // There before its fields are looked at: types refer to themselves.
      const component: Json = {}
      this.#schemas.set(name, component)
      Object.assign(component, this.#objectOf(fact, this.describe(name)))
      const kinds = this.#kinds.get(type)
      if (kinds !== undefined) component['x-kubernetes-group-version-kind'] = kinds
    }
    return this.ref(name)
  }

  /** A reference to a type that is one value, by its type expression in the facts. */
  value(type: string): Json {
    const named = NAMED_VALUES[type]
    if (named === undefined) return {}
    const text = this.describe(named.name)?.[0] ?? ''
    const body = this.dialect.version === 2 ? named.v2 : named.v3
    return this.add(named.name, () => (text === '' ? body : { description: text, ...body }))
  }

  /** A type that is described elsewhere, such as a custom resource. */
  add(name: string, make: () => Json): Json {
    if (!this.#schemas.has(name)) this.#schemas.set(name, make())
    return this.ref(name)
  }

  /** Says that a type is also spoken as these kinds (DeleteOptions is one of every group). */
  addKinds(type: string, kinds: readonly Json[]): void {
    const component = this.#schemas.get(fullName(type))
    if (component === undefined) return
    const known = (component['x-kubernetes-group-version-kind'] as readonly Json[] | undefined) ?? []
    const missing = kinds.filter((kind) => !known.some((other) => other['group'] === kind['group'] && other['version'] === kind['version']))
    component['x-kubernetes-group-version-kind'] = [...known, ...missing]
  }

  #objectOf(fact: FactType, [text, texts]: Description = ['', {}]): Json {
    const required = fact.fields.filter(([, , flags]) => flags.includes('r')).map(([name]) => name)
    const properties = fact.fields
      .map((field): [string, Json] => [field[0], described(texts[field[0]], this.#property(field))])
      .sort(([a], [b]) => (a < b ? -1 : 1))
    return {
      ...(text === '' ? {} : { description: text }),
      type: 'object',
      ...(required.length === 0 ? {} : { required }),
      ...(properties.length === 0 ? {} : { properties: Object.fromEntries(properties) }),
      ...(fact.atomic ? { 'x-kubernetes-map-type': 'atomic' } : {}),
      ...(fact.unions === undefined ? {} : { 'x-kubernetes-unions': fact.unions }),
    }
  }

  #property([, type, flags, , options = {}]: FactField): Json {
    const preset = options.default ?? (flags.includes('p') ? undefined : zeroOf(type, flags))
    return { ...this.#with(this.#value(type, options.itemEnum), preset, options.bare !== true), ...optionsOf(options) }
  }

  /** Version 3 has references beside other words only inside of `allOf`; version 2 knows no defaults. */
  #with(body: Json, preset: unknown, isWrapped: boolean): Json {
    if (this.dialect.version === 2) return body
    const extra = preset === undefined ? {} : { default: preset }
    if (body['$ref'] === undefined) return { ...body, ...extra }
    return isWrapped || preset !== undefined ? { ...extra, allOf: [body] } : body
  }

  #value(type: string, itemEnum?: readonly string[]): Json {
    const known = itemEnum === undefined ? {} : { enum: itemEnum }
    if (type.startsWith('[]')) return { type: 'array', items: { ...this.#item(type.slice(2)), ...known } }
    if (type.startsWith('{}')) return { type: 'object', additionalProperties: { ...this.#item(type.slice(2)), ...known } }
    return NAMED_VALUES[type] === undefined ? (SCALARS[type] ?? this.builtIn(type)) : this.value(type)
  }

  #item(type: string): Json {
    return this.#with(this.#value(type), zeroOf(type, ''), false)
  }
}

/** What a type is, and what its fields are; by the full name of the type. */
export type Description = readonly [text: string, fields: Readonly<Record<string, string>>]
export type Describe = (type: string) => Description | undefined

const described = (text: string | undefined, body: Json): Json => (text === undefined ? body : { description: text, ...body })

const SCALARS: Readonly<Record<string, Json>> = {
  string: { type: 'string' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  double: { type: 'number', format: 'double' },
  bool: { type: 'boolean' },
  bytes: { type: 'string', format: 'byte' },
  any: { type: 'object' },
}

/** Documents show Go's zero values of what is never absent as defaults. */
function zeroOf(type: string, flags: string): unknown {
  if (SCALARS[type] === undefined)
    return NAMED_VALUES[type] === undefined && !type.startsWith('[]') && !type.startsWith('{}') ? {} : undefined
  if (flags.includes('o')) return undefined
  if (type === 'string') return ''
  if (type === 'bool') return false
  return type === 'int32' || type === 'int64' || type === 'double' ? 0 : undefined
}

function optionsOf(options: FactOptions): Json {
  return {
    ...(options.enum === undefined ? {} : { enum: options.enum }),
    ...(options.listKeys === undefined ? {} : { 'x-kubernetes-list-map-keys': options.listKeys }),
    ...(options.listType === undefined ? {} : { 'x-kubernetes-list-type': options.listType }),
    ...(options.mapType === undefined ? {} : { 'x-kubernetes-map-type': options.mapType }),
    ...(options.mergeKey === undefined ? {} : { 'x-kubernetes-patch-merge-key': options.mergeKey }),
    ...(options.patchStrategy === undefined ? {} : { 'x-kubernetes-patch-strategy': options.patchStrategy }),
  }
}

/** `io.k8s.api.core.v1.Pod` of `core.v1.Pod`. */
export function fullName(type: string): string {
  const dot = type.lastIndexOf('.')
  const home = type.slice(0, dot)
  return `${builtInSchemas.facts.packages[home] ?? home}${type.slice(dot)}`
}

function kindsByType(): ReadonlyMap<string, readonly Json[]> {
  const kinds = new Map<string, Json[]>()
  for (const [key, type] of Object.entries(builtInSchemas.facts.kinds)) {
    const [group = '', version = '', kind = ''] = key.split('/')
    kinds.set(type, [...(kinds.get(type) ?? []), { group, kind, version }])
  }
  return kinds
}
