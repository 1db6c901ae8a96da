import { UserError, messageOf, readYamlDocuments } from '#base'

/** What a configuration file may hold. Anything else in it is refused: a field that is not read must not look as if it were. */
export type Shape =
  | 'text'
  | 'boolean'
  | 'number'
  | 'anything'
  | { readonly listOf: Shape }
  | { readonly fields: Readonly<Record<string, Shape>> }

export interface DocumentKind {
  readonly group: string
  readonly versions: readonly string[]
  readonly kind: string
  readonly fields: Readonly<Record<string, Shape>>
}

/** Reads the one document of a file. Throws `UserError` that names the file and the field. Null is absent. */
export function readDocument<T>(text: string, file: string, { group, versions, kind, fields }: DocumentKind): T {
  const apiVersions = versions.map((version) => (group === '' ? version : `${group}/${version}`))
  const refuse = (what: string): never => {
    throw new UserError(`${file}: ${what}`, `the file is a ${kind} of ${apiVersions[0]}`)
  }
  let documents: readonly unknown[]
  try {
    documents = readYamlDocuments(text)
  } catch (error) {
    return refuse(messageOf(error))
  }
  const [document] = documents
  if (!isObject(document) || documents.length !== 1) return refuse('it is not one YAML document')
  const { apiVersion, kind: found, ...rest } = document
  if (found !== kind || typeof apiVersion !== 'string' || !apiVersions.includes(apiVersion))
    refuse(`apiVersion must be ${apiVersions.join(' or ')} and kind ${kind}`)
  return shaped(rest, { fields }, '', refuse) as T
}

type Values = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is Values => typeof value === 'object' && value !== null && !Array.isArray(value)

function shaped(value: unknown, shape: Shape, path: string, refuse: (what: string) => never): unknown {
  if (shape === 'anything') return value
  if (typeof shape === 'string') {
    const wanted = shape === 'text' ? 'string' : shape
    return typeof value === wanted ? value : refuse(`${path}: must be a ${shape}`)
  }
  if ('listOf' in shape) {
    if (!Array.isArray(value)) return refuse(`${path}: must be a list`)
    return value.map((item, at) => shaped(item, shape.listOf, `${path}[${at}]`, refuse))
  }
  if (!isObject(value)) return refuse(`${path}: must be an object`)
  const members: [string, unknown][] = []
  for (const [name, member] of Object.entries(value)) {
    const here = path === '' ? name : `${path}.${name}`
    const inner = Object.hasOwn(shape.fields, name) ? shape.fields[name] : undefined
    if (inner === undefined) return refuse(`unknown field ${JSON.stringify(here)}`)
    if (member !== null && member !== undefined) members.push([name, shaped(member, inner, here, refuse)])
  }
  return Object.fromEntries(members)
}
