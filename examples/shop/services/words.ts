/** The words that services exchange. */
export interface Text {
  readonly en: string
  readonly zh: string
}

export interface Product {
  readonly id: string
  readonly name: Text
  readonly about: Text
  /** In hundredths. */
  readonly price: number
}

/** How many of which product. */
export type Basket = Readonly<Record<string, number>>

export interface Line {
  readonly product: string
  readonly name: Text
  readonly price: number
  readonly count: number
}

export interface NewOrder {
  /** Made by the form: the same form sent twice is one order. */
  readonly key: string
  readonly owner: string
  readonly lines: readonly Line[]
}

export interface Order extends NewOrder {
  readonly number: number
  readonly placedAt: string
}

export const sum = (lines: readonly Line[]): number => lines.reduce((total, { price, count }) => total + price * count, 0)
