import type { Random } from '#base'
import type { Json, JsonObject, Scenario, Step } from '../corpus.ts'

/** A recorded scenario with one thing told differently. */
export interface Variation {
  readonly name: string
  readonly scenario: Scenario
}

type Told = readonly [name: string, step: Step | undefined] | undefined
type Telling = (step: Step, random: Random) => Told

const TABLE = 'application/json;as=Table;g=meta.k8s.io;v=v1'
const ACCEPTS = [
  TABLE,
  `${TABLE},application/json`,
  'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
  'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
  'text/html, application/json;q=0.5',
  'application/json;as=Table;g=meta.k8s.io;v=v1beta1',
  'text/plain',
  'application/cbor',
]
const WRITE_QUERIES = [
  'dryRun=All',
  'dryRun=all',
  'fieldManager=other',
  `fieldManager=${'m'.repeat(129)}`,
  'fieldValidation=Strict',
  'fieldValidation=Ignore',
  'fieldValidation=Warn',
  'fieldValidation=None',
  'force=true',
  'force=false',
  'pretty=true',
]
const READ_QUERIES = [
  'limit=1',
  'limit=-1',
  'resourceVersion=0',
  'resourceVersion=1',
  'resourceVersion=x',
  'resourceVersion=0&resourceVersionMatch=NotOlderThan',
  'resourceVersion=0&resourceVersionMatch=Exact',
  'resourceVersionMatch=Exact',
  'resourceVersionMatch=Nope',
  'continue=x',
  'fieldSelector=metadata.name=x',
  'fieldSelector=metadata.name!=x,metadata.namespace=y',
  'fieldSelector=spec.nope=x',
  'fieldSelector=nope',
  'labelSelector=a=b',
  'labelSelector=!a,b in (c, d),e notin (f)',
  'labelSelector=a in b',
  'labelSelector=a>1',
  'includeObject=Object',
  'includeObject=Nope',
  'sendInitialEvents=true',
  'timeoutSeconds=0',
]
const DELETE_QUERIES = [
  'dryRun=All',
  'propagationPolicy=Orphan',
  'propagationPolicy=Foreground',
  'propagationPolicy=Background',
  'propagationPolicy=Nope',
  'orphanDependents=true',
  'gracePeriodSeconds=0',
  'gracePeriodSeconds=-1',
  'gracePeriodSeconds=5',
  'preconditions.uid=x',
  'ignoreStoreReadErrorWithClusterBreakingPotential=true',
]
const PATCHES = ['merge-patch+json', 'strategic-merge-patch+json', 'json-patch+json', 'apply-patch+yaml', 'json']
const SUBRESOURCES = [
  'status',
  'scale',
  'finalize',
  'approval',
  'eviction',
  'binding',
  'ephemeralcontainers',
  'resize',
  'token',
  'log',
  'nope',
]
const USERS: readonly Partial<Step>[] = [{ as: '-' }, { as: 'alice', groups: ['dev'] }, { as: 'system:serviceaccount:default:default' }]
const VALUES: readonly Json[] = [
  null,
  {},
  [],
  '',
  'x',
  'Not Valid!',
  'UPPER',
  'a/b',
  0,
  1,
  -1,
  1.5,
  2147483648,
  true,
  false,
  'a'.repeat(254),
  [null],
  [{}],
  ['x', 'x'],
]
/** What breaks a server for all scenarios when it means more than it did. */
const FAR_REACHING =
  /admissionregistration\.k8s\.io|apiregistration\.k8s\.io|flowcontrol|customresourcedefinitions|namespaces\/(kube-|default)|clusterrole/

const isObject = (value: Json | undefined): value is JsonObject => value !== null && typeof value === 'object' && !Array.isArray(value)
const oneOf = <T>(items: readonly T[], random: Random): T | undefined => items[Math.floor(random.float() * items.length)]

/** `count` variations of a scenario, other ones for another seed. */
export function variationsOf(scenario: Scenario, random: Random, count: number): readonly Variation[] {
  const told: Variation[] = []
  for (let tries = 0; told.length < count && tries < count * 8; tries++) {
    const index = Math.floor(random.float() * scenario.steps.length)
    const step = scenario.steps[index]
    const made = step === undefined ? undefined : oneOf(tellingsFor(step), random)?.(step, random)
    if (made === undefined) continue
    const [name, other] = made
    const steps = scenario.steps.toSpliced(index, 1, ...(other === undefined ? [] : name === 'twice' ? [other, other] : [other]))
    if (steps.length > 0) told.push({ name: `step ${index + 1} ${name}`, scenario: { ...scenario, steps } })
  }
  return told
}

