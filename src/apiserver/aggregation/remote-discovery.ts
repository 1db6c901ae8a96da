import type { IncomingMessage } from 'node:http'
import { type Scope, messageOf } from '#base'
import { deepEqual } from '#api'
import { type OpenApiPart, partBelow } from './merge-openapi.ts'
import type { RemoteDialler } from './remote-dialler.ts'
import type { RemoteService, RemoteServices } from './remote-services.ts'
import { userHeaders } from './user-headers.ts'

/** A version of a group of another server, as aggregated discovery announces it. */
export interface DiscoveredVersion {
  readonly version: string
  /** Absent when it was never said. */
  readonly resources?: readonly unknown[]
  readonly freshness: 'Current' | 'Stale'
}

interface Said {
  readonly status: number
  readonly body: unknown
  readonly etag: string | undefined
}

const ASK_MS = 5000
const MOST_BYTES = 4 * 1024 * 1024
const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json'
const ASKER = { name: 'system:kube-aggregator', groups: ['system:masters'], extra: {} }

/** What the other servers say that they serve, as they last said it. */
export class RemoteDiscovery {
  readonly #scope: Scope
  readonly #dialler: RemoteDialler
  readonly #services: RemoteServices
  readonly #known = new Map<string, { readonly resources: readonly unknown[]; readonly openApi: string | undefined }>()
  readonly #parts = new Map<string, { readonly etag: string | undefined; readonly part: OpenApiPart }>()
  #version = 0

  constructor(scope: Scope, dialler: RemoteDialler, services: RemoteServices) {
    this.#scope = scope
    this.#dialler = dialler
    this.#services = services
  }

  /** Rises when something that is announced changes. */
  get version(): number {
    return this.#version
  }

  versionOf(service: RemoteService): DiscoveredVersion {
    const known = this.#known.get(service.name)
    const isCurrent = service.isAvailable && known !== undefined
    const resources = known?.resources
    return { version: service.version, ...(resources && { resources }), freshness: isCurrent ? 'Current' : 'Stale' }
  }

  /** Where the server has its OpenAPI document of the version: path and query, as it names them. */
  openApiOf({ name, isAvailable }: RemoteService): string | undefined {
    return isAvailable ? this.#known.get(name)?.openApi : undefined
  }

  /** What the server says of its paths in OpenAPI version 2. */
  partOf({ name, isAvailable }: RemoteService): OpenApiPart | undefined {
    return isAvailable ? this.#parts.get(name)?.part : undefined
  }

