import { createHash, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Answer, BadRequest, type Request, pod, serve } from '../serve.ts'
import { FAVICON } from './art.ts'
import { type Backends, askBackends, linesOf } from './backends.ts'
import { languageOf } from './language.ts'
import { type View, basketPage, goodsPage, missingPage, ordersPage } from './pages.ts'

const addresses = {
  catalog: process.env['CATALOG_URL'] ?? 'http://catalog',
  basket: process.env['BASKET_URL'] ?? 'http://basket',
  orders: process.env['ORDERS_URL'] ?? 'http://orders',
}
/** So many of a hundred pages are answered with an error: a bad version to try releases with. */
const FAULTS_PERCENT = Number(process.env['FAULTS_PERCENT'] ?? 0)
const STYLE = readFileSync(join(import.meta.dirname, 'style.css'), 'utf8')
const STYLE_PATH = `/style-${createHash('sha256').update(STYLE).digest('hex').slice(0, 10)}.css`
const SECURITY = {
  'content-security-policy':
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
}
const COOKIE_VALUES: Readonly<Record<string, RegExp>> = { basket: /^[0-9a-f-]{36}$/, lang: /^(en|zh)$/ }
const YEAR_S = 365 * 24 * 3600

/** One visitor's request: who it is, and what the other services say to it. */
interface Visit {
  readonly request: Request
  readonly owner: string
  readonly backends: Backends
  readonly cookies: Readonly<Record<string, string>>
}

serve({
  name: 'storefront',
  ready: () => true,
  async answer(request) {
    const { method, path, headers } = request
    if (path === STYLE_PATH) return asset('text/css; charset=utf-8', STYLE)
    if (path === '/favicon.svg') return asset('image/svg+xml', FAVICON)
    const cookies = readCookies(headers.cookie)
    const visit = { request, cookies, owner: cookies['basket'] ?? randomUUID(), backends: askBackends(addresses) }
    if (method === 'GET' || method === 'HEAD') return Math.random() * 100 < FAULTS_PERCENT ? outOfOrder : show(visit)
    // A form of another site's carries that site's origin.
    if (headers.origin !== undefined && URL.parse(headers.origin)?.host !== headers.host)
      throw new BadRequest('this form is of another site', 403)
    if (method === 'POST' && path === '/basket') return changeBasket(visit)
    if (method === 'POST' && path === '/orders') return placeOrder(visit)
    return undefined
  },
})

const outOfOrder: Answer = { status: 500, body: 'this page is out of order\n' }

async function show(visit: Visit, failed = false): Promise<Answer> {
  const { request, owner, backends, cookies } = visit
  const basket = cookies['basket'] === undefined ? Promise.resolve({}) : backends.basket(owner)
  const view = async (): Promise<View> => ({
    language: languageOf(request.query.get('lang') ?? cookies['lang'], request.headers['accept-language']),
    path: request.method === 'POST' ? '/basket' : request.path,
    pod,
    style: STYLE_PATH,
    basket: await basket,
    witnesses: backends.witnesses,
  })
  switch (request.path) {
    case '/': {
      const [products, known] = await Promise.all([backends.products(), basket.then(view)])
      return pageOf(visit, goodsPage(known, products))
    }
    case '/basket':
      return showBasket(visit, await view(), failed)
    case '/orders': {
      if (failed) return showBasket(visit, await view(), failed)
      const [orders, known] = await Promise.all([backends.orders(owner), basket.then(view)])
      return pageOf(visit, ordersPage(known, orders, request.query.has('placed')))
    }
    default:
      return pageOf(visit, missingPage(await view()), 404)
  }
}

async function showBasket(visit: Visit, view: View, failed: boolean): Promise<Answer> {
  const products = await visit.backends.products()
  const lines = products === undefined || view.basket === undefined ? undefined : linesOf(view.basket, products)
  return pageOf(visit, basketPage(view, lines, randomUUID(), failed), failed ? 503 : 200)
}

async function changeBasket(visit: Visit): Promise<Answer> {
  const form = new URLSearchParams(await visit.request.body())
  const changed = await visit.backends.change(visit.owner, form.get('product') ?? '', Number(form.get('delta')))
  if (changed === undefined) return show(visit, true)
  return seeOther(visit, form.get('back') === '/#goods' ? '/#goods' : '/basket')
}

async function placeOrder(visit: Visit): Promise<Answer> {
  const { backends, owner } = visit
  const key = new URLSearchParams(await visit.request.body()).get('key') ?? ''
  const [products, basket] = await Promise.all([backends.products(), backends.basket(owner)])
  if (products === undefined || basket === undefined) return show(visit, true)
  const lines = linesOf(basket, products)
  if (lines.length === 0) return seeOther(visit, '/basket')
  if ((await backends.place({ key, owner, lines })) === undefined) return show(visit, true)
  await backends.clear(owner)
  return seeOther(visit, '/orders?placed')
}

function pageOf(visit: Visit, body: string, status = 200): Answer {
  return {
    status,
    body,
    headers: {
      ...SECURITY,
      ...cookieOf(visit),
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      vary: 'accept-language, cookie',
    },
  }
}

const seeOther = (visit: Visit, location: string): Answer => ({ status: 303, headers: { ...cookieOf(visit), location } })
const asset = (type: string, body: string): Answer => ({
  status: 200,
  body,
  headers: { ...SECURITY, 'content-type': type, 'cache-control': `public, max-age=${YEAR_S}` },
})

/** One cookie an answer: the choice of a language on the page that it was made on, the basket's name with everything that is put in. */
function cookieOf({ request, owner }: Visit): Readonly<Record<string, string>> {
  const language = request.query.get('lang')
  const kept = (name: string, value: string): Readonly<Record<string, string>> => ({
    'set-cookie': `${name}=${value}; Path=/; Max-Age=${YEAR_S}; HttpOnly; SameSite=Lax`,
  })
  if (language === 'zh' || language === 'en') return kept('lang', language)
  return request.method === 'POST' ? kept('basket', owner) : {}
}

function readCookies(header = ''): Readonly<Record<string, string>> {
  const pairs = header.split(';').map((pair) => pair.trim().split('='))
  return Object.fromEntries(
    pairs.flatMap(([name, value]) =>
      name === undefined || value === undefined || !COOKIE_VALUES[name]?.test(value) ? [] : [[name, value]],
    ),
  )
}