function tellingsFor(step: Step): readonly Telling[] {
  const { request = '', body } = step
  const [method] = request.split(' ')
  if (step.poll !== undefined || method === undefined) return []
  const far = FAR_REACHING.test(request) && method !== 'GET'
  const withBody = far || body === undefined || typeof body === 'string' ? [] : [otherBody, otherBody, otherBody, otherBody]
  const reads = method === 'GET' ? [readQuery, readQuery, readQuery, subresource, otherAccept] : []
  const writes = method === 'POST' || method === 'PUT' || method === 'PATCH' ? [writeQuery, otherAccept] : []
  const patches = method === 'PATCH' ? [otherPatch, subresource] : []
  const deletes = method === 'DELETE' ? [deleteQuery, deleteQuery, otherAccept] : []
  return [...withBody, ...reads, ...writes, ...patches, ...deletes, otherUser, ...(far ? [] : [twice, dropped])]
}

const twice: Telling = (step) => (step.watch === undefined ? ['twice', step] : undefined)
const dropped: Telling = (step) => (step.save === undefined ? ['dropped', undefined] : undefined)
const otherUser: Telling = (step, random) => {
  const user = oneOf(USERS, random)
  return step.as !== undefined || user === undefined ? undefined : [`as ${user.as ?? ''}`, { ...step, ...user }]
}
const otherAccept: Telling = (step, random) => {
  const accept = oneOf(ACCEPTS, random)
  return accept === undefined ? undefined : [`accepting ${accept}`, { ...step, headers: { ...step.headers, Accept: accept } }]
}
const otherPatch: Telling = (step, random) => {
  const type = oneOf(PATCHES, random)
  return type === undefined ? undefined : [`as ${type}`, { ...step, headers: { ...step.headers, 'Content-Type': `application/${type}` } }]
}

const withQuery =
  (queries: readonly string[]): Telling =>
  (step, random) => {
    const query = oneOf(queries, random)
    const { request = '' } = step
    if (query === undefined || request.includes(`${query.split('=')[0] ?? ''}=`)) return undefined
    const encoded = query
      .split('&')
      .map((pair) => pair.replace(/=(.*)$/, (_, value: string) => `=${encodeURIComponent(value)}`))
      .join('&')
    return [`with ${query}`, { ...step, request: `${request}${request.includes('?') ? '&' : '?'}${encoded}` }]
  }
const readQuery = withQuery(READ_QUERIES)
const writeQuery = withQuery(WRITE_QUERIES)
const deleteQuery = withQuery(DELETE_QUERIES)

const subresource: Telling = (step, random) => {
  const name = oneOf(SUBRESOURCES, random)
  const { request = '' } = step
  const at = /^(\w+ \/(?:api\/\w+|apis\/[^/]+\/\w+)\/(?:namespaces\/\{\w+\}\/)?\w+\/[^/?]+)(\/\w+)?(\?.*)?$/.exec(request)
  if (name === undefined || at === null || step.watch !== undefined) return undefined
  const [, one = '', , query = ''] = at
  return [`at ${name}`, { ...step, request: `${one}/${name}${query}` }]
}

const otherBody: Telling = (step, random) => {
  const body = structuredClone(step.body ?? null)
  const places: { readonly in: Json[] | JsonObject; readonly key: string | number; readonly path: string }[] = []
  const visit = (value: Json, path: string): void => {
    if (value === null || typeof value !== 'object') return
    for (const [key, item] of Array.isArray(value) ? value.entries() : Object.entries(value)) {
      if (path === 'metadata' && key === 'namespace') continue
      places.push({ in: value, key, path: path === '' ? String(key) : `${path}.${key}` })
      visit(item as Json, path === '' ? String(key) : `${path}.${key}`)
    }
  }
  visit(body, '')
  const place = oneOf(places, random)
  if (place === undefined) return undefined
  const other = oneOf(places, random)
  const holder = place.in as Record<string | number, Json>
  const choice = Math.floor(random.float() * 7)
  if (choice === 0) {
    if (Array.isArray(place.in)) place.in.splice(Number(place.key), 1)
    else delete place.in[String(place.key)]
    return [`without ${place.path}`, { ...step, body }]
  }
  if (choice === 1) {
    if (Array.isArray(place.in)) place.in.push(structuredClone(holder[place.key] ?? null))
    else place.in['zzz'] = structuredClone(holder[place.key] ?? null)
    return [`with another ${place.path}`, { ...step, body }]
  }
  if (choice === 2 && other !== undefined) {
    const value = structuredClone((other.in as Record<string | number, Json>)[other.key] ?? null)
    holder[place.key] = value
    return [`${place.path} as ${other.path}`, { ...step, body }]
  }
  if (choice === 3 && isObject(holder[place.key])) {
    holder[place.key] = { ...(holder[place.key] as JsonObject), zzz: 1 }
    return [`zzz in ${place.path}`, { ...step, body }]
  }
  const value = oneOf(VALUES, random) ?? null
  holder[place.key] = structuredClone(value)
  return [`${place.path} = ${JSON.stringify(value).slice(0, 40)}`, { ...step, body }]
}
