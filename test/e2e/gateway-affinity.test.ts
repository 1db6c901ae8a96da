import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { eventually } from '#testing'
import { GATEWAY_ADDRESS, type Stage, ingressRule, makeStage, noGateway, podAddress } from './gateway/stage.ts'

const skip = noGateway()
const IDLE_SECONDS = 12

/** Clients that stay with an endpoint. The tests build on each other, in this order. */
describe('clients that stay with an endpoint', { skip: skip ?? false }, () => {
  let stage: Stage
  before(async () => {
    stage = await makeStage()
    await stage.service('kept', [1, 2])
    await stage.service('free', [1, 2])
    const of = (host: string) => ({ rules: [ingressRule(host, ['/', 'Prefix', host.split('.')[0] ?? ''])] })
    await stage.ingress('kept', of('kept.example'), { annotations: { 'sampan.io/affinity': 'cookie' } })
    await stage.ingress('free', of('free.example'))
    await eventually('both are led', async () => (await ask('kept')).pod !== '' && (await ask('free')).pod !== '')
  })
  after(() => stage.close())

  interface Answer {
    readonly pod: string
    readonly cookie: string | undefined
    /** What the pod was shown. */
    readonly shown: string
  }
  async function ask(host: string, cookie?: string): Promise<Answer> {
    const args = cookie === undefined ? [] : ['--header', `Cookie: mine=1; CONTAINERID=${cookie}`]
    const { body } = await stage.curl('--include', '--header', `Host: ${host}.example`, ...args, `http://${GATEWAY_ADDRESS}/`)
    const text = body.slice(body.indexOf('\r\n\r\n') + 4)
    if (!text.startsWith('{')) return { pod: '', cookie: undefined, shown: '' }
    const { by, headers } = JSON.parse(text) as { readonly by: string; readonly headers: Readonly<Record<string, string>> }
    return { pod: by, cookie: /^set-cookie: CONTAINERID=([^;\r]+)/im.exec(body)?.[1], shown: headers['cookie'] ?? '' }
  }
  const pods = async (host: string, cookie: string | undefined): Promise<readonly string[]> => {
    const found = new Set<string>()
    for (let count = 0; count < 12; count++) found.add((await ask(host, cookie)).pod)
    return [...found].sort()
  }

  it('each stays where it was first, others are spread, and pods see nothing of it', async () => {
    assert.equal((await pods('free', undefined)).length, 2)
    assert.equal((await pods('kept', undefined)).length, 2)
    assert.equal((await ask('free')).cookie, undefined)
    for (let client = 0; client < 4; client++) {
      const first = await ask('kept')
      assert.deepEqual(await pods('kept', first.cookie), [first.pod])
      assert.equal((await ask('kept', first.cookie)).shown, 'mine=1')
    }
  })

  it('an endpoint that comes while it runs keeps its clients, too, and those of one that goes are led to another', async () => {
    await stage.endpoints('kept', [1, 2, 3])
    const of = (pod: number): Promise<Answer> =>
      eventually(`a client of pod ${pod}`, async () => {
        const answer = await ask('kept')
        return answer.pod === podAddress(pod) ? answer : undefined
      })
    const [second, third] = [await of(2), await of(3)]
    assert.deepEqual(await pods('kept', third.cookie), [third.pod])
    await stage.endpoints('kept', [1, 2])
    await eventually('it is gone', async () => (await ask('kept', third.cookie)).pod !== third.pod)
    const moved = await ask('kept', third.cookie)
    assert.ok(moved.cookie !== undefined && moved.cookie !== third.cookie)
    assert.deepEqual(await pods('kept', moved.cookie), [moved.pod])
    assert.deepEqual(await pods('kept', second.cookie), [second.pod])
  })

  it('so it is over a new HAProxy under a new gateway', async () => {
    const { pod, cookie } = await ask('kept')
    const { pid, starts } = stage.gateway.stats()
    assert.ok(pid !== undefined && starts > 0)
    process.kill(pid, 'SIGKILL')
    await stage.again()
    await eventually('it serves', async () => (await ask('kept').catch(() => ({ pod: '' }))).pod !== '')
    assert.deepEqual(await pods('kept', cookie), [pod])
  })

  it('for as long as is said without a request, and a cookie that somebody made up is none', async () => {
    assert.equal((await pods('kept', 'ffffffffffffffff|aaaaa|aaaaa')).length, 2)
    await stage.service('short', [1, 2])
    await stage.ingress(
      'short',
      { rules: [ingressRule('short.example', ['/', 'Prefix', 'short'])] },
      {
        annotations: { 'sampan.io/affinity': 'cookie', 'sampan.io/affinity-idle-seconds': String(IDLE_SECONDS) },
      },
    )
    await eventually('it is led', async () => (await ask('short')).pod !== '')
    const { cookie } = await ask('short')
    assert.equal((await pods('short', cookie)).length, 1)
    await eventually('it is forgotten', async () => (await pods('short', cookie)).length === 2, 30_000)
  })
})
