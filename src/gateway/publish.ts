import type { Scope } from '#base'
import { isNotFound, type networking, refs } from '#api'
import type { Client } from '#client'
import { inParallel } from '#reconcile'
import { keyOfIngress } from './model/model.ts'

const SIDE_BY_SIDE = 4

/** Says where the gateway is in the status of what it serves, and takes that back from what it serves no more. */
export class Publisher {
  readonly #client: Client
  readonly #address: string
  /** Served before, by this process. */
  #served = new Set<string>()

  constructor(client: Client, address: string) {
    this.#client = client
    this.#address = address
  }

  async publish(scope: Scope, served: readonly networking.Ingress[], find: (key: string) => networking.Ingress | undefined): Promise<void> {
    const now = new Set(served.map(keyOfIngress))
    const gone = [...this.#served].filter((key) => !now.has(key)).map(find)
    await inParallel(
      [...served.filter((ingress) => !this.#isPublished(ingress)), ...gone.filter((one) => one !== undefined && this.#isPublished(one))],
      SIDE_BY_SIDE,
      async (ingress) => ingress && this.#write(scope, ingress, now.has(keyOfIngress(ingress)) ? [{ ip: this.#address }] : []),
    )
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
