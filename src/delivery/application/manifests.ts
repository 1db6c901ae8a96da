import { createHash } from 'node:crypto'
import { readYamlDocuments, writeYaml } from '#base'
import { type KubeObject, type core, dnsSubdomainErrors } from '#api'
import { canonicalJson } from '#reconcile'
import { APPLICATION_LABEL } from '../platform/group.ts'
import { dependenciesOf } from './plan/dependencies.ts'
import { LARGEST_MANIFESTS, MOST_PARTS } from './kinds.ts'
import { PART_KINDS, partId, partKindOf, whyNoPart } from './part-kinds.ts'

/** What an application is to be, as it is kept in a revision. */
export interface Bundle {
  /** YAML documents; Secrets are without what is in them. */
  readonly manifests: string
  /** What is in them, by their names: the data of the revision's Secret, each as JSON of base64 values. */
  readonly sealed: Readonly<Record<string, string>>
  readonly digest: string
}

export interface ReadManifests {
  readonly objects: readonly KubeObject[]
  /** All that keeps them from being an application. Not empty: they must not be used. */
  readonly refusals: readonly string[]
}

/** Objects that somebody brings, in the order in which they are applied and without what the server fills in; or all reasons why not. Pure. */
export function readManifests(brought: readonly unknown[], application: string, namespace: string): ReadManifests {
  const refusals: string[] = []
  const objects: KubeObject[] = []
  const seen = new Set<string>()
  for (const [index, document] of brought.flatMap(itemsOf).entries()) {
    const refuse = (why: string): void => void refusals.push(`document ${index + 1}: ${why}`)
    if (!isObject(document)) {
      refuse('not an object with apiVersion, kind and metadata.name')
      continue
    }
    const kind = partKindOf(document)
    const { name, generateName, labels } = document.metadata ?? {}
    if (kind === undefined) refuse(whyNoPart(document))
    else if (name === undefined || name === '')
      refuse(`${document.kind ?? ''} without a name${generateName === undefined ? '' : ': generateName makes another one each time'}`)
    else if (dnsSubdomainErrors(name).length > 0) refuse(`${partId(document)}: not a name`)
    else if ((document.metadata?.namespace ?? namespace) !== namespace)
      refuse(`${partId(document)} is in namespace ${document.metadata?.namespace ?? ''}, the application in ${namespace}`)
    else if (seen.has(partId(document))) refuse(`${partId(document)} is there twice`)
    else if ((labels?.[APPLICATION_LABEL] ?? application) !== application)
      refuse(`${partId(document)} is labelled as part of application ${labels?.[APPLICATION_LABEL] ?? ''}`)
    else objects.push(asBrought(document))
    seen.add(partId(document))
  }
  refusals.push(...dependencyProblems(objects))
  if (brought.length === 0 || (objects.length === 0 && refusals.length === 0)) refusals.push('there is nothing in it')
  if (objects.length > MOST_PARTS) refusals.push(`${objects.length} parts: an application has at most ${MOST_PARTS}`)
  return { objects: inOrder(objects), refusals }
}

const itemsOf = (document: unknown): readonly unknown[] =>
  isObject(document) && document.kind?.endsWith('List') === true && 'items' in document && Array.isArray(document.items)
    ? document.items.flatMap(itemsOf)
    : [document]

const isObject = (document: unknown): document is KubeObject => {
  if (typeof document !== 'object' || document === null || !('apiVersion' in document) || !('kind' in document)) return false
  const { apiVersion, kind } = document
  const metadata: unknown = 'metadata' in document ? document.metadata : undefined
  return (
    typeof apiVersion === 'string' &&
    typeof kind === 'string' &&
    (metadata === undefined || (typeof metadata === 'object' && metadata !== null))
  )
}

/** Without status, place and what the server fills in. Texts of Secrets are put where the server puts them. */
function asBrought(document: KubeObject): KubeObject {
  const { status: _, metadata, ...rest } = document as KubeObject & { readonly status?: unknown }
  const { name, labels, annotations, finalizers } = metadata ?? {}
  const kept = {
    ...rest,
    metadata: {
      name,
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations: withoutOf(annotations, 'kubectl.kubernetes.io/last-applied-configuration') }),
      ...(finalizers === undefined ? {} : { finalizers }),
    },
  }
  return document.kind === 'Secret' ? withData(kept) : kept
}

function withoutOf(map: Readonly<Record<string, string>>, key: string): Record<string, string> {
  const { [key]: _, ...rest } = map
  return rest
}

function withData({ stringData, data, ...secret }: core.Secret): core.Secret {
  const texts = Object.entries(stringData ?? {}).map(([key, text]) => [key, Buffer.from(text).toString('base64')] as const)
  return { ...secret, data: { ...data, ...Object.fromEntries(texts) } }
}

function dependencyProblems(objects: readonly KubeObject[]): readonly string[] {
  const byId = new Map(objects.map((object) => [partId(object), object]))
  const problems: string[] = []
  const done = new Set<string>()
  const visit = (id: string, trail: readonly string[]): void => {
    if (trail.includes(id)) return void problems.push(`a cycle of dependencies: ${[...trail.slice(trail.indexOf(id)), id].join(' -> ')}`)
    if (done.has(id)) return
    for (const { id: other } of dependenciesOf(byId.get(id) ?? {})) {
      if (byId.has(other)) visit(other, [...trail, id])
      else problems.push(`${id} depends on ${other}, which is not there`)
    }
    done.add(id)
  }
  for (const id of byId.keys()) visit(id, [])
  return problems
}

function inOrder(objects: readonly KubeObject[]): readonly KubeObject[] {
  const rank = new Map(PART_KINDS.map(({ ref }, index) => [ref.kind, index]))
  return [...objects].sort((a, b) => (rank.get(a.kind ?? '') ?? 0) - (rank.get(b.kind ?? '') ?? 0))
}

/** Throws `RangeError` for what is too large to be kept. */
export function bundleOf(objects: readonly KubeObject[]): Bundle {
  const sealed: Record<string, string> = {}
  const open = objects.map((object) => {
    if (object.kind !== 'Secret') return object
    const { data, ...rest }: core.Secret = object
    sealed[object.metadata?.name ?? ''] = canonicalJson(data ?? {})
    return rest
  })
  const manifests = open.map((object) => writeYaml(object)).join('---\n')
  const bytes = Buffer.byteLength(manifests)
  const sealedBytes = Object.values(sealed).reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  for (const [what, size] of [
    ['manifests', bytes],
    ['contents of the Secrets', sealedBytes],
  ] as const)
    if (size > LARGEST_MANIFESTS)
      throw new RangeError(`the ${what} have ${size} bytes: an application has at most ${LARGEST_MANIFESTS} of them`)
  const digest = createHash('sha256').update(manifests).update('\0').update(canonicalJson(sealed)).digest('hex')
  return { manifests, sealed, digest: `sha256:${digest}` }
}

/** The objects of a revision again, whole. */
export function objectsOfBundle({ manifests, sealed }: Pick<Bundle, 'manifests' | 'sealed'>): readonly KubeObject[] {
  return (readYamlDocuments(manifests) as KubeObject[]).map((object) => {
    const text = object.kind === 'Secret' ? sealed[object.metadata?.name ?? ''] : undefined
    return text === undefined ? object : { ...object, data: JSON.parse(text) as unknown }
  })
}
