import { type ApiServer, type ApiServerOptions, type Authenticator, type Authorizer, createApiServer, selfSubjectReview } from '#apiserver'
import { type HttpResponse, type RootOptions, type Scope, rootScope } from '#base'
import { builtInResources } from '#api'
import { type Engine, openMemoryStore } from '#store'

/** The real API server over a memory store, for one test: everybody is an administrator, and the handler is called as a function. */
export interface TestApiServer {
  readonly scope: Scope
  readonly engine: Engine
  readonly server: ApiServer
  request(method: string, target: string, options?: TestRequest): Promise<TestAnswer>
  /** Opens a watch and hands its events over as they come. */
  watch(target: string, options?: TestRequest): Promise<TestWatch>
  close(): Promise<void>
}

export interface TestRequest {
  /** A string is sent as it is, anything else as JSON. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface TestAnswer {
  readonly status: number
  readonly headers: HttpResponse['headers']
  readonly text: string
  /** The body as JSON. */
  readonly body: Json
}
/** Tests look into answers of every shape. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Json = any

export interface TestWatch {
  readonly status: number
  /** The next event; undefined when the watch has ended. */
  next(): Promise<Json>
  /** Events that have come and were not taken. */
  readonly pending: readonly Json[]
  cancel(): void
}

const everybody: Authenticator = {
  name: 'everybody',
  authenticate: () => ({ name: 'admin', groups: ['system:masters', 'system:authenticated'], extra: {} }),
}
const everything: Authorizer = { name: 'everything', authorize: () => ({ kind: 'allow', reason: '' }) }

export async function testApiServer(options: Partial<ApiServerOptions> & { readonly root?: RootOptions } = {}): Promise<TestApiServer> {
  const scope = rootScope(options.root)
  const engine = options.engine ?? openMemoryStore(scope)
  const server = createApiServer(scope, {
    engine,
    resources: builtInResources(),
    authenticators: [everybody],
    authorizers: [everything],
    virtual: [selfSubjectReview],
    ...options,
  })
  await server.ready
  const call = (method: string, target: string, request: TestRequest, signal: AbortSignal): Promise<HttpResponse> => {
    const { body } = request
    const bytes = body === undefined ? new Uint8Array(0) : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
    return server.handler({
      method,
      target,
      headers: { 'user-agent': 'test/1.0', ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...request.headers },
      readBody: () => Promise.resolve(bytes),
      bodyStream: (async function* () {
        yield bytes
      })(),
      peer: { address: '', inProcess: true },
      signal,
    })
  }
  return {
    scope,
    engine,
    server,
    async request(method, target, request = {}) {
      const answer = await call(method, target, request, new AbortController().signal)
      const text = Buffer.concat(await collected(answer)).toString()
      return {
        status: answer.status,
        headers: answer.headers,
        text,
        body: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : undefined,
      }
    },
    async watch(target, request = {}) {
      const controller = new AbortController()
      return openWatch(await call('GET', target, request, controller.signal), () => controller.abort())
    },
    async close() {
      server.close()
      scope.cancel()
      await engine.close()
    },
  }
}

function collected({ body }: HttpResponse): Promise<readonly Uint8Array[]> {
  if (body.kind === 'bytes') return Promise.resolve(body.chunks)
  if (body.kind !== 'stream') return Promise.resolve([])
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = []
    body.start({
      write: (chunk) => chunks.push(chunk) > 0,
      bufferedBytes: 0,
      onDrain: () => undefined,
      onClose: () => undefined,
      end: () => resolve(chunks),
      destroy: (error) => reject(error ?? new Error('the answer was broken off')),
    })
  })
}

function openWatch(answer: HttpResponse, cancel: () => void): TestWatch {
  const pending: Json[] = []
  const waiting: ((event: Json) => void)[] = []
  const closers: (() => void)[] = []
  let ended = false
  let rest = ''
  const deliver = (event: Json): void => {
    const taker = waiting.shift()
    if (taker === undefined) pending.push(event)
    else taker(event)
  }
  const end = (): void => {
    ended = true
    for (const taker of waiting.splice(0)) taker(undefined)
    for (const run of closers.splice(0)) run()
  }
  if (answer.body.kind === 'stream') {
    answer.body.start({
      write: (chunk) => {
        const lines = (rest + Buffer.from(chunk).toString()).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) deliver(JSON.parse(line))
        return true
      },
      bufferedBytes: 0,
      onDrain: () => undefined,
      onClose: (run) => void (ended ? run() : closers.push(run)),
      end,
      destroy: end,
    })
  } else end()
  return {
    status: answer.status,
    pending,
    next: () =>
      pending.length > 0
        ? Promise.resolve(pending.shift())
        : ended
          ? Promise.resolve(undefined)
          : new Promise((resolve) => waiting.push(resolve)),
    cancel: () => {
      cancel()
      end()
    },
  }
}
