import type { KubeObject } from '#api'
import { type Condition, type Forward, type Rule, answers } from '#routing'
import { type LoginRules, readLoginRules } from '../../login/login-rules.ts'
import type { LoginCheck } from '../../login/logins.ts'
import { sessionCookie } from '../../login/session.ts'
import { type TokenRules, readTokenRules } from '../../tokens/token-rules.ts'
import type { TokenCheck } from '../../tokens/tokens.ts'
import type { Finding } from '../wish.ts'

/** What could not be understood or done might be what keeps people out: then nobody passes. */
export const nobodyPasses = (problem: string): Finding => ({
  reason: 'AccessRefused',
  message: `requests are answered with 503, since nobody could be kept out: ${problem}`,
})

export interface PassView {
  /** How tokens for the object are looked at; undefined: it wants none. */
  token(wish: string): TokenCheck | undefined
  /** How people are known to it; undefined: nobody has to log in. */
  login(wish: string): LoginCheck | undefined
}

/** A path of a route's hosts that its requests alone take, which are a part of logging in or out. */
export interface LoginPath {
  readonly path: string
  readonly when: Condition | undefined
  /** Of several for the same path, the lower one is asked first. */
  readonly precedence: string
  readonly action: Forward
}

/** How requests pass: `closed` is nobody, without a finding while it is only that keys are still to come. */
export interface Passes {
  readonly isClosed: boolean
  /** What the route's requests need: all of it. */
  readonly needs: Pick<Forward, 'token' | 'login'>
  readonly paths: readonly LoginPath[]
  readonly findings: readonly Finding[]
}

export const EVERYBODY_PASSES: Passes = { isClosed: false, needs: {}, paths: [], findings: [] }

type Read<T> = T | { readonly problem: string } | undefined
const goodOf = <T extends object>(read: Read<T>): T | undefined => (read === undefined || 'problem' in read ? undefined : read)

/** What it wants of tokens; undefined: nothing, or nothing that could be understood. */
export const tokensOf = ({ metadata }: KubeObject): TokenRules | undefined =>
  goodOf<TokenRules>(readTokenRules(metadata?.annotations ?? {}, metadata?.namespace ?? ''))

/** What it wants of people; undefined: nothing, or nothing that could be understood. */
export const loginsOf = ({ metadata }: KubeObject): LoginRules | undefined =>
  goodOf<LoginRules>(readLoginRules(metadata?.annotations ?? {}, metadata?.namespace ?? ''))

/** Whether somebody needs something to pass. */
export const hasPasses = (annotations: Readonly<Record<string, string>>): boolean =>
  readTokenRules(annotations, '') !== undefined || readLoginRules(annotations, '') !== undefined

/** `hasPassword`: it is said where a token would be. */
export function readPasses(wish: string, { metadata }: KubeObject, view: PassView, hasPassword = false): Passes {
  const [annotations, namespace] = [metadata?.annotations ?? {}, metadata?.namespace ?? '']
  if (!hasPasses(annotations)) return EVERYBODY_PASSES
  const findings: Finding[] = []
  let isClosed = false
  /** Undefined: nothing is asked for, or nobody passes. */
  const checked = <T extends object>(rules: Read<object>, checkOf: () => Read<T> | 'waiting'): T | undefined => {
    if (rules === undefined) return undefined
    const check = 'problem' in rules ? (rules as { readonly problem: string }) : (checkOf() ?? 'waiting')
    if (check !== 'waiting' && !('problem' in check)) return check
    isClosed = true
    if (check !== 'waiting') findings.push(nobodyPasses(check.problem))
    return undefined
  }
  const tokens = readTokenRules(annotations, namespace)
  const isTwice = hasPassword && tokens !== undefined
  const token = checked(isTwice ? { problem: 'passwords and tokens are said in the same header of a request' } : tokens, () =>
    view.token(wish),
  )
  const logins = readLoginRules(annotations, namespace)
  const login = checked(logins, () => view.login(wish))
  const needs = {
    ...(token === undefined ? {} : { token }),
    ...(login === undefined ? {} : { login: { ...login, at: 'page' as const } }),
  }
  const rules = goodOf<LoginRules>(logins)
  return { isClosed, needs, paths: isClosed || login === undefined || rules === undefined ? [] : pathsOf(rules, login), findings }
}

/** Several routes of a host may have these paths, by one door or by several: each takes what is its own. */
function pathsOf({ door }: LoginRules, login: Exclude<LoginCheck, { problem: string } | 'waiting'>): readonly LoginPath[] {
  const action = (at: 'return' | 'logout'): Forward => ({
    kind: 'forward',
    to: [{ backend: answers(404), weight: 1 }],
    login: { ...login, at },
  })
  return [
    {
      path: door.returnPath,
      when: { kind: 'query', name: 'state', value: { how: 'prefix', text: `${door.id}.` } },
      precedence: '0',
      action: action('return'),
    },
    {
      path: door.logoutPath,
      when: { kind: 'cookie', name: sessionCookie(door), value: { how: 'present' } },
      precedence: '0',
      action: action('logout'),
    },
    // Who is not in is told that he is out, whichever door it is that tells him.
    { path: door.logoutPath, when: undefined, precedence: 'z', action: action('logout') },
  ]
}

/** Rules with all that requests need to pass. */
export const withNeeds = (rules: readonly Rule[], needs: Passes['needs']): readonly Rule[] =>
  rules.map((rule) => (rule.action.kind === 'forward' ? { ...rule, action: { ...rule.action, ...needs } } : rule))
