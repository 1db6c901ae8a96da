import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readYamlDocuments } from '#base'
import type { Json, JsonObject, Step } from '../corpus.ts'
import { type Target, Wire } from '../http.ts'
import { type Finding, findingOf } from './findings.ts'
import { Ground, SharedRun } from './runs.ts'

export interface ManifestOptions {
  readonly jobs: number
  /** Against `apiVersion/kind`. */
  readonly only?: RegExp
  readonly onFinding: (finding: Finding) => void
}

interface Manifest {
  readonly file: string
  readonly body: JsonObject
  readonly type: string
}

const DEFINITION = 'apiextensions.k8s.io/v1/CustomResourceDefinition'
const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
/** Definitions are brought one by one, and what they define is served a moment later. */
const SERVED_WITHIN_MS = 60_000
const WARN = '?dryRun=All&fieldManager=m&fieldValidation=Warn'
const STRICT = '?dryRun=All&fieldManager=m&fieldValidation=Strict'
/** Of one server, or of the time. */
const OWN = ['metadata.managedFields', 'metadata.creationTimestamp', 'metadata.selfLink']

/**
 * Gives the manifests of folders (of projects that somebody has fetched) to a real server and to another one: the definitions of custom resources for good, everything
 * else created and applied in dry runs. Tells where the answers differ.
 */
export async function compareManifests(real: Target, ours: Target, folders: readonly string[], options: ManifestOptions): Promise<number> {
  const wires = [new Wire(real), new Wire(ours)] as const
  const all = folders.flatMap((folder) => [...manifestsIn(folder)])
  const grounds = wires.map((wire) => new Ground(wire, { name: '', steps: [] }))
  let compared = 0
  const compare = async ({ file, type }: Manifest, step: Step): Promise<readonly (number | undefined)[]> => {
    const scenario = { name: '', steps: [step] }
    const answers = await Promise.all(
      wires.map((wire, side) => new SharedRun(wire, scenario, grounds[side]?.words ?? {}, null).answerTo(step)),
    )
    compared++
    const finding = findingOf({ kind: type, mode: 'manifest', change: file, request: step }, answers)
    if (finding !== undefined) options.onFinding(finding)
    return answers.map((answer) => answer?.status)
  }
  const each = async (manifests: readonly Manifest[], one: (manifest: Manifest) => Promise<void>): Promise<void> => {
    const queue = manifests.values()
    await Promise.all(
      Array.from({ length: options.jobs }, async () => {
        for (const manifest of queue) await one(manifest)
      }),
    )
  }
  try {
    await Promise.all(grounds.map((ground) => ground.prepare()))
    const definitions = Map.groupBy(
      all.filter(({ type }) => type === DEFINITION),
      nameOf,
    )
    const first = [...definitions.values()].flatMap(([manifest]) => manifest ?? [])
    const taken: Manifest[] = []
    await each(first, async (manifest) => {
      const statuses = await compare(manifest, { request: `POST ${DEFINITIONS}`, body: manifest.body, except: [...OWN, 'status'] })
      if (statuses.every((status) => status === 201)) taken.push(manifest)
    })
    const poll = { status: 200, timeoutMs: SERVED_WITHIN_MS }
    for (const manifest of taken)
      await Promise.all(grounds.map((ground) => ground.reached({ request: `GET ${collectionOf(manifest)}?limit=1`, poll })))
    const paths = await pathsOf(wires[0])
    const known = all.filter(({ type }) => type !== DEFINITION && paths.has(type) && (options.only?.test(type) ?? true))
    await each(known, async (manifest) => {
      const { path = '', namespaced = false } = paths.get(manifest.type) ?? {}
      const body = inNamespace(manifest.body, namespaced)
      await compare(manifest, { request: `POST ${path}${WARN}`, body, except: OWN })
      const headers = { 'Content-Type': 'application/apply-patch+yaml' }
      if (nameOf(manifest) !== '')
        await compare(manifest, { request: `PATCH ${path}/${encodeURIComponent(nameOf(manifest))}${STRICT}`, body, headers, except: OWN })
    })
  } finally {
    await Promise.all(grounds.map((ground) => ground.done()))
    for (const wire of wires) wire.close()
  }
  return compared
}

const metadataOf = ({ metadata }: JsonObject): JsonObject =>
  metadata !== null && typeof metadata === 'object' && !Array.isArray(metadata) ? metadata : {}
const nameOf = ({ body }: Manifest): string => String(metadataOf(body)['name'] ?? '')

/** Of a definition: where its objects are, in the first version that is served. */
function collectionOf({ body }: Manifest): string {
  const { group, names, versions } = body['spec'] as unknown as {
    readonly group: string
    readonly names: { readonly plural: string }
    readonly versions: readonly { readonly name: string; readonly served: boolean }[]
  }
  return `/apis/${group}/${versions.find(({ served }) => served)?.name}/${names.plural}`
}

/** What only a server writes does not belong to a manifest. */
function inNamespace(body: JsonObject, namespaced: boolean): JsonObject {
  const { resourceVersion: _, uid: __, namespace: ___, ...metadata } = metadataOf(body)
  return { ...body, metadata: namespaced ? { ...metadata, namespace: '{ns}' } : metadata }
}

function* manifestsIn(folder: string): Generator<Manifest> {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name)
    if (!entry.isFile() || !/\.(ya?ml|json)$/.test(entry.name)) continue
    for (const document of documentsIn(file)) {
      if (document === null || typeof document !== 'object' || Array.isArray(document)) continue
      const { apiVersion, kind, metadata, items } = document
      const isList = typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items)
      for (const body of isList ? items : [document]) {
        if (body === null || typeof body !== 'object' || Array.isArray(body)) continue
        const [version, type] = [body['apiVersion'] ?? apiVersion, body['kind']]
        if (typeof version !== 'string' || typeof type !== 'string' || (body['metadata'] ?? metadata) === undefined) continue
        yield { file, body, type: `${version}/${type}` }
      }
    }
  }
}

/** None of a file that is no YAML, or a template of one. */
function documentsIn(file: string): readonly Json[] {
  const text = readFileSync(file, 'utf8')
  if (!/^\s*"?apiVersion"?:/m.test(text) || text.includes('{{')) return []
  try {
    return readYamlDocuments(text) as readonly Json[]
  } catch {
    return []
  }
}

/** `apiVersion/kind` → where its objects are. */
async function pathsOf(wire: Wire): Promise<ReadonlyMap<string, { readonly path: string; readonly namespaced: boolean }>> {
  const get = async (path: string): Promise<JsonObject> => {
    const { bytes } = await wire.send({ method: 'GET', path, headers: wire.headersFor({}, undefined, (text) => text), body: undefined })
    return JSON.parse(bytes.toString('utf8')) as JsonObject
  }
  const { groups } = (await get('/apis')) as unknown as { groups: readonly { versions: readonly { groupVersion: string }[] }[] }
  const versions = ['v1', ...groups.flatMap((group) => group.versions.map(({ groupVersion }) => groupVersion))]
  const found = new Map<string, { path: string; namespaced: boolean }>()
  for (const version of versions) {
    const base = version === 'v1' ? '/api/v1' : `/apis/${version}`
    const { resources } = (await get(base)) as unknown as {
      resources?: readonly { name: string; kind: string; namespaced: boolean }[]
    }
    for (const { name, kind, namespaced } of resources ?? [])
      if (!name.includes('/'))
        found.set(`${version}/${kind}`, { path: `${base}${namespaced ? '/namespaces/{ns}' : ''}/${name}`, namespaced })
  }
  return found
}
