import type { Json } from './dialect.ts'

type Parameter = Json & { readonly name?: string; readonly in?: string; readonly schema?: { readonly $ref?: string } }

/**
 * A document of version 2 in which parameters that many operations have stand once, under the names that kube-apiserver gives them.
 * The document that is given stays as it is.
 */
export function withSharedParameters(document: Json): Json {
  const { paths = {}, ...rest } = document
  return { ...rest, ...shareParameters(paths as Readonly<Record<string, Json>>) }
}

function shareParameters(paths: Readonly<Record<string, Json>>): { readonly paths: Json; readonly parameters: Json } {
  const shared = new Map<string, { readonly name: string; readonly parameter: Json }>()
  const refer = (list: unknown): readonly Json[] =>
    (list as readonly Parameter[]).map((parameter) => {
      if (!isShared(parameter)) return parameter
      const text = canonical(parameter)
      let known = shared.get(text)
      if (known === undefined) shared.set(text, (known = { name: `${parameter.name}-${fingerprint(text)}`, parameter }))
      return { $ref: `#/parameters/${known.name}` }
    })
  const withReferences = (value: Json): Json => ('parameters' in value ? { ...value, parameters: refer(value['parameters']) } : value)
  const made = Object.entries(paths).map(([path, item]): [string, Json] => {
    const operations = Object.entries(item).map(([method, part]): [string, unknown] => [
      method,
      method === 'parameters' ? refer(part) : withReferences(part as Json),
    ])
    return [path, Object.fromEntries(operations)]
  })
  const byName = [...shared.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  return { paths: Object.fromEntries(made), parameters: Object.fromEntries(byName.map(({ name, parameter }) => [name, parameter])) }
}

const META_TYPES = '#/definitions/io.k8s.apimachinery'
/** Clients look for these at the operations themselves. */
const OWN: ReadonlySet<string> = new Set(['name', 'dryRun', 'fieldValidation'])

function isShared({ name, in: place, schema }: Parameter): boolean {
  if (name === undefined) return false
  return place === 'body' ? (schema?.$ref ?? '').startsWith(META_TYPES) : !OWN.has(name)
}

/** The text that the name is made from: all that it says, in one order. */
function canonical(parameter: Parameter): string {
  const order = ['uniqueItems', 'type', 'description', 'name', 'in', 'required', 'schema']
  return JSON.stringify(Object.fromEntries(order.filter((key) => key in parameter).map((key) => [key, parameter[key]])))
}

/** FNV-1 of 64 bits, the first six bytes in base64 for addresses. */
function fingerprint(text: string): string {
  let hash = 0xcbf29ce484222325n
  for (const byte of new TextEncoder().encode(text)) hash = BigInt.asUintN(64, hash * 0x100000001b3n) ^ BigInt(byte)
  const bytes = Array.from({ length: 6 }, (_, at) => Number((hash >> BigInt(56 - 8 * at)) & 0xffn))
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
}
