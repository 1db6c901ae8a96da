import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { core } from '#api'
import { PodRejected } from '../refusal.ts'
import { sysctlsOf, verifyAllowedSysctls } from './sysctls.ts'

const setting = (name: string, spec: Partial<core.PodSpec> = {}): core.Pod => ({
  spec: { containers: [], ...spec, securityContext: { sysctls: [{ name, value: '1' }] } },
})

test('a safe sysctl is set, in the spelling of the kernel', () =>
  assert.deepEqual(sysctlsOf(setting('net/ipv4/tcp_syncookies'), []), { 'net.ipv4.tcp_syncookies': '1' }))
test('any other only when the node allows it, by name or by prefix', () => {
  assert.throws(() => sysctlsOf(setting('kernel.msgmax'), []), PodRejected)
  assert.deepEqual(sysctlsOf(setting('kernel.msgmax'), ['kernel.msgmax']), { 'kernel.msgmax': '1' })
  assert.deepEqual(sysctlsOf(setting('net.core.somaxconn'), ['net.core.*']), { 'net.core.somaxconn': '1' })
  assert.throws(() => sysctlsOf(setting('net.ipv4.ip_forward'), ['net.core.*']), PodRejected)
})
test('never one of the node for a pod that shares it', () => {
  assert.throws(() => sysctlsOf(setting('net.core.somaxconn', { hostNetwork: true }), ['net.core.*']), PodRejected)
  assert.throws(() => sysctlsOf(setting('kernel.shm_rmid_forced', { hostIPC: true }), []), PodRejected)
})
test('a node cannot allow what is the whole machine’s', () => {
  verifyAllowedSysctls(['kernel.shm*', 'kernel.msgmax', 'kernel.sem', 'fs.mqueue.*', 'net.core.somaxconn'])
  for (const name of ['vm.swappiness', 'kernel.panic', 'fs.file-max', '*'])
    assert.throws(() => verifyAllowedSysctls([name]), new RegExp(name.replace('*', '\\*')))
})
