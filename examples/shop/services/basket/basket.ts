import { BadRequest } from '../serve.ts'
import type { Basket } from '../words.ts'
import type { Reply } from './resp.ts'

/** What a basket needs of Redis. */
export interface Store {
  send(...words: readonly string[]): Promise<Reply>
}

const FORGOTTEN_AFTER_S = 7 * 24 * 3600
export const MOST_OF_ONE = 99

/** Adds `delta` in one step, held between none and the most, so that two requests at once do not lose one. */
const CHANGE = `
local count = math.min(tonumber(ARGV[3]), (tonumber(redis.call('HGET', KEYS[1], ARGV[1])) or 0) + tonumber(ARGV[2]))
if count > 0 then redis.call('HSET', KEYS[1], ARGV[1], count) else redis.call('HDEL', KEYS[1], ARGV[1]) end
redis.call('EXPIRE', KEYS[1], ARGV[4])
return redis.call('HGETALL', KEYS[1])`

const keyOf = (owner: string): string => `basket:${owner}`

export async function readBasket(store: Store, owner: string): Promise<Basket> {
  return basketOf(await store.send('HGETALL', keyOf(owner)))
}

export async function changeBasket(store: Store, owner: string, change: unknown): Promise<Basket> {
  const { product, delta } = (change ?? {}) as Record<string, unknown>
  if (typeof product !== 'string' || !/^[a-z][a-z0-9-]{0,63}$/.test(product)) throw new BadRequest('product must be the id of a product')
  if (typeof delta !== 'number' || !Number.isInteger(delta) || Math.abs(delta) > MOST_OF_ONE)
    throw new BadRequest(`delta must be a whole number from -${MOST_OF_ONE} to ${MOST_OF_ONE}`)
  return basketOf(
    await store.send('EVAL', CHANGE, '1', keyOf(owner), product, String(delta), String(MOST_OF_ONE), String(FORGOTTEN_AFTER_S)),
  )
}

export async function clearBasket(store: Store, owner: string): Promise<Basket> {
  await store.send('DEL', keyOf(owner))
  return {}
}

/** Redis gives a hash as a list: field, value, field, value. */
export function basketOf(reply: Reply): Basket {
  if (!Array.isArray(reply)) throw new Error('Redis did not answer with a list')
  const words = reply.map(String)
  return Object.fromEntries(
    words
      .flatMap((word, index) => (index % 2 === 0 ? [[word, Number(words[index + 1])] as const] : []))
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  )
}
