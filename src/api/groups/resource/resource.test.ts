import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FieldErrors } from '../../meta/field-error.ts'
import type { Device, ResourceClaim, ResourceSlice } from '../../types/resource-v1.gen.ts'
import { changeRefusals, created, refusals } from '../refusals.fixture.ts'
import { resourceClaims } from './claim.ts'
import { validateClaimStatus } from './claim-status.ts'
import { resourceSlices } from './slice.ts'

const claim = (): ResourceClaim => ({
  metadata: { name: 'c', namespace: 'a' },
  spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu' } }] } },
})
const slice = (devices: Device[], more: Partial<ResourceSlice['spec']> = {}): ResourceSlice => ({
  spec: { driver: 'd.example.com', pool: { name: 'p', generation: 1, resourceSliceCount: 1 }, nodeName: 'n', devices, ...more },
})

test('a request asks for one device, and its claim stays as it was made', () => {
  assert.deepEqual(created(resourceClaims, claim()).spec.devices?.requests?.[0]?.exactly, {
    deviceClassName: 'gpu',
    allocationMode: 'ExactCount',
    count: 1,
  })
  const [refused = ''] = changeRefusals(resourceClaims, claim(), ({ spec }) => {
    spec.devices = {}
  })
  assert.match(refused, /^spec: Invalid value: .*: field is immutable$/)
})

test('what names a request must name one that is there, or an alternative of one', () => {
  const devices = (requests: string[]): ResourceClaim => ({
    ...claim(),
    spec: {
      devices: {
        requests: [{ name: 'r', firstAvailable: [{ name: 'x', deviceClassName: 'gpu' }] }],
        constraints: [{ requests, matchAttribute: 'example.com/a' }],
      },
    },
  })
  assert.deepEqual(refusals(resourceClaims, devices(['r', 'r/x'])), [])
  for (const name of ['s', 'r/y', 'r/x/z']) assert.match(refusals(resourceClaims, devices([name])).join(), /must be the name of a request/)
})

test('a device has one value for each attribute, and shares its capacity only when it says so', () => {
  assert.deepEqual(
    refusals(resourceSlices, slice([{ name: 'd', attributes: { a: { int: 1 }, 'example.com/b': { version: '1.2.3-rc.1' } } }])),
    [],
  )
  assert.deepEqual(
    refusals(
      resourceSlices,
      slice([
        {
          name: 'd',
          attributes: { a: {}, b: { version: '1' } },
          capacity: { memory: { value: '1Gi', requestPolicy: { default: '1Mi', validValues: ['1Mi'] } } },
        },
      ]),
    ),
    [
      'spec.devices[0].attributes[a]: Invalid value: "": exactly one value must be specified',
      'spec.devices[0].attributes[b].version: Invalid value: "1": must be a string compatible with semver.org spec 2.0.0',
      'spec.devices[0].capacity[memory].requestPolicy: Forbidden: allowMultipleAllocations must be true',
    ],
  )
  const shared = (min: string, step: string): ResourceSlice =>
    slice([
      {
        name: 'd',
        allowMultipleAllocations: true,
        capacity: { memory: { value: '8Gi', requestPolicy: { default: '1Gi', validRange: { min, step } } } },
      },
    ])
  assert.deepEqual(refusals(resourceSlices, shared('512Mi', '512Mi')), [])
  assert.deepEqual(refusals(resourceSlices, shared('2Gi', '7Gi')), [
    'spec.devices[0].capacity[memory].requestPolicy.validRange.min: Invalid value: "1Gi": default is less than min: 2Gi',
    'spec.devices[0].capacity[memory].requestPolicy.validRange.step: Invalid value: "7Gi": one step 9Gi is larger than capacity value: 8Gi',
    'spec.devices[0].capacity[memory].requestPolicy.validRange.step: Invalid value: "1Gi": value is not a multiple of a given step (7Gi) from (2Gi)',
  ])
})

test('a slice says in one way which nodes have its devices', () => {
  assert.deepEqual(refusals(resourceSlices, slice([], { allNodes: true })), [
    'spec: Invalid value: "{`nodeName`, `allNodes`}": exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required, but multiple fields are set',
  ])
})

test('the status speaks of devices that are allocated, and an allocation does not change', () => {
  const result = { request: 'r', driver: 'd.example.com', pool: 'p', device: 'd0' }
  const before: ResourceClaim = { ...claim(), status: { allocation: { devices: { results: [result] } } } }
  const check = (status: ResourceClaim['status']): string[] => {
    const errors: FieldErrors = []
    validateClaimStatus({ ...claim(), ...(status === undefined ? {} : { status }) }, before, errors)
    return errors.map(({ field, message }) => `${field}: ${message}`)
  }
  const { driver, pool, device } = result
  assert.deepEqual(check({ ...before.status, devices: [{ driver, pool, device, networkData: { ips: ['10.0.0.1/24'] } }] }), [])
  assert.match(check({ ...before.status, devices: [{ driver, pool, device: 'd1' }] }).join(), /must be an allocated device in the claim/)
  assert.match(check({ allocation: { devices: { results: [{ ...result, device: 'd1' }] } } }).join(), /field is immutable/)
})
