import { type Scope, messageOf } from '#base'
import { type core, refs } from '#api'
import type { Client } from '#client'
import type { ServiceAccountToken } from '../objects.ts'
import { nameOf, namespaceOf, uidOf } from '../pods/pod-facts.ts'

interface TokenAnswer {
  readonly status?: { readonly token?: string; readonly expirationTimestamp?: string }
}

/** A token is renewed after four fifths of its life, or a day. */
const RENEW_PART = 0.8
const RENEW_AFTER_MS = 24 * 3600 * 1000
const RETRY_MS = 60_000

/** Tokens of pods' service accounts, bound to the pod, kept until they are due for renewal; one that cannot be renewed is given until it ends. */
export class ServiceAccountTokens {
  readonly #client: Client
  readonly #tokens = new Map<string, Map<string, Promise<ServiceAccountToken>>>()

  constructor(client: Client) {
    this.#client = client
  }

  async get(scope: Scope, pod: core.Pod, audience: string | undefined, expirationSeconds: number): Promise<ServiceAccountToken> {
    const ofPod = this.#tokens.get(uidOf(pod)) ?? new Map<string, Promise<ServiceAccountToken>>()
    this.#tokens.set(uidOf(pod), ofPod)
    const key = `${audience ?? ''} ${expirationSeconds}`
    const kept = await ofPod.get(key)?.catch(() => undefined)
    if (kept !== undefined && kept.renewAtMs > scope.clock.now()) return kept
    const asked = this.#ask(scope, pod, audience, expirationSeconds).catch((error: unknown) => {
      if (kept === undefined || kept.expiresAtMs <= scope.clock.now() || scope.signal.aborted) throw error
      scope.log.warn('a token could not be renewed: the one before serves on', { pod: nameOf(pod), error: messageOf(error) })
      return { ...kept, renewAtMs: scope.clock.now() + RETRY_MS }
    })
    ofPod.set(key, asked)
    asked.catch(() => ofPod.delete(key))
    return asked
  }

  forget(podUid: string): void {
    this.#tokens.delete(podUid)
  }

  async #ask(scope: Scope, pod: core.Pod, audience: string | undefined, expirationSeconds: number): Promise<ServiceAccountToken> {
    const name = pod.spec?.serviceAccountName ?? 'default'
    const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name: pod.metadata?.name, uid: uidOf(pod) }
    const spec = { audiences: audience === undefined || audience === '' ? [] : [audience], expirationSeconds, boundObjectRef }
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec }
    const at = { namespace: namespaceOf(pod), name }
    const { status } = await this.#client
      .resource(refs.serviceaccounts)
      .subresource<TokenAnswer>(scope, at, 'token', { verb: 'create', body })
    if (status?.token === undefined) throw new Error(`the API gave no token for the service account ${name}`)
    const now = scope.clock.now()
    const expiresAtMs = Date.parse(status.expirationTimestamp ?? '')
    const lifeMs = Number.isNaN(expiresAtMs) ? expirationSeconds * 1000 : expiresAtMs - now
    return { token: status.token, renewAtMs: now + Math.min(lifeMs * RENEW_PART, RENEW_AFTER_MS), expiresAtMs: now + lifeMs }
  }
}
