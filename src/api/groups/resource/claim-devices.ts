import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import type {
  DeviceClaim,
  DeviceClaimConfiguration,
  DeviceConstraint,
  DeviceRequest,
  DeviceSubRequest,
  ExactDeviceRequest,
} from '../../types/resource-v1.gen.ts'
import { MOST_CONFIGS, validateConfiguration, validateSelectors, validateToleration } from './device-config.ts'
import { validateSet, validateSlice } from './lists.ts'
import { validateFullyQualified, validateLabel, validateSubdomain } from './names.ts'

export const MOST_REQUESTS = 32
const MOST_CONSTRAINTS = 32
const MOST_ALTERNATIVES = 8
const ONE_OF = 'exactly one of `exactly` or `firstAvailable` is required'

/** What a request leaves out: one device. */
export function defaultDeviceClaim(claim: DeviceClaim | undefined): void {
  for (const { exactly, firstAvailable } of claim?.requests ?? []) {
    for (const request of [...(exactly === undefined ? [] : [exactly]), ...(firstAvailable ?? [])]) {
      request.allocationMode ||= 'ExactCount'
      if (request.allocationMode === 'ExactCount') request.count ||= 1
    }
  }
}

/** Names of requests, and of the alternatives below each. */
export type RequestNames = ReadonlyMap<string, ReadonlySet<string>>

export function requestNamesOf(claim: DeviceClaim | undefined): RequestNames {
  return new Map((claim?.requests ?? []).map(({ name, firstAvailable = [] }) => [name, new Set(firstAvailable.map((one) => one.name))]))
}

export function validateDeviceClaim(claim: DeviceClaim, path: Path, errors: FieldErrors): void {
  const names = requestNamesOf(claim)
  validateSet(claim.requests, MOST_REQUESTS, validateRequest, ({ name = '' }) => name, path.child('requests'), errors)
  const constraint = (one: DeviceConstraint, at: Path): void => validateConstraint(one, names, at, errors)
  validateSlice(claim.constraints, MOST_CONSTRAINTS, constraint, path.child('constraints'), errors)
  const config = (one: DeviceClaimConfiguration, at: Path): void => {
    validateRequestRefs(one.requests, names, at.child('requests'), errors)
    validateConfiguration(one, false, at, errors)
  }
  validateSlice(claim.config, MOST_CONFIGS, config, path.child('config'), errors)
}

function validateRequest({ name, exactly, firstAvailable = [] }: DeviceRequest, path: Path, errors: FieldErrors): void {
  validateLabel(name, path.child('name'), errors)
  const hasAlternatives = firstAvailable.length > 0
  if (exactly === undefined && !hasAlternatives) errors.push(fieldError.required(path, ONE_OF))
  else if (exactly !== undefined && hasAlternatives) errors.push(fieldError.invalid(path, null, `${ONE_OF}, but multiple fields are set`))
  else if (exactly !== undefined) validateExact(exactly, path.child('exactly'), errors)
  else validateSet(firstAvailable, MOST_ALTERNATIVES, validateAlternative, (one) => one.name ?? '', path.child('firstAvailable'), errors)
}

function validateAlternative(request: DeviceSubRequest, path: Path, errors: FieldErrors): void {
  validateLabel(request.name, path.child('name'), errors)
  validateExact(request, path, errors)
}

function validateExact(request: ExactDeviceRequest | DeviceSubRequest, path: Path, errors: FieldErrors): void {
  const { deviceClassName = '', selectors, allocationMode = '', count = 0, tolerations } = request
  if (deviceClassName === '') errors.push(fieldError.required(path.child('deviceClassName')))
  else validateSubdomain(deviceClassName, path.child('deviceClassName'), errors)
  validateSelectors(selectors, path.child('selectors'), errors)
  const at = path.child('count')
  if (allocationMode === 'All') {
    if (count !== 0) errors.push(fieldError.invalid(at, count, "must not be specified when allocationMode is 'All'"))
  } else if (allocationMode === 'ExactCount') {
    if (count <= 0) errors.push(fieldError.invalid(at, count, 'must be greater than zero'))
  } else errors.push(fieldError.notSupported(path.child('allocationMode'), allocationMode, ['All', 'ExactCount']))
  tolerations?.forEach((toleration, i) => validateToleration(toleration, path.child('tolerations').index(i), errors))
}

function validateConstraint(constraint: DeviceConstraint, names: RequestNames, path: Path, errors: FieldErrors): void {
  const { requests, matchAttribute, distinctAttribute } = constraint
  validateRequestRefs(requests, names, path.child('requests'), errors)
  if (matchAttribute !== undefined) validateFullyQualified(matchAttribute, path.child('matchAttribute'), errors)
  else if (distinctAttribute !== undefined) validateFullyQualified(distinctAttribute, path.child('distinctAttribute'), errors)
  else {
    const why = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'
    errors.push(fieldError.required(path, why))
  }
}

export function validateRequestRefs(refs: readonly string[] | undefined, names: RequestNames, path: Path, errors: FieldErrors): void {
  const one = (name: string, at: Path): void => validateRequestRef(name, names, at, errors)
  validateSet(refs, MOST_REQUESTS, one, (name) => name, path, errors)
}

export function validateRequestRef(name: string, names: RequestNames, path: Path, errors: FieldErrors): void {
  const [request = '', alternative, ...more] = name.split('/')
  const unknown = (): unknown =>
    errors.push(
      fieldError.invalid(
        path,
        name,
        "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'",
      ),
    )
  if (more.length > 0) {
    unknown()
    return
  }
  validateLabel(request, path, errors)
  if (alternative !== undefined) validateLabel(alternative, path, errors)
  const below = names.get(request)
  if (below === undefined || (alternative !== undefined && !below.has(alternative))) unknown()
}
