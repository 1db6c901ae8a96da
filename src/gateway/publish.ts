import type { Scope } from '#base'
import { isNotFound, type networking, refs } from '#api'
import type { Client } from '#client'
import { inParallel } from '#reconcile'

const SIDE_BY_SIDE = 4

/** Says where the gateway is in the status of what it serves, and takes that back from what it serves no more. */
export class Publisher {
  readonly #client: Client
  readonly #address: string

  constructor(client: Client, address: string) {
    this.#client = client
    this.#address = address
  }

  /** Of these alone; `isServed` says whether each is served now. */
  async publish(scope: Scope, ingresses: readonly { readonly ingress: networking.Ingress; readonly isServed: boolean }[]): Promise<void> {
    const wrong = ingresses.filter(({ ingress, isServed }) => this.#isPublished(ingress) !== isServed)
    await inParallel(wrong, SIDE_BY_SIDE, ({ ingress, isServed }) => this.#write(scope, ingress, isServed ? [{ ip: this.#address }] : []))
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
