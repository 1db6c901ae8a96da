import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HOST, question, statusOf, world } from './login.fixture.ts'
import { lineOfAnswer, readQuestion } from './question.ts'

const changed = (address: string, name: string, value: string): string => {
  const url = new URL(address)
  url.searchParams.set(name, value)
  return url.href
}

describe('logging in', () => {
  test('a browser is sent away, comes back to where it was, and is known from then on', async (t) => {
    const { browser, clock, issuer } = await world(t)
    const one = browser()
    const { status, location = '' } = await one.led()
    const { searchParams } = new URL(location)
    assert.deepEqual([status, searchParams.get('redirect_uri')], [303, `https://${HOST}/oauth2/callback`])
    const back = await one.comesBack(await one.begin())
    assert.deepEqual([statusOf(back), back.kind === 'answer' && back.location], [303, `https://${HOST}/a?b=1`])
    const known = await one.ask()
    assert.deepEqual(known, {
      kind: 'pass',
      untilSeconds: clock.now() / 1000 + 60,
      headers: [{ header: 'x-user', value: 'ann' }],
    })
    // Nothing of that needs the issuer, and who is new is told that it is away.
    issuer.isDown = true
    clock.advance(61_000)
    assert.equal(await one.user(), 'ann')
    assert.equal((await browser().led()).status, 503)
    assert.deepEqual([...one.cookies.keys()].length, 1)
  })

  test('who asks without looking at a page is not sent anywhere', async (t) => {
    const { browser } = await world(t)
    assert.deepEqual(await browser().ask({ isNavigation: false }), {
      kind: 'answer',
      status: 401,
      why: 'Nobody is logged in.',
      cookies: [],
    })
    assert.equal(statusOf(await browser().ask({ isNavigation: false, method: 'POST' })), 401)
  })

  test('a login belongs to the browser that began it, once, for a while, and to its host', async (t) => {
    const { browser, clock } = await world(t)
    const [victim, attacker] = [browser(), browser()]
    // Somebody else's login is not taken for one's own.
    const stolen = await attacker.begin()
    assert.equal(statusOf(await victim.comesBack(stolen)), 400)
    await victim.begin()
    assert.equal(statusOf(await victim.comesBack(stolen)), 400)
    assert.equal(await victim.user(), undefined)
    // What came back to the victim is no good to who has only seen it.
    const own = await victim.begin()
    assert.equal(statusOf(await attacker.comesBack(own)), 400)
    assert.equal(statusOf(await victim.comesBack(changed(own, 'state', `${new URL(own).searchParams.get('state') ?? ''}x`))), 400)
    assert.equal(statusOf(await victim.comesBack(own.replace(HOST, 'other.example'))), 400)
    assert.equal(statusOf(await victim.comesBack(`${own}&code=x`)), 400)
    assert.equal(statusOf(await victim.comesBack(own, { method: 'POST' })), 405)
    assert.equal(statusOf(await victim.comesBack(own)), 303)
    // Again: who is in already goes on as he is, and nobody else does.
    assert.equal(statusOf(await victim.comesBack(own)), 303)
    victim.cookies.clear()
    assert.equal(statusOf(await victim.comesBack(own)), 400)
    const late = await victim.begin()
    clock.advance(600_000)
    assert.equal(statusOf(await victim.comesBack(late)), 400)
  })

  test('a code is good once, with what only its login knows, and from the issuer that was asked', async (t) => {
    const { browser, issuer } = await world(t)
    const one = browser()
    const [first, second] = [await one.begin(), await one.begin()]
    const codeOf = (address: string): string => new URL(address).searchParams.get('code') ?? ''
    // The code of one login in another one of the same browser: its verifier is not that one's.
    assert.equal(statusOf(await one.comesBack(changed(second, 'code', codeOf(first)))), 400)
    assert.equal(await one.user(), undefined)
    const third = await one.begin()
    assert.equal(statusOf(await one.comesBack(changed(third, 'iss', 'https://evil.example'))), 400)
    const silent = new URL(third)
    silent.searchParams.delete('iss')
    assert.equal(statusOf(await one.comesBack(silent.href)), 400)
    assert.equal(statusOf(await one.comesBack(changed(third, 'error', 'access_denied'))), 403)
    assert.equal(statusOf(await one.comesBack(changed(third, 'error', 'temporarily_unavailable'))), 503)
    assert.equal(statusOf(await one.comesBack(third)), 303)
    const replayed = browser()
    for (const [name, value] of one.cookies) replayed.cookies.set(name, value)
    const asked = issuer.asked.length
    assert.equal(statusOf(await replayed.comesBack(third)), 303)
    assert.equal(issuer.asked.length, asked, 'nobody is asked about a code again')
  })

  test('tokens are looked at as any others, and are of this login', async (t) => {
    const { browser, issuer, clock } = await world(t)
    for (const more of [
      { nonce: 'other' },
      { iss: 'https://evil.example' },
      { aud: 'bank' },
      { aud: ['shop', 'bank'] },
      { azp: 'bank' },
      { exp: clock.now() / 1000 - 61 },
      { nbf: clock.now() / 1000 + 61 },
      { sub: '' },
      { sub: 7 },
    ]) {
      issuer.more = more
      assert.equal(statusOf(await browser().logIn()), 503, JSON.stringify(more))
    }
    // Clocks may differ by a minute, and keys change.
    issuer.more = { exp: clock.now() / 1000 - 59, nbf: clock.now() / 1000 + 59 }
    assert.equal(statusOf(await browser().logIn()), 303)
    issuer.more = {}
    issuer.rotate('RS256', 'second')
    assert.equal(statusOf(await browser().logIn()), 503)
    clock.advance(10_000)
    assert.equal(statusOf(await browser().logIn()), 303)
  })

  test('an issuer that is another one, or leads elsewhere than to https, is none', async (t) => {
    const { browser, issuer, clock } = await world(t)
    for (const metadata of [
      { issuer: 'https://evil.example' },
      { token_endpoint: 'http://login.example/token' },
      { jwks_uri: 'file:///etc/passwd' },
      { authorization_endpoint: 'javascript:alert(1)' },
      { end_session_endpoint: 'https://a:b@login.example/' },
      { userinfo_endpoint: 'http://login.example/userinfo' },
      { code_challenge_methods_supported: ['plain'] },
      { response_types_supported: ['token'] },
      { token_endpoint_auth_methods_supported: ['private_key_jwt'] },
    ]) {
      issuer.metadata = metadata
      clock.advance(60_000)
      assert.equal((await browser().led()).status, 503, JSON.stringify(metadata))
    }
    issuer.metadata = {}
    clock.advance(60_000)
    assert.equal(statusOf(await browser().logIn()), 303)
  })

  test('whoever leads somebody to log in does not say where he goes then', async (t) => {
    const { browser } = await world(t)
    for (const [target, place] of [
      ['//evil.example/', `https://${HOST}//evil.example/`],
      ['/\\evil.example', `https://${HOST}/\\evil.example`],
      ['https://evil.example/', `https://${HOST}/`],
      ['/a b', `https://${HOST}/`],
      ['/\r\nset-cookie: a=b', `https://${HOST}/`],
      [`/${'x'.repeat(3000)}`, `https://${HOST}/`],
      ['/oauth2/logout?x', `https://${HOST}/`],
    ] as const) {
      const one = browser()
      const back = await one.comesBack(await one.begin({ target }))
      assert.equal(back.kind === 'answer' && back.location, place)
    }
  })
})

