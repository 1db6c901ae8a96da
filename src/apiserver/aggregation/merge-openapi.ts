import { deepEqual } from '#api'

type Json = Readonly<Record<string, unknown>>

/** The part of a document of OpenAPI version 2 that is about some paths: those, and the types that they need. */
export interface OpenApiPart {
  readonly paths: Json
  readonly definitions: Json
}

const PREFIX = '#/definitions/'
const PARAMETERS = '#/parameters/'
const KINDS = 'x-kubernetes-group-version-kind'

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
const objectIn = (value: unknown, field: string): Json => {
  const found = isObject(value) && Object.hasOwn(value, field) ? value[field] : undefined
  return isObject(found) ? found : {}
}

/** What another server's document says of the paths below one prefix. Whatever it is: it comes from outside. */
export function partBelow(document: unknown, prefix: string): OpenApiPart {
  const shared = objectIn(document, 'parameters')
  const paths = Object.entries(objectIn(document, 'paths'))
    .filter(([path]) => path === prefix || path.startsWith(`${prefix}/`))
    .map(([path, item]) => [path, withOwnParameters(item, shared)] as const)
  const all = objectIn(document, 'definitions')
  const needed = new Set<string>()
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) return value.forEach(visit)
    if (!isObject(value)) return
    for (const [key, inner] of Object.entries(value)) {
      const name = key === '$ref' ? nameOf(inner) : undefined
      if (name === undefined) visit(inner)
      else if (!needed.has(name) && Object.hasOwn(all, name)) {
        needed.add(name)
        visit(all[name])
      }
    }
  }
  visit(paths.map(([, item]) => item))
  return { paths: Object.fromEntries(paths), definitions: Object.fromEntries([...needed].sort().map((name) => [name, all[name]])) }
}

/** Parameters that the document has for all its paths are put where they are used. */
function withOwnParameters(item: unknown, shared: Json): unknown {
  const resolved = (value: unknown): unknown => {
    if (!isObject(value) || !Array.isArray(value['parameters'])) return value
    return {
      ...value,
      parameters: value['parameters'].map((one: unknown) => {
        const reference = isObject(one) ? one['$ref'] : undefined
        if (typeof reference !== 'string' || !reference.startsWith(PARAMETERS)) return one
        const name = reference.slice(PARAMETERS.length)
        return Object.hasOwn(shared, name) ? shared[name] : one
      }),
    }
  }
  if (!isObject(item)) return item
  return resolved(Object.fromEntries(Object.entries(item).map(([key, value]) => [key, resolved(value)])))
}

function nameOf(reference: unknown): string | undefined {
  return typeof reference === 'string' && reference.startsWith(PREFIX) ? reference.slice(PREFIX.length) : undefined
}

/**
 * One document of several: paths that are there stay as they are, and types of one name that are not the same get another name. The document
 * is not changed.
 */
export function mergeOpenApi(document: Json, parts: readonly OpenApiPart[]): Json {
  if (parts.length === 0) return document
  const paths: Record<string, unknown> = { ...objectIn(document, 'paths') }
  const definitions: Record<string, unknown> = { ...objectIn(document, 'definitions') }
  for (const part of parts) {
    const names = new Map<string, string>()
    for (const [name, definition] of Object.entries(part.definitions)) {
      const free = freeName(definitions, name, definition)
      if (free !== name) names.set(name, free)
    }
    for (const [name, definition] of Object.entries(part.definitions)) {
      const own = names.get(name) ?? name
      definitions[own] = Object.hasOwn(definitions, own) ? withKinds(definitions[own], definition) : renamed(definition, names)
    }
    for (const [path, item] of Object.entries(part.paths)) if (!Object.hasOwn(paths, path)) paths[path] = renamed(item, names)
  }
  return { ...document, paths, definitions }
}

/** The name under which a type is there already, or may be put. */
function freeName(definitions: Json, name: string, definition: unknown): string {
  for (let at = 1; ; at++) {
    const tried = at === 1 ? name : `${name}_v${at}`
    if (!Object.hasOwn(definitions, tried) || isSame(definitions[tried], definition)) return tried
  }
}

/** For which kinds a type is used is not what makes it another one. */
function isSame(a: unknown, b: unknown): boolean {
  return deepEqual(withoutKinds(a), withoutKinds(b))
}
function withoutKinds(definition: unknown): unknown {
  if (!isObject(definition)) return definition
  const { [KINDS]: _kinds, ...rest } = definition
  return rest
}
function withKinds(definition: unknown, other: unknown): unknown {
  const [own, more] = [definition, other].map((one) =>
    isObject(one) && Array.isArray(one[KINDS]) ? (one[KINDS] as readonly unknown[]) : [],
  )
  const added = (more ?? []).filter((kind) => own?.some((one) => deepEqual(one, kind)) !== true)
  return added.length === 0 || !isObject(definition) ? definition : { ...definition, [KINDS]: [...(own ?? []), ...added] }
}

function renamed(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (names.size === 0) return value
  if (Array.isArray(value)) return value.map((one) => renamed(one, names))
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const name = key === '$ref' ? nameOf(inner) : undefined
      const other = name === undefined ? undefined : names.get(name)
      return [key, other === undefined ? renamed(inner, names) : `${PREFIX}${other}`]
    }),
  )
}
