import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { type TestContext, describe, it } from 'node:test'
import type { core } from '#api'
import { type TestApiServer, testApiServer } from '#testing'
import { createAuthority, issueLeaf, rootScope } from '#base'
import { listen } from '../http/listener.ts'
import { chosenContainer } from './pod-container.ts'
import { nodeAddress } from './node-address.ts'
import { proxyName } from './proxy-target.ts'
import { streamSpecials } from './stream-specials.ts'

const YEAR_MS = 365 * 86_400_000
const POD = '/api/v1/namespaces/default/pods/p'

interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly client: string | undefined
}
type Answer = (request: IncomingMessage, socket: Duplex) => void

interface World {
  readonly api: TestApiServer
  readonly seen: Seen[]
  /** What the node does with an upgrade. */
  onUpgrade: Answer
  onRequest: (request: IncomingMessage, response: ServerResponse) => void
  /** Asks the API server over a socket to leave HTTP. */
  upgrade(
    path: string,
    headers?: Record<string, string>,
    method?: string,
  ): Promise<{ readonly status: number; readonly text: string; readonly socket?: Duplex; readonly head?: IncomingMessage }>
}

async function world(
  t: TestContext,
  options: { readonly foreignNode?: boolean; readonly loopback?: boolean; readonly denied?: string } = {},
): Promise<World> {
  const scope = rootScope()
  const authority = await createAuthority(scope, 'test', YEAR_MS)
  const other = options.foreignNode ? await createAuthority(scope, 'other', YEAR_MS) : authority
  const leaf = (commonName: string, usage: 'clientAuth' | 'serverAuth', by = authority) =>
    issueLeaf(scope, by, { subject: { commonName }, usages: [usage], names: ['127.0.0.1'], lifetimeMs: YEAR_MS })
  const [ours, nodes, own] = await Promise.all([
    leaf('apiserver-client', 'clientAuth'),
    leaf('n', 'serverAuth', other),
    leaf('apiserver', 'serverAuth'),
  ])
  const seen: Seen[] = []
  const node = https.createServer({ cert: nodes.certificate, key: nodes.key, ca: authority.certificate, requestCert: true })
  const note = (request: IncomingMessage): void =>
    void seen.push({
      method: request.method ?? '',
      url: request.url ?? '',
      headers: request.headers,
      client: (request.socket as TLSSocket).getPeerX509Certificate()?.subject,
    })
  const answers: Pick<World, 'onUpgrade' | 'onRequest'> = {
    onUpgrade: (_request, socket) => void socket.destroy(),
    onRequest: (_request, response) => void response.end('the log\n'),
  }
  node.on('request', (request, response) => {
    note(request)
    answers.onRequest(request, response)
  })
  node.on('upgrade', (request, socket) => {
    note(request)
    answers.onUpgrade(request, socket)
  })
  await new Promise<void>((resolve) => node.listen(0, '127.0.0.1', resolve))
  const api = await testApiServer({
    specials: streamSpecials({
      credentials: { ...ours, authority: authority.certificate },
      ...(options.loopback === false ? {} : { isAllowed: () => true }),
    }),
    authorizers: [
      {
        name: 'all but',
        authorize: (_scope, { verb, subresource }) =>
          subresource === 'exec' && verb === options.denied ? { kind: 'deny', reason: '' } : { kind: 'allow', reason: '' },
      },
    ],
  })
  const listener = await listen(scope, {
    handler: api.server.handler,
    port: 0,
    address: '127.0.0.1',
    certificate: own.certificate,
    key: own.key,
  })
  t.after(async () => {
    node.close()
    node.closeAllConnections()
    await Promise.all([listener.close(0), api.close()])
  })
  await api.request('POST', '/api/v1/nodes', { body: { metadata: { name: 'n' } } })
  const status = {
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    daemonEndpoints: { kubeletEndpoint: { Port: (node.address() as AddressInfo).port } },
  }
  const placed = await api.request('PATCH', '/api/v1/nodes/n/status', {
    body: { status },
    headers: { 'content-type': 'application/merge-patch+json' },
  })
  assert.equal(placed.status, 200, placed.text)
  const pod = await api.request('POST', '/api/v1/namespaces/default/pods', {
    body: { metadata: { name: 'p' }, spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] } },
  })
  assert.equal(pod.status, 201, pod.text)
  return Object.assign(answers, {
    api,
    seen,
    upgrade: (path: string, headers: Record<string, string> = {}, method = 'POST'): ReturnType<World['upgrade']> =>
      new Promise((resolve, reject) => {
        const asked = https.request({
          host: '127.0.0.1',
          port: listener.port,
          method,
          path,
          agent: false,
          rejectUnauthorized: false,
          headers: { connection: 'Upgrade', upgrade: 'SPDY/3.1', ...headers },
        })
        asked.on('upgrade', (head, socket) => resolve({ status: 101, text: '', socket, head }))
        asked.on('response', (answer) => {
          let text = ''
          answer.on('data', (chunk) => (text += chunk))
          answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
        })
        asked.on('error', reject)
        asked.end()
      }),
  })
}

