import { type FieldErrors, fieldError } from '../meta/field-error.ts'
import type { Path } from '../meta/path.ts'
import { canonicalQuantity, compareQuantities, parseQuantity } from '../meta/quantity.ts'
import { qualifiedNameErrors } from './names.ts'
import { invalidText, NOT_NEGATIVE } from './values.ts'

const CONTAINER: readonly string[] = ['cpu', 'memory', 'ephemeral-storage']
const COUNTED: readonly string[] = [
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
]
const QUOTA: ReadonlySet<string> = new Set([
  ...CONTAINER,
  ...CONTAINER.map((name) => `requests.${name}`),
  ...CONTAINER.map((name) => `limits.${name}`),
  ...COUNTED,
  'requests.storage',
])
const STANDARD: ReadonlySet<string> = new Set([...QUOTA, 'storage'])

export const isHugePageResource = (name: string): boolean => name.startsWith('hugepages-')
const isQuotaHugePage = (name: string): boolean => isHugePageResource(name) || name.startsWith('requests.hugepages-')

/** Resources that Kubernetes itself defines: without a domain, or with one of `kubernetes.io`. */
export function isNativeResource(name: string): boolean {
  return !name.includes('/') || name.includes('kubernetes.io/')
}

/** Resources that something else announces on nodes: `example.com/gpu`. */
export function isExtendedResource(name: string): boolean {
  return !isNativeResource(name) && !name.startsWith('requests.') && qualifiedNameErrors(`requests.${name}`).length === 0
}

/** Resources that come in whole units only. */
export function isIntegerResource(name: string): boolean {
  return COUNTED.includes(name) || isExtendedResource(name)
}

export function validateResourceName(name: string, path: Path, errors: FieldErrors): void {
  const messages = qualifiedNameErrors(name)
  invalidText(name, messages, path, errors)
  if (messages.length === 0 && !name.includes('/') && !STANDARD.has(name) && !isQuotaHugePage(name)) {
    errors.push(fieldError.invalid(path, name, 'must be a standard resource type or fully qualified'))
  }
}

export function validateContainerResourceName(name: string, path: Path, errors: FieldErrors): void {
  validateResourceName(name, path, errors)
  if (!name.includes('/')) {
    if (!CONTAINER.includes(name) && !isHugePageResource(name))
      errors.push(fieldError.invalid(path, name, 'must be a standard resource for containers'))
  } else if (!isNativeResource(name) && !isExtendedResource(name)) {
    errors.push(fieldError.invalid(path, name, "doesn't follow extended resource name standard"))
  }
}

/** Resources that quotas count by themselves, as opposed to `count/…` and extended resources. */
export const isStandardQuotaResource = (name: string): boolean => QUOTA.has(name) || isQuotaHugePage(name)

export function validateQuotaResourceName(name: string, path: Path, errors: FieldErrors): void {
  validateResourceName(name, path, errors)
  if (!name.includes('/') && !isStandardQuotaResource(name))
    errors.push(fieldError.invalid(path, name, 'must be a standard resource for quota'))
}

export const NOT_AN_INTEGER = 'must be an integer'

/** An amount of a resource: not negative, whole where the resource is. The quantity has been parsed before. */
export function validateResourceQuantity(name: string, quantity: string | number, path: Path, errors: FieldErrors): void {
  validateNonnegativeQuantity(quantity, path, errors)
  if (isIntegerResource(name) && !isWhole(quantity)) errors.push(fieldError.invalid(path, canonicalQuantity(quantity), NOT_AN_INTEGER))
}

/** Whole in thousandths, which is all that is looked at. */
function isWhole(quantity: string | number): boolean {
  const { mantissa, scale } = parseQuantity(String(quantity))
  if (scale >= 0) return true
  const unit = 10n ** BigInt(-scale)
  const magnitude = mantissa < 0n ? -mantissa : mantissa
  const milli = (magnitude * 1000n + unit - 1n) / unit
  return milli % 1000n === 0n
}

export function validateNonnegativeQuantity(quantity: string | number, path: Path, errors: FieldErrors): void {
  if (String(quantity).startsWith('-') && compareQuantities(quantity, 0) < 0)
    errors.push(fieldError.invalid(path, canonicalQuantity(quantity), NOT_NEGATIVE))
}

export function validatePositiveQuantity(quantity: string | number, path: Path, errors: FieldErrors): void {
  if (compareQuantities(quantity, 0) <= 0) errors.push(fieldError.invalid(path, canonicalQuantity(quantity), 'must be greater than zero'))
}
