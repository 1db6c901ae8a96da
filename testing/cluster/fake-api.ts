import { type BodySink, type Clock, type HttpHandler, type HttpResponse, nameSuffix, rfc3339, seededRandom, systemClock } from '#base'
import { type KubeObject, StatusError, statusError } from '#api'

/**
 * A small API in memory: any resource, get, list (paged), watch, create, update, merge patch, delete with finalizers, status. No defaults,
 * no validation, no admission. It is the place where faults are made; behaviour is tested against the real server.
 */
export interface FakeApi {
  readonly handler: HttpHandler
  /** All objects of a path's collection, for example `/api/v1/pods`. */
  objects(plural: string): readonly KubeObject[]
  /** Watches opened so far. */
  readonly watches: number
  /** Ends every open watch, as a restarted server would. */
  cutWatches(): void
  /** Versions up to now are forgotten: watches that start there are answered with 410. */
  compact(): void
}

export interface FakeApiOptions {
  readonly clock?: Clock
  readonly seed?: number
  /** Called for each watch frame. What it returns is sent instead: nothing, once, twice. `cut` ends the watch with 410. */
  readonly onFrame?: (frame: Uint8Array) => readonly Uint8Array[] | 'cut'
  /** Called for each request; a throw refuses it. */
  readonly onRequest?: (method: string, target: string) => void
}

type Stored = KubeObject & { spec?: unknown; status?: unknown }
type DeleteOptions = { readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string } }
interface Change {
  readonly version: number
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly plural: string
  readonly object: Stored
}

interface Target {
  readonly apiVersion: string
  readonly plural: string
  readonly namespace: string | undefined
  readonly name: string | undefined
  readonly subresource: string | undefined
  readonly query: URLSearchParams
}

function parseTarget(target: string): Target {
  const url = new URL(target, 'http://fake')
  const [root, ...rest] = url.pathname.split('/').filter((part) => part !== '')
  const apiVersion = root === 'api' ? (rest.shift() ?? '') : `${rest.shift() ?? ''}/${rest.shift() ?? ''}`
  const namespace = rest[0] === 'namespaces' && rest.length > 2 ? rest.splice(0, 2)[1] : undefined
  return { apiVersion, plural: rest[0] ?? '', namespace, name: rest[1], subresource: rest[2], query: url.searchParams }
}

function mergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const result: Record<string, unknown> = typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {}
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name]
    else result[name] = mergePatch(result[name], value)
  }
  return result
}

