import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { openLedger, parseOrder } from './ledger.ts'

const folder = mkdtempSync(join(tmpdir(), 'shop-orders-'))
after(() => rmSync(folder, { recursive: true }))
const order = (key: string, owner = 'me') => ({
  key,
  owner,
  lines: [{ product: 'rope', name: { en: 'Rope', zh: '缆绳' }, price: 4500, count: 2 }],
})
const NOW = '2026-01-31T12:00:00.000Z'

describe('the ledger', () => {
  test('numbers orders, keeps them over a restart, and shows each owner the own, newest first', async () => {
    const file = join(folder, 'kept.jsonl')
    const ledger = await openLedger(file)
    await Promise.all([ledger.place(order('a'), NOW), ledger.place(order('b', 'other'), NOW), ledger.place(order('c'), NOW)])
    await ledger.close()
    const again = await openLedger(file)
    assert.deepEqual(
      again.of('me').map(({ number, key }) => [number, key]),
      [
        [3, 'c'],
        [1, 'a'],
      ],
    )
    assert.equal((await again.place(order('d'), NOW)).number, 4)
    await again.close()
  })

  test('the same key is the same order, at once and after a restart', async () => {
    const file = join(folder, 'twice.jsonl')
    const ledger = await openLedger(file)
    const [first, second] = await Promise.all([ledger.place(order('k'), NOW), ledger.place(order('k'), NOW)])
    assert.deepEqual(first, second)
    await ledger.close()
    const again = await openLedger(file)
    assert.deepEqual(await again.place(order('k'), NOW), first)
    assert.equal(again.of('me').length, 1)
    await again.close()
  })

  test('a line without its end goes, and the next order stands on a line of its own', async () => {
    const file = join(folder, 'torn.jsonl')
    const ledger = await openLedger(file)
    await ledger.place(order('a'), NOW)
    await ledger.close()
    appendFileSync(file, '{"key":"torn","own')
    const again = await openLedger(file)
    assert.equal((await again.place(order('b'), NOW)).number, 2)
    await again.close()
    const keys = readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { key: string }).key)
    assert.deepEqual(keys, ['a', 'b'])
  })

  test('takes orders that are whole', () => {
    assert.deepEqual(parseOrder(JSON.stringify(order('k'))), order('k'))
    for (const wrong of [
      '',
      '{}',
      JSON.stringify({ ...order('k'), lines: [] }),
      JSON.stringify({ ...order('k'), lines: [{ product: 'rope', count: 0 }] }),
    ])
      assert.throws(() => parseOrder(wrong), { status: 400 })
  })
})
