import type { Scope } from '#base'
import { isNotFound, type networking, refs } from '#api'
import type { Client } from '#client'
import { inParallel } from '#reconcile'

const SIDE_BY_SIDE = 4

/** Says where the gateway is in the status of what it serves, and takes that back from what it serves no more. */
export class Publisher {
  readonly #client: Client
  readonly #address: string
  /** Served before, by this process. */
  #served: ReadonlySet<string> = new Set()

  constructor(client: Client, address: string) {
    this.#client = client
    this.#address = address
  }

  /** `find` gives the present object of a key. */
  async publish(scope: Scope, served: readonly string[], find: (key: string) => networking.Ingress | undefined): Promise<void> {
    const now = new Set(served)
    const wrong = [...now.union(this.#served)]
      .map((key) => ({ ingress: find(key), isServed: now.has(key) }))
      .filter(({ ingress, isServed }) => ingress !== undefined && this.#isPublished(ingress) !== isServed)
    await inParallel(wrong, SIDE_BY_SIDE, async ({ ingress, isServed }) => {
      if (ingress !== undefined) await this.#write(scope, ingress, isServed ? [{ ip: this.#address }] : [])
    })
    this.#served = now
  }

  #isPublished({ status }: networking.Ingress): boolean {
    const { ingress = [] } = status?.loadBalancer ?? {}
    return ingress.length === 1 && ingress[0]?.ip === this.#address
  }

  async #write(scope: Scope, { metadata }: networking.Ingress, ingress: readonly { readonly ip: string }[]): Promise<void> {
    const name = { namespace: metadata?.namespace, name: metadata?.name ?? '' }
    const body = { metadata: { uid: metadata?.uid }, status: { loadBalancer: { ingress } } }
    try {
      await this.#client.resource(refs.ingresses).patch(scope, name, { type: 'merge', body }, { subresource: 'status' })
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }
}
