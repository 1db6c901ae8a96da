import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootScope } from '#base'
import { type core, StatusError, refs } from '#api'
import type { ResourceClient, WatchEvent, WatchOptions } from '#client'
import { eventually } from '#testing/basics'
import { NamedWatches } from './named-watches.ts'

const seen = (name: string, resourceVersion: string): WatchEvent<core.Secret> => ({
  type: 'MODIFIED',
  object: { metadata: { namespace: 'x', name, resourceVersion } },
})

function secrets(watch: (options: WatchOptions) => AsyncGenerator<WatchEvent<core.Secret>>): ResourceClient<core.Secret> {
  return { ref: refs.secrets, watch: (_: unknown, options: WatchOptions) => watch(options) } as unknown as ResourceClient<core.Secret>
}

test('each object is watched by its name alone, once, until it is left', async () => {
  const scope = rootScope()
  const asked: string[] = []
  const told: string[] = []
  const watches = new NamedWatches(
    scope,
    secrets(async function* ({ namespace, fieldSelector }) {
      asked.push(`${namespace ?? ''} ${fieldSelector ?? ''}`)
      yield seen('a', '7')
      await new Promise(() => undefined)
    }),
    (key, version) => told.push(`${key} ${version}`),
  )
  watches.follow('x/a')
  watches.follow('x/a')
  await eventually('what is there', () => told.length > 0)
  assert.deepEqual(asked, ['x metadata.name=a'])
  assert.deepEqual(told, ['x/a 7'])
  scope.cancel()
})

test('who may not watch is not asked again', async () => {
  const scope = rootScope()
  let asked = 0
  const watches = new NamedWatches(
    scope,
    secrets(async function* () {
      if (asked++ > 0) yield seen('a', '1')
      throw new StatusError({ code: 403, reason: 'Forbidden', message: 'no' })
    }),
    () => assert.fail('nothing is told'),
  )
  watches.follow('x/a')
  await eventually('the refusal', () => asked > 0)
  await new Promise((resolve) => setImmediate(resolve))
  watches.follow('x/b')
  assert.equal(asked, 1)
  scope.cancel()
})
