import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { ReplaceableIdentity, certificatesOf, createAuthority, rootScope, validityOf } from '#base'
import { type certificates, refs } from '#api'
import { type Client, createClient, inProcessTransport } from '#client'
import { controllers } from '#controllers'
import { keepRenewed, orderCertificate, storedPair } from '#node'
import { createEvents, createInformers, runControllers } from '#reconcile'
import { type TestApiServer, eventually, manualClock, testApiServer } from '#testing'
import { agentCertificates, nodeOrder, servingOrder } from './agent-certificates.ts'

const DAY_MS = 86_400_000

/** Against the real API and the real signer; who approves is the test. */
describe('the certificates of an agent', () => {
  const folder = mkdtempSync(join(tmpdir(), 'agent-certificates-'))
  let api: TestApiServer
  let client: Client
  before(async () => {
    api = await testApiServer()
    client = createClient({ transport: inProcessTransport(api.server.handler) })
    const signing = {
      authority: await createAuthority(api.scope, 'ca', 3650 * DAY_MS),
      legacyToken: () => Promise.reject(new Error('unused')),
    }
    const signer = controllers({ signing }).filter(({ name }) => name === 'certificatesigningrequest-signing-controller')
    assert.equal(signer.length, 1)
    await runControllers(api.scope, signer, { client, informers: createInformers(client), events: createEvents(api.scope, client) })
  })
  after(async () => {
    await api.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const decide = async (name: string, type: 'Approved' | 'Denied'): Promise<void> => {
    const requests = client.resource(refs.certificatesigningrequests)
    const request = await requests.get(api.scope, { name })
    const conditions: certificates.CertificateSigningRequestCondition[] = [
      { type, status: 'True', reason: 'Test', message: 'said the test' },
    ]
    await requests.update(api.scope, { ...request, status: { ...request.status, conditions } }, { subresource: 'approval' })
  }
  const leafOf = (certificate: string) => {
    const [leaf] = certificatesOf(certificate)
    assert.ok(leaf)
    return leaf
  }

  it('are ordered, signed and kept for their owner only', async () => {
    const file = join(folder, 'serving.pem')
    const pair = await orderCertificate(
      api.scope,
      client,
      { file, order: servingOrder('n1', ['10.0.0.5']) },
      (name) => void decide(name, 'Approved'),
    )
    const leaf = leafOf(pair.certificate)
    assert.equal(leaf.subject, 'O=system:nodes\nCN=system:node:n1')
    assert.equal(leaf.subjectAltName, 'DNS:n1, IP Address:10.0.0.5')
    assert.deepEqual(storedPair(file, Date.now()), pair)
    assert.equal(storedPair(file, Date.now() + 400 * DAY_MS), undefined)
    assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.equal(existsSync(`${file}.key-asked-for`), false)
  })

  it('that were asked for when the agent was killed are what it gets when it is back', async () => {
    const file = join(folder, 'resumed.pem')
    const killed = rootScope().child()
    let name = ''
    const first = orderCertificate(killed, client, { file, order: nodeOrder('n2') }, (asked) => {
      name = asked
      killed.cancel()
    })
    await assert.rejects(first)
    const key = readFileSync(`${file}.key-asked-for`, 'utf8')
    await decide(name, 'Approved')
    assert.equal((await orderCertificate(api.scope, client, { file, order: nodeOrder('n2') })).key.trim(), key.trim())
    const all = (await client.resource(refs.certificatesigningrequests).list(api.scope)).items
    assert.equal(all.filter((one) => one.metadata?.name === name).length, 1)
  })

  it('that were denied are said to be, and asked for anew with another key', async () => {
    const file = join(folder, 'denied.pem')
    const kept = { file, order: nodeOrder('n3') }
    let denied = ''
    const order = orderCertificate(api.scope, client, kept, (name) => {
      denied = name
      void decide(name, 'Denied')
    })
    await assert.rejects(order, { code: 'CERTIFICATE_REFUSED', message: /was denied: Test said the test/ })
    let second = ''
    await orderCertificate(api.scope, client, kept, (name) => {
      second = name
      void decide(name, 'Approved')
    })
    assert.notEqual(second, denied)
  })

  it('are renewed before they end, again after a failure, and whoever uses them has the new one', async () => {
    const file = join(folder, 'renewed.pem')
    const order = nodeOrder('n4')
    const first = await orderCertificate(api.scope, client, { file, order }, (name) => void decide(name, 'Approved'))
    const clock = manualClock(Date.now())
    const scope = rootScope({ clock }).child()
    const identity = new ReplaceableIdentity(first)
    const seen: string[] = []
    identity.onChange(({ certificate }) => seen.push(certificate))
    const requests = client.resource(refs.certificatesigningrequests)
    const known = new Set((await requests.list(api.scope)).items.map(({ metadata }) => metadata?.name))
    const running = keepRenewed(scope, client, { file, order: () => order }, identity)
    const asked = (): Promise<string> =>
      eventually('it asks', async () => {
        const fresh = (await requests.list(api.scope)).items.find(({ metadata }) => !known.has(metadata?.name))?.metadata?.name
        if (fresh !== undefined) known.add(fresh)
        return fresh
      })
    clock.advance(200 * DAY_MS)
    await new Promise(setImmediate)
    assert.equal((await requests.list(api.scope)).items.length, known.size, 'not yet')
    clock.advance(140 * DAY_MS)
    await decide(await asked(), 'Denied')
    await eventually('it has given up for now', () => !existsSync(`${file}.key-asked-for`))
    await new Promise(setImmediate)
    clock.advance(2000)
    await decide(await asked(), 'Approved')
    await eventually('it has the new one', () => identity.current !== first)
    assert.deepEqual(seen, [identity.current.certificate])
    assert.ok(validityOf(identity.current.certificate).endMs >= validityOf(first.certificate).endMs)
    assert.deepEqual(storedPair(file, Date.now()), identity.current)
    scope.cancel()
    await running
  })

  it('have to be there for an agent to start: it says how to get one', () => {
    assert.throws(() => agentCertificates(api.scope, join(folder, 'none'), 'n5'), {
      code: 'USER',
      message: /the node has no certificate in .*node-client\.pem/,
    })
  })
})
