import { deepEqual } from '../../meta/deep.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import { validateNodeSelector } from '../../pods/validate/scheduling/affinity.ts'
import type {
  AllocatedDeviceStatus,
  AllocationResult,
  DeviceAllocationConfiguration,
  DeviceRequestAllocationResult,
  NetworkDeviceData,
  ResourceClaim,
  ResourceClaimConsumerReference,
} from '../../types/resource-v1.gen.ts'
import { validateConditions } from '../../validation/conditions.ts'
import { parseCidr } from '../../validation/ip.ts'
import { byteLength } from '../../validation/names.ts'
import { validateImmutable } from '../../validation/values.ts'
import { STATUS } from '../../workloads/workload.ts'
import { type RequestNames, requestNamesOf, validateRequestRef, validateRequestRefs } from './claim-devices.ts'
import { MOST_CONFIGS, validateBinding, validateConfiguration, validateData } from './device-config.ts'
import { validateSet, validateSlice } from './lists.ts'
import { validateDriverName, validateLabel, validatePoolName, validateUuid } from './names.ts'

const MOST_CONSUMERS = 256
const MOST_RESULTS = 32
const MOST_CONDITIONS = 8
const MOST_IPS = 16
const LONGEST_DATA = 10 * 1024
const LONGEST_INTERFACE = 256
const LONGEST_HARDWARE = 128
const RESERVED = STATUS.child('reservedFor')

/** The device that an entry is about; a shared one is told apart by its share. */
interface Named {
  readonly driver: string
  readonly pool: string
  readonly device: string
  readonly shareID?: string | undefined
}
const deviceKey = ({ driver, pool, device, shareID }: Named): string =>
  [driver, pool, device, ...(shareID === undefined ? [] : [shareID])].join('/')
const shownDevice = ({ driver = '', pool = '', device = '', shareID }: Named): unknown => ({
  Driver: driver,
  Pool: pool,
  Device: device,
  ShareID: shareID ?? '',
})

/** Entries about devices that are no longer allocated go with the allocation. */
export function dropDeallocatedDevices(draft: ResourceClaim, old: ResourceClaim): void {
  const gone = new Set((old.status?.allocation?.devices?.results ?? []).map(deviceKey))
  for (const result of draft.status?.allocation?.devices?.results ?? []) gone.delete(deviceKey(result))
  const devices = draft.status?.devices
  if (draft.status === undefined || devices === undefined) return
  const kept = devices.filter((device) => !gone.has(deviceKey(device)))
  if (kept.length > 0) draft.status.devices = kept
  else delete draft.status.devices
}

export function validateClaimStatus(claim: ResourceClaim, old: ResourceClaim, errors: FieldErrors): void {
  const { reservedFor, allocation, devices } = claim.status ?? {}
  validateSet(reservedFor, MOST_CONSUMERS, validateConsumer, ({ uid }) => uid, RESERVED, errors)
  const allocated = new Set((allocation?.devices?.results ?? []).map(deviceKey))
  const device = (one: AllocatedDeviceStatus, at: Path): void => validateDevice(one, allocated, at, errors)
  validateSet(devices, Number.POSITIVE_INFINITY, device, deviceKey, STATUS.child('devices'), errors, shownDevice)
  if ((reservedFor ?? []).length > 0) {
    if (allocation === undefined) errors.push(fieldError.forbidden(RESERVED, 'may not be specified when `allocated` is not set'))
    else if (claim.metadata?.deletionTimestamp !== undefined && addsConsumers(reservedFor ?? [], old.status?.reservedFor ?? []))
      errors.push(
        fieldError.forbidden(RESERVED, 'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set'),
      )
  }
  const path = STATUS.child('allocation')
  const before = old.status?.allocation
  if (before !== undefined && allocation !== undefined) validateImmutable(allocation, before, path, errors)
  else if (allocation !== undefined) validateAllocation(allocation, requestNamesOf(claim.spec.devices), path, errors)
}

function addsConsumers(now: readonly ResourceClaimConsumerReference[], before: readonly ResourceClaimConsumerReference[]): boolean {
  return now.some((one) => !before.some((other) => deepEqual(one, other)))
}

function validateConsumer(consumer: ResourceClaimConsumerReference, path: Path, errors: FieldErrors): void {
  for (const field of ['resource', 'name', 'uid'] as const)
    if ((consumer[field] ?? '') === '') errors.push(fieldError.required(path.child(field)))
}

