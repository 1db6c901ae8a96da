import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { core } from '#api'
import { isRecursivelyReadOnly } from './recursive-read-only.ts'

const mount = (recursiveReadOnly: string, more: Partial<core.VolumeMount> = {}): core.VolumeMount => ({
  name: 'v',
  mountPath: '/v',
  readOnly: true,
  recursiveReadOnly,
  ...more,
})

test('what is below is read-only too when it is asked for and the runtime can', () => {
  assert.equal(isRecursivelyReadOnly(mount('Enabled'), true), true)
  assert.equal(isRecursivelyReadOnly(mount('IfPossible'), true), true)
  assert.equal(isRecursivelyReadOnly(mount('IfPossible'), false), false)
  assert.equal(isRecursivelyReadOnly({ name: 'v', mountPath: '/v' }, true), false)
})

test('what must be and cannot be is refused', () => {
  assert.throws(() => isRecursivelyReadOnly(mount('Enabled'), false), /but it is not supported by the runtime/)
  assert.throws(() => isRecursivelyReadOnly(mount('Enabled', { readOnly: false }), true), /but it is not read-only/)
  assert.throws(
    () => isRecursivelyReadOnly(mount('Enabled', { mountPropagation: 'HostToContainer' }), true),
    /not compatible with propagation "HostToContainer"/,
  )
})
