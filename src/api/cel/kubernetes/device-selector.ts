import { parseQuantity } from '../../meta/quantity.ts'
import type { DeviceAttribute, DeviceCapacity } from '../../types/resource-v1.gen.ts'
import { CompileProblem, compile, programOf } from '../compile.ts'
import { QuantityValue } from '../library/kubernetes/quantities.ts'
import { semverOf } from '../library/kubernetes/semvers.ts'
import { HashMap } from '../values/containers.ts'
import { CelError } from '../values/error.ts'
import type { Outcome, Value } from '../values/value.ts'
import { deviceEnvironment } from './device.ts'
import { LIMITS } from './environment.ts'

/** What a driver says of a device, as far as selectors see it. */
export interface SelectableDevice {
  readonly driver: string
  readonly attributes?: Readonly<Record<string, DeviceAttribute>> | undefined
  readonly capacity?: Readonly<Record<string, DeviceCapacity>> | undefined
  readonly allowMultipleAllocations?: boolean | undefined
}

/** Whether a device is one of those that are wanted; or why there is no telling. */
export type DeviceSelectorProgram = (device: SelectableDevice) => boolean | { readonly problem: string }

/** Makes an expression that selects devices ready; a text says why it cannot be used. */
export function compileDeviceSelector(source: string): DeviceSelectorProgram | string {
  const expression = compile(source, deviceEnvironment())
  if (expression instanceof CompileProblem) return expression.text
  const program = programOf(expression)
  if (typeof program === 'string') return program
  return (device) => {
    const value = deviceValue(device)
    if (value instanceof CelError) return { problem: value.message }
    const { outcome } = program.run({ get: (name) => (name === 'device' ? value : undefined) }, LIMITS.perCall)
    if (outcome instanceof CelError) return { problem: outcome.message }
    return typeof outcome === 'boolean' ? outcome : { problem: 'CEL result could not be converted to bool' }
  }
}

/** A domain that a driver says nothing about is empty, not missing. */
class DomainMap extends HashMap {
  override get(key: Value): Outcome | undefined {
    return super.get(key) ?? (typeof key === 'string' ? new HashMap() : undefined)
  }
}

function deviceValue({ driver, attributes = {}, capacity = {}, allowMultipleAllocations = false }: SelectableDevice): HashMap | CelError {
  const device = new HashMap()
  const said = byDomain(driver, attributes, attributeValue)
  if (said instanceof CelError) return said
  const has = byDomain(driver, capacity, ({ value }) => new QuantityValue(parseQuantity(value)))
  if (has instanceof CelError) return has
  device.insert('driver', driver)
  device.insert('allowMultipleAllocations', allowMultipleAllocations)
  device.insert('attributes', said)
  device.insert('capacity', has)
  return device
}

function byDomain<T>(driver: string, all: Readonly<Record<string, T>>, valueOf: (item: T) => Outcome): DomainMap | CelError {
  const domains = new Map<string, HashMap>()
  for (const [name, item] of Object.entries(all)) {
    const slash = name.indexOf('/')
    const domain = slash === -1 ? driver : name.slice(0, slash)
    const value = valueOf(item)
    if (value instanceof CelError) return new CelError(`attribute ${name}: ${value.message}`)
    const known = domains.get(domain) ?? new HashMap()
    known.insert(name.slice(slash + 1), value)
    domains.set(domain, known)
  }
  const map = new DomainMap()
  for (const [domain, values] of domains) map.insert(domain, values)
  return map
}

function attributeValue({ int, bool, string, version }: DeviceAttribute): Outcome {
  if (int !== undefined) return int
  if (bool !== undefined) return bool
  if (string !== undefined) return string
  if (version !== undefined) return semverOf(version)
  return new CelError('unsupported attribute value')
}
