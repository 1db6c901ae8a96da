import { BadRequest, json, serve } from '../serve.ts'
import { changeBasket, clearBasket, readBasket } from './basket.ts'
import { redisClient } from './resp.ts'

const password = process.env['REDIS_PASSWORD']
const redis = redisClient({
  host: process.env['REDIS_HOST'] ?? 'redis',
  port: Number(process.env['REDIS_PORT_NUMBER'] ?? 6379),
  ...(password === undefined ? {} : { password }),
})

serve({
  name: 'basket',
  ready: async () => (await redis.send('PING')) === 'PONG',
  async answer({ method, parts: [first, owner, ...more], body }) {
    if (first !== 'baskets' || owner === undefined || more.length > 0) return undefined
    if (!/^[\w-]{8,64}$/.test(owner)) throw new BadRequest('this is not the name of a basket')
    switch (method) {
      case 'GET':
        return json(await readBasket(redis, owner))
      case 'POST':
        return json(await changeBasket(redis, owner, parse(await body())))
      case 'DELETE':
        return json(await clearBasket(redis, owner))
      default:
        return undefined
    }
  },
  close: () => redis.close(),
})

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new BadRequest('the body is not JSON')
  }
}
