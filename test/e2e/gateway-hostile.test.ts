import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { refs } from '#api'
import { eventually } from '#testing'
import { GATEWAY_ADDRESS, HTTP_PORT, type Stage, ingressRule, makeStage, noGateway, podAddress } from './gateway/stage.ts'

const skip = noGateway()
const PORT = 8093
const OPEN = `${GATEWAY_ADDRESS}:${HTTP_PORT}`
/** What `timeout http-request` of the configuration says, and a little. */
const HEAD_WITHIN_MS = 10_000
const SLACK_MS = 6000

interface Talk {
  readonly text: string
  readonly closedMs: readonly (number | null)[]
}
interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Clients that mean ill, or cannot do better. Nobody else is to notice. The tests build on each other, in this order. */
describe('clients that mean ill', { skip: skip ?? false }, () => {
  let stage: Stage
  before(async () => {
    stage = await makeStage()
    await stage.pod('recorder.ts', ...[1, 2].map((pod) => `${podAddress(pod)}:${PORT}`))
    const locked = { 'nginx.ingress.kubernetes.io/whitelist-source-range': '192.0.2.1/32' }
    for (const [name, pod, annotations] of [
      ['open', 1, {}],
      ['locked', 2, locked],
    ] as const) {
      await stage.service(name, [pod])
      const ports = [{ name: 'web', port: PORT, protocol: 'TCP' }]
      await stage.client
        .resource(refs.endpointslices)
        .patch(stage.scope, { namespace: 'default', name }, { type: 'merge', body: { ports } })
      await stage.ingress(name, { rules: [ingressRule(`${name}.example`, ['/', 'Prefix', name])] }, { annotations })
    }
    await eventually('both are led', async () => (await status('open')) === 200 && (await status('locked')) === 403)
  })
  after(() => stage.close())

  const status = async (host: string, ...args: readonly string[]): Promise<number> =>
    (await stage.curl('-H', `Host: ${host}.example`, ...args, `http://${GATEWAY_ADDRESS}/`)).status
  const send = async (
    pieces: readonly string[],
    { waitMs = 800, pauseMs = 0, count = 1, during = async (): Promise<void> => undefined } = {},
  ): Promise<Talk> => {
    const encoded = pieces.map((piece) => Buffer.from(piece, 'latin1').toString('base64'))
    const running = stage.inside('raw.ts', OPEN, String(waitMs), String(pauseMs), String(count), ...encoded)
    await running.until(/sending/)
    await during()
    await running.until(/\{.*\}/)
    await running.stop()
    return JSON.parse(running.stdout.split('\n').find((line) => line.startsWith('{')) ?? '') as Talk
  }
  const seenBy = async (pod: number): Promise<readonly Seen[]> =>
    JSON.parse((await stage.curl(`http://${podAddress(pod)}:${PORT}/seen`)).body) as readonly Seen[]
  const forget = async (): Promise<void> => {
    for (const pod of [1, 2]) await stage.curl('-X', 'PUT', `http://${podAddress(pod)}:${PORT}/seen`)
  }
  const statuses = ({ text }: Talk): readonly number[] => [...text.matchAll(/HTTP\/1\.[01] (\d{3})/g)].map(([, code]) => Number(code))

  const HIDDEN = 'GET /hidden HTTP/1.1\r\nHost: locked.example\r\n\r\n'
  const post = (...lines: readonly string[]): string => ['POST / HTTP/1.1', 'Host: open.example', ...lines, '', ''].join('\r\n')
  /** Each has a second request that one reader sees and another does not. */
  const smuggled: Readonly<Record<string, string>> = {
    'a length and chunks': `${post('Content-Length: 4', 'Transfer-Encoding: chunked')}0\r\n\r\n${HIDDEN}`,
    'chunks and a length': `${post('Transfer-Encoding: chunked', `Content-Length: ${HIDDEN.length + 5}`)}0\r\n\r\n${HIDDEN}`,
    'two lengths': `${post('Content-Length: 0', `Content-Length: ${HIDDEN.length}`)}${HIDDEN}`,
    'a list of lengths': `${post(`Content-Length: 0, ${HIDDEN.length}`)}${HIDDEN}`,
    'a length with a sign': `${post(`Content-Length: +${HIDDEN.length}`)}${HIDDEN}`,
    'a length in hexadecimal': `${post('Content-Length: 0x10')}${HIDDEN}`,
    'an encoding that is almost chunked': `${post('Transfer-Encoding: xchunked', 'Content-Length: 0')}${HIDDEN}`,
    'an encoding behind a tab': `${post('Transfer-Encoding:\tchunked', 'Content-Length: 4')}0\r\n\r\n${HIDDEN}`,
    'an encoding behind a control character': `${post('Transfer-Encoding: \x0bchunked', 'Content-Length: 0')}${HIDDEN}`,
    'two encodings': `${post('Transfer-Encoding: chunked', 'Transfer-Encoding: identity')}0\r\n\r\n${HIDDEN}`,
    'a blank before the colon': `${post('Transfer-Encoding : chunked', 'Content-Length: 5')}0\r\n\r\n${HIDDEN}`,
    'a header over two lines': `${post('X-A: b', ' Transfer-Encoding: chunked', 'Content-Length: 0')}${HIDDEN}`,
    'a size of a chunk that is too large': `${post('Transfer-Encoding: chunked')}10000000000000000\r\n${HIDDEN}`,
    'a size of a chunk with a sign': `${post('Transfer-Encoding: chunked')}-1\r\n\r\n${HIDDEN}`,
    'a body of GET': `GET / HTTP/1.1\r\nHost: open.example\r\nContent-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
    'a body of HTTP/1.0 in chunks': `POST / HTTP/1.0\r\nHost: open.example\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
    'a request behind another': `${post('Content-Length: 0')}${HIDDEN}`,
    'lines without a return': 'POST / HTTP/1.1\nHost: open.example\nContent-Length: 0\n\nGET /hidden HTTP/1.1\nHost: locked.example\n\n',
    'a zero byte in a header': `${post('X-A: \0b', 'Content-Length: 0')}${HIDDEN}`,
    'an upgrade that nobody asked for': `${post('Connection: Upgrade', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__', 'Content-Length: 0')}${HIDDEN}`,
    'a hop that would drop the length': `${post('Connection: close, content-length', 'Content-Length: 0')}${HIDDEN}`,
  }

  it('smuggles no request past the lock of another route, whatever it says of its length', async (t) => {
    for (const [name, text] of Object.entries(smuggled)) {
      await forget()
      const talk = await send([text])
      t.diagnostic(`${name}: ${statuses(talk).join(' ') || 'closed'}`)
      assert.ok(
        statuses(talk).every((code) => [200, 400, 403, 405].includes(code)),
        name,
      )
      assert.deepEqual(await seenBy(2), [], name)
      const [first, ...more] = await seenBy(1)
      assert.deepEqual(more, [], name)
      assert.ok(first === undefined || first.url === '/', name)
      // Nobody else gets what was left over.
      assert.deepEqual(await Promise.all(Array.from({ length: 4 }, () => status('open'))), [200, 200, 200, 200], name)
    }
  })

  it('is led by one host alone, which the pod is told', async () => {
    for (const [name, lines, codes] of [
      ['two hosts', 'GET / HTTP/1.1\r\nHost: open.example\r\nHost: locked.example\r\n\r\n', [400]],
      ['another host in the address', 'GET http://locked.example/ HTTP/1.1\r\nHost: open.example\r\n\r\n', [400, 403]],
      ['a host with a path', 'GET / HTTP/1.1\r\nHost: open.example/locked.example\r\n\r\n', [400]],
      ['a user in front of the host', 'GET / HTTP/1.1\r\nHost: open.example@locked.example\r\n\r\n', [400]],
      ['no host', 'GET / HTTP/1.1\r\n\r\n', [400]],
    ] as const) {
      await forget()
      const [code] = statuses(await send([lines], { waitMs: 800 }))
      assert.ok(
        codes.some((one) => one === code),
        `${name}: ${code}`,
      )
      assert.deepEqual([await seenBy(1), await seenBy(2)], [[], []], name)
    }
  })

  it('is turned away when it takes too long for what it asks, and everybody else is answered meanwhile', async () => {
    const slow = Array.from({ length: 60 }, (_, at) => (at === 0 ? 'GET / HTTP/1.1\r\nHost: open.example\r\n' : `X-${at}: 1\r\n`))
    const took: number[] = []
    const talk = await send(slow, {
      waitMs: HEAD_WITHIN_MS + SLACK_MS,
      pauseMs: 500,
      count: 400,
      during: async () => {
        for (let count = 0; count < 20; count++) {
          const start = performance.now()
          assert.equal(await status('open'), 200)
          took.push(performance.now() - start)
        }
      },
    })
    assert.equal(talk.closedMs.length, 400)
    assert.deepEqual(
      talk.closedMs.filter((ms) => ms === null || ms < HEAD_WITHIN_MS - 1000),
      [],
    )
    assert.deepEqual(statuses(talk), [408])
    assert.ok(Math.min(...took) < 1000, took.join(' '))
  })

  it('may send without end: the gateway keeps no more of it than before', async () => {
    const memory = (): number => {
      const { pid } = stage.gateway.stats()
      return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
    }
    const before = memory()
    const body = 'x'.repeat(4 << 20)
    const file = `${stage.stateDir}/long`
    writeFileSync(file, body.repeat(16))
    const sent = await stage.curl('-H', 'Host: open.example', '-X', 'POST', '-H', 'Expect:', '-T', file, `http://${GATEWAY_ADDRESS}/`)
    assert.equal(sent.status, 200)
    assert.equal(await status('open'), 200)
    assert.ok(memory() - before < 16, `${before} and ${memory()} MB`)
    const long = await send([`GET / HTTP/1.1\r\nHost: open.example\r\nX-Long: ${'y'.repeat(60_000)}\r\n\r\n`])
    assert.deepEqual(statuses(long), [400])
    const many = await send([`GET / HTTP/1.1\r\nHost: open.example\r\n${'X-A: 1\r\n'.repeat(5000)}\r\n`])
    assert.deepEqual(statuses(many), [400])
  })
})