test('questions have one form, and answers hold what users write as digits alone', () => {
  const id = 'ab'.repeat(16)
  const hex = (text: string): string => Buffer.from(text).toString('hex')
  assert.deepEqual(readQuestion(`l ${id} p gn ${hex('shop.example:8443')} ${hex('/a?b')} - -\n`), {
    ...question(id),
    host: 'shop.example:8443',
    target: '/a?b',
  })
  for (const line of [
    `l ${id} q gn ${hex('a')} 2f - -\n`,
    `l ${id} p gn ${hex('evil.example/x')} 2f - -\n`,
    `l ${id} p gn ${hex('a@b')} 2f - -\n`,
    `l ${id} p gn ${hex('A')} 2f - -\n`,
    `l ${id} p gn ${hex('a:1:2')} 2f - -\n`,
    `l ${id} p gn ${hex('a')} - - -\n`,
    `l ${id} p gn ${hex('a')} 2f a.b -\n`,
    `l ${id} p gn ${hex('a')} 2f - -\nx`,
  ])
    assert.equal(readQuestion(line), undefined, line)
  const evil = 'x\r\ny: z'
  assert.equal(lineOfAnswer({ kind: 'answer', status: 303, location: evil, cookies: [evil] }), `a 303 ${hex(evil)} - ${hex(evil)}\n`)
  assert.equal(
    lineOfAnswer({
      kind: 'pass',
      untilSeconds: 1,
      headers: [
        { header: 'x-a', value: 'é' },
        { header: 'x-b', value: undefined },
      ],
    }),
    'p 1 - x-a c3a9 x-b -\n',
  )
})
