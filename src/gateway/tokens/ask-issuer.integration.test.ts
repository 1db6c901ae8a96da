import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:https'
import { test } from 'node:test'
import { createAuthority, issueLeaf, rootScope } from '#base'
import { fetchText } from './ask-issuer.ts'

test('keys are fetched over https, from nobody of this machine, and what is too long or elsewhere is not followed', async (t) => {
  const scope = rootScope()
  const authority = await createAuthority(scope, 'test', 86_400_000)
  const leaf = await issueLeaf(scope, authority, {
    subject: { commonName: 'localhost' },
    names: ['localhost', '127.0.0.1'],
    lifetimeMs: 86_400_000,
    usages: ['serverAuth'],
  })
  const server = createServer({ cert: leaf.certificate, key: leaf.key }, ({ url }, response) => {
    if (url === '/moved') response.writeHead(302, { location: '/keys' }).end()
    else response.end(url === '/long' ? 'x'.repeat(300_000) : 'keys')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const address = server.address()
  const base = `https://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  const options = { ca: authority.certificate, isAllowed: () => true }
  assert.equal(await fetchText(scope, `${base}/keys`, options), 'keys')
  await assert.rejects(fetchText(scope, `${base}/moved`, options), /it answers 302/)
  await assert.rejects(fetchText(scope, `${base}/long`, options), /is longer than/)
  await assert.rejects(fetchText(scope, `${base}/keys`, { isAllowed: () => true }), /SELF_SIGNED|UNABLE_TO_/)
  for (const host of ['127.0.0.1', 'localhost', '169.254.169.254', '[::1]', '[::ffff:127.0.0.1]', '0.0.0.0', '[fe80::1]'])
    await assert.rejects(fetchText(scope, `https://${host}/`, { ca: authority.certificate }), /not allowed/)
})
