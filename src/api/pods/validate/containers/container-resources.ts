import { type FieldError, type FieldErrors, fieldError } from '../../../meta/field-error.ts'
import type { Path } from '../../../meta/path.ts'
import { canonicalQuantity, compareQuantities, parseQuantity } from '../../../meta/quantity.ts'
import type * as core from '../../../types/core-v1.gen.ts'
import {
  isHugePageResource,
  isNativeResource,
  validateContainerResourceName,
  validateResourceName,
  validateResourceQuantity,
} from '../../../validation/resources.ts'
import { type Amounts, containerAmounts } from '../../resources.ts'

/** Resources of which more may be promised than there is. */
const canOvercommit = (name: string): boolean => isNativeResource(name) && !isHugePageResource(name)
const isCompute = (name: string): boolean => name === 'cpu' || name === 'memory'

type NameRule = (name: string, path: Path, errors: FieldErrors) => void

export function validateResourceRequirements(
  resources: core.ResourceRequirements,
  claims: ReadonlySet<string>,
  path: Path,
  errors: FieldErrors,
): void {
  validateAmounts(resources, validateContainerResourceName, path, errors)
  if (resources.claims !== undefined) validateClaimNames(resources.claims, claims, path.child('claims'), errors)
}

function validateAmounts(
  { limits, requests }: Pick<core.ResourceRequirements, 'limits' | 'requests'>,
  validateName: NameRule,
  path: Path,
  errors: FieldErrors,
): void {
  let compute = false
  let hugePages = false
  for (const [field, amounts] of [
    ['limits', limits],
    ['requests', requests],
  ] as const) {
    if (amounts === undefined) continue
    const at = path.child(field)
    for (const name of Object.keys(amounts)) {
      const amount = amounts[name] ?? '0'
      validateName(name, at.key(name), errors)
      validateResourceQuantity(name, amount, at.key(name), errors)
      if (field === 'requests') validateRequest(name, amount, limits, path, errors)
      if (isHugePageResource(name)) {
        hugePages = true
        validateHugePages(name, amount, at.key(name), errors)
      }
      compute ||= isCompute(name)
    }
  }
  if (hugePages && !compute) errors.push(fieldError.forbidden(path, 'HugePages require cpu or memory'))
}

function validateRequest(name: string, request: string, limits: Amounts | undefined, path: Path, errors: FieldErrors): void {
  const limit = limits?.[name]
  const at = path.child('requests')
  if (limit === undefined) {
    if (!canOvercommit(name)) errors.push(fieldError.required(path.child('limits'), 'Limit must be set for non overcommitable resources'))
    return
  }
  if (limit === request) return
  const order = compareQuantities(request, limit)
  const [shown, most] = [canonicalQuantity(request), canonicalQuantity(limit)]
  if (order !== 0 && !canOvercommit(name)) errors.push(fieldError.invalid(at, shown, `must be equal to ${name} limit of ${most}`))
  else if (order > 0) errors.push(fieldError.invalid(at, shown, `must be less than or equal to ${name} limit of ${most}`))
}

function validateHugePages(name: string, amount: string, path: Path, errors: FieldErrors): void {
  const size = name.slice('hugepages-'.length)
  if (!/^[0-9]+[KMGT]i$/.test(size)) return
  const [of, page] = [parseQuantity(amount), parseQuantity(size)]
  if (of.scale >= 0 && (of.mantissa * 10n ** BigInt(of.scale)) % page.mantissa === 0n) return
  errors.push(
    fieldError.invalid(path, canonicalQuantity(amount), `${canonicalQuantity(amount)} is not positive integer multiple of ${size}`),
  )
}

function validateClaimNames(claims: readonly core.ResourceClaim[], known: ReadonlySet<string>, path: Path, errors: FieldErrors): void {
  const names = new Set<string>()
  claims.forEach(({ name = '', request = '' }, i) => {
    const key = `${name}/${request}`
    if (name === '') {
      errors.push(fieldError.required(path.index(i)))
      return
    }
    if (names.has(key)) errors.push(fieldError.duplicate(path.index(i), name))
    names.add(key)
    if (!known.has(name)) errors.push(unknownClaim(name, known, path.index(i)))
  })
}

