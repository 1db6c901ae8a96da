import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { rootScope } from '#base'
import type { Client } from '#client'
import { LoginIssuer, manualClock } from '#testing/basics'
import { EndedSessions } from './ended-sessions.ts'
import { type LoginRules, readLoginRules } from './login-rules.ts'
import { Logins } from './logins.ts'
import type { LoginAnswer, LoginQuestion } from './question.ts'

export const ISSUER = 'https://login.example'
export const HOST = 'shop.example'
const KEY = new Uint8Array(32).fill(7)

export function rulesWith(more: Readonly<Record<string, string>> = {}): LoginRules {
  const said = { issuer: ISSUER, client: 'shop', secret: 'oidc', headers: 'x-user=sub', ...more }
  const rules = readLoginRules(Object.fromEntries(Object.entries(said).map(([name, value]) => [`sampan.io/login-${name}`, value])), 'x')
  return rules !== undefined && 'door' in rules ? rules : assert.fail(JSON.stringify(rules))
}

/** A gateway's logins, the issuer, and as many browsers as are wanted. */
export async function world(t: TestContext, more?: Readonly<Record<string, string>>) {
  const clock = manualClock()
  const scope = rootScope({ clock })
  const folder = mkdtempSync(join(tmpdir(), 'sampan-login-'))
  t.after(() => {
    scope.cancel()
    rmSync(folder, { recursive: true })
  })
  const issuer = new LoginIssuer({
    issuer: ISSUER,
    client: 'shop',
    clientSecret: 's p&c',
    redirectUris: [`https://${HOST}/oauth2/callback`, 'https://other.example/oauth2/callback'],
    now: clock.now,
  })
  const secret = { data: { 'client-secret': Buffer.from('s p&c').toString('base64') } }
  const client = {
    resource: () => ({
      get: async () => secret,
      watch: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }) }),
    }),
  } as unknown as Client
  const logins = new Logins(scope, client, () => undefined, {
    key: KEY,
    ended: new EndedSessions(join(folder, 'ended.sessions'), scope.random, clock.now() / 1000),
    ask: async (_, uri, { form, authorization } = {}) => {
      const { status, body } = issuer.answer(form === undefined ? 'GET' : 'POST', uri, { authorization }, form?.toString())
      return { status, text: body }
    },
  })
  const enter = async (wish: string, rules: LoginRules): Promise<string> => {
    logins.name(wish, rules)
    await logins.settled()
    const check = logins.check(wish)
    return typeof check === 'object' && 'id' in check ? check.id : assert.fail(JSON.stringify(check))
  }
  const rules = rulesWith(more)
  const id = await enter('x/shop', rules)
  return { clock, issuer, logins, rules, id, enter, browser: () => new Browser(logins, issuer, rules, id) }
}

/** Keeps cookies as browsers do, and goes where it is sent. */
export class Browser {
  readonly cookies = new Map<string, string>()
  readonly #logins: Logins
  readonly #issuer: LoginIssuer
  readonly #rules: LoginRules
  readonly #id: string

  constructor(logins: Logins, issuer: LoginIssuer, rules: LoginRules, id: string) {
    this.#logins = logins
    this.#issuer = issuer
    this.#rules = rules
    this.#id = id
  }

  async ask(more: Partial<LoginQuestion> = {}): Promise<LoginAnswer> {
    const { door } = this.#rules
    const answer = await this.#logins.judge({
      id: this.#id,
      at: 'page',
      method: 'GET',
      isNavigation: true,
      isFromElsewhere: false,
      host: HOST,
      target: '/a?b=1',
      session: this.cookies.get(`__Host-sampan-in-${door.id}`),
      browser: this.cookies.get(`__Host-sampan-at-${door.id}`),
      ...more,
    })
    assert.ok(answer !== undefined)
    const set = answer.kind === 'pass' ? [answer.cookie ?? []].flat() : (answer.cookies ?? [])
    for (const cookie of set) {
      assert.match(cookie, /^__Host-[^;]+; Path=\/; Max-Age=\d+; Secure; HttpOnly; SameSite=Lax$/)
      assert.ok(cookie.length < 4096)
      const [name = '', value = ''] = (cookie.split(';')[0] ?? '').split('=')
      if (value === '') this.cookies.delete(name)
      else this.cookies.set(name, value)
    }
    return answer
  }

  /** Where the issuer sends it back to. */
  async begin(more?: Partial<LoginQuestion>): Promise<string> {
    const { location = '' } = await this.led(more)
    const back = this.#issuer.answer('GET', location)
    return back.headers['location'] ?? assert.fail(`${location}: ${back.body}`)
  }

  async led(more?: Partial<LoginQuestion>): Promise<{ readonly status: number; readonly location?: string }> {
    const answer = await this.ask(more)
    return answer.kind === 'answer' ? answer : assert.fail('it passes')
  }

  comesBack(address: string, more: Partial<LoginQuestion> = {}): Promise<LoginAnswer> {
    const { pathname, search, host } = new URL(address)
    return this.ask({ at: 'return', host, target: `${pathname}${search}`, ...more })
  }

  async logIn(): Promise<LoginAnswer> {
    return await this.comesBack(await this.begin())
  }

  async user(): Promise<string | undefined> {
    const answer = await this.ask()
    return answer.kind === 'pass' ? answer.headers[0]?.value : undefined
  }
}

export const statusOf = (answer: LoginAnswer): number => (answer.kind === 'answer' ? answer.status : 200)
export const question = (id: string): LoginQuestion => ({
  id,
  at: 'page',
  method: 'GET',
  isNavigation: true,
  isFromElsewhere: false,
  host: HOST,
  target: '/',
  session: undefined,
  browser: undefined,
})