describe('a log', { timeout: 20_000 }, () => {
  it('is asked of the node under the identity of the API server alone', async (t) => {
    const { api, seen } = await world(t)
    const answer = await api.request('GET', `${POD}/log?tailLines=3&follow=false&limitBytes=10`, {
      headers: { authorization: 'Bearer secret', cookie: 'a=b' },
    })
    assert.equal(answer.text, 'the log\n')
    assert.equal(seen[0]?.url, '/containerLogs/default/p/c?tailLines=3&limitBytes=10')
    assert.equal(seen[0]?.client, 'CN=apiserver-client')
    assert.equal(seen[0]?.headers.authorization, undefined)
    assert.equal(seen[0]?.headers.cookie, undefined)
  })

  it('comes in messages over a WebSocket, in the form that was asked for', async (t) => {
    const there = await world(t)
    const read = async (protocol: string | undefined): Promise<{ readonly bytes: string; readonly agreed: string | undefined }> => {
      const { socket, head } = await there.upgrade(
        `${POD}/log`,
        {
          upgrade: 'websocket',
          'sec-websocket-version': '13',
          'sec-websocket-key': Buffer.alloc(16).toString('base64'),
          ...(protocol === undefined ? {} : { 'sec-websocket-protocol': protocol }),
        },
        'GET',
      )
      assert.ok(socket !== undefined)
      const expected = protocol === 'base64.binary.k8s.io' ? 14 : 10
      let bytes = Buffer.alloc(0)
      for await (const chunk of socket) {
        bytes = Buffer.concat([bytes, chunk as Buffer])
        if (bytes.length >= expected) break
      }
      return { bytes: bytes.subarray(0, expected).toString('latin1'), agreed: head?.headers['sec-websocket-protocol'] }
    }
    assert.deepEqual(await read('binary.k8s.io'), { bytes: '\u0082\u0008the log\n', agreed: 'binary.k8s.io' })
    assert.deepEqual(await read('base64.binary.k8s.io'), { bytes: '\u0081\u000cdGhlIGxvZwo=', agreed: 'base64.binary.k8s.io' })
    assert.deepEqual(await read(undefined), { bytes: '\u0082\u0008the log\n', agreed: undefined })
  })

  it('is not read from a node with a certificate of another authority', async (t) => {
    const { api, seen } = await world(t, { foreignNode: true })
    assert.equal((await api.request('GET', `${POD}/log`)).status, 500)
    assert.deepEqual(seen, [])
  })

  it('is not read from an address of this machine itself', async (t) => {
    const { api, seen } = await world(t, { loopback: false })
    const answer = await api.request('GET', `${POD}/log`)
    assert.equal(answer.status, 400)
    assert.equal(answer.body.message, 'address not allowed')
    assert.deepEqual(seen, [])
  })

  it('is refused in the words of the node, and a redirect is not followed', async (t) => {
    const there = await world(t)
    there.onRequest = (_request, response) =>
      void response.writeHead(400).end('container "c" in pod "p" is waiting to start: ContainerCreating')
    const refused = await there.api.request('GET', `${POD}/log`)
    assert.equal(refused.body.reason, 'BadRequest')
    assert.equal(refused.body.message, 'container "c" in pod "p" is waiting to start: ContainerCreating')
    there.onRequest = (_request, response) => void response.writeHead(302, { location: '/elsewhere' }).end()
    assert.equal((await there.api.request('GET', `${POD}/log`)).status, 500)
    assert.equal(there.seen.length, 2)
  })
})