export function createFakeApi(options: FakeApiOptions = {}): FakeApi {
  const clock = options.clock ?? systemClock
  const random = seededRandom(options.seed ?? 1)
  const store = new Map<string, Stored>()
  const history: Change[] = []
  const watchers = new Set<{ readonly target: Target; readonly sink: BodySink }>()
  let version = 1
  let compacted = 0
  let watches = 0

  const idOf = (target: Target, name: string): string => `${target.plural}/${target.namespace ?? ''}/${name}`
  const groupOf = (target: Target): { group: string; plural: string } => ({
    group: target.apiVersion.includes('/') ? (target.apiVersion.split('/')[0] ?? '') : '',
    plural: target.plural,
  })
  const matches = (target: Target, plural: string, object: Stored): boolean =>
    plural === target.plural && (target.namespace === undefined || object.metadata?.namespace === target.namespace)

  function frame(type: string, object: unknown): Uint8Array {
    return Buffer.from(`${JSON.stringify({ type, object })}\n`)
  }
  function send(watcher: { readonly sink: BodySink }, bytes: Uint8Array): void {
    const frames = options.onFrame?.(bytes) ?? [bytes]
    if (frames === 'cut') {
      watcher.sink.write(frame('ERROR', statusError.expired('cut').status))
      watcher.sink.end()
    } else for (const one of frames) watcher.sink.write(one)
  }
  function commit(type: Change['type'], target: Target, object: Stored): Stored {
    version++
    const stored: Stored = structuredClone(object)
    stored.metadata = { ...stored.metadata, resourceVersion: String(version) }
    const id = idOf(target, stored.metadata.name ?? '')
    if (type === 'DELETED') store.delete(id)
    else store.set(id, stored)
    const change: Change = { version, type, plural: target.plural, object: stored }
    history.push(change)
    for (const watcher of watchers) if (matches(watcher.target, target.plural, stored)) send(watcher, frame(type, stored))
    return stored
  }

  function create(target: Target, body: Stored): Stored {
    const { namespace } = target
    const name = body.metadata?.name ?? `${body.metadata?.generateName ?? ''}${nameSuffix(random)}`
    if (store.has(idOf(target, name))) throw statusError.alreadyExists(groupOf(target), name)
    const metadata = {
      ...body.metadata,
      name,
      uid: random.uuid(),
      generation: 1,
      creationTimestamp: rfc3339(clock.now()),
      ...(namespace === undefined ? {} : { namespace }),
    }
    return commit('ADDED', target, { ...body, metadata })
  }

  function update(target: Target, name: string, body: Stored): Stored {
    const old = read(target, name)
    const given = body.metadata?.resourceVersion
    if (given !== undefined && given !== old.metadata?.resourceVersion)
      throw statusError.conflict(
        groupOf(target),
        name,
        'the object has been modified; please apply your changes to the latest version and try again',
      )
    if (body.metadata?.uid !== undefined && body.metadata.uid !== old.metadata?.uid)
      throw statusError.conflict(groupOf(target), name, 'the uid does not match')
    const next: Stored =
      target.subresource === 'status'
        ? { ...old, metadata: { ...old.metadata, annotations: body.metadata?.annotations }, status: body.status }
        : { ...body, ...(old.status === undefined ? {} : { status: target.plural === 'pods' ? body.status : old.status }) }
    const specChanged = JSON.stringify(next.spec) !== JSON.stringify(old.spec)
    next.metadata = {
      ...next.metadata,
      uid: old.metadata?.uid,
      creationTimestamp: old.metadata?.creationTimestamp,
      deletionTimestamp: old.metadata?.deletionTimestamp,
      generation: (old.metadata?.generation ?? 1) + (specChanged ? 1 : 0),
    }
    if (next.metadata.deletionTimestamp !== undefined && (next.metadata.finalizers ?? []).length === 0)
      return commit('DELETED', target, next)
    const bare = (object: Stored): string => JSON.stringify({ ...object, metadata: { ...object.metadata, resourceVersion: '' } })
    return bare(next) === bare(old) ? old : commit('MODIFIED', target, next)
  }

  function remove(target: Target, name: string, body: Stored & DeleteOptions): Stored {
    const old = read(target, name)
    const { uid, resourceVersion } = body.preconditions ?? {}
    if (
      (uid ?? old.metadata?.uid) !== old.metadata?.uid ||
      (resourceVersion ?? old.metadata?.resourceVersion) !== old.metadata?.resourceVersion
    )
      throw statusError.conflict(groupOf(target), name, 'the precondition does not hold')
    if ((old.metadata?.finalizers ?? []).length === 0) return commit('DELETED', target, old)
    if (old.metadata?.deletionTimestamp !== undefined) return old
    return commit('MODIFIED', target, { ...old, metadata: { ...old.metadata, deletionTimestamp: rfc3339(clock.now()) } })
  }

  function read(target: Target, name: string): Stored {
    const found = store.get(idOf(target, name))
    if (found === undefined) throw statusError.notFound(groupOf(target), name)
    return found
  }

  function list(target: Target): object {
    const all = [...store.entries()]
      .filter(([id, object]) => matches(target, id.split('/')[0] ?? '', object))
      .sort(([a], [b]) => (a < b ? -1 : 1))
    const start = Number(target.query.get('continue') ?? 0)
    const limit = Number(target.query.get('limit') ?? all.length)
    const more = start + limit < all.length ? { continue: String(start + limit) } : {}
    return {
      kind: 'List',
      apiVersion: target.apiVersion,
      metadata: { resourceVersion: String(version), ...more },
      items: all.slice(start, start + limit).map(([, object]) => object),
    }
  }

  function watch(target: Target): HttpResponse {
    watches++
    const from = Number(target.query.get('resourceVersion'))
    if (from < compacted) throw statusError.expired(`too old resource version: ${from} (${compacted})`)
    return {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: {
        kind: 'stream',
        start: (sink) => {
          const watcher = { target, sink }
          for (const change of history)
            if (change.version > from && matches(target, change.plural, change.object)) send(watcher, frame(change.type, change.object))
          watchers.add(watcher)
          sink.onClose(() => watchers.delete(watcher))
        },
      },
    }
  }

  const json = (status: number, value: unknown): HttpResponse => ({
    status,
    headers: { 'content-type': 'application/json' },
    body: { kind: 'bytes', chunks: [Buffer.from(JSON.stringify(value))] },
  })

  async function handle(method: string, target: Target, body: () => Promise<Stored>): Promise<HttpResponse> {
    const { name } = target
    if (method === 'GET' && name !== undefined) return json(200, read(target, name))
    if (method === 'GET') return target.query.has('watch') ? watch(target) : json(200, list(target))
    if (method === 'POST' && name === undefined) return json(201, create(target, await body()))
    if (name === undefined) throw statusError.methodNotAllowed(groupOf(target), method)
    if (method === 'PUT') return json(200, update(target, name, await body()))
    if (method === 'PATCH') {
      const patch = await body()
      return json(200, update(target, name, mergePatch(read(target, name), patch) as Stored))
    }
    if (method === 'DELETE') return json(200, remove(target, name, await body()))
    throw statusError.methodNotAllowed(groupOf(target), method)
  }

  return {
    get watches() {
      return watches
    },
    objects: (plural) => [...store.entries()].filter(([id]) => id.startsWith(`${plural}/`)).map(([, object]) => object),
    cutWatches: () => {
      for (const { sink } of watchers) sink.end()
    },
    compact: () => {
      compacted = version
    },
    handler: async (request) => {
      try {
        options.onRequest?.(request.method, request.target)
        return await handle(request.method, parseTarget(request.target), async () =>
          JSON.parse(Buffer.from(await request.readBody(1 << 22)).toString('utf8') || '{}'),
        )
      } catch (error) {
        if (!(error instanceof StatusError)) throw error
        return { ...json(error.httpStatus, error.status), headers: { 'content-type': 'application/json', ...error.headers } }
      }
    },
  }
}
