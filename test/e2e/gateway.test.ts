import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type KeyPair, createAuthority } from '#base'
import { refs } from '#api'
import { gatewayProcesses } from '#gateway'
import { eventually } from '#testing/basics'
import { GATEWAY_ADDRESS, type Stage, ingressRule, makeStage, noGateway, podAddress, serverLeaf } from './gateway/stage.ts'

const DAY_MS = 86_400_000
const skip = noGateway()

/** Real requests through a real HAProxy. The tests build on each other, in this order. */
describe('the gateway', { skip: skip ?? false }, () => {
  let stage: Stage
  let authority: KeyPair
  before(async () => {
    stage = await makeStage()
    authority = await createAuthority(stage.scope, 'test', DAY_MS)
  })
  after(async () => {
    const { stateDir } = stage
    await stage.close()
    assert.deepEqual(gatewayProcesses(stateDir), [], 'HAProxy is left over')
    assert.equal(existsSync(stateDir), false)
    assert.doesNotMatch(execFileSync('ip', ['netns']).toString(), new RegExp(`sampan-g${process.pid}`))
  })

  const get = async (
    url: string,
    ...args: readonly string[]
  ): Promise<{ status: number; by?: string; headers: Record<string, string> }> => {
    const { status, body } = await stage.curl(...args, url)
    const answer = body.startsWith('{') ? JSON.parse(body) : {}
    return { status, headers: {}, ...answer }
  }
  const at = (host: string, path: string, ...args: readonly string[]): ReturnType<typeof get> =>
    get(`http://${GATEWAY_ADDRESS}${path}`, '-H', `Host: ${host}`, ...args)
  const becomes = (what: string, host: string, path: string, wanted: number): Promise<boolean> =>
    eventually(what, async () => (await at(host, path)).status === wanted)

  it('answers 404 where no Ingress leads', async () => {
    assert.equal((await at('shop.example', '/')).status, 404)
  })

  it('refuses what is no request for a host', async () => {
    assert.equal((await at('bad host', '/')).status, 400)
    assert.equal((await get(`http://${GATEWAY_ADDRESS}/`, '-H', 'Host:')).status, 400)
    assert.equal((await at('shop.example', '/', '-X', 'TRACE')).status, 405)
    assert.equal((await at('shop.example', '/', '-X', 'POST', '-H', 'Content-Length: 1', '-H', 'Content-Length: 2')).status, 400)
  })

  it('leads by host and path, the longest path first', async () => {
    for (const [name, pod] of [
      ['front', 1],
      ['api', 2],
      ['wild', 3],
    ] as const)
      await stage.service(name, [pod])
    await stage.ingress('shop', {
      rules: [ingressRule('shop.example', ['/', 'Prefix', 'front'], ['/api', 'Prefix', 'api'], ['/api/only', 'Exact', 'wild'])],
    })
    await stage.ingress('family', {
      rules: [ingressRule('*.shop.example', ['/', 'Prefix', 'wild']), ingressRule(undefined, ['/scale', 'Prefix', 'front'])],
    })
    await becomes('routes', 'x.shop.example', '/', 200)
    const by = async (host: string, path: string): Promise<string | undefined> => (await at(host, path)).by
    assert.equal(await by('shop.example', '/'), podAddress(1))
    assert.equal(await by('SHOP.example:80', '/apis'), podAddress(1))
    assert.equal(await by('shop.example', '/api'), podAddress(2))
    assert.equal(await by('shop.example', '/api/x?y=/'), podAddress(2))
    assert.equal(await by('shop.example', '/api/only'), podAddress(3))
    assert.equal(await by('shop.example', '/api/only/'), podAddress(2))
    assert.equal(await by('a.shop.example', '/'), podAddress(3))
    assert.equal((await at('a.b.shop.example', '/')).status, 404)
    assert.equal(await by('elsewhere', '/scale/x'), podAddress(1))
  })

  it('says itself where a request comes from', async () => {
    const lies = [
      'X-Forwarded-For: 6.6.6.6',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Prefix: /evil',
      'X_Forwarded_For: 6.6.6.6',
      'Proxy: evil',
    ]
    const { headers } = await at('shop.example', '/', ...lies.flatMap((lie) => ['-H', lie]))
    assert.equal(headers['x-forwarded-for'], GATEWAY_ADDRESS)
    assert.equal(headers['x-forwarded-proto'], 'http')
    assert.equal(headers['x-forwarded-host'], 'shop.example')
    for (const name of ['proxy', 'x-forwarded-prefix', 'x_forwarded_for']) assert.equal(headers[name], undefined, name)
  })

  it('shows its address in the status', async () => {
    const found = await eventually('status', async () => {
      const ingress = await stage.client.resource(refs.ingresses).get(stage.scope, { namespace: 'default', name: 'shop' })
      return ingress.status?.loadBalancer?.ingress
    })
    assert.deepEqual(found, [{ ip: GATEWAY_ADDRESS }])
  })

  it('takes its address back from an Ingress that changes to another class', async () => {
    const name = { namespace: 'default', name: 'leaves' }
    const addresses = async (): Promise<number> =>
      (await stage.client.resource(refs.ingresses).get(stage.scope, name)).status?.loadBalancer?.ingress?.length ?? 0
    await stage.ingress('leaves', { rules: [ingressRule('leaves.example', ['/', 'Prefix', 'front'])] })
    await becomes('a route', 'leaves.example', '/', 200)
    await eventually('an address', async () => (await addresses()) === 1)
    await stage.client.resource(refs.ingresses).patch(stage.scope, name, { type: 'merge', body: { spec: { ingressClassName: 'other' } } })
    await becomes('no route', 'leaves.example', '/', 404)
    await eventually('no address', async () => (await addresses()) === 0)
  })

  it('follows endpoints without a failed request, and answers 503 when there are none', async () => {
    const load = stage.load(`http://${GATEWAY_ADDRESS}/scale`)
    await load.until(/asking/)
    for (const pods of [[1, 2], [2, 3, 4], [4], [1, 4], [1]]) {
      await stage.endpoints('front', pods)
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
    await load.stop()
    const { sent, answered, failures } = JSON.parse(load.stdout.trim().split('\n').at(-1) ?? '') as {
      sent: number
      answered: number
      failures: object
    }
    assert.deepEqual(failures, {})
    assert.ok(answered === sent && sent > 50, `${answered} of ${sent}`)
    assert.equal(stage.gateway.stats().starts, 1)
    await eventually('servers are deleted', () => stage.gateway.stats().leaving === 0)
    await stage.endpoints('front', [])
    await becomes('no endpoint', 'shop.example', '/', 503)
    await stage.endpoints('front', [1])
    await becomes('an endpoint again', 'shop.example', '/', 200)
  })

  it('shows each host its certificate, and a renewed one without a new process', async () => {
    const certificate = async (): Promise<Record<string, string>> => {
      const { certificate, key } = await serverLeaf(stage, authority, 'tls.example', ['tls.example', '*.tls.example'])
      return { 'tls.crt': Buffer.from(certificate).toString('base64'), 'tls.key': Buffer.from(key).toString('base64') }
    }
    const root = join(stage.stateDir, 'test-ca.pem')
    writeFileSync(root, authority.certificate)
    const secure = (host: string): ReturnType<typeof get> =>
      get(`https://${host}/`, '--cacert', root, '--resolve', `${host}:443:${GATEWAY_ADDRESS}`)
    const shown = async (): Promise<string> =>
      (await stage.curl('-k', '--write-out', '%{certs}', '--resolve', `tls.example:443:${GATEWAY_ADDRESS}`, 'https://tls.example/')).body
        .split('\n')
        .find((line) => line.startsWith('Serial Number')) ?? ''
    const secret = { namespace: 'default', name: 'cert' }
    await stage.client
      .resource(refs.secrets)
      .create(stage.scope, { metadata: secret, type: 'kubernetes.io/tls', data: await certificate() })
    await stage.ingress('tls', {
      tls: [{ hosts: ['tls.example', '*.tls.example', 'other.example'], secretName: 'cert' }],
      rules: [ingressRule('tls.example', ['/', 'Prefix', 'api']), ingressRule('*.tls.example', ['/', 'Prefix', 'wild'])],
    })
    // The certificate is there before the routes.
    await eventually('https', async () => (await secure('tls.example')).by === podAddress(2))
    const { headers } = await eventually('https of its family', async () => {
      const answer = await secure('a.tls.example')
      return answer.by === podAddress(3) && answer
    })
    assert.equal(headers['x-forwarded-proto'], 'https')
    await assert.rejects(secure('other.example'), /certificate/)
    const before = await shown()
    assert.match(before, /[0-9a-f]{8}/)
    await stage.client.resource(refs.secrets).patch(stage.scope, secret, { type: 'merge', body: { data: await certificate() } })
    // Nothing but the Secret has changed.
    await eventually('the renewed certificate', async () => (await shown()) !== before)
    assert.equal((await secure('tls.example')).status, 200)
    assert.equal(stage.gateway.stats().starts, 1)
    for (const name of readdirSync(join(stage.stateDir, 'certificates')))
      assert.equal(statSync(join(stage.stateDir, 'certificates', name)).mode & 0o77, 0)
  })

  it('keeps serving while the gateway is killed and started again, and when HAProxy is killed', async () => {
    const load = stage.load(`http://${GATEWAY_ADDRESS}/scale`)
    await load.until(/asking/)
    await stage.again()
    await load.stop()
    const { failures } = JSON.parse(load.stdout.trim().split('\n').at(-1) ?? '') as { failures: object }
    assert.deepEqual(failures, {})
    const { pid } = stage.gateway.stats()
    if (pid === undefined) assert.fail('no HAProxy')
    process.kill(pid, 'SIGKILL')
    await eventually('another HAProxy', () => ![undefined, pid].includes(stage.gateway.stats().pid))
    assert.equal((await at('shop.example', '/')).status, 200)
    assert.equal((await at('shop.example', '/api/only')).by, podAddress(3))
  })

  it('starts with a larger pool when there are more backends than places', async () => {
    const names = Array.from({ length: 70 }, (_, i) => `many-${i}`)
    await Promise.all(names.map((name) => stage.service(name, [4])))
    await stage.ingress('many', { rules: names.map((name) => ingressRule('many.example', [`/${name}`, 'Prefix', name])) })
    await becomes('routes', 'many.example', '/many-69', 200)
    // The new process answers before it is the one that counts.
    await eventually('the larger pool', () => stage.gateway.stats().poolSize >= 128, 5000)
    assert.equal((await at('shop.example', '/')).status, 200)
  })

  it('tells the owners of what it does not serve', async () => {
    await stage.ingress(
      'late',
      { rules: [ingressRule('shop.example', ['/api', 'Prefix', 'front'])] },
      { annotations: { 'nginx.ingress.kubernetes.io/server-snippet': 'return 200;' } },
    )
    await stage.ingress('odd', {
      rules: [ingressRule('odd.example', ['/a;b', 'Prefix', 'front'], ['/(a|b)', 'ImplementationSpecific', 'nobody'])],
    })
    const events = await eventually('events', async () => {
      const { body } = await stage.client.raw(stage.scope, { method: 'GET', path: '/api/v1/namespaces/default/events' })
      const { items } = JSON.parse(Buffer.from(body).toString()) as {
        items: { involvedObject: { name: string }; reason: string; message: string }[]
      }
      const found = items.map(({ involvedObject, reason }) => `${involvedObject.name} ${reason}`)
      return (
        ['late RouteConflict', 'late AnnotationsIgnored', 'odd PathRefused', 'tls CertificateMismatch'].every((one) =>
          found.includes(one),
        ) && items
      )
    })
    assert.match(events.find(({ reason }) => reason === 'RouteConflict')?.message ?? '', /default\/shop, which is older/)
    assert.equal((await at('odd.example', '/a')).status, 404)
  })
})
