import { defineResource } from '../../define.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { type GoStruct, shownStruct } from '../../meta/go-struct.ts'
import type { Path } from '../../meta/path.ts'
import { isUnsetList } from '../../meta/unset-list.ts'
import { validateNodeSelector } from '../../pods/validate/scheduling/affinity.ts'
import * as refs from '../../refs.gen.ts'
import type { CounterSet, Device, ResourcePool, ResourceSlice, ResourceSliceSpec } from '../../types/resource-v1.gen.ts'
import { IMMUTABLE, validateImmutable } from '../../validation/values.ts'
import { SPEC } from '../../workloads/workload.ts'
import { validateCounters, validateDevice } from './device.ts'
import { validateSet } from './lists.ts'
import { validateDriverName, validateLabel, validatePoolName, validateSubdomain } from './names.ts'

const REQUIREMENTS: GoStruct = [
  ['Key', 'key', ''],
  ['Operator', 'operator', ''],
  ['Values', 'values'],
]
const NODE_SELECTOR_TERM: GoStruct = [
  ['MatchExpressions', 'matchExpressions', null, REQUIREMENTS],
  ['MatchFields', 'matchFields', null, REQUIREMENTS],
]

const MOST_DEVICES = 128
/** With taints or counters, which take more to look at. */
const MOST_RICH_DEVICES = 64
const MOST_COUNTER_SETS = 8
const ONE_OF = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required'
const UNSET_OR_TRUE = 'must be either unset or set to true'

export const resourceSlices = defineResource(refs.resourceslices, {
  strategy: {
    generation: 'spec',
    countsAsSent: true,
    countsEmpty: 'rules',
    defaults: (slice) => {
      slice.spec ??= { driver: '', pool: { name: '', generation: 0, resourceSliceCount: 0 } }
    },
    prepareForCreate: (slice, _by, now) => prepare(slice, now),
    prepareForUpdate: (slice, _old, now) => prepare(slice, now),
    validate: ({ spec }, errors) => validate(spec, undefined, errors),
    validateUpdate: ({ spec }, old, errors) => validate(spec, old.spec, errors),
    warnings: ({ spec: { driver = '' } }) =>
      driver === driver.toLowerCase()
        ? []
        : [`spec.driver: driver names should be lowercase; ${JSON.stringify(driver)} contains uppercase characters`],
  },
  columns: {
    Node: ({ spec }) => spec.nodeName ?? '',
    Driver: ({ spec }) => spec.driver,
    Pool: ({ spec }) => spec.pool?.name ?? '',
  },
  selectable: { 'spec.nodeName': ({ spec }) => spec.nodeName ?? '', 'spec.driver': ({ spec }) => spec.driver },
})

function prepare(slice: ResourceSlice, now: string): void {
  dropSwitchedOff(slice)
  stampTaints(slice, now)
}

/** Lists of values and mappings to resources of nodes are switched off in this version of Kubernetes: they are not kept. */
function dropSwitchedOff({ spec }: ResourceSlice): void {
  for (const device of spec.devices ?? []) {
    delete device.nodeAllocatableResourceMappings
    for (const attribute of Object.values(device.attributes ?? {}))
      for (const list of ['ints', 'bools', 'strings', 'versions'] as const) delete attribute[list]
  }
}

/** A taint without a time was added now. */
function stampTaints({ spec }: ResourceSlice, now: string): void {
  for (const { taints } of spec.devices ?? []) for (const taint of taints ?? []) taint.timeAdded ??= now
}

function validate(spec: ResourceSliceSpec, old: ResourceSliceSpec | undefined, errors: FieldErrors): void {
  validateDriverName(spec.driver, SPEC.child('driver'), errors)
  validatePool(spec.pool ?? {}, SPEC.child('pool'), errors)
  if (old !== undefined) {
    validateImmutable(spec.pool?.name, old.pool?.name, SPEC.child('pool').child('name'), errors)
    validateImmutable(spec.driver, old.driver, SPEC.child('driver'), errors)
    // An empty one is one.
    if (spec.nodeName !== old.nodeName) errors.push(fieldError.invalid(SPEC.child('nodeName'), spec.nodeName ?? null, IMMUTABLE))
  }
  validateNodes(spec, errors)
  const { devices, sharedCounters } = spec
  if (devices !== undefined && sharedCounters !== undefined)
    errors.push(fieldError.invalid(SPEC, '', 'only one of `sharedCounters` or `devices` is allowed'))
  const isRich = devices?.some(({ taints = [], consumesCounters = [] }) => taints.length > 0 || consumesCounters.length > 0) ?? false
  const known = new Map((old?.devices ?? []).map((device) => [device.name, device]))
  const one = (device: Device, at: Path): void =>
    validateDevice(device, known.get(device.name), spec.perDeviceNodeSelection === true, at, errors)
  validateSet(devices, isRich ? MOST_RICH_DEVICES : MOST_DEVICES, one, ({ name = '' }) => name, SPEC.child('devices'), errors)
  validateSet(sharedCounters, MOST_COUNTER_SETS, validateCounterSet, ({ name = '' }) => name, SPEC.child('sharedCounters'), errors)
}

function validatePool({ name = '', resourceSliceCount = 0, generation = 0 }: Partial<ResourcePool>, path: Path, errors: FieldErrors): void {
  validatePoolName(name, path.child('name'), errors)
  if (resourceSliceCount <= 0)
    errors.push(fieldError.invalid(path.child('resourceSliceCount'), resourceSliceCount, 'must be greater than zero'))
  if (generation < 0) errors.push(fieldError.invalid(path.child('generation'), generation, 'must be greater than or equal to zero'))
}

function validateCounterSet({ name = '', counters }: CounterSet, path: Path, errors: FieldErrors): void {
  if (name === '') errors.push(fieldError.required(path.child('name')))
  else validateLabel(name, path.child('name'), errors)
  validateCounters(counters, path.child('counters'), errors)
}

/** The nodes that have the devices are named in one way. */
function validateNodes({ nodeName, nodeSelector, allNodes, perDeviceNodeSelection }: ResourceSliceSpec, errors: FieldErrors): void {
  const set: string[] = []
  const nodeNamePath = SPEC.child('nodeName')
  if (nodeName === '') errors.push(fieldError.invalid(nodeNamePath, nodeName, 'must be either unset or set to a non-empty string'))
  else if (nodeName !== undefined) {
    set.push('`nodeName`')
    validateSubdomain(nodeName, nodeNamePath, errors)
  }
  if (nodeSelector !== undefined) {
    set.push('`nodeSelector`')
    validateNodeSelector(nodeSelector, SPEC.child('nodeSelector'), errors)
    const terms = nodeSelector.nodeSelectorTerms ?? []
    const path = SPEC.child('nodeSelector').child('nodeSelectorTerms')
    if (terms.length !== 1)
      errors.push(
        fieldError.invalid(
          path,
          isUnsetList(terms) ? null : terms.map((term) => shownStruct(NODE_SELECTOR_TERM, term)),
          'must have exactly one node selector term',
        ),
      )
  }
  for (const [name, value] of Object.entries({ allNodes, perDeviceNodeSelection })) {
    if (value === false) errors.push(fieldError.invalid(SPEC.child(name), value, UNSET_OR_TRUE))
    else if (value === true) set.push(`\`${name}\``)
  }
  if (set.length === 0) errors.push(fieldError.required(SPEC, ONE_OF))
  else if (set.length > 1) errors.push(fieldError.invalid(SPEC, `{${set.join(', ')}}`, `${ONE_OF}, but multiple fields are set`))
}
