import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type networking, refs } from '#api'
import { type Asked, decide, parseMatch } from '#routing'
import { eventually } from '#testing'
import { GATEWAY_ADDRESS, type Stage, makeStage, noGateway, podAddress } from './gateway/stage.ts'

interface Tally {
  readonly answered: number
  readonly by: Readonly<Record<string, number>>
  readonly failures: object
  readonly flips: number
  readonly moves: number
}

const REQUESTS = 100_000
const skip = noGateway()
const MATCH = 'sampan.io/service-match'
const WEIGHT = 'sampan.io/service-weight'
const path = (name: string, pathOf = '/', pathType = 'Prefix'): networking.HTTPIngressPath => ({
  path: pathOf,
  pathType,
  backend: { service: { name, port: { number: 80 } } },
})

/** The language of rules, as a real HAProxy carries it out. The tests build on each other, in this order. */
describe('routing rules', { skip: skip ?? false }, () => {
  let stage: Stage
  before(async () => {
    stage = await makeStage()
    for (const [name, pod] of [
      ['one', 1],
      ['two', 2],
      ['three', 3],
    ] as const)
      await stage.service(name, [pod])
  })
  after(() => stage.close())

  const ingress = (host: string, names: readonly string[], annotations: Record<string, string>): Promise<void> =>
    stage.ingress(host, { rules: [{ host, http: { paths: names.map((name) => path(name)) } }] }, { annotations })
  const annotate = (host: string, annotations: Record<string, string>): Promise<unknown> =>
    stage.client
      .resource(refs.ingresses)
      .patch(stage.scope, { namespace: 'default', name: host }, { type: 'merge', body: { metadata: { annotations } } })
  const by = async (host: string, target = '/', ...args: readonly string[]): Promise<string> => {
    const { status, body } = await stage.curl('-H', `Host: ${host}`, ...args, `http://${GATEWAY_ADDRESS}${target}`)
    return status === 200 ? (JSON.parse(body) as { by: string }).by : String(status)
  }

  it('decides as the reference does, for every condition and request of a table', async () => {
    const conditions = [
      'header("x-user", "beta-7")',
      'header("X-User", "beta*")',
      'header("x-user", /^beta-[0-9]+$/)',
      'header("x-user")',
      '!header("x-user")',
      'cookie("plan", "gold")',
      'cookie("plan", /^(gold|silver)$/)',
      'query("page", "a b")',
      'query("page", /b$/)',
      'header("x-user", /7/) && cookie("plan", "gold")',
      'header("x-none") || query("page", "1")',
      '(header("x-user") || cookie("plan")) && !query("page", "1")',
    ]
    const requests: readonly Pick<Asked, 'headers' | 'cookies' | 'query'>[] = [
      { headers: {}, cookies: {}, query: {} },
      { headers: { 'x-user': 'beta-7' }, cookies: {}, query: {} },
      { headers: { 'x-user': 'beta-' }, cookies: { plan: 'gold' }, query: {} },
      { headers: { 'x-user': 'xbeta-7' }, cookies: { plan: 'silver', other: 'gold' }, query: { page: '1' } },
      { headers: {}, cookies: { plan: 'goldx' }, query: { page: 'a b' } },
      { headers: { 'x-user': 'a,b;\'"' }, cookies: {}, query: { page: 'b' } },
    ]
    for (const [at, text] of conditions.entries()) await ingress(`c${at}.example`, ['one', 'two'], { [MATCH]: `two: ${text}` })
    const last = `c${conditions.length - 1}.example`
    await eventually('the last route', async () => (await by(last, '/?page=a%20b')) === podAddress(1))
    await eventually('its other Service', async () => (await by(last, '/', '-H', 'x-user: 1')) === podAddress(2))
    for (const [at, text] of conditions.entries()) {
      const when = parseMatch(text)
      if ('problem' in when) assert.fail(when.problem)
      for (const { headers, cookies, query } of requests) {
        const asked = { scheme: 'http', method: 'GET', host: '', path: '/', source: '', headers, cookies, query } as const
        const wanted: number = decide([{ when, action: { kind: 'forward', to: [] } }], asked, 0) === undefined ? 1 : 2
        const sent = [
          ...Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
          ...(Object.keys(cookies).length === 0
            ? []
            : [
                '-b',
                Object.entries(cookies)
                  .map(([name, value]) => `${name}=${value}`)
                  .join('; '),
              ]),
        ]
        const target = `/?${new URLSearchParams(query).toString()}`
        assert.equal(
          await by(`c${at}.example`, target, ...sent),
          podAddress(wanted),
          `${text} of ${JSON.stringify({ headers, cookies, query })}`,
        )
      }
    }
  })

  it('asks a less exact route when no rule takes the request', async () => {
    await stage.ingress(
      'deep',
      { rules: [{ host: 'deep.example', http: { paths: [path('two', '/a/b'), path('two', '/a', 'Exact')] } }] },
      { annotations: { [MATCH]: 'two: header("x-two")' } },
    )
    await stage.ingress('shallow', {
      rules: [{ host: 'deep.example', http: { paths: [path('one', '/a')] } }, { http: { paths: [path('three', '/a/b/c')] } }],
    })
    await eventually('the routes', async () => (await by('deep.example', '/a')) === podAddress(1))
    assert.equal(await by('deep.example', '/a/b/c', '-H', 'x-two: 1'), podAddress(2))
    assert.equal(await by('deep.example', '/a/b/c'), podAddress(1))
    assert.equal(await by('deep.example', '/a', '-H', 'x-two: 1'), podAddress(2))
    assert.equal(await by('deep.example', '/a'), podAddress(1))
    assert.equal(await by('deep.example', '/'), '404')
    assert.equal(await by('else.example', '/a/b/c'), podAddress(3))
  })

  it(`shares ${REQUESTS} requests at 70, 20 and 10 within 1 %`, async () => {
    await ingress('weights.example', ['one', 'two', 'three'], { [WEIGHT]: 'one: 70, two: 20, three: 10' })
    await eventually('the route', async () => Number.isNaN(Number(await by('weights.example'))))
    const tally = stage.tally('weights.example', REQUESTS)
    await tally.ended
    const { answered, by: shares, failures } = JSON.parse(tally.stdout.trim().split('\n').at(-1) ?? '') as Tally
    assert.deepEqual([answered, failures], [REQUESTS, {}])
    for (const [pod, wanted] of [
      [1, 70],
      [2, 20],
      [3, 10],
    ] as const) {
      const share = ((shares[podAddress(pod)] ?? 0) / answered) * 100
      // Of the share itself, which is stricter than of all requests.
      assert.ok(Math.abs(share / wanted - 1) < 0.01, `${share} % instead of ${wanted} %`)
    }
  })

  it('leads nobody back while a canary grows, and answers every request meanwhile', async () => {
    await ingress('sticky.example', ['one', 'two'], { [WEIGHT]: 'one: 100, two: 0', 'sampan.io/sticky': 'cookie' })
    await eventually('the route', async () => (await by('sticky.example')) === podAddress(1))
    const tally = stage.tally('sticky.example', 0, 400)
    await tally.until(/asking/)
    // All clients have asked once before anything changes.
    await tally.until(/all have asked/)
    for (const weight of [5, 20, 50, 100]) {
      await new Promise((resolve) => setTimeout(resolve, 800))
      await annotate('sticky.example', { [WEIGHT]: `one: ${100 - weight}, two: ${weight}` })
    }
    await eventually('the last step', async () => (await by('sticky.example')) === podAddress(2))
    const rounds = tally.stdout.split('all have asked').length
    await eventually('everybody to ask once more', () => tally.stdout.split('all have asked').length > rounds + 1)
    await tally.stop()
    const { answered, failures, flips, moves } = JSON.parse(tally.stdout.trim().split('\n').at(-1) ?? '') as Tally
    assert.deepEqual([failures, flips], [{}, 0])
    assert.ok(moves > 300 && answered > 800, `${moves} moves in ${answered} answers`)
    assert.equal(stage.gateway.stats().starts, 1)
  })

  it('lets canaries of ingress-nginx take their part of a route, by header and by weight', async () => {
    const nginx = (annotations: Record<string, string>): Record<string, string> =>
      Object.fromEntries(Object.entries(annotations).map(([name, value]) => [`nginx.ingress.kubernetes.io/${name}`, value]))
    const canary = (name: string, service: string, annotations: Record<string, string>): Promise<void> =>
      stage.ingress(
        name,
        { rules: [{ host: 'canary.example', http: { paths: [path(service)] } }] },
        { annotations: nginx({ canary: 'true', ...annotations }) },
      )
    await ingress('canary.example', ['one'], {})
    await canary('canary-two', 'two', { 'canary-by-header': 'X-Canary', 'canary-weight': '20' })
    await canary('canary-three', 'three', { 'canary-weight': '10' })
    await eventually('both canaries', async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => by('canary.example')))
      return new Set(answers).size === 3
    })
    assert.equal(await by('canary.example', '/', '-H', 'X-Canary: always'), podAddress(2))
    for (let i = 0; i < 20; i++) assert.notEqual(await by('canary.example', '/', '-H', 'X-Canary: never'), podAddress(2))
    const tally = stage.tally('canary.example', 5000)
    await tally.ended
    const { by: shares, failures } = JSON.parse(tally.stdout.trim().split('\n').at(-1) ?? '') as Tally
    assert.deepEqual(failures, {})
    for (const [pod, wanted] of [
      [1, 70],
      [2, 20],
      [3, 10],
    ] as const)
      assert.ok(Math.abs((shares[podAddress(pod)] ?? 0) / 50 - wanted) < 1, JSON.stringify(shares))
  })

  it('redirects and changes requests as annotations say', async () => {
    const nginx = (name: string, annotations: Record<string, string>): Promise<void> =>
      ingress(
        name,
        ['one'],
        Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`nginx.ingress.kubernetes.io/${key}`, value])),
      )
    await nginx('https.example', { 'force-ssl-redirect': 'true' })
    await nginx('moved.example', { 'permanent-redirect': 'https://new.example:8443/there', 'permanent-redirect-code': '308' })
    await nginx('change.example', { 'rewrite-target': '/inside', 'upstream-vhost': 'inner.example', 'x-forwarded-prefix': '/outside' })
    await eventually('the routes', async () => (await by('change.example')) === podAddress(1))
    const place = async (host: string, target: string): Promise<string> =>
      (await stage.curl('--write-out', '%{redirect_url} %{http_code}', '-H', `Host: ${host}`, `http://${GATEWAY_ADDRESS}${target}`)).body
    assert.match(await place('https.example', '/a?b=c'), /^https:\/\/https\.example\/a\?b=c /)
    assert.match(await place('moved.example', '/a'), /^https:\/\/new\.example:8443\/there /)
    const secure = await stage.curl('-k', '--resolve', `https.example:443:${GATEWAY_ADDRESS}`, 'https://https.example/')
    assert.equal(secure.status, 200)
    const { body } = await stage.curl('-H', 'Host: change.example', `http://${GATEWAY_ADDRESS}/a/b?q=1`)
    const { url, headers } = JSON.parse(body) as { url: string; headers: Record<string, string> }
    assert.deepEqual(
      [url, headers['host'], headers['x-forwarded-host'], headers['x-forwarded-prefix']],
      ['/inside?q=1', 'inner.example', 'change.example', '/outside'],
    )
  })

  it('says what it does not take of an annotation', async () => {
    await ingress('bad.example', ['one', 'two'], { [MATCH]: 'two: header("x-user", /(a|b)*a(a|b){12}/)' })
    const events = await eventually('an event', async () => {
      const found = await stage.client.resource(refs.events).list(stage.scope, { namespace: 'default' })
      const refused = found.items.filter(({ reason }) => reason === 'AnnotationRefused')
      return refused.length > 0 && refused
    })
    assert.match(events[0]?.message ?? '', /needs too large an automaton/)
    assert.equal(await by('bad.example'), podAddress(1))
  })
})
