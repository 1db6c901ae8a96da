import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type HttpHandler, rootScope } from '#base'
import { createClient, inProcessTransport } from '#client'
import { manualClock } from '#testing'
import { targetFinder } from './scale-target.ts'

const resource = (plural: string, kind: string): object => ({
  resource: plural,
  scope: 'Namespaced',
  verbs: ['get'],
  responseKind: { kind },
})
const GROUPS = [
  { metadata: { name: 'apps' }, versions: [{ version: 'v1', resources: [resource('webs', 'Web'), resource('sheets', 'Sheet')] }] },
]

/** Serves webs, which have a scale, and sheets, which have none; `refusals` writes of a scale meet somebody else's. */
function scaleServer(refusals: number): { readonly handler: HttpHandler; readonly log: string[]; size: number } {
  const server = { log: [] as string[], size: 2, version: 1 }
  const handler: HttpHandler = async (request) => {
    const { method, target } = request
    server.log.push(`${method} ${target}`)
    const answer = (status: number, body: object): Awaited<ReturnType<HttpHandler>> => ({
      status,
      headers: { 'content-type': 'application/json' },
      body: { kind: 'bytes', chunks: [Buffer.from(JSON.stringify(body))] },
    })
    const refused = (code: number, reason: string): ReturnType<typeof answer> =>
      answer(code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, code, message: reason })
    if (target === '/api') return answer(200, { items: [] })
    if (target === '/apis') return answer(200, { items: GROUPS })
    if (!target.includes('/webs/')) return refused(404, 'NotFound')
    const scale = (): object => ({ metadata: { name: 'a', resourceVersion: String(server.version) }, spec: { replicas: server.size } })
    if (method === 'GET') return answer(200, scale())
    if (refusals-- > 0) server.version++
    const body = JSON.parse(Buffer.from(await request.readBody(10_000)).toString('utf8'))
    if (body.metadata.resourceVersion !== String(server.version)) return refused(409, 'Conflict')
    server.size = body.spec.replicas
    return answer(200, scale())
  }
  return Object.assign(server, { handler })
}
const WEB = { apiVersion: 'apps/v1', kind: 'Web', name: 'a' }

test('a kind without a scale does not take the others with it', async () => {
  const clock = manualClock(0)
  using scope = rootScope({ clock })
  const { handler, log } = scaleServer(0)
  const targets = targetFinder(createClient({ transport: inProcessTransport(handler) }))
  const sheet = { ...WEB, kind: 'Sheet' }
  await targets.find(scope, 'x', WEB)
  for (let i = 0; i < 3; i++) await assert.rejects(targets.find(scope, 'x', sheet), /the server could not find the requested resource/)
  await targets.find(scope, 'x', WEB)
  await assert.rejects(targets.find(scope, 'x', { ...WEB, kind: 'Nothing' }), /no matches for kind "Nothing" in group "apps"/)
  assert.equal(log.filter((line) => line === 'GET /apis').length, 1)
})

test('a size is set although others write to the target at the same time, and not for ever', async () => {
  using scope = rootScope({ clock: manualClock(0) })
  const server = scaleServer(4)
  const targets = targetFinder(createClient({ transport: inProcessTransport(server.handler) }))
  const target = await targets.find(scope, 'x', WEB)
  await targets.resize(scope, 'x', target, 7)
  assert.equal(server.size, 7)
  const busy = scaleServer(Number.POSITIVE_INFINITY)
  const others = targetFinder(createClient({ transport: inProcessTransport(busy.handler) }))
  await assert.rejects(async () => others.resize(scope, 'x', await others.find(scope, 'x', WEB), 7), /Conflict/)
})
