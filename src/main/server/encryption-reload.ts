import { createHash } from 'node:crypto'
import {
  type CancellableScope,
  Counters,
  type MetricDefinition,
  type MetricText,
  type Scope,
  type Timer,
  messageOf,
  readFileIfThere,
} from '#base'
import type { EncryptedStore, EncryptionRule, openKmsCipher } from '#store'

const LOOK_EVERY_MS = 10_000
/** New key services must answer by then. */
const READY_WITHIN_MS = 10_000
/** Older values live on in the history, which is kept for five to ten minutes: their keys too. */
const FORGET_AFTER_MS = 15 * 60_000

const LAST: MetricDefinition = {
  name: 'apiserver_encryption_config_controller_automatic_reload_last_timestamp_seconds',
  help: 'When the encryption configuration was last read again, by what came of it.',
  type: 'gauge',
}
const INFO: MetricDefinition = {
  name: 'apiserver_encryption_config_controller_last_config_info',
  help: 'Always 1; names the encryption configuration in use by its hash.',
  type: 'gauge',
}

export type KeyService = Awaited<ReturnType<typeof openKmsCipher>>

/** A configuration that is in use. */
export interface Encryption {
  readonly rules: readonly EncryptionRule[]
  readonly services: readonly KeyService[]
}

export interface ReloadOptions {
  readonly file: string
  /** What it holds now. */
  readonly text: string
  readonly store: EncryptedStore
  /** In which the present key services live. */
  readonly own: CancellableScope
  readonly services: readonly KeyService[]
  readonly rulesOf: (scope: Scope, text: string, file: string) => Promise<Encryption>
}

/**
 * Follows the encryption configuration. A new one counts when it can be read, its key services answer and everything that is stored can be
 * opened with it; then what it keeps differently is written anew. Else the one before stays, and the new one is tried again at each look.
 */
export class EncryptionReload {
  services: readonly KeyService[]
  readonly #scope: Scope
  readonly #options: ReloadOptions
  readonly #reloads = new Counters(
    {
      name: 'apiserver_encryption_config_controller_automatic_reloads_total',
      help: 'How often the encryption configuration was read again, by what came of it.',
    },
    ['status'],
  )
  readonly #lastMs = new Map<string, number>()
  #own: CancellableScope
  #timer: Timer | undefined
  #text: string
  /** Told of once, not at every look. */
  #problem = ''

  constructor(scope: Scope, options: ReloadOptions) {
    this.#scope = scope
    this.#options = options
    this.#own = options.own
    this.#text = options.text
    this.services = options.services
    this.#lookLater()
    scope.signal.addEventListener('abort', () => this.#timer?.cancel(), { once: true })
  }

  /** Looks at the file now. Never rejects. */
  async look(): Promise<void> {
    const { file, store, rulesOf } = this.#options
    const text = readFileIfThere(file)
    if (text === undefined || text === this.#text) return
    const next = this.#scope.child()
    const inTime = this.#scope.clock.after(READY_WITHIN_MS, () => next.cancel(new Error('the key services do not answer')), {
      background: true,
    })
    try {
      const { rules, services } = await rulesOf(next, text, file)
      for (const service of services) await service.check()
      inTime.cancel()
      next.check()
      await store.replace(this.#scope, rules)
      this.services = services
      this.#text = text
      this.#problem = ''
      this.#retire(next)
      this.#note('success')
    } catch (error) {
      inTime.cancel()
      next.cancel()
      this.#note('failure')
      const problem = messageOf(error)
      if (problem !== this.#problem && !this.#scope.signal.aborted)
        this.#scope.log.error('an encryption configuration cannot be used, the one before stays', { file, reason: problem })
      this.#problem = problem
      return
    }
    await this.#renew()
  }

  /** What cannot be written anew now is at the next change, or the next start: the keys that it needs are configured. */
  async #renew(): Promise<void> {
    const { file, store } = this.#options
    try {
      const values = await store.renew(this.#scope)
      this.#scope.log.info('the encryption configuration has been read again', { file, values })
    } catch (error) {
      this.#scope.log.error('stored values could not be encrypted anew', { file, reason: messageOf(error) })
    }
  }

  writeMetrics(text: MetricText): void {
    this.#reloads.write(text)
    if (this.#lastMs.size > 0) text.family(LAST)
    for (const [status, atMs] of this.#lastMs) text.sample(LAST.name, { status }, atMs / 1000)
    text.single(INFO, 1, { hash: `sha256:${createHash('sha256').update(this.#text).digest('hex')}` })
  }

  /** The keys of before open what is left of their time. */
  #retire(next: CancellableScope): void {
    const before = this.#own
    this.#own = next
    this.#scope.clock.after(
      FORGET_AFTER_MS,
      () => {
        if (this.#own === next) this.#options.store.forget()
        before.cancel()
      },
      { background: true },
    )
  }

  #note(status: 'success' | 'failure'): void {
    this.#reloads.of(status).value++
    this.#lastMs.set(status, this.#scope.clock.now())
  }

  #lookLater(): void {
    if (this.#scope.signal.aborted) return
    this.#timer = this.#scope.clock.after(LOOK_EVERY_MS, () => void this.look().then(() => this.#lookLater()), { background: true })
  }
}
