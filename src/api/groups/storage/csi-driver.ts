import { defineResource } from '../../define.ts'
import { deepEqual } from '../../meta/deep.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { Path } from '../../meta/path.ts'
import * as refs from '../../refs.gen.ts'
import type { CSIDriver, TokenRequest } from '../../types/storage-v1.gen.ts'
import { validateImmutable } from '../../validation/values.ts'

const SPEC = Path.of('spec')
const TOKENS = SPEC.child('tokenRequests')
const MODES = ['Persistent', 'Ephemeral']
const GROUP_POLICIES = ['File', 'None', 'ReadWriteOnceWithFSType']
const SHORTEST_TOKEN_SECONDS = 600
const LONGEST_TOKEN_SECONDS = 2 ** 32
const SHORTEST_UPDATE_SECONDS = 10
const LEAKS_TOKENS =
  'spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes'

export const csiDrivers = defineResource(refs.csidrivers, {
  strategy: {
    unconditionalUpdate: false,
    defaults: (driver) => {
      driver.spec ??= {}
      const { spec } = driver
      spec.attachRequired ??= true
      spec.podInfoOnMount ??= false
      spec.storageCapacity ??= false
      spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType'
      if ((spec.volumeLifecycleModes ?? []).length === 0) spec.volumeLifecycleModes = ['Persistent']
      spec.requiresRepublish ??= false
      spec.seLinuxMount ??= false
    },
    prepareForCreate: dropDisabled,
    // Only changes count: a new driver has no generation.
    prepareForUpdate: (driver, old) => {
      dropDisabled(driver)
      if (!deepEqual(driver.spec, old.spec)) driver.metadata = { ...driver.metadata, generation: (old.metadata?.generation ?? 0) + 1 }
    },
    validate,
    validateUpdate: (driver, old, errors) => {
      validate(driver, errors)
      validateImmutable(driver.spec.attachRequired, old.spec.attachRequired, SPEC.child('attachedRequired'), errors)
      validateImmutable(driver.spec.volumeLifecycleModes, old.spec.volumeLifecycleModes, SPEC.child('volumeLifecycleModes'), errors)
    },
    warnings: ({ spec }, old) => {
      const asksForTokens = (spec.tokenRequests ?? []).length > 0 && spec.serviceAccountTokenInSecrets === undefined
      const says =
        old === undefined || !deepEqual(spec.tokenRequests, old.spec.tokenRequests) || old.spec.serviceAccountTokenInSecrets !== undefined
      return asksForTokens && says ? [LEAKS_TOKENS] : []
    },
  },
  columns: {
    AttachRequired: ({ spec }) => spec.attachRequired ?? true,
    PodInfoOnMount: ({ spec }) => spec.podInfoOnMount ?? false,
    StorageCapacity: ({ spec }) => spec.storageCapacity ?? false,
    TokenRequests: ({ spec }) => spec.tokenRequests?.map(({ audience }) => audience).join(',') ?? '<unset>',
    RequiresRepublish: ({ spec }) => spec.requiresRepublish ?? false,
    Modes: ({ spec }) => spec.volumeLifecycleModes?.join(',') || '<none>',
  },
})

/** Belongs to a feature that is off by default. */
function dropDisabled({ spec }: CSIDriver): void {
  delete spec.preventPodSchedulingIfMissing
}

function validate({ spec }: CSIDriver, errors: FieldErrors): void {
  if (spec.attachRequired === undefined) errors.push(fieldError.required(SPEC.child('attachedRequired')))
  if (spec.podInfoOnMount === undefined) errors.push(fieldError.required(SPEC.child('podInfoOnMount')))
  if (spec.storageCapacity === undefined) errors.push(fieldError.required(SPEC.child('storageCapacity')))
  const policy = spec.fsGroupPolicy
  if (policy !== undefined && !GROUP_POLICIES.includes(policy))
    errors.push(fieldError.notSupported(SPEC.child('fsGroupPolicy'), policy, GROUP_POLICIES))
  validateTokens(spec.tokenRequests ?? [], errors)
  for (const mode of spec.volumeLifecycleModes ?? []) {
    if (!MODES.includes(mode)) errors.push(fieldError.notSupported(SPEC.child('volumeLifecycleModes'), mode, MODES))
  }
  const period = spec.nodeAllocatableUpdatePeriodSeconds
  if (period !== undefined && period < SHORTEST_UPDATE_SECONDS)
    errors.push(
      fieldError.invalid(
        SPEC.child('nodeAllocatableUpdatePeriodSeconds'),
        period,
        `must be greater than or equal to ${SHORTEST_UPDATE_SECONDS} seconds`,
      ),
    )
  const inSecrets = spec.serviceAccountTokenInSecrets
  if (inSecrets !== undefined && (spec.tokenRequests ?? []).length === 0) {
    const detail = 'serviceAccountTokenInSecrets is set but no tokenRequests are specified'
    errors.push(fieldError.invalid(SPEC.child('serviceAccountTokenInSecrets'), inSecrets, detail))
  }
}

function validateTokens(requests: readonly TokenRequest[], errors: FieldErrors): void {
  const audiences = new Set<string>()
  for (const [i, { audience = '', expirationSeconds }] of requests.entries()) {
    const path = TOKENS.index(i)
    if (audiences.has(audience)) errors.push(fieldError.duplicate(path.child('audience'), audience))
    audiences.add(audience)
    if (expirationSeconds === undefined) continue
    const at = path.child('expirationSeconds')
    if (expirationSeconds < SHORTEST_TOKEN_SECONDS)
      errors.push(fieldError.invalid(at, expirationSeconds, 'may not specify a duration less than 10 minutes'))
    if (expirationSeconds > LONGEST_TOKEN_SECONDS)
      errors.push(fieldError.invalid(at, expirationSeconds, 'may not specify a duration larger than 2^32 seconds'))
  }
}
