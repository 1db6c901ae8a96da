import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FieldErrors } from '../../meta/field-error.ts'
import type * as core from '../../types/core-v1.gen.ts'
import { validatePodStatus } from './pod-status.ts'

const spec: core.PodSpec = {
  containers: [{ name: 'c', image: 'i', resources: { requests: { 'a.b/gpu': '1' }, claims: [{ name: 'd', request: 'r' }] } }],
}

function refusals(status: core.PodStatus): string[] {
  const errors: FieldErrors = []
  validatePodStatus({ metadata: { name: 'p' }, spec, status }, { metadata: { name: 'p' }, spec }, errors)
  return errors.map(({ field, message }) => `${field}: ${message}`)
}

const container = (more: Partial<core.ContainerStatus>): core.ContainerStatus => ({
  name: 'c',
  ready: true,
  restartCount: 0,
  image: 'i',
  imageID: 'i',
  ...more,
})

test('the claim of an extended resource has mappings to what containers ask for', () => {
  const mapping = { containerName: 'c', resourceName: 'a.b/gpu', requestName: 'r' }
  const of = (...requestMappings: core.ContainerExtendedResourceRequest[]): string[] =>
    refusals({ extendedResourceClaimStatus: { resourceClaimName: 'x', requestMappings } })
  const path = 'status.extendedResourceClaimStatus.requestMappings'
  assert.deepEqual(of(mapping), [])
  assert.deepEqual(of(), [`${path}: Required value: at least one request mapping is required`])
  assert.equal(of(mapping, mapping).length, 3)
  assert.match(
    of({ ...mapping, containerName: 'z' })[0] ?? '',
    /requestMappings\[0\]\.containerName: Invalid value: "z": must match the name/,
  )
  assert.match(
    of({ ...mapping, resourceName: 'cpu' })[0] ?? '',
    /requestMappings\[0\]\.resourceName: Invalid value: "cpu": must match the extended/,
  )
})

test('statuses of claims are of claims of the pod, each once', () => {
  assert.deepEqual(refusals({ resourceClaimStatuses: [{ name: 'q' }, { name: 'q' }] }), [
    'status.resourceClaimStatuses[0].name: Invalid value: "q": must match the name of an entry in `spec.resourceClaims`',
    'status.resourceClaimStatuses[1].name: Invalid value: "q": must match the name of an entry in `spec.resourceClaims`',
    'status.resourceClaimStatuses[1].name: Duplicate value: "q"',
  ])
})

test('what is said of containers names devices that they have, and users that can be', () => {
  const devices = (name: string, ...resources: core.ResourceHealth[]): string[] =>
    refusals({ containerStatuses: [container({ allocatedResourcesStatus: [{ name, resources }] })] })
  assert.deepEqual(devices('a.b/gpu', { resourceID: '1', health: 'Healthy' }), [])
  assert.deepEqual(devices('claim:d/r'), [])
  const path = 'status.containerStatuses[0].allocatedResourcesStatus[0]'
  assert.deepEqual(devices('cpu'), [`${path}.name: Invalid value: "cpu": must match one of the container's resource requests`])
  assert.match(devices('claim:d')[0] ?? '', /in a format 'claim:/)
  assert.deepEqual(devices('a.b/gpu', { resourceID: '1', health: 'Odd', message: '' }, { resourceID: '1', health: 'Unknown' }), [
    `${path}.resources[0].health: Unsupported value: "Odd": supported values: "Healthy", "Unhealthy", "Unknown"`,
    `${path}.resources[0].message: Required value: must be non-empty if specified`,
    `${path}.resources[1].resourceID: Duplicate value: "1"`,
  ])
  const user = { linux: { uid: -1, gid: 0, supplementalGroups: [2 ** 31] } }
  assert.deepEqual(refusals({ containerStatuses: [container({ user })] }), [
    'status.containerStatuses[0].user.linux.uid: Invalid value: -1: must be between 0 and 2147483647, inclusive',
    'status.containerStatuses[0].user.linux.supplementalGroups[0]: Invalid value: 2147483648: must be between 0 and 2147483647, inclusive',
  ])
  const ephemeral = container({ allocatedResourcesStatus: [{ name: 'cpu' }] })
  assert.match(refusals({ ephemeralContainerStatuses: [ephemeral] })[0] ?? '', /must not be specified in container status/)
})
