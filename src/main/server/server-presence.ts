import type { Scope } from '#base'
import { type Engine, type LeaseId, LeaseNotFound } from '#store'

/** Where kube-apiserver notes them too; the last part of a key is the address. */
const PREFIX = '/registry/masterleases/'
const LEASE_SECONDS = 15

/** Which servers of a shared store are there: each notes its address under a lease that it renews. */
export class ServerPresence {
  readonly #engine: Engine
  readonly #address: string
  #lease: LeaseId | undefined

  constructor(engine: Engine, address: string) {
    this.#engine = engine
    this.#address = address
  }

  /** Says that this server is there; has to be called again within fifteen seconds. Resolves with the addresses of all, in order. */
  async note(scope: Scope): Promise<readonly string[]> {
    if (!(await this.#renewed())) {
      scope.check()
      const lease = await this.#engine.grantLease(LEASE_SECONDS)
      this.#lease = lease
      const key = PREFIX + this.#address
      await this.#engine.commit({ operations: [{ kind: 'put', key, value: this.#value(), lease }] })
    }
    return this.#all()
  }

  /** Says that this server goes. Resolves with the addresses of those that stay. */
  async leave(): Promise<readonly string[]> {
    const lease = this.#lease
    this.#lease = undefined
    if (lease !== undefined) await this.#engine.revokeLease(lease)
    return this.#all()
  }

  /** False when the lease has ended, or the note is somebody else's by now: one that was started in this one's place. */
  async #renewed(): Promise<boolean> {
    if (this.#lease === undefined) return false
    const note = await this.#engine.get(PREFIX + this.#address)
    if (note?.lease !== this.#lease) return false
    try {
      await this.#engine.renewLease(this.#lease)
      return true
    } catch (error) {
      if (error instanceof LeaseNotFound) return false
      throw error
    }
  }

  async #all(): Promise<readonly string[]> {
    const { items } = await this.#engine.range({ prefix: PREFIX, keysOnly: true })
    return items.map(({ key }) => key.slice(PREFIX.length)).toSorted()
  }

  #value(): Uint8Array {
    return Buffer.from(JSON.stringify({ kind: 'Endpoints', apiVersion: 'v1', subsets: [{ addresses: [{ ip: this.#address }] }] }))
  }
}
