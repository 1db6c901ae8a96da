import { addQuantities, compareQuantities, formatQuantity, quantityValue, type resource } from '#api'

type Amounts = Readonly<Record<string, string>>

/**
 * What a share of a device takes of it for a request: what is asked for, raised to what the driver hands out; everything (or its default) of what is not
 * asked for. Undefined: the device does not have it, or does not hand it out in such parts.
 */
export function shareOf(requested: Amounts | undefined, capacity: Readonly<Record<string, resource.DeviceCapacity>>): Amounts | undefined {
  if (Object.keys(requested ?? {}).some((name) => !Object.hasOwn(capacity, name))) return undefined
  const share: Record<string, string> = {}
  for (const [name, { value, requestPolicy: policy }] of Object.entries(capacity)) {
    const asked = requested?.[name]
    const amount = asked === undefined ? (policy?.default ?? value) : raised(asked, policy)
    if (!isHandedOut(amount, policy)) return undefined
    share[name] = amount
  }
  return share
}

/** Whether a device has room for another share beside those that are taken. */
export function hasRoom(share: Amounts, taken: readonly Amounts[], capacity: Readonly<Record<string, resource.DeviceCapacity>>): boolean {
  return Object.entries(share).every(([name, amount]) => {
    const sum = taken.reduce((total, one) => (one[name] === undefined ? total : addQuantities(total, one[name])), amount)
    return compareQuantities(sum, capacity[name]?.value ?? '0') <= 0
  })
}

function raised(asked: string, policy: resource.CapacityRequestPolicy | undefined): string {
  const { validRange: range, validValues = [] } = policy ?? {}
  if (range !== undefined) {
    if (compareQuantities(asked, range.min) < 0) return range.min
    if (range.step === undefined) return asked
    const [min, step] = [quantityValue(range.min), quantityValue(range.step)]
    return formatQuantity({ mantissa: BigInt(min + step * Math.ceil((quantityValue(asked) - min) / step)), scale: 0, format: 'BinarySI' })
  }
  return validValues.find((value) => compareQuantities(asked, value) <= 0) ?? asked
}

function isHandedOut(amount: string, policy: resource.CapacityRequestPolicy | undefined): boolean {
  const { default: usual, validRange: range, validValues = [] } = policy ?? {}
  if (typeof usual === 'string' && compareQuantities(amount, usual) === 0) return true
  if (range !== undefined) {
    if (range.max !== undefined && compareQuantities(amount, range.max) > 0) return false
    return range.step === undefined || (quantityValue(amount) - quantityValue(range.min)) % quantityValue(range.step) === 0
  }
  return validValues.length === 0 || validValues.some((value) => compareQuantities(amount, value) === 0)
}
