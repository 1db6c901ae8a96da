import type { Scope } from '#base'
import { type KubeList, type KubeObject, type ResourceRef, apiVersionOf } from '#api'
import type {
  Client,
  ListOptions,
  ObjectName,
  Patch,
  RawAnswer,
  RawRequest,
  ResourceClient,
  StreamAnswer,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from './client.ts'
import { BadAnswer, refusalOf, refusalOfFrame } from './errors.ts'
import { queryOf, resourcePath } from './paths.ts'
import { retryDelayMs } from './retry.ts'
import type { Transport, TransportAnswer, TransportRequest } from './transport.ts'
import { type RawFrame, framesOf, parseFrame } from './watch/frames.ts'

export interface ClientOptions {
  readonly transport: Transport
  /** Recorded as the manager of the fields that are written, where a call does not name another. */
  readonly fieldManager?: string
}

const JSON_TYPE = 'application/json'
const METADATA_TYPE = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json'
const METADATA_LIST_TYPE = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json'

const PATCH_TYPES: Readonly<Record<Patch['type'], string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
}

export function createClient(options: ClientOptions): Client {
  const { transport } = options
  const manager = options.fieldManager

  /** Sends until an answer stands; throws the refusal of one that is not 2xx. */
  async function call(scope: Scope, request: TransportRequest): Promise<TransportAnswer> {
    for (let tries = 0; ; tries++) {
      const answer = await transport.send(scope, request)
      if (answer.status >= 200 && answer.status < 300) return answer
      const delayMs = retryDelayMs(request.method, answer.status, answer.headers['retry-after'], tries)
      const body = Buffer.from(await answer.bytes()).toString('utf8')
      if (delayMs === undefined) throw refusalOf(answer.status, answer.headers, body)
      await scope.sleep(delayMs)
    }
  }

  async function callJson<R>(
    scope: Scope,
    method: string,
    target: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<R> {
    const answer = await call(scope, {
      method,
      target,
      headers: { accept: JSON_TYPE, ...(body === undefined ? {} : { 'content-type': JSON_TYPE }), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    })
    return jsonOf<R>(await answer.bytes(), `${method} ${target}`)
  }

  function writeQuery(write: WriteOptions | undefined): Parameters<typeof queryOf>[0] {
    return { fieldManager: write?.fieldManager ?? manager, dryRun: write?.dryRun ? 'All' : undefined, force: write?.force }
  }

  function resource<T extends KubeObject>(ref: ResourceRef<T>, metadataOnly = false): ResourceClient<T> {
    const typed = <O extends KubeObject>(object: O): O => ({ ...object, apiVersion: apiVersionOf(ref), kind: ref.kind })
    const pathOf = (name: ObjectName, subresource?: string): string => resourcePath(ref, name.namespace, name.name, subresource)
    const accept = { accept: metadataOnly ? METADATA_TYPE : JSON_TYPE }
    return {
      ref,
      get: (scope, name) => callJson<T>(scope, 'GET', pathOf(name), undefined, accept),
      list: async (scope, list = {}) => {
        const answer = await callJson<Omit<KubeList<T>, 'items'> & { items: T[] | null }>(
          scope,
          'GET',
          resourcePath(ref, list.namespace) + queryOf(listQuery(list)),
          undefined,
          { accept: metadataOnly ? METADATA_LIST_TYPE : JSON_TYPE },
        )
        // Servers written in Go say null of an empty list in some forms.
        return { ...answer, items: answer.items ?? [] }
      },
      watch: (scope, watch) =>
        watchEvents<T>(
          scope,
          transport,
          {
            method: 'GET',
            target: resourcePath(ref, watch.namespace) + queryOf(watchQuery(watch)),
            headers: accept,
          },
          watch.read,
        ),
      create: (scope, object, write) => {
        const { namespace, name } = object.metadata ?? {}
        const path =
          write?.subresource === undefined ? resourcePath(ref, namespace) : pathOf({ namespace, name: name ?? '' }, write.subresource)
        return callJson<T>(scope, 'POST', path + queryOf(writeQuery(write)), typed(object))
      },
      update: (scope, object, write) => {
        const { namespace, name } = object.metadata ?? {}
        return callJson<T>(
          scope,
          'PUT',
          pathOf({ namespace, name: name ?? '' }, write?.subresource) + queryOf(writeQuery(write)),
          typed(object),
        )
      },
      patch: (scope, name, patch, write) =>
        callJson<T>(scope, 'PATCH', pathOf(name, write?.subresource) + queryOf(writeQuery(write)), patch.body, {
          'content-type': PATCH_TYPES[patch.type],
        }),
      delete: async (scope, name, asked) => {
        await callJson<unknown>(scope, 'DELETE', pathOf(name), asked === undefined ? undefined : deleteBody(asked))
      },
      deleteCollection: async (scope, selection, asked) => {
        await callJson<unknown>(
          scope,
          'DELETE',
          resourcePath(ref, selection.namespace) + queryOf(listQuery(selection)),
          asked === undefined ? undefined : deleteBody(asked),
        )
      },
      subresource: <S>(
        scope: Scope,
        name: ObjectName,
        subresource: string,
        write: { readonly verb: 'create' | 'update' | 'get'; readonly body?: unknown },
      ) => callJson<S>(scope, SUBRESOURCE_METHODS[write.verb], pathOf(name, subresource), write.body),
    }
  }

  const rawRequest = (request: RawRequest): TransportRequest => ({
    method: request.method,
    target: request.path,
    headers: request.headers ?? {},
    body: request.body,
  })
  return {
    resource: (ref) => resource(ref),
    metadata: (ref) => resource<KubeObject>(ref, true),
    raw: async (scope, request): Promise<RawAnswer> => {
      const answer = await call(scope, rawRequest(request))
      return { status: answer.status, headers: answer.headers, body: await answer.bytes() }
    },
    stream: async (scope, request): Promise<StreamAnswer> => {
      const answer = await call(scope, rawRequest(request))
      return { status: answer.status, headers: answer.headers, chunks: answer.chunks(), discard: answer.discard }
    },
    close: () => transport.close(),
  }
}

const SUBRESOURCE_METHODS = { create: 'POST', update: 'PUT', get: 'GET' } as const

function listQuery(list: ListOptions): Parameters<typeof queryOf>[0] {
  return {
    labelSelector: list.labelSelector,
    fieldSelector: list.fieldSelector,
    resourceVersion: list.resourceVersion,
    resourceVersionMatch: list.resourceVersionMatch,
    limit: list.limit,
    continue: list.continue,
  }
}

function watchQuery(watch: WatchOptions): Parameters<typeof queryOf>[0] {
  return {
    watch: true,
    labelSelector: watch.labelSelector,
    fieldSelector: watch.fieldSelector,
    resourceVersion: watch.resourceVersion,
    allowWatchBookmarks: watch.allowBookmarks,
    timeoutSeconds: watch.timeoutSeconds,
    ...(watch.sendInitialEvents ? { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' } : {}),
  }
}

function deleteBody(asked: object): object {
  return { kind: 'DeleteOptions', apiVersion: 'v1', ...asked }
}

/** The protocol's types are taken on trust here, once: the server has validated what it stores. */
function jsonOf<R>(bytes: Uint8Array, what: string): R {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'))
  } catch (cause) {
    throw new BadAnswer(`the answer to ${what} is not JSON`, { cause })
  }
}

async function* watchEvents<T extends KubeObject>(
  scope: Scope,
  transport: Transport,
  request: TransportRequest,
  read: (frame: Uint8Array) => RawFrame = parseFrame,
): AsyncGenerator<WatchEvent<T>> {
  const answer = await transport.send(scope, request)
  if (answer.status !== 200) throw refusalOf(answer.status, answer.headers, Buffer.from(await answer.bytes()).toString('utf8'))
  try {
    for await (const frame of framesOf(answer.chunks())) {
      const { type, object } = read(frame)
      if (type === 'ERROR') throw refusalOfFrame(object)
      yield eventOf<T>(type, object)
    }
  } finally {
    answer.discard()
  }
}

function eventOf<T extends KubeObject>(type: string, object: unknown): WatchEvent<T> {
  if (type !== 'ADDED' && type !== 'MODIFIED' && type !== 'DELETED' && type !== 'BOOKMARK')
    throw new BadAnswer(`a watch frame has the unknown type ${type}`)
  if (typeof object !== 'object' || object === null) throw new BadAnswer('a watch frame has no object')
  return { type, object: object as T }
}
