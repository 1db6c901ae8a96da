import { type FileHandle, open } from 'node:fs/promises'
import { BadRequest } from '../serve.ts'
import type { Line, NewOrder, Order } from '../words.ts'

/** Orders in a file that only ever grows, one line each. An order that was answered is on the disk. */
export interface Ledger {
  /** The same key again gives the order that it has made. */
  place(order: NewOrder, placedAt: string): Promise<Order>
  /** Newest first. */
  of(owner: string): readonly Order[]
  close(): Promise<void>
}

export async function openLedger(path: string): Promise<Ledger> {
  const file = await open(path, 'a+')
  const orders = await recover(file)
  const byKey = new Map(orders.map((order) => [order.key, Promise.resolve(order)]))
  let last: Promise<unknown> = Promise.resolve()

  const append = async (order: NewOrder, placedAt: string): Promise<Order> => {
    const placed: Order = { ...order, number: orders.length + 1, placedAt }
    const { size } = await file.stat()
    try {
      await file.appendFile(`${JSON.stringify(placed)}\n`)
      await file.datasync()
    } catch (error) {
      await file.truncate(size)
      throw error
    }
    orders.push(placed)
    return placed
  }
  return {
    place(order, placedAt) {
      const before = byKey.get(order.key)
      if (before !== undefined) return before
      const placed = last.then(() => append(order, placedAt))
      last = placed.catch(() => byKey.delete(order.key))
      byKey.set(order.key, placed)
      return placed
    },
    of: (owner) => orders.filter((order) => order.owner === owner).toReversed(),
    close: async () => {
      await last
      await file.close()
    },
  }
}

/** Reads what is there. A last line without its end was being written when the machine stopped: nobody was told of it, and it goes. */
async function recover(file: FileHandle): Promise<Order[]> {
  const content = await file.readFile()
  const whole = content.subarray(0, content.lastIndexOf('\n') + 1)
  if (whole.length < content.length) await file.truncate(whole.length)
  return whole
    .toString('utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Order)
}

export function parseOrder(text: string): NewOrder {
  let found: unknown
  try {
    found = JSON.parse(text)
  } catch {
    throw new BadRequest('the body is not JSON')
  }
  const { key, owner, lines } = (found ?? {}) as Record<string, unknown>
  if (typeof key !== 'string' || key === '') throw new BadRequest('key must be text')
  if (typeof owner !== 'string' || owner === '') throw new BadRequest('owner must be text')
  if (!Array.isArray(lines) || lines.length === 0) throw new BadRequest('an order needs lines')
  return { key, owner, lines: lines.map(lineOf) }
}

function lineOf(value: unknown): Line {
  const { product, name, price, count } = (value ?? {}) as Record<string, unknown>
  const { en, zh } = (name ?? {}) as Record<string, unknown>
  if (typeof product !== 'string' || typeof en !== 'string' || typeof zh !== 'string' || !isCount(price) || !isCount(count) || count === 0)
    throw new BadRequest('a line needs product, name, price and count')
  return { product, name: { en, zh }, price, count }
}

const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
