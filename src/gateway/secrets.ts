import { type Scope, messageOf } from '#base'
import { StatusError, isNotFound, type networking, refs } from '#api'
import type { Client } from '#client'
import { inParallel } from '#reconcile'
import { type ReadCertificate, readCertificate } from './model/certificate.ts'

interface Known {
  readonly certificate: ReadCertificate
  readonly resourceVersion: string
  /** The Ingresses that named it then. */
  readonly namedBy: string
  readonly readMs: number
}

const SIDE_BY_SIDE = 8

/** The Secrets that Ingresses name, each read by its name when an Ingress that names it changes, and every so often. No other Secret is looked at. */
export class Secrets {
  readonly #client: Client
  readonly #refreshMs: number
  readonly #known = new Map<string, Known>()

  constructor(client: Client, refreshMs: number) {
    this.#client = client
    this.#refreshMs = refreshMs
  }

  get(key: string): ReadCertificate | undefined {
    return this.#known.get(key)?.certificate
  }

  /** Rejects when one could not be read that was never read before; one that was stays as it was. */
  async refresh(scope: Scope, wanted: ReadonlyMap<string, readonly networking.Ingress[]>): Promise<void> {
    for (const key of this.#known.keys()) if (!wanted.has(key)) this.#known.delete(key)
    const nowMs = scope.clock.monotonic()
    const due = [...wanted].filter(([key, ingresses]) => {
      const known = this.#known.get(key)
      return known === undefined || known.namedBy !== versionsOf(ingresses) || nowMs - known.readMs >= this.#refreshMs
    })
    await inParallel(due, SIDE_BY_SIDE, ([key, ingresses]) => this.#read(scope, key, versionsOf(ingresses)))
  }

  async #read(scope: Scope, key: string, namedBy: string): Promise<void> {
    const known = this.#known.get(key)
    const [namespace = '', name = ''] = key.split('/')
    const note = (certificate: ReadCertificate, resourceVersion: string): unknown =>
      this.#known.set(key, { certificate, resourceVersion, namedBy, readMs: scope.clock.monotonic() })
    try {
      const secret = await this.#client.resource(refs.secrets).get(scope, { namespace, name })
      const resourceVersion = secret.metadata?.resourceVersion ?? ''
      note(known?.resourceVersion === resourceVersion ? known.certificate : readCertificate(secret), resourceVersion)
    } catch (error) {
      scope.check()
      if (isNotFound(error)) note({ problem: 'it does not exist' }, '')
      else if (known !== undefined) scope.log.warn('a Secret was not read again', { secret: key, error: messageOf(error) })
      else if (error instanceof StatusError) note({ problem: `it cannot be read: ${messageOf(error).slice(0, 120)}` }, '')
      else throw error
    }
  }
}

const versionsOf = (ingresses: readonly networking.Ingress[]): string =>
  ingresses
    .map(({ metadata }) => `${metadata?.uid ?? ''}/${metadata?.generation ?? 0}/${JSON.stringify(metadata?.annotations ?? {})}`)
    .join(' ')
