import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KubeObject } from '../meta/object.ts'
import type { Resource } from '../resource.ts'
import { endpointSlices } from './discovery/endpoint-slice.ts'
import { roleBindings } from './rbac/bindings.ts'

const cell = <T extends KubeObject>({ columns }: Resource<T>, name: string, object: T): unknown =>
  columns.find((column) => column.name === name)?.cell(object, 0)

test('ports of a slice are numbers, else names; without either nothing is set', () => {
  const ports = (...ports: { name?: string; port?: number }[]): unknown =>
    cell(endpointSlices, 'Ports', { addressType: 'IPv4', endpoints: [], ports })
  assert.equal(ports({ name: 'http', port: 80 }, { name: 'dns' }), '80,dns')
  assert.equal(ports({ name: '' }), '<unset>')
  assert.equal(ports({}), '*')
  assert.equal(ports(), '<unset>')
})

test('an account of a binding is shown with its namespace, which may be empty', () => {
  const subjects = ['a', ''].map((namespace) => ({ kind: 'ServiceAccount', name: 'robot', namespace }))
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' }
  assert.equal(cell(roleBindings, 'ServiceAccounts', { roleRef, subjects }), 'a/robot, /robot')
})
