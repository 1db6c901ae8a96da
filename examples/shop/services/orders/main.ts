import { json, serve } from '../serve.ts'
import { openLedger, parseOrder } from './ledger.ts'

const ledger = await openLedger(process.env['ORDERS_FILE'] ?? '/data/orders.jsonl')

serve({
  name: 'orders',
  ready: () => true,
  async answer({ method, parts: [first, ...more], query, body }) {
    if (first !== 'orders' || more.length > 0) return undefined
    if (method === 'GET') return json(ledger.of(query.get('owner') ?? ''))
    if (method === 'POST') return json(await ledger.place(parseOrder(await body()), new Date().toISOString()))
    return undefined
  },
  close: () => ledger.close(),
})