describe('a session with a container', { timeout: 20_000 }, () => {
  it('joins caller and node once the node has agreed, and passes no credentials on', async (t) => {
    const there = await world(t)
    there.onUpgrade = (_request, socket) => {
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\nSet-Cookie: a=b\r\n\r\nearly ',
      )
      socket.on('data', (chunk: Buffer) => socket.end(chunk.toString().toUpperCase()))
    }
    const { socket, head } = await there.upgrade(`${POD}/exec?command=sh&command=-c&stdin=true&stdout=1&tty=false`, {
      authorization: 'Bearer secret',
      'x-stream-protocol-version': 'v4.channel.k8s.io',
      'impersonate-user': '',
    })
    assert.ok(socket !== undefined)
    socket.write('over and out')
    let text = ''
    for await (const chunk of socket) text += String(chunk)
    assert.equal(text, 'early OVER AND OUT')
    assert.equal(head?.headers['x-stream-protocol-version'], 'v4.channel.k8s.io')
    assert.equal(head?.headers['set-cookie'], undefined)
    const uid = (await there.api.request('GET', POD)).body.metadata.uid
    assert.equal(there.seen[0]?.url, `/exec/default/p/${uid}/c?input=1&output=1&command=sh&command=-c`)
    assert.equal(there.seen[0]?.headers.authorization, undefined)
    assert.equal(there.seen[0]?.client, 'CN=apiserver-client')
  })

  it('does not begin when the node answers anything but 101', async (t) => {
    const there = await world(t)
    const answerTo = async (head: string): Promise<{ readonly status: number; readonly text: string }> => {
      there.onUpgrade = (_request, socket) => void socket.end(`HTTP/1.1 ${head}\r\ncontent-length: 3\r\n\r\nabc`)
      return there.upgrade(`${POD}/exec?command=sh&stdout=true`)
    }
    for (const head of ['200 OK', '302 Found\r\nlocation: https://127.0.0.1:1/']) {
      const { status, text } = await answerTo(head)
      assert.equal(status, 500, head)
      assert.match(JSON.parse(text).message, /invalid upgrade response: status code [23]0/)
    }
    // In its own words: clients show them.
    const { status, text } = await answerTo('500 Failed')
    assert.deepEqual({ status, text }, { status: 500, text: 'abc' })
    assert.equal(there.seen.length, 3)
  })

  it('needs the right to create, also by the GET of a WebSocket', async (t) => {
    const there = await world(t, { denied: 'create' })
    const answer = await there.upgrade(`${POD}/exec?command=sh&stdout=true`, { upgrade: 'websocket' }, 'GET')
    assert.equal(answer.status, 403)
    assert.deepEqual(there.seen, [])
  })
})

describe('the proxy', { timeout: 20_000 }, () => {
  it('passes requests to a node on as they are, without what says who the user is', async (t) => {
    const there = await world(t)
    there.onRequest = (request, response) => void request.pipe(response)
    const answer = await there.api.request('POST', '/api/v1/nodes/n/proxy/a%2Fb/?c=d', {
      body: 'body',
      headers: { authorization: 'Bearer secret', 'x-remote-user': 'root', accept: 'x/y' },
    })
    assert.equal(answer.text, 'body')
    assert.equal(there.seen[0]?.url, '/a%2Fb/?c=d')
    assert.equal(there.seen[0]?.headers.authorization, undefined)
    assert.equal(there.seen[0]?.headers['x-remote-user'], undefined)
    assert.equal(there.seen[0]?.headers.accept, 'x/y')
  })

  it('sends who asks for the bare path to its folder', async (t) => {
    const { api } = await world(t)
    const answer = await api.request('GET', '/api/v1/nodes/n/proxy?x=y')
    assert.equal(answer.status, 301)
    assert.equal(answer.headers['location'], '/api/v1/nodes/n/proxy/?x=y')
  })

  it('reads scheme, name and port', () => {
    assert.deepEqual(proxyName('p', 'pod'), { secure: false, name: 'p', port: '' })
    assert.deepEqual(proxyName('p:80', 'pod'), { secure: false, name: 'p', port: '80' })
    assert.deepEqual(proxyName('https:p:web', 'service'), { secure: true, name: 'p', port: 'web' })
    for (const wrong of ['ftp:p:80', 'a:b:c:d', ':80'])
      assert.throws(() => proxyName(wrong, 'pod'), { message: `invalid pod request "${wrong}"` })
  })
})

it('a node is dialled at an address, never at a name: what was checked cannot be another one when it is dialled', () => {
  const node = (...addresses: readonly core.NodeAddress[]): core.Node => ({
    metadata: { name: 'n' },
    status: { addresses: [...addresses] },
  })
  const name = { type: 'Hostname', address: 'localhost' }
  const dns = { type: 'InternalDNS', address: 'metadata.internal' }
  assert.throws(() => nodeAddress(node(name, dns)), /no preferred addresses found/)
  assert.throws(() => nodeAddress(node(name, { type: 'InternalIP', address: '169.254.169.254' })), /address not allowed/)
  assert.throws(() => nodeAddress(node({ type: 'InternalIP', address: '::ffff:127.0.0.1' })), /address not allowed/)
  const checked: string[] = []
  const found = nodeAddress(
    node(name, { type: 'InternalIP', address: 'name.example' }, { type: 'ExternalIP', address: '10.0.0.7' }),
    (ip) => {
      checked.push(ip)
      return true
    },
  )
  assert.deepEqual([found.ip, checked], ['10.0.0.7', ['10.0.0.7']])
})

it('the container is the only one, or must be named', () => {
  const containers = (...names: string[]) => names.map((name) => ({ name, image: 'i' }))
  const pod = { metadata: { name: 'p' }, spec: { containers: containers('a', 'b'), initContainers: containers('i') } }
  assert.equal(chosenContainer(pod, 'i'), 'i')
  assert.equal(chosenContainer({ ...pod, spec: { containers: containers('a') } }, ''), 'a')
  assert.throws(() => chosenContainer(pod, 'x'), { message: 'container x is not valid for pod p' })
  assert.throws(() => chosenContainer(pod, ''), { message: 'a container name must be specified for pod p, choose one of: [i a b]' })
})
