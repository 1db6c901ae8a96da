import type { Product, Text } from '../words.ts'

/** Reads the list of products; says which product is wrong, and how. */
export function parseProducts(content: string): readonly Product[] {
  const found: unknown = JSON.parse(content)
  if (!Array.isArray(found)) throw new Error('products: must be a list')
  const products = found.map(productOf)
  const twice = products.find(({ id }, index) => products.findIndex((other) => other.id === id) !== index)
  if (twice !== undefined) throw new Error(`products: ${twice.id} is there twice`)
  return products
}

function productOf(value: unknown, index: number): Product {
  const where = `products[${index}]`
  if (value === null || typeof value !== 'object') throw new Error(`${where}: must be an object`)
  const { id, name, about, price } = value as Record<string, unknown>
  if (typeof id !== 'string' || !/^[a-z][a-z0-9-]*$/.test(id)) throw new Error(`${where}.id: must be lower case letters, digits and dashes`)
  if (typeof price !== 'number' || !Number.isSafeInteger(price) || price < 0)
    throw new Error(`${where}.price: must be a whole number of hundredths`)
  return { id, name: textOf(name, `${where}.name`), about: textOf(about, `${where}.about`), price }
}

function textOf(value: unknown, where: string): Text {
  const { en, zh } = (value ?? {}) as Record<string, unknown>
  if (typeof en !== 'string' || typeof zh !== 'string') throw new Error(`${where}: must have en and zh`)
  return { en, zh }
}
