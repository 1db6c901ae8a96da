import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootScope } from '#base'
import type { core } from '#api'
import type { ContainerRuntime, Image, ImageCredentials } from '../cri/runtime.ts'
import type { ObjectSource } from '../objects.ts'
import { testPod } from '../testing/node-harness.fixture.ts'
import { podImages } from './pod-images.ts'

const IMAGE = 'reg.example/app:1'

/** A node whose runtime gets one image, with the right word alone. */
function node() {
  const image = { id: 'sha256:1', sizeBytes: 7 } as Image
  let isThere = false
  const pulls: (string | undefined)[] = []
  const runtime = {
    imageStatus: () => Promise.resolve(isThere ? image : undefined),
    listImages: () => Promise.resolve(isThere ? [image] : []),
    pullImage: (_: unknown, __: string, credentials: ImageCredentials | undefined) => {
      pulls.push(credentials?.password)
      if (credentials?.password !== 'right') return Promise.reject(new Error('401 Unauthorized'))
      isThere = true
      return Promise.resolve(image.id)
    },
  } as unknown as ContainerRuntime
  const secret = (password: string): core.Secret => ({
    metadata: { name: password, namespace: 'default', uid: `uid-${password}` },
    type: 'kubernetes.io/dockerconfigjson',
    data: {
      '.dockerconfigjson': Buffer.from(JSON.stringify({ auths: { 'reg.example': { username: 'u', password } } })).toString('base64'),
    },
  })
  const objects = { secret: (_: unknown, __: unknown, name: string) => Promise.resolve(secret(name)) } as unknown as ObjectSource
  const events: string[] = []
  const images = podImages(runtime, objects, {
    record: (pod, _, reason, message) => void events.push(`${pod.metadata?.name ?? ''} ${reason}: ${message}`),
  })
  const start = async (name: string, word: string | undefined, imagePullPolicy = 'IfNotPresent'): Promise<string> => {
    using scope = rootScope()
    const container = { name: 'c', image: IMAGE, imagePullPolicy }
    const pod = testPod(name, { containers: [container], ...(word !== undefined && { imagePullSecrets: [{ name: word }] }) })
    return await images.ensure(scope, pod, container).then(
      ({ id }) => id,
      (error: Error) => error.message,
    )
  }
  return { start, pulls, events }
}

test('an image that a Secret has opened is pulled again for a pod without that Secret', async () => {
  const { start, pulls, events } = node()
  assert.equal(await start('first', 'right'), 'sha256:1')
  assert.equal(await start('second', 'right'), 'sha256:1')
  assert.deepEqual(pulls, ['right'])
  assert.equal(await start('thief', undefined), '401 Unauthorized')
  assert.equal(await start('guesser', 'wrong'), '401 Unauthorized')
  assert.deepEqual(pulls, ['right', undefined, 'wrong'])
  assert.match(await start('never', undefined, 'Never'), /is not present with pull policy of Never/)
  assert.equal(pulls.length, 3)
  assert.deepEqual(
    events.filter((event) => event.startsWith('second')),
    [`second Pulled: Container image "${IMAGE}" already present on machine and can be accessed by the pod`],
  )
})