function unknownClaim(name: string, known: ReadonlySet<string>, path: Path): FieldError {
  const error = fieldError.notFound(path, name)
  const which = known.size === 0 ? ' which is empty' : `: ${[...known].sort().join(', ')}`
  return { ...error, message: `${error.message}: must be one of the names in pod.spec.resourceClaims${which}` }
}

const POD_RESOURCES = ['cpu', 'hugepages-', 'memory']
const isPodResource = (name: string): boolean => isCompute(name) || isHugePageResource(name)

/** Amounts for the pod as a whole: at least what its containers ask for, and no container may use more. */
export function validatePodResources(spec: core.PodSpec, claims: ReadonlySet<string>, path: Path, errors: FieldErrors): void {
  const { resources } = spec
  if (resources === undefined) return
  if (spec.os?.name === 'windows') {
    errors.push(fieldError.forbidden(path, 'may not be set for a windows pod'))
    return
  }
  if (resources.claims !== undefined)
    errors.push(fieldError.forbidden(path.child('claims'), 'claims may not be set for Resources at pod-level'))
  validateAmounts(resources, validatePodResourceName, path, errors)
  if (resources.claims !== undefined) validateClaimNames(resources.claims, claims, path.child('claims'), errors)
  const sums = containerAmounts(spec, 'requests')
  for (const [name, sum] of Object.entries(sums)) {
    const own = resources.requests?.[name]
    if (own === undefined || !isPodResource(name) || compareQuantities(sum, own) <= 0) continue
    errors.push(
      fieldError.invalid(
        path.child('requests').key(name),
        canonicalQuantity(own),
        `must be greater than or equal to aggregate container requests of ${canonicalQuantity(sum)}`,
      ),
    )
  }
  for (const [name, sum] of Object.entries(containerAmounts(spec, 'limits'))) {
    const own = resources.limits?.[name]
    if (own === undefined || !isHugePageResource(name) || compareQuantities(sum, own) <= 0) continue
    const why = `must be greater than or equal to aggregate container limits of ${canonicalQuantity(sum)}`
    errors.push(fieldError.invalid(path.child('limits').key(name), canonicalQuantity(own), why))
  }
  spec.containers?.forEach((container, i) => {
    for (const [name, limit] of Object.entries(container.resources?.limits ?? {})) {
      const most = resources.limits?.[name]
      if (most === undefined || compareQuantities(limit, most) <= 0) continue
      const at = path.child('containers').index(i).key(name).child('limits')
      errors.push(
        fieldError.invalid(at, canonicalQuantity(limit), `must be less than or equal to pod limits of ${canonicalQuantity(most)}`),
      )
    }
  })
}

function validatePodResourceName(name: string, path: Path, errors: FieldErrors): void {
  const before = errors.length
  validateResourceName(name, path, errors)
  if (errors.length === before && !isPodResource(name)) errors.push(fieldError.notSupported(path, name, POD_RESOURCES))
}

const RESIZABLE = ['cpu', 'memory']
const RESIZE_POLICIES = ['NotRequired', 'RestartContainer']

export function validateResizePolicy(
  policies: readonly core.ContainerResizePolicy[],
  podRestartPolicy: string | undefined,
  path: Path,
  errors: FieldErrors,
): void {
  const names = new Set<string>()
  policies.forEach(({ resourceName = '', restartPolicy = '' }, i) => {
    if (names.has(resourceName)) errors.push(fieldError.duplicate(path.index(i), resourceName))
    names.add(resourceName)
    for (const [value, supported] of [
      [resourceName, RESIZABLE],
      [restartPolicy, RESIZE_POLICIES],
    ] as const) {
      if (value === '') errors.push(fieldError.required(path))
      else if (!supported.includes(value)) errors.push(fieldError.notSupported(path, value, supported))
    }
    if (podRestartPolicy === 'Never' && restartPolicy !== 'NotRequired') {
      errors.push(fieldError.invalid(path, restartPolicy, "must be 'NotRequired' when pod `restartPolicy` is 'Never'"))
    }
  })
}
