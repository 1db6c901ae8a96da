import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HOST, ISSUER, question, rulesWith, statusOf, world } from './login.fixture.ts'

describe('those who are in', () => {
  test('are known by what the gateway has given them, at the same host and by the same door, until its end', async (t) => {
    const { browser, clock, enter, logins } = await world(t)
    const one = browser()
    await one.logIn()
    const session = [...one.cookies.values()][0] ?? ''
    assert.equal(await one.user(), 'ann')
    assert.equal((await one.led({ host: 'other.example' })).status, 303)
    assert.equal(statusOf(await one.ask({ host: `${HOST}:8443` })), 200)
    for (const odd of [`${session}A`, session.slice(0, -4), `${session.slice(0, 20)}AAAA${session.slice(24)}`, 'x', 'A'.repeat(4000)])
      assert.equal((await one.led({ session: odd })).status, 303, odd.slice(0, 40))
    // What somebody was sent away with is no session.
    assert.equal((await one.led({ session: new URL(await browser().begin()).searchParams.get('state')?.split('.')[1] })).status, 303)
    const bank = rulesWith({ client: 'bank' })
    assert.equal((await logins.judge({ ...question(await enter('x/bank', bank)), session }))?.kind, 'answer')
    assert.equal((await logins.judge({ ...question(await enter('x/more', rulesWith())), session }))?.kind, 'pass')
    clock.advance(28_799_000)
    assert.equal(await one.user(), 'ann')
    clock.advance(1000)
    assert.equal(await one.user(), undefined)
  })

  test('are asked for again from time to time, once for all that a page asks, and go on while the issuer is away', async (t) => {
    const { browser, clock, issuer } = await world(t)
    const one = browser()
    await one.logIn()
    const before = [...one.cookies.values()][0] ?? ''
    clock.advance(300_000)
    issuer.user = { sub: 'ann', groups: ['staff'] }
    const asked = issuer.asked.length
    const all = await Promise.all([1, 2, 3].map(() => one.ask({ session: before })))
    assert.deepEqual(all.map(statusOf), [200, 200, 200])
    assert.equal(issuer.asked.slice(asked).filter((path) => path === '/token').length, 1)
    const now = [...one.cookies.values()][0]
    assert.notEqual(now, before)
    assert.equal(await one.user(), 'ann')
    // Away: who is in stays in, and the issuer is not asked for each of his requests.
    clock.advance(300_000)
    issuer.isDown = true
    const quiet = issuer.asked.length
    assert.deepEqual([await one.user(), await one.user(), [...one.cookies.values()][0]], ['ann', 'ann', now])
    assert.equal(issuer.asked.slice(quiet).filter((path) => path === '/token').length <= 1, true)
    issuer.isDown = false
    clock.advance(10_000)
    assert.equal(await one.user(), 'ann')
    assert.notEqual([...one.cookies.values()][0], now)
    // Nobody knows him any more.
    issuer.forgetAll()
    clock.advance(300_000)
    assert.equal(statusOf(await one.ask({ isNavigation: false })), 401)
    assert.equal((await one.led()).status, 303)
  })

  test('are not somebody else because the issuer says so later', async (t) => {
    const { browser, clock, issuer } = await world(t)
    const one = browser()
    await one.logIn()
    issuer.user = { sub: 'root' }
    clock.advance(300_000)
    assert.equal(await one.user(), undefined)
  })

  test('may ask when they are whom the route wants, and pods are told what it wants them to be', async (t) => {
    const { browser, issuer, enter, logins } = await world(t, {
      headers: 'x-user=email,x-groups=groups',
      emails: 'ann@x.example,@y.example',
    })
    const in_ = async (user: Readonly<Record<string, unknown>>): Promise<readonly unknown[]> => {
      issuer.user = { sub: 'u', ...user }
      const one = browser()
      await one.logIn()
      const answer = await one.ask()
      return [statusOf(answer), answer.kind === 'pass' && answer.headers.map(({ value }) => value)]
    }
    assert.deepEqual(await in_({ email: 'Ann@X.example', email_verified: true, groups: ['a', 'b'] }), [200, ['Ann@X.example', 'a,b']])
    assert.deepEqual(await in_({ email: 'x@y.example', email_verified: 'true', groups: { a: 1 } }), [200, ['x@y.example', undefined]])
    for (const user of [
      { email: 'ann@x.example' },
      { email: 'ann@x.example', email_verified: false },
      { email: 'bob@x.example', email_verified: true },
      { email: 'x@evil.example@y.example.evil', email_verified: true },
      { email: 'x@sub.y.example', email_verified: true },
      { email: ['ann@x.example'], email_verified: true },
      {},
    ])
      assert.deepEqual(await in_(user), [403, false], JSON.stringify(user))
    assert.deepEqual(await in_({ email: 'ann@x.example\r\nx: y', email_verified: true }), [403, false])
    // A route that looks at more than was kept has it asked for.
    issuer.user = { sub: 'ann', email: 'ann@x.example', email_verified: true, dept: 'toys' }
    const one = browser()
    await one.logIn()
    const session = [...one.cookies.values()][0]
    const more = await enter('x/dept', rulesWith({ headers: 'x-dept=dept' }))
    const answer = await logins.judge({ ...question(more), session })
    assert.equal(answer?.kind === 'answer' && answer.status, 303)
    await one.comesBack(await one.begin({ session: undefined }))
    const again = await logins.judge({ ...question(more), session: [...one.cookies.values()][0] })
    assert.deepEqual(again?.kind === 'pass' && again.headers, [{ header: 'x-dept', value: 'toys' }])
  })

  test('are asked about where their token says too little, and nobody else is', async (t) => {
    const { browser, issuer } = await world(t, { headers: 'x-groups=groups', require: 'email' })
    issuer.isTerse = true
    const known = async (): Promise<unknown> => {
      const one = browser()
      await one.logIn()
      const answer = await one.ask()
      return answer.kind === 'pass' ? answer.headers[0]?.value : answer.status
    }
    issuer.user = { sub: 'ann', email: 'ann@x.example', groups: ['a', 'b'] }
    assert.equal(await known(), 'a,b')
    // Of somebody else, or not said at all.
    issuer.info = { sub: 'root' }
    assert.equal(await known(), 403)
    issuer.info = { email: undefined }
    assert.equal(await known(), 403)
    // What the token says comes first.
    issuer.isTerse = false
    issuer.info = { email: 'root@x.example' }
    issuer.user = { sub: 'ann', groups: ['c'] }
    assert.equal(await known(), 'c')
  })

  test('log out here and at the issuer, unless a page of somebody else wants it', async (t) => {
    const { browser } = await world(t)
    const one = browser()
    await one.logIn()
    const session = [...one.cookies.values()][0]
    assert.equal(statusOf(await one.ask({ at: 'logout', isFromElsewhere: true })), 403)
    assert.equal(await one.user(), 'ann')
    const { status, location } = await one.led({ at: 'logout' })
    assert.deepEqual([status, location, one.cookies.size], [303, `${ISSUER}/end?client_id=shop`, 0])
    // Whoever has kept it has nothing.
    assert.equal((await one.led({ session })).status, 303)
    assert.equal((await one.led({ at: 'logout' })).status, 200)
  })

  test('are not kept with more than a browser keeps', async (t) => {
    const { browser, issuer } = await world(t, { headers: 'x-groups=groups' })
    const groups = (count: number): readonly string[] => Array.from({ length: count }, (_, at) => `group-${String(at).padStart(12, '0')}`)
    issuer.user = { sub: 'ann', groups: groups(200) }
    const one = browser()
    assert.equal(statusOf(await one.logIn()), 403)
    assert.equal(one.cookies.size, 0)
    issuer.user = { sub: 'ann', groups: groups(50) }
    assert.equal(statusOf(await one.logIn()), 303)
    assert.equal(statusOf(await one.ask()), 200)
  })
})
