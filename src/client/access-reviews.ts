import { createHash } from 'node:crypto'
import type { Scope } from '#base'
import { type authorization, refs } from '#api'
import type { Client } from './client.ts'

/** Who calls a server that knows nobody itself. */
export interface Caller {
  readonly name: string
  readonly uid: string
  readonly groups: readonly string[]
  readonly extra: Readonly<Record<string, string[]>>
}

/** How long answers hold; with 0 the API is asked each time. */
export interface AnswersHold {
  readonly tokenMs: number
  readonly allowedMs: number
  readonly deniedMs: number
}

type Attributes = Pick<authorization.SubjectAccessReviewSpec, 'resourceAttributes' | 'nonResourceAttributes'>

const MOST_KEPT = 2048

/** For servers beside the API server: it is asked who a token is (TokenReview), and what somebody may do (SubjectAccessReview). */
export class AccessReviews {
  readonly #client: Client
  readonly #hold: AnswersHold
  readonly #tokens = new Map<string, { readonly answer: Caller; readonly untilMs: number }>()
  readonly #decisions = new Map<string, { readonly answer: boolean; readonly untilMs: number }>()

  constructor(client: Client, hold: AnswersHold) {
    this.#client = client
    this.#hold = hold
  }

  /** Undefined: nobody. That is not kept: a token may be made any moment. */
  async identify(scope: Scope, token: string): Promise<Caller | undefined> {
    const key = createHash('sha256').update(token).digest('base64')
    const kept = this.#tokens.get(key)
    if (kept !== undefined && kept.untilMs > scope.clock.monotonic()) return kept.answer
    const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } }
    const { status } = await this.#client.resource(refs.tokenreviews).create(scope, review)
    if (status?.authenticated !== true || status.user === undefined) return undefined
    const { username = '', uid = '', groups = [], extra = {} } = status.user
    const caller = { name: username, uid, groups, extra }
    keep(scope, this.#tokens, key, caller, this.#hold.tokenMs)
    return caller
  }

  async allows(scope: Scope, caller: Caller, attributes: Attributes): Promise<boolean> {
    const key = JSON.stringify([caller.name, caller.uid, caller.groups, caller.extra, attributes])
    const kept = this.#decisions.get(key)
    if (kept !== undefined && kept.untilMs > scope.clock.monotonic()) return kept.answer
    const { name, uid, groups, extra } = caller
    const spec: authorization.SubjectAccessReviewSpec = { user: name, uid, groups: [...groups], extra: { ...extra }, ...attributes }
    const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec }
    const { status } = await this.#client.resource(refs.subjectaccessreviews).create(scope, review)
    const allowed = status?.allowed === true
    keep(scope, this.#decisions, key, allowed, allowed ? this.#hold.allowedMs : this.#hold.deniedMs)
    return allowed
  }
}

/** The token of an `Authorization` header. */
export const bearerToken = (authorizationHeader: string | undefined): string | undefined =>
  /^Bearer +(\S+)$/i.exec(authorizationHeader ?? '')?.[1]

function keep<V>(
  scope: Scope,
  map: Map<string, { readonly answer: V; readonly untilMs: number }>,
  key: string,
  answer: V,
  holdsMs: number,
): void {
  if (holdsMs <= 0) return
  if (map.size >= MOST_KEPT) map.clear()
  map.set(key, { answer, untilMs: scope.clock.monotonic() + holdsMs })
}
