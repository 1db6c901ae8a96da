import assert from 'node:assert/strict'
import { type RequestOptions, request } from 'node:https'
import { after, before, describe, test } from 'node:test'
import { type HttpHandler, type KeyPair, ReplaceableIdentity, createAuthority, issueLeaf, rootScope } from '#base'
import { createClient, inProcessTransport } from '#client'
import { MemoryRuntime } from '../cri/memory/memory-runtime.ts'
import type { NodeAgent } from '../node-agent.ts'
import { startNodeServer } from './node-server.ts'

const DAY_MS = 86_400_000
const PATHS = [
  '/healthz',
  '/pods',
  '/runningpods/',
  '/stats/summary',
  '/metrics',
  '/metrics/cadvisor',
  '/metrics/resource',
  '/metrics/probes',
  '/containerLogs/shop/web/app',
  '/exec/shop/web/app?command=id',
  '/attach/shop/web/app',
  '/portForward/shop/web',
  '/run/shop/web/app?cmd=id',
  '/storage/volumes',
  '/checkpoint/shop/web/app',
  '/debug/pprof/heap',
  '/configz',
  '/logs/',
  '/nowhere',
]

interface Answer {
  readonly status: number
  readonly text: string
}

describe("a node's own API", () => {
  let scope: ReturnType<typeof rootScope>
  let authority: KeyPair
  let port: number
  const asked: string[] = []

  /** Tokens are users of that name; `operator` may all, `reader` may only see measurements. */
  const api: HttpHandler = async ({ target, readBody }) => {
    const { spec } = JSON.parse(Buffer.from(await readBody(2 ** 20)).toString())
    const kind = target.split('?')[0]?.split('/').at(-1) ?? ''
    asked.push(kind)
    const status =
      kind === 'tokenreviews'
        ? { authenticated: spec.token !== 'nobody', user: { username: spec.token } }
        : { allowed: spec.user === 'operator' || (spec.user === 'reader' && spec.resourceAttributes.subresource === 'metrics') }
    return {
      status: 201,
      headers: { 'content-type': 'application/json' },
      body: { kind: 'bytes', chunks: [Buffer.from(JSON.stringify({ status }))] },
    }
  }
  const call = (
    path: string,
    options: RequestOptions & { readonly token?: string; readonly send?: (write: (chunk: Buffer) => boolean) => void } = {},
  ): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const { token, send, ...rest } = options
      const headers = { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...rest.headers }
      const sent = request({ host: '127.0.0.1', port, path, rejectUnauthorized: false, agent: false, ...rest, headers }, (answer) => {
        let text = ''
        answer
          .setEncoding('utf8')
          .on('data', (chunk: string) => void (text += chunk))
          .on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
      })
      sent.on('error', reject)
      if (send === undefined) sent.end()
      else send((chunk) => sent.write(chunk))
    })

  before(async () => {
    scope = rootScope()
    authority = await createAuthority(scope, 'test', DAY_MS)
    const serving = await issueLeaf(scope, authority, {
      subject: { commonName: 'node' },
      usages: ['serverAuth'],
      names: ['127.0.0.1'],
      lifetimeMs: DAY_MS,
    })
    const agent = {
      settings: { nodeName: 'n1' },
      runtime: new MemoryRuntime(),
      pods: { workers: [], byName: () => undefined },
      probes: { families: () => [] },
    } as unknown as NodeAgent
    const client = createClient({ transport: inProcessTransport(api) })
    const identity = new ReplaceableIdentity(serving)
    ;({ port } = await startNodeServer(scope, client, agent, {
      address: '127.0.0.1',
      port: 0,
      identity,
      clientCa: authority.certificate,
      rootDir: '/nowhere',
    }))
  })
  after(() => scope.cancel())

  for (const path of PATHS) {
    test(`${path} is nobody's without a token or a certificate`, async () => assert.equal((await call(path)).status, 401))
    test(`${path} is not for whom the API server does not know`, async () =>
      assert.equal((await call(path, { token: 'nobody' })).status, 401))
  }

  test('nor for whom another authority vouches', async () => {
    const other = await createAuthority(scope, 'test', DAY_MS)
    const subject = { commonName: 'operator', organizations: ['system:masters'] }
    const { certificate, key } = await issueLeaf(scope, other, { subject, usages: ['clientAuth'], lifetimeMs: DAY_MS })
    assert.equal((await call('/pods', { cert: certificate, key })).status, 401)
  })

  test('a certificate of the cluster is enough to be known', async () => {
    const { certificate, key } = await issueLeaf(scope, authority, {
      subject: { commonName: 'operator' },
      usages: ['clientAuth'],
      lifetimeMs: DAY_MS,
    })
    for (const path of ['/pods', '/runningpods/'])
      assert.deepEqual(JSON.parse((await call(path, { cert: certificate, key })).text).items, [])
  })

  test('a command may be as long as the API server lets it be', async () => {
    const path = `/exec/shop/web/app?command=echo&command=${'a'.repeat(200_000)}`
    assert.equal((await call(path)).status, 401)
  })

  test('who may see measurements may see nothing else, in whatever spelling', async () => {
    assert.equal((await call('/metrics/probes', { token: 'reader' })).status, 200)
    for (const path of [
      '/pods',
      '/%6detrics/../pods',
      '/metrics/../pods',
      '/metrics/%2e%2e/pods',
      '//metrics/../pods',
      '/%6detrics/probes',
      '/metrics%2f..%2fpods',
      '/run/shop/web/app?cmd=id',
    ])
      assert.equal((await call(path, { token: 'reader' })).status, 403, path)
    const { text } = await call('/pods', { token: 'reader' })
    assert.match(text, /user=reader, verb=get, resource=nodes, subresource\(s\)=\[pods proxy\]/)
  })

  test('there is nothing to debug it by, and no checkpoint that would fill the disk', async () => {
    for (const path of ['/debug/pprof/heap', '/debug/flags/v', '/configz', '/logs/', '/checkpoint/shop/web/app', '/nowhere'])
      assert.equal((await call(path, { token: 'operator' })).status, 404, path)
    assert.equal((await call('/checkpoint/shop/web/app', { token: 'operator', method: 'POST' })).status, 404)
  })

  test('a path that is not one is an error of who asks', async () =>
    assert.equal((await call('/containerLogs/%ff/web/app', { token: 'operator' })).status, 400))

  test('who is nobody is answered before he has sent what he says he will, and is not asked about again and again', async () => {
    const before = asked.length
    const headers = { 'content-length': String(2 ** 40) }
    assert.equal(
      (await call('/exec/shop/web/app', { method: 'POST', headers, send: (write) => void write(Buffer.alloc(1024)) })).status,
      401,
    )
    assert.equal(asked.length, before)
  })
})