function validateAllocation({ devices, nodeSelector }: AllocationResult, names: RequestNames, path: Path, errors: FieldErrors): void {
  const at = path.child('devices')
  const result = (one: DeviceRequestAllocationResult, place: Path): void => validateResult(one, names, place, errors)
  validateSlice(devices?.results, MOST_RESULTS, result, at.child('results'), errors)
  const config = (one: DeviceAllocationConfiguration, place: Path): void => validateAllocatedConfig(one, names, place, errors)
  // Those of the class and those of the claim.
  validateSlice(devices?.config, 2 * MOST_CONFIGS, config, at.child('config'), errors)
  if (nodeSelector !== undefined) validateNodeSelector(nodeSelector, path.child('nodeSelector'), errors)
}

function validateResult(result: DeviceRequestAllocationResult, names: RequestNames, path: Path, errors: FieldErrors): void {
  validateRequestRef(result.request ?? '', names, path.child('request'), errors)
  validateDriverName(result.driver, path.child('driver'), errors)
  validatePoolName(result.pool, path.child('pool'), errors)
  validateLabel(result.device, path.child('device'), errors)
  validateBinding(bindingOf(result), path, errors)
  if (result.shareID !== undefined) validateUuid(result.shareID, path.child('shareID'), errors)
}

const bindingOf = ({
  bindingConditions,
  bindingFailureConditions,
}: DeviceRequestAllocationResult): Parameters<typeof validateBinding>[0] => ({
  ...(bindingConditions === undefined ? {} : { bindingConditions }),
  ...(bindingFailureConditions === undefined ? {} : { bindingFailureConditions }),
})

function validateAllocatedConfig(config: DeviceAllocationConfiguration, names: RequestNames, path: Path, errors: FieldErrors): void {
  const { source = '' } = config
  const at = path.child('source')
  if (source === '') errors.push(fieldError.required(at))
  else if (source !== 'FromClaim' && source !== 'FromClass') errors.push(fieldError.notSupported(at, source, ['FromClaim', 'FromClass']))
  validateRequestRefs(config.requests, names, path.child('requests'), errors)
  validateConfiguration(config, false, path, errors)
}

function validateDevice(device: AllocatedDeviceStatus, allocated: ReadonlySet<string>, path: Path, errors: FieldErrors): void {
  validateDriverName(device.driver, path.child('driver'), errors)
  validatePoolName(device.pool, path.child('pool'), errors)
  validateLabel(device.device, path.child('device'), errors)
  if (device.shareID !== undefined) validateUuid(device.shareID, path.child('shareID'), errors)
  if (!allocated.has(deviceKey(device)))
    errors.push(fieldError.invalid(path, shownDevice(device), 'must be an allocated device in the claim'))
  const conditions = device.conditions ?? []
  if (conditions.length > MOST_CONDITIONS) errors.push(fieldError.tooMany(path.child('conditions'), conditions.length, MOST_CONDITIONS))
  validateConditions(conditions, path.child('conditions'), errors)
  if (device.data !== undefined) validateData(device.data, LONGEST_DATA, path.child('data'), errors)
  if (device.networkData !== undefined) validateNetwork(device.networkData, path.child('networkData'), errors)
}

function validateNetwork({ interfaceName = '', hardwareAddress = '', ips }: NetworkDeviceData, path: Path, errors: FieldErrors): void {
  if (byteLength(interfaceName) > LONGEST_INTERFACE) errors.push(fieldError.tooLong(path.child('interfaceName'), LONGEST_INTERFACE))
  if (byteLength(hardwareAddress) > LONGEST_HARDWARE) errors.push(fieldError.tooLong(path.child('hardwareAddress'), LONGEST_HARDWARE))
  validateSet(ips, MOST_IPS, validateInterfaceAddress, (address) => address, path.child('ips'), errors)
}

function validateInterfaceAddress(address: string, path: Path, errors: FieldErrors): void {
  const cidr = parseCidr(address)
  if (cidr === undefined) {
    errors.push(fieldError.invalid(path, address, 'must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)'))
    return
  }
  const canonical = `${cidr.ip.text}/${cidr.prefix}`
  if (address !== canonical) errors.push(fieldError.invalid(path, address, `must be in canonical form (${JSON.stringify(canonical)})`))
}
