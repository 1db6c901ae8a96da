import { type Scope, messageOf } from '#base'
import { StatusError, type core, isNotFound, refs } from '#api'
import type { Client, ResourceClient } from '#client'
import { NamedWatches } from '../named-watches.ts'
import type { Credentials } from './issuer.ts'

const SECRET_KEY = 'client-secret'
const AUTHORITIES_KEY = 'ca.crt'
const LONGEST = { secret: 1024, authorities: 65_536 }

export type ReadCredentials = Credentials | { readonly problem: string }

/** What the gateway shows issuers, each Secret read and watched by its name for as long as it is followed. */
export class ClientSecrets {
  readonly #scope: Scope
  readonly #secrets: ResourceClient<core.Secret>
  readonly #watches: NamedWatches<core.Secret>
  readonly #onChange: (key: string) => void
  readonly #read = new Map<string, ReadCredentials | undefined>()
  readonly #reading = new Map<string, Promise<void>>()

  /** `onChange`: it holds something else than before, or was read for the first time. */
  constructor(scope: Scope, client: Client, onChange: (key: string) => void) {
    this.#scope = scope
    this.#secrets = client.resource(refs.secrets)
    this.#onChange = onChange
    this.#watches = new NamedWatches(scope, this.#secrets, (key) => this.#readAgain(key))
  }

  /** Undefined: not read yet. */
  get(key: string): ReadCredentials | undefined {
    return this.#read.get(key)
  }

  follow(key: string): void {
    if (this.#read.has(key)) return
    this.#read.set(key, undefined)
    this.#watches.follow(key)
    this.#readAgain(key)
  }

  leave(key: string): void {
    this.#read.delete(key)
    this.#watches.leave(key)
  }

  lookAgain(): void {
    for (const key of this.#read.keys()) this.#readAgain(key)
  }

  /** Resolves when all were read, or could not be. */
  async settled(): Promise<void> {
    await Promise.all(this.#reading.values())
  }

  /** One after the other: what changes while it is read is read again. */
  #readAgain(key: string): void {
    const reading = (this.#reading.get(key) ?? Promise.resolve()).then(() => this.#readOnce(key))
    this.#reading.set(key, reading)
    void reading.finally(() => {
      if (this.#reading.get(key) === reading) this.#reading.delete(key)
    })
  }

  async #readOnce(key: string): Promise<void> {
    const [namespace = '', name = ''] = key.split('/')
    if (!this.#read.has(key)) return
    const before = this.#read.get(key)
    const now = await this.#secrets
      .get(this.#scope, { namespace, name })
      .then(credentialsIn, (error: unknown): ReadCredentials | undefined => {
        if (isNotFound(error)) return { problem: 'it does not exist' }
        // What was read is good while the API does not answer.
        return error instanceof StatusError || before === undefined
          ? { problem: `it cannot be read: ${messageOf(error).slice(0, 120)}` }
          : before
      })
    if (!this.#read.has(key) || this.#scope.signal.aborted || JSON.stringify(now) === JSON.stringify(before)) return
    this.#read.set(key, now)
    this.#onChange(key)
  }
}

export function credentialsIn({ data = {} }: core.Secret): ReadCredentials {
  const of = (name: string): string | undefined =>
    data[name] === undefined ? undefined : Buffer.from(data[name], 'base64').toString('utf8')
  const clientSecret = of(SECRET_KEY)?.replace(/\r?\n$/, '')
  if (clientSecret === undefined || clientSecret === '') return { problem: `it has no ${SECRET_KEY}` }
  if (clientSecret.length > LONGEST.secret) return { problem: `its ${SECRET_KEY} is longer than ${LONGEST.secret} characters` }
  const ca = of(AUTHORITIES_KEY)
  if (ca !== undefined && (ca.length > LONGEST.authorities || !ca.includes('-----BEGIN CERTIFICATE-----')))
    return { problem: `its ${AUTHORITIES_KEY} has no certificates` }
  return { clientSecret, ca }
}
