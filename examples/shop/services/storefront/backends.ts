import { type Reply, call } from '../call.ts'
import type { Basket, NewOrder, Order, Product } from '../words.ts'

export type Part = 'catalog' | 'basket' | 'orders'

/** Who answered for a part of a page, or that nobody did. */
export type Witness = { readonly pod: string; readonly tookMs: number } | 'silent'

/** What one page asks of the other services. An answer that does not come is undefined and is witnessed; the page is made without it. */
export interface Backends {
  readonly witnesses: ReadonlyMap<Part, Witness>
  products(): Promise<readonly Product[] | undefined>
  basket(owner: string): Promise<Basket | undefined>
  change(owner: string, product: string, delta: number): Promise<Basket | undefined>
  clear(owner: string): Promise<Basket | undefined>
  orders(owner: string): Promise<readonly Order[] | undefined>
  place(order: NewOrder): Promise<Order | undefined>
}

export type Addresses = Readonly<Record<Part, string>>

export function askBackends(addresses: Addresses, ask: typeof call = call): Backends {
  const witnesses = new Map<Part, Witness>()
  const from = async <T>(part: Part, method: string, path: string, body?: unknown): Promise<T | undefined> => {
    try {
      const { value, pod, tookMs }: Reply = await ask(method, `${addresses[part]}${path}`, body)
      witnesses.set(part, { pod, tookMs })
      return value as T
    } catch (error) {
      console.log(
        JSON.stringify({ time: new Date().toISOString(), service: 'storefront', message: 'no answer', part, error: String(error) }),
      )
      witnesses.set(part, 'silent')
      return undefined
    }
  }
  const basketPath = (owner: string): string => `/baskets/${encodeURIComponent(owner)}`
  return {
    witnesses,
    products: () => from('catalog', 'GET', '/products'),
    basket: (owner) => from('basket', 'GET', basketPath(owner)),
    change: (owner, product, delta) => from('basket', 'POST', basketPath(owner), { product, delta }),
    clear: (owner) => from('basket', 'DELETE', basketPath(owner)),
    orders: (owner) => from('orders', 'GET', `/orders?owner=${encodeURIComponent(owner)}`),
    place: (order) => from('orders', 'POST', '/orders', order),
  }
}

/** What lies in a basket, as lines with names and prices. What the catalog no longer has is not offered for order. */
export function linesOf(basket: Basket, products: readonly Product[]): NewOrder['lines'] {
  return products.flatMap(({ id, name, price }) => {
    const count = basket[id] ?? 0
    return count > 0 ? [{ product: id, name, price, count }] : []
  })
}
