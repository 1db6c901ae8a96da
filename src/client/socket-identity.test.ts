import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { it } from 'node:test'
import { type KeyPair, ReplaceableIdentity, createAuthority, issueLeaf, rootScope } from '#base'
import { socketTransport } from './socket.ts'

const LIFE_MS = 3_600_000

it('shows a newer certificate from the next connection on, while a stream with the older one goes on', async () => {
  using scope = rootScope()
  const authority = await createAuthority(scope, 'ca', LIFE_MS)
  const clientPair = (commonName: string): Promise<KeyPair> =>
    issueLeaf(scope, authority, { subject: { commonName }, usages: ['clientAuth'], lifetimeMs: LIFE_MS })
  const serving = await issueLeaf(scope, authority, {
    subject: { commonName: 's' },
    usages: ['serverAuth'],
    names: ['127.0.0.1'],
    lifetimeMs: LIFE_MS,
  })
  let stream: ServerResponse | undefined
  let connections = 0
  const server = createServer(
    { cert: serving.certificate, key: serving.key, ca: authority.certificate, requestCert: true },
    (request, response) => {
      const name = (request.socket as TLSSocket).getPeerX509Certificate()?.subject ?? ''
      if (request.url !== '/stream') return void response.end(name)
      stream = response
      response.write(name)
    },
  ).on('secureConnection', () => connections++)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const identity = new ReplaceableIdentity(await clientPair('old'))
  const transport = socketTransport({
    server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ca: authority.certificate,
    identity,
  })
  const get = (target: string) => transport.send(scope, { method: 'GET', target, headers: {} })
  const name = async (): Promise<string> => Buffer.from(await (await get('/')).bytes()).toString()
  try {
    const chunks = (await get('/stream')).chunks()[Symbol.asyncIterator]()
    const next = async (): Promise<string> => Buffer.from((await chunks.next()).value ?? new Uint8Array(0)).toString()
    assert.equal(await next(), 'CN=old')
    assert.equal(await name(), 'CN=old')
    assert.equal(await name(), 'CN=old')
    assert.equal(connections, 2)
    identity.replace(await clientPair('new'))
    assert.equal(await name(), 'CN=new')
    assert.equal(await name(), 'CN=new')
    assert.equal(connections, 3)
    stream?.write('still')
    assert.equal(await next(), 'still')
    stream?.end()
    assert.equal(await next(), '')
  } finally {
    transport.close()
    server.closeAllConnections()
    server.close()
  }
})
