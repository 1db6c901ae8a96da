import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type CancellableScope, rootScope } from '#base'
import { type core, statusError } from '#api'
import type { Client } from '#client'
import { staticPodOf } from './manifests.ts'
import { StaticPods } from './static-pods.ts'

const WEB = 'apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers: [{name: main, image: "app:1"}]\n'

describe('a file', () => {
  test('is a pod of this node', () => {
    const pod = staticPodOf(WEB, '/etc/pods/web.yaml', 'Harbour', 0)
    assert.deepEqual([pod.metadata?.name, pod.metadata?.namespace, pod.spec?.nodeName], ['web-harbour', 'default', 'Harbour'])
    assert.match(pod.metadata?.uid ?? '', /^[0-9a-f]{32}$/)
    assert.equal(pod.metadata?.annotations?.['kubernetes.io/config.source'], 'file')
    assert.deepEqual(pod.spec?.tolerations, [{ operator: 'Exists', effect: 'NoExecute' }])
  })
  test('gives another pod when it is changed or elsewhere, and the same when it is not', () => {
    const uid = (text: string, path = '/a', node = 'n'): string | undefined => staticPodOf(text, path, node, 0).metadata?.uid
    assert.equal(uid(WEB), uid(WEB))
    assert.equal(new Set([uid(WEB), uid(`${WEB}# changed\n`), uid(WEB, '/b'), uid(WEB, '/a', 'm')]).size, 4)
  })
  for (const [what, text] of [
    ['nothing', ''],
    ['two pods', `${WEB}---\n${WEB}`],
    ['another kind', 'apiVersion: v1\nkind: Service\nmetadata: {name: web}\n'],
    ['no containers', 'apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: []}\n'],
    ['a service account', WEB.replace('spec:\n', 'spec:\n  serviceAccountName: admin\n')],
    ['a Secret as a volume', WEB.replace('spec:\n', 'spec:\n  volumes: [{name: s, secret: {secretName: s}}]\n')],
    ['a Secret in the environment', WEB.replace('image: "app:1"', 'image: "app:1", envFrom: [{secretRef: {name: s}}]')],
  ] as const)
    test(`with ${what} is refused`, () => assert.throws(() => staticPodOf(text, '/a', 'n', 0)))
})

describe('static pods', () => {
  let dir: string
  let scope: CancellableScope
  let stored: Map<string, core.Pod>
  let managed: Map<string, core.Pod>
  let pods: StaticPods
  let uids = 0

  const manager = {
    set: (pod: core.Pod) => void managed.set(pod.metadata?.uid ?? '', pod),
    remove: (uid: string) => void managed.delete(uid),
    byUid: (uid: string) => managed.get(uid) as never,
  }
  const until = async (what: string, holds: () => boolean): Promise<void> => {
    const deadline = performance.now() + 5000
    while (!holds()) {
      if (performance.now() > deadline) throw new Error(`did not happen: ${what}`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  beforeEach(() => {
    dir = join(mkdtempSync(join(tmpdir(), 'static-')), 'pods')
    mkdirSync(dir)
    scope = rootScope()
    stored = new Map()
    managed = new Map()
    const api = {
      create: async (_: unknown, pod: core.Pod) => {
        const name = pod.metadata?.name ?? ''
        if (stored.has(name)) throw statusError.alreadyExists({ group: '', plural: 'pods' }, name)
        const made = { ...pod, metadata: { ...pod.metadata, uid: `mirror-${uids++}`, resourceVersion: '1' } }
        stored.set(name, made)
        return made
      },
      get: async (_: unknown, { name }: { name: string }) => stored.get(name),
      delete: async (_: unknown, { name }: { name: string }, options: { preconditions: { uid: string } }) => {
        const there = stored.get(name)
        if (there?.metadata?.uid !== options.preconditions.uid) throw statusError.notFound({ group: '', plural: 'pods' }, name)
        stored.delete(name)
        pods.noteMirror(scope, there, undefined)
      },
    }
    pods = new StaticPods({ resource: () => api } as unknown as Client, { dir, nodeName: 'n', nodeUid: () => 'node-uid' })
  })
  afterEach(() => {
    scope.cancel()
    rmSync(join(dir, '..'), { recursive: true, force: true })
  })

  test('come with their file, are shown by a mirror, and go with it', async () => {
    void pods.run(scope, manager)
    writeFileSync(join(dir, 'web.yaml'), WEB)
    await until('running', () => managed.size === 1 && stored.has('web-n'))
    const mirror = stored.get('web-n')
    const [uid = ''] = managed.keys()
    assert.equal(mirror?.metadata?.annotations?.['kubernetes.io/config.mirror'], uid)
    assert.deepEqual(mirror?.metadata?.ownerReferences?.[0], {
      apiVersion: 'v1',
      kind: 'Node',
      name: 'n',
      uid: 'node-uid',
      controller: true,
    })
    rmSync(join(dir, 'web.yaml'))
    await until('gone', () => managed.size === 0 && !stored.has('web-n'))
  })

  test('stay when somebody deletes their mirror, and are shown again', async () => {
    writeFileSync(join(dir, 'web.yaml'), WEB)
    void pods.run(scope, manager)
    await until('shown', () => stored.has('web-n'))
    const mirror = stored.get('web-n')
    assert.ok(mirror)
    stored.delete('web-n')
    assert.equal(pods.noteMirror(scope, mirror, undefined), true)
    await until('shown again', () => stored.has('web-n'))
    assert.equal(managed.size, 1)
    assert.notEqual(stored.get('web-n')?.metadata?.uid, mirror.metadata?.uid)
  })

  test('tell their status to the mirror', async () => {
    writeFileSync(join(dir, 'web.yaml'), WEB)
    void pods.run(scope, manager)
    await until('shown', () => stored.has('web-n'))
    const told: (string | undefined)[] = []
    const api = pods.told({
      report: (pod) => void told.push(pod.metadata?.uid),
      confirmDeletion: async () => void told.push('deleted'),
      forget: (uid) => void told.push(`forgot ${uid}`),
    })
    const [pod] = managed.values()
    assert.ok(pod)
    api.report(pod, { phase: 'Running' }, false)
    await api.confirmDeletion(scope, pod)
    const uid = stored.get('web-n')?.metadata?.uid ?? ''
    api.forget(pod.metadata?.uid ?? '')
    assert.deepEqual(told, [uid, `forgot ${uid}`])
  })

  test('a mirror of a file that is gone is deleted', async () => {
    const mirror: core.Pod = {
      metadata: { name: 'old-n', namespace: 'default', uid: 'x', annotations: { 'kubernetes.io/config.mirror': 'gone' } },
    }
    stored.set('old-n', mirror)
    assert.equal(pods.noteMirror(scope, undefined, mirror), true)
    await until('deleted', () => !stored.has('old-n'))
    assert.equal(pods.noteMirror(scope, undefined, { metadata: { name: 'other' } }), false)
  })
})
