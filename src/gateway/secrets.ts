import { type Scope, messageOf } from '#base'
import { StatusError, type core, isNotFound, refs } from '#api'
import type { Client } from '#client'
import { inParallel } from '#reconcile'
import { type ReadCertificate, readCertificate } from './model/certificate.ts'
import { type ReadUsers, type UsersForm, readUsers } from './model/users.ts'
import { NamedWatches } from './named-watches.ts'

interface Known {
  readonly certificate: ReadCertificate
  /** Undefined: there are certificates in it. */
  readonly users: Readonly<Record<UsersForm, ReadUsers>> | undefined
  readonly resourceVersion: string
}

const SIDE_BY_SIDE = 8

/** The Secrets that are named for hosts and for who may ask, each read and watched by its name. No other Secret is looked at. */
export class Secrets {
  readonly #client: Client
  readonly #known = new Map<string, Known>()
  readonly #namedBy = new Map<string, Set<string>>()
  readonly #namesOf = new Map<string, readonly string[]>()
  readonly #watches: NamedWatches<core.Secret>

  /** `onSeen`: one may hold something else than what was read. */
  constructor(scope: Scope, client: Client, onSeen: (key: string) => void) {
    this.#client = client
    this.#watches = new NamedWatches(scope, client.resource(refs.secrets), (key, resourceVersion) => {
      const known = this.#known.get(key)
      if (known !== undefined && known.resourceVersion !== resourceVersion) onSeen(key)
    })
  }

  get(key: string): ReadCertificate | undefined {
    return this.#known.get(key)?.certificate
  }

  users(key: string, form: UsersForm): ReadUsers | undefined {
    const known = this.#known.get(key)
    if (known === undefined || known.users !== undefined) return known?.users?.[form]
    return 'problem' in known.certificate ? known.certificate : { problem: 'it holds a certificate' }
  }

  keys(): readonly string[] {
    return [...this.#namedBy.keys()]
  }

  namedBy(key: string): ReadonlySet<string> {
    return this.#namedBy.get(key) ?? new Set()
  }

  /** From now on this is what `user` names; what nobody names any more is forgotten. */
  name(user: string, keys: readonly string[]): void {
    const before = this.#namesOf.get(user) ?? []
    if (keys.length === 0) this.#namesOf.delete(user)
    else this.#namesOf.set(user, keys)
    for (const key of keys) {
      this.#namedBy.set(key, (this.#namedBy.get(key) ?? new Set()).add(user))
      this.#watches.follow(key)
    }
    for (const key of before) {
      if (keys.includes(key)) continue
      const users = this.#namedBy.get(key)
      users?.delete(user)
      if (users?.size !== 0) continue
      this.#namedBy.delete(key)
      this.#known.delete(key)
      this.#watches.leave(key)
    }
  }

  /** Resolves with those that hold something else than before. Rejects when one could not be read that was never read before; one that was stays as it was. */
  async read(scope: Scope, keys: Iterable<string>): Promise<ReadonlySet<string>> {
    const changed = new Set<string>()
    await inParallel([...new Set(keys)], SIDE_BY_SIDE, async (key) => {
      if (await this.#read(scope, key)) changed.add(key)
    })
    return changed
  }

  async #read(scope: Scope, key: string): Promise<boolean> {
    const known = this.#known.get(key)
    const [namespace = '', name = ''] = key.split('/')
    const note = (certificate: ReadCertificate, resourceVersion: string, users?: Known['users']): boolean => {
      this.#known.set(key, { certificate, users, resourceVersion })
      return true
    }
    try {
      const secret = await this.#client.resource(refs.secrets).get(scope, { namespace, name })
      const resourceVersion = secret.metadata?.resourceVersion ?? ''
      if (known?.resourceVersion === resourceVersion) return false
      const hasCertificate = secret.data?.['tls.crt'] !== undefined
      return note(
        readCertificate(secret),
        resourceVersion,
        hasCertificate ? undefined : { 'auth-file': readUsers(secret, 'auth-file'), 'auth-map': readUsers(secret, 'auth-map') },
      )
    } catch (error) {
      scope.check()
      if (isNotFound(error)) return known?.resourceVersion === '' ? false : note({ problem: 'it does not exist' }, '')
      if (known !== undefined) scope.log.warn('a Secret was not read again', { secret: key, error: messageOf(error) })
      else if (error instanceof StatusError) return note({ problem: `it cannot be read: ${messageOf(error).slice(0, 120)}` }, '')
      else throw error
      return false
    }
  }
}
