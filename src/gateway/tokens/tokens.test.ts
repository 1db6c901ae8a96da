import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { rootScope } from '#base'
import type { Client } from '#client'
import { eventually, manualClock } from '#testing/basics'
import { keySetText, signer } from './signed.fixture.ts'
import type { TokenRules } from './token-rules.ts'
import { type Judges, serveTokens } from './token-server.ts'
import { Tokens } from './tokens.ts'

const NOW = Date.parse('2026-01-01T00:00:00Z')
const claims = { iss: 'i', aud: 'a', exp: NOW / 1000 + 86_400 }
const rules: TokenRules = {
  issuer: 'i',
  audiences: ['a'],
  keys: { kind: 'uri', uri: 'https://issuer/keys' },
  algorithms: ['EdDSA'],
  leewaySeconds: 0,
  require: [],
  headers: [],
  realm: 'r',
}
/** Only keys at addresses are looked for. */
const noClient = { resource: () => ({}) } as unknown as Client

/** Tokens whose keys come from `answer`. */
function world(answer: () => string) {
  const clock = manualClock(NOW)
  const scope = rootScope({ clock })
  const asked: string[] = []
  const changed: string[] = []
  const tokens = new Tokens(scope, noClient, (wishes) => changed.push(...wishes), {
    fetch: async (_, uri) => {
      asked.push(uri)
      return answer()
    },
  })
  return { clock, scope, tokens, asked, changed, idOf: (wish: string): string => idIn(tokens.check(wish)) }
}
function idIn(check: ReturnType<Tokens['check']>): string {
  return typeof check === 'object' && 'id' in check ? check.id : assert.fail(JSON.stringify(check))
}

describe('keys of tokens', () => {
  const [first, second] = [signer('EdDSA', 'one'), signer('EdDSA', 'two')]
  const failed = (): string => {
    throw new Error('it answers 500')
  }

  test('are fetched when a route names them, and the route is told of others', async (t) => {
    let set = keySetText(first)
    const { clock, scope, tokens, asked, changed, idOf } = world(() => set)
    t.after(() => scope.cancel())
    tokens.name('x/a', rules)
    tokens.name('x/b', { ...rules, realm: 'other' })
    assert.equal(tokens.check('x/a'), 'waiting')
    assert.equal(tokens.check('x/none'), undefined)
    await tokens.settled()
    assert.deepEqual([asked.length, changed.sort()], [1, ['x/a', 'x/b']])
    const id = idOf('x/a')
    assert.notEqual(id, idOf('x/b'))
    assert.equal((await tokens.judge(id, first.token(claims)))?.kind, 'good')
    // A key that nobody knows is asked for, once in a while.
    set = keySetText(second)
    assert.equal((await tokens.judge(id, second.token(claims)))?.kind, 'refused')
    assert.equal(asked.length, 1)
    clock.advance(30_000)
    assert.equal((await tokens.judge(id, second.token(claims)))?.kind, 'good')
    assert.equal(asked.length, 2)
    assert.deepEqual(changed.slice(2).sort(), ['x/a', 'x/b'])
    // What was remembered of tokens is of the old name. Requests that are led by it are judged all the same, by what holds now.
    assert.notEqual(idOf('x/a'), id)
    assert.equal((await tokens.judge(id, first.token(claims)))?.kind, 'refused')
    // Nobody wants them any more.
    tokens.name('x/a', undefined)
    assert.equal(await tokens.judge(id, second.token(claims)), undefined)
    tokens.name('x/b', undefined)
    clock.advance(3_600_000)
    assert.equal(asked.length, 2)
  })

  test('are kept while their address does not answer, and nobody passes before there are any', async (t) => {
    let answer = failed
    const { clock, scope, tokens, asked, idOf } = world(() => answer())
    t.after(() => scope.cancel())
    tokens.name('x/a', rules)
    await tokens.settled()
    assert.deepEqual(tokens.check('x/a'), { problem: 'the keys of tokens cannot be had: it answers 500' })
    answer = () => keySetText(first)
    await eventually('the keys', async () => {
      clock.advance(2000)
      await tokens.settled()
      return typeof tokens.check('x/a') === 'object' && 'id' in (tokens.check('x/a') as object)
    })
    assert.ok(clock.now() - NOW <= 10_000, 'it is asked again soon')
    const id = idOf('x/a')
    for (const bad of [failed, () => '{}', () => '<html>']) {
      answer = bad
      const before = asked.length
      await eventually('another try', async () => {
        clock.advance(300_000)
        await tokens.settled()
        return asked.length > before
      })
      assert.equal((await tokens.judge(id, first.token({ ...claims, exp: claims.exp * 2 })))?.kind, 'good')
    }
    assert.equal(idOf('x/a'), id)
  })

  test('are asked for by lines, and anything else is no question', async (t) => {
    const scope = rootScope()
    const folder = mkdtempSync(join(tmpdir(), 'sampan-tokens-'))
    t.after(() => {
      scope.cancel()
      rmSync(folder, { recursive: true })
    })
    const places = { folder, emptyFolder: join(folder, 'empty'), tokens: join(folder, 'empty', 'tokens.sock') }
    const ask = async (words: string): Promise<string> => {
      const socket = connect(places.tokens)
      socket.write(words)
      return text(socket).catch(() => 'broken off')
    }
    const id = 'a'.repeat(32)
    for (const why of ['it is no signed token', 'it has expired']) {
      // Whoever comes later has the place.
      const login = async (): Promise<undefined> => undefined
      const token = async (asked: string, shown: string): ReturnType<Judges['token']> =>
        shown === 'a.b.good'
          ? {
              kind: 'good',
              untilSeconds: 7,
              headers: [
                { header: 'x-a', value: 'é' },
                { header: 'x-b', value: undefined },
                { header: 'x-c', value: '' },
              ],
            }
          : asked === id
            ? { kind: 'refused', status: 403, why }
            : undefined
      await serveTokens(scope.child(), places, { token, login })
      assert.equal(await ask(`${id} a.b.c\n`), `r 403 ${why}\n`)
    }
    assert.equal(await ask(`${id} a.b.good\n`), 'g 7 x-a c3a9 x-b - x-c 0\n')
    assert.equal(await ask(`${'b'.repeat(32)} a.b.c\n`), 'w\n')
    for (const words of ['\n', `${id}\n`, `${id} a.b.c d\n`, 'x'.repeat(9000)]) assert.match(await ask(words), /^$|broken off/)
  })
})