  /** Asks a server what it serves now. Never rejects. */
  async refresh(service: RemoteService): Promise<void> {
    try {
      const said = { resources: await this.#ask(service), openApi: await this.#askOpenApi(service) }
      for (const name of this.#known.keys()) {
        if (this.#services.all().some((one) => one.name === name)) continue
        this.#known.delete(name)
        this.#parts.delete(name)
      }
      if (await this.#askPart(service)) this.#version++
      if (JSON.stringify(this.#known.get(service.name)) === JSON.stringify(said)) return
      this.#known.set(service.name, said)
      this.#version++
    } catch (error) {
      if (!this.#scope.signal.aborted)
        this.#scope.log.warn('an aggregated server does not say what it serves', { service: service.name, error: messageOf(error) })
    }
  }

  async #ask(service: RemoteService): Promise<readonly unknown[]> {
    const whole = await this.#get(service, '/apis', AGGREGATED)
    const found = resourcesIn(whole, service)
    if (found !== undefined) return found
    const list = await this.#get(service, `/apis/${service.group}/${service.version}`, 'application/json')
    if (list === undefined) throw new Error('it has no list of resources')
    return fromResourceList(list)
  }

  /** Only a place on this server's own path is one that clients are sent to. */
  async #askOpenApi(service: RemoteService): Promise<string | undefined> {
    const path = `apis/${service.group}/${service.version}`
    const index = await this.#get(service, '/openapi/v3', 'application/json')
    const paths = isObject(index) && isObject(index['paths']) ? index['paths'] : {}
    const entry = Object.hasOwn(paths, path) ? paths[path] : undefined
    const url = isObject(entry) ? entry['serverRelativeURL'] : undefined
    return typeof url === 'string' && (url === `/openapi/v3/${path}` || url.startsWith(`/openapi/v3/${path}?`)) ? url : undefined
  }

  /** Its document of everything, of which only what is its own is kept. Whether that has changed. */
  async #askPart(service: RemoteService): Promise<boolean> {
    const known = this.#parts.get(service.name)
    const further = known?.etag === undefined ? {} : { 'if-none-match': known.etag }
    const { status, body, etag } = await this.#send(service, '/openapi/v2', 'application/json', further)
    if (status !== 200) return false
    const part = partBelow(body, `/apis/${service.group}/${service.version}`)
    this.#parts.set(service.name, { etag, part })
    return known === undefined || !deepEqual(known.part, part)
  }

  async #get(service: RemoteService, path: string, accept: string): Promise<unknown> {
    const { status, body } = await this.#send(service, path, accept)
    return status === 200 ? body : undefined
  }

  async #send(service: RemoteService, path: string, accept: string, further: Readonly<Record<string, string>> = {}): Promise<Said> {
    const own = this.#scope.child({ timeoutMs: ASK_MS })
    try {
      const found = await this.#dialler.send(own, service, { method: 'GET', path, headers: { accept, ...further, ...userHeaders(ASKER) } })
      if (found.kind === 'upgraded') {
        found.socket.destroy()
        return { status: 101, body: undefined, etag: undefined }
      }
      const text = await textOf(found.answer)
      const { statusCode: status = 0 } = found.answer
      const { etag } = found.answer.headers
      return { status, body: status === 200 ? JSON.parse(text) : undefined, etag }
    } finally {
      own.cancel()
    }
  }
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MOST_BYTES) throw new Error('the answer is too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const listIn = (value: unknown, field: string): readonly unknown[] => {
  const list = isObject(value) ? value[field] : undefined
  return Array.isArray(list) ? list : []
}

function resourcesIn(document: unknown, { group, version }: RemoteService): readonly unknown[] | undefined {
  if (!isObject(document) || document['kind'] !== 'APIGroupDiscoveryList') return undefined
  const ofGroup = listIn(document, 'items').find(
    (item) => isObject(item) && isObject(item['metadata']) && item['metadata']['name'] === group,
  )
  const ofVersion = listIn(ofGroup, 'versions').find((one) => isObject(one) && one['version'] === version)
  return ofVersion === undefined ? undefined : listIn(ofVersion, 'resources')
}

/** The older form, in which subresources stand beside their resources. */
function fromResourceList(document: unknown): readonly unknown[] {
  const entries = listIn(document, 'resources').filter(isObject)
  const kindOf = ({ group = '', version = '', kind = '' }: Readonly<Record<string, unknown>>): unknown => ({ group, version, kind })
  const nameOf = (entry: Readonly<Record<string, unknown>>): string => String(entry['name'] ?? '')
  return entries
    .filter((entry) => !nameOf(entry).includes('/'))
    .map((entry) => {
      const below = entries.filter((other) => nameOf(other).startsWith(`${nameOf(entry)}/`))
      return {
        resource: nameOf(entry),
        responseKind: kindOf(entry),
        scope: entry['namespaced'] === true ? 'Namespaced' : 'Cluster',
        singularResource: entry['singularName'] ?? '',
        verbs: listIn(entry, 'verbs'),
        ...(listIn(entry, 'shortNames').length === 0 ? {} : { shortNames: listIn(entry, 'shortNames') }),
        ...(listIn(entry, 'categories').length === 0 ? {} : { categories: listIn(entry, 'categories') }),
        ...(below.length === 0
          ? {}
          : {
              subresources: below.map((other) => ({
                subresource: nameOf(other).slice(nameOf(entry).length + 1),
                responseKind: kindOf(other),
                verbs: listIn(other, 'verbs'),
              })),
            }),
      }
    })
}
