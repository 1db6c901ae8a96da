import { readFileSync, statSync } from 'node:fs'
import { json, serve } from '../serve.ts'
import { parseProducts } from './products.ts'
import type { Product } from '../words.ts'

/** Products come from a file, in the cluster a ConfigMap. A changed ConfigMap shows without a restart. */
const file = process.env['PRODUCTS_FILE'] ?? '/etc/shop/products.json'
let seen: { readonly version: number; readonly products: readonly Product[] } | undefined

function products(): readonly Product[] {
  const version = statSync(file).mtimeMs
  if (seen?.version !== version) seen = { version, products: parseProducts(readFileSync(file, 'utf8')) }
  return seen.products
}

serve({
  name: 'catalog',
  ready: () => products().length > 0,
  answer({ method, parts: [first, id, ...more] }) {
    if (method !== 'GET' || first !== 'products' || more.length > 0) return undefined
    if (id === undefined) return json(products())
    const product = products().find((one) => one.id === id)
    return product === undefined ? undefined : json(product)
  },
})
