import { deepEqual } from '../../meta/deep.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import { validateNodeSelector } from '../../pods/validate/scheduling/affinity.ts'
import type { Device, DeviceAttribute, DeviceCounterConsumption } from '../../types/resource-v1.gen.ts'
import { DNS_LABEL_MAX, byteLength } from '../../validation/names.ts'
import { validateSharedCapacity, validateWholeCapacity } from './capacity.ts'
import { validateBinding, validateTaint } from './device-config.ts'
import { validateMap, validateSet, validateSlice } from './lists.ts'
import { QUALIFIED_MAX, validateLabel, validateQualified, validateSubdomain } from './names.ts'

const MOST_ATTRIBUTES = 32
const MOST_TAINTS = 16
const MOST_CONSUMPTIONS = 2
const MOST_COUNTERS = 32
const LONGEST_VALUE = 64
const PRE_RELEASE = '(?:0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)'
const IS_SEMVER = new RegExp(
  `^(?:0|[1-9]\\d*)(?:\\.(?:0|[1-9]\\d*)){2}(?:-${PRE_RELEASE}(?:\\.${PRE_RELEASE})*)?(?:\\+[0-9a-zA-Z-]+(?:\\.[0-9a-zA-Z-]+)*)?$`,
)
const ONE_OF =
  'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec'

export function validateDevice(device: Device, old: Device | undefined, choosesNodes: boolean, path: Path, errors: FieldErrors): void {
  validateLabel(device.name, path.child('name'), errors)
  const count = Object.keys(device.attributes ?? {}).length + Object.keys(device.capacity ?? {}).length
  if (count > MOST_ATTRIBUTES)
    errors.push(fieldError.invalid(path, count, `the total number of attributes and capacities must not exceed ${MOST_ATTRIBUTES}`))
  validateMap(device.attributes, QUALIFIED_MAX, validateQualified, validateAttribute, path.child('attributes'), errors)
  const capacity = device.allowMultipleAllocations === true ? validateSharedCapacity : validateWholeCapacity
  validateMap(device.capacity, QUALIFIED_MAX, validateQualified, capacity, path.child('capacity'), errors)
  // Taints that were there before are not looked at again.
  if (old === undefined || !deepEqual(old.taints, device.taints))
    validateSlice(device.taints, MOST_TAINTS, validateTaint, path.child('taints'), errors)
  validateSet(
    device.consumesCounters,
    MOST_CONSUMPTIONS,
    validateConsumption,
    ({ counterSet = '' }) => counterSet,
    path.child('consumesCounters'),
    errors,
  )
  validateNodes(device, choosesNodes, path, errors)
  const { bindingConditions, bindingFailureConditions } = device
  validateBinding(
    {
      ...(bindingConditions === undefined ? {} : { bindingConditions }),
      ...(bindingFailureConditions === undefined ? {} : { bindingFailureConditions }),
    },
    path,
    errors,
  )
}

function validateConsumption({ counterSet = '', counters }: DeviceCounterConsumption, path: Path, errors: FieldErrors): void {
  if (counterSet === '') errors.push(fieldError.required(path.child('counterSet')))
  else validateLabel(counterSet, path.child('counterSet'), errors)
  validateCounters(counters, path.child('counters'), errors)
}

export function validateCounters(counters: DeviceCounterConsumption['counters'] | undefined, path: Path, errors: FieldErrors): void {
  const count = Object.keys(counters ?? {}).length
  if (count === 0) errors.push(fieldError.required(path))
  else if (count > MOST_COUNTERS) errors.push(fieldError.tooMany(path, count, MOST_COUNTERS))
  else validateMap(counters, DNS_LABEL_MAX, validateLabel, () => undefined, path, errors)
}

function validateNodes({ nodeName, nodeSelector, allNodes }: Device, choosesNodes: boolean, path: Path, errors: FieldErrors): void {
  if (!choosesNodes) {
    if (nodeName === undefined && nodeSelector === undefined && allNodes === undefined) return
    const why =
      '`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec'
    errors.push(fieldError.invalid(path, null, why))
    return
  }
  const set: string[] = []
  if (nodeName === '') errors.push(fieldError.invalid(path.child('nodeName'), nodeName, 'must not be empty'))
  else if (nodeName !== undefined) {
    set.push('`nodeName`')
    validateSubdomain(nodeName, path.child('nodeName'), errors)
  }
  if (nodeSelector !== undefined) {
    set.push('`nodeSelector`')
    validateNodeSelector(nodeSelector, path.child('nodeSelector'), errors)
  }
  if (allNodes === false) errors.push(fieldError.invalid(path.child('allNodes'), allNodes, 'must be either unset or set to true'))
  else if (allNodes === true) set.push('`allNodes`')
  if (set.length === 0) errors.push(fieldError.required(path, ONE_OF))
  else if (set.length > 1) errors.push(fieldError.invalid(path, `{${set.join(', ')}}`, ONE_OF))
}

function validateAttribute(attribute: DeviceAttribute, path: Path, errors: FieldErrors): void {
  const { int, bool, string, version } = attribute
  if (string !== undefined) validateLength(string, path.child('string'), errors)
  if (version !== undefined) {
    if (!IS_SEMVER.test(version))
      errors.push(fieldError.invalid(path.child('version'), version, 'must be a string compatible with semver.org spec 2.0.0'))
    validateLength(version, path.child('version'), errors)
  }
  const values = [int, bool, string, version].filter((value) => value !== undefined).length
  if (values === 1) return
  const shown = values === 0 ? '' : shownAttribute(attribute)
  errors.push(fieldError.invalid(path, shown, 'exactly one value must be specified'))
}

/** As Kubernetes shows it in messages: its internal struct. */
function shownAttribute({
  int = null,
  bool = null,
  string = null,
  version = null,
}: Partial<Record<keyof DeviceAttribute, unknown>>): unknown {
  const lists = { IntValues: null, BoolValues: null, StringValues: null, VersionValues: null }
  return { IntValue: int, BoolValue: bool, StringValue: string, VersionValue: version, ...lists }
}

function validateLength(value: string, path: Path, errors: FieldErrors): void {
  if (byteLength(value) > LONGEST_VALUE) errors.push(fieldError.tooLong(path, LONGEST_VALUE))
}
