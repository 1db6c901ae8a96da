import assert from 'node:assert/strict'
import { test } from 'node:test'
import { orphansOf, ownedMounts } from './orphans.ts'

const A = 'a'.repeat(64)
const B = 'b'.repeat(64)
const STATE = '/run/x/containerd'
const line = (path: string): string => `1 2 0:3 / ${path} rw - tmpfs tmpfs rw`
const mountinfo = [
  line('/'),
  line(`${STATE}/cri/sandboxes/${A}/shm`),
  line(`${STATE}/cri/sandboxes/${B}/shm`),
  line(`${STATE}/task/k8s.io/${B}/rootfs`),
  line(`${STATE}/cri/netns/cni-one`),
  line(`${STATE}/cri/netns/cni-two`),
  line(`/run/other/containerd/cri/sandboxes/${B}/shm`),
].join('\n')
const record = (owner: string, netns: string) => ({ path: `/results/${owner}`, owner, text: `{"sandbox":"${STATE}/cri/netns/${netns}"}` })
const left = (...args: Parameters<typeof orphansOf>): string[] =>
  orphansOf(...args)
    .map(({ path }) => path.replace(STATE, ''))
    .toSorted()

test('what sandboxes and containers that are there have is theirs', () =>
  assert.deepEqual(left(ownedMounts(mountinfo, STATE), [record(A, 'cni-one'), record(B, 'cni-two')], new Set([A, B])), []))
test('mounts, namespaces and records of one that is forgotten are nobody’s', () =>
  assert.deepEqual(left(ownedMounts(mountinfo, STATE), [record(A, 'cni-one'), record(B, 'cni-two')], new Set([A])), [
    `/cri/netns/cni-two`,
    `/cri/sandboxes/${B}/shm`,
    `/results/${B}`,
    `/task/k8s.io/${B}/rootfs`,
  ]))
test('a namespace without a record is nobody’s', () =>
  assert.deepEqual(left(ownedMounts(mountinfo, STATE), [record(A, 'cni-one'), { ...record(B, ''), text: '' }], new Set([A, B])), [
    `/cri/netns/cni-two`,
  ]))
test('a process that keeps a sandbox which is forgotten is nobody’s', () => {
  const shims = [A, B].map((owner) => ({ path: `process of ${owner}`, kind: 'shim' as const, owner }))
  assert.deepEqual(left(shims, [], new Set([A])), [`process of ${B}`])
})
