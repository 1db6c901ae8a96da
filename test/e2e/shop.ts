import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import { request } from 'node:http'
import type { MachineCluster } from '#testing'

const STOREFRONT_PORT = 30_080

interface Page {
  readonly status: number
  readonly body: string
  readonly cookie: string | undefined
}

/** A visitor of the example shop, over the node port, who keeps the cookie. */
export function visitor({ instance }: MachineCluster): {
  get(path: string): Promise<Page>
  post(path: string, form: Readonly<Record<string, string>>): Promise<Page>
} {
  const [{ address }] = instance.nodes
  const origin = `http://${address.includes(':') ? `[${address}]` : address}:${STOREFRONT_PORT}`
  let cookie: string | undefined
  const call = async (method: string, path: string, form?: Readonly<Record<string, string>>): Promise<Page> => {
    const page = await fetchPage(method, `${origin}${path}`, form === undefined ? undefined : new URLSearchParams(form).toString(), cookie)
    cookie = page.cookie ?? cookie
    return page
  }
  return { get: (path) => call('GET', path), post: (path, form) => call('POST', path, form) }
}

/** The status of an answer to a pod of the shop, or the name of why there was none. Whose certificate it is does not count. */
export async function askFromPod(cluster: MachineCluster, pod: string, url: string): Promise<string> {
  const script = `process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'; fetch(${JSON.stringify(url)}, { signal: AbortSignal.timeout(2000) }).then((answer) => console.log(answer.status), (error) => console.log(error.name))`
  return (await cluster.mustKubectl(['-n', 'shop', 'exec', pod, '--', '/usr/local/bin/node', '--no-warnings', '-e', script])).trim()
}

/** Buys one thing. */
export async function placeOrder(shop: ReturnType<typeof visitor>, product: string): Promise<void> {
  await shop.get('/')
  await shop.post('/basket', { product, delta: '1' })
  const basket = await shop.get('/basket')
  const key = /name="key" value="([^"]+)"/.exec(basket.body)?.[1]
  assert.ok(key !== undefined, `the basket's page has no form for an order: ${basket.body}`)
  assert.equal((await shop.post('/orders', { key })).status, 303)
}

function fetchPage(method: string, url: string, body: string | undefined, cookie: string | undefined): Promise<Page> {
  return new Promise((resolve, reject) => {
    const headers = {
      ...(cookie === undefined ? {} : { cookie }),
      ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
    }
    const sent = request(url, { method, headers, agent: false, timeout: 10_000 }, (response) => {
      const set = response.headers['set-cookie']?.map((one) => one.split(';')[0]).join('; ')
      text(response).then((read) => resolve({ status: response.statusCode ?? 0, body: read, cookie: set }), reject)
    })
    sent.on('timeout', () => sent.destroy(new Error(`no answer from ${url}`))).on('error', reject)
    sent.end(body)
  })
}
