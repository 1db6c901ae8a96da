import { defineResource } from '../../define.ts'
import { deepEqual } from '../../meta/deep.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import * as refs from '../../refs.gen.ts'
import type {
  ExemptPriorityLevelConfiguration,
  LimitResponse,
  LimitedPriorityLevelConfiguration,
  PriorityLevelConfiguration,
  PriorityLevelConfigurationSpec,
  QueuingConfiguration,
} from '../../types/flowcontrol-v1.gen.ts'
import { METADATA, SPEC, keepSpecAndMetadata, keepStatus } from '../../workloads/workload.ts'
import { mandatoryFlowControl } from './bootstrap.ts'
import { validateUniqueConditions } from './conditions.ts'
import { shownPriorityLevelSpec } from './shown-spec.ts'

/** Of a version of the past, in which no shares meant the default. */
const ZERO_SHARES = 'flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares'
const DEFAULT_SHARES = 30
const DEFAULT_QUEUING = { handSize: 8, queues: 64, queueLengthLimit: 50 } as const
const MOST_QUEUES = 10_000_000
/** A hand is dealt from the bits of one hash. */
const HASH_BITS = 60

export const priorityLevelConfigurations = defineResource(refs.prioritylevelconfigurations, {
  strategy: {
    generation: 'spec',
    defaults: ({ spec }) => {
      if (spec?.exempt !== undefined) {
        spec.exempt.nominalConcurrencyShares ??= 0
        spec.exempt.lendablePercent ??= 0
      }
      if (spec?.limited === undefined) return
      spec.limited.nominalConcurrencyShares ??= DEFAULT_SHARES
      spec.limited.lendablePercent ??= 0
      const queuing = spec.limited.limitResponse?.queuing
      if (queuing === undefined) return
      for (const field of ['handSize', 'queues', 'queueLengthLimit'] as const) queuing[field] ||= DEFAULT_QUEUING[field]
    },
    prepareForCreate: (level) => {
      level.status = {}
    },
    prepareForUpdate: keepStatus,
    validate,
    validateUpdate: (level, _old, errors) => validate(level, errors),
  },
  columns: {
    Type: ({ spec }) => spec?.type ?? '',
    NominalConcurrencyShares: ({ spec }) => spec?.limited?.nominalConcurrencyShares ?? '<none>',
    Queues: ({ spec }) => spec?.limited?.limitResponse?.queuing?.queues ?? '<none>',
    HandSize: ({ spec }) => spec?.limited?.limitResponse?.queuing?.handSize ?? '<none>',
    QueueLengthLimit: ({ spec }) => spec?.limited?.limitResponse?.queuing?.queueLengthLimit ?? '<none>',
  },
  subresources: {
    status: {
      type: 'status',
      keepsMetadata: true,
      prepareForUpdate: keepSpecAndMetadata,
      validateUpdate: ({ status }, _old, errors) => validateUniqueConditions(status?.conditions, errors),
    },
  },
})

function validate(level: PriorityLevelConfiguration, errors: FieldErrors): void {
  const name = level.metadata?.name ?? ''
  const spec = level.spec ?? { type: '' }
  if (level.metadata?.annotations?.[ZERO_SHARES] !== undefined)
    errors.push(fieldError.forbidden(METADATA.child('annotations'), `annotation '${ZERO_SHARES}' is forbidden`))
  validateSpec(name, spec, errors)
  validateFixed(name, spec, errors)
  validateUniqueConditions(level.status?.conditions, errors)
}

/** Of the exempt level only what it leaves to others may be changed, of the level for all else nothing. */
function validateFixed(name: string, spec: PriorityLevelConfigurationSpec, errors: FieldErrors): void {
  const fixed = mandatoryFlowControl().priorityLevels.find(({ metadata }) => metadata?.name === name)?.spec
  if (fixed === undefined) return
  const [shown, wanted] = [shownPriorityLevelSpec(spec), shownPriorityLevelSpec(fixed)]
  if (name === 'exempt') {
    if (!deepEqual({ ...shown, Exempt: null }, { ...wanted, Exempt: null }))
      errors.push(fieldError.invalid(SPEC, shown, `spec of '${name}' except the 'spec.exempt' field must equal the fixed value`))
  } else if (!deepEqual(shown, wanted)) errors.push(fieldError.invalid(SPEC, shown, `spec of '${name}' must equal the fixed value`))
}

function validateSpec(name: string, { type = '', limited, exempt }: PriorityLevelConfigurationSpec, errors: FieldErrors): void {
  if ((name === 'exempt') !== (type === 'Exempt'))
    errors.push(fieldError.invalid(SPEC.child('type'), type, "must be 'Exempt' if and only if `name` is 'exempt'"))
  if (type === 'Exempt') {
    if (limited !== undefined) errors.push(fieldError.forbidden(SPEC.child('limited'), 'must be nil if the type is not Limited'))
    if (exempt !== undefined) validateExempt(exempt, SPEC.child('exempt'), errors)
  } else if (type === 'Limited') {
    if (exempt !== undefined) errors.push(fieldError.forbidden(SPEC.child('exempt'), 'must be nil if the type is Limited'))
    if (limited === undefined) errors.push(fieldError.required(SPEC.child('limited'), 'must not be empty when type is Limited'))
    else validateLimited(limited, SPEC.child('limited'), errors)
  } else if (type === '') errors.push(fieldError.required(SPEC.child('type')))
  else errors.push(fieldError.notSupported(SPEC.child('type'), type, ['Exempt', 'Limited']))
}

function validateExempt(
  { nominalConcurrencyShares, lendablePercent }: ExemptPriorityLevelConfiguration,
  path: Path,
  errors: FieldErrors,
): void {
  validateNotNegative(nominalConcurrencyShares, path.child('nominalConcurrencyShares'), '', errors)
  validatePercent(lendablePercent, path.child('lendablePercent'), errors)
}

function validateLimited(limited: LimitedPriorityLevelConfiguration, path: Path, errors: FieldErrors): void {
  validateNotNegative(limited.nominalConcurrencyShares, path.child('nominalConcurrencyShares'), '', errors)
  validateResponse(limited.limitResponse ?? { type: '' }, path.child('limitResponse'), errors)
  validatePercent(limited.lendablePercent, path.child('lendablePercent'), errors)
  validateNotNegative(limited.borrowingLimitPercent, path.child('borrowingLimitPercent'), 'if specified, ', errors)
}

function validateNotNegative(value: number | null | undefined, path: Path, when: string, errors: FieldErrors): void {
  if (typeof value === 'number' && value < 0) errors.push(fieldError.invalid(path, value, `${when}must be a non-negative integer`))
}

function validatePercent(value: number | undefined, path: Path, errors: FieldErrors): void {
  if (value !== undefined && !(value >= 0 && value <= 100))
    errors.push(fieldError.invalid(path, value, 'must be between 0 and 100, inclusive'))
}

function validateResponse({ type = '', queuing }: LimitResponse, path: Path, errors: FieldErrors): void {
  const at = path.child('queuing')
  if (type === 'Reject') {
    if (queuing !== undefined) errors.push(fieldError.forbidden(at, 'must be nil if limited.limitResponse.type is not Limited'))
  } else if (type === 'Queue') {
    if (queuing === undefined) errors.push(fieldError.required(at, 'must not be empty if limited.limitResponse.type is Limited'))
    else validateQueuing(queuing, at, errors)
  } else if (type === '') errors.push(fieldError.required(path.child('type')))
  else errors.push(fieldError.notSupported(path.child('type'), type, ['Queue', 'Reject']))
}

function validateQueuing({ queues = 0, handSize = 0, queueLengthLimit = 0 }: QueuingConfiguration, path: Path, errors: FieldErrors): void {
  const refuse = (field: string, value: number, why: string): unknown => errors.push(fieldError.invalid(path.child(field), value, why))
  if (queueLengthLimit <= 0) refuse('queueLengthLimit', queueLengthLimit, 'must be positive')
  if (queues <= 0) refuse('queues', queues, 'must be positive')
  else if (queues > MOST_QUEUES) refuse('queues', queues, `must not be greater than ${MOST_QUEUES}`)
  if (handSize <= 0) refuse('handSize', handSize, 'must be positive')
  else if (handSize > queues) refuse('handSize', handSize, `should not be greater than queues (${queues})`)
  else if (entropyBits(queues, handSize) > HASH_BITS)
    refuse(
      'handSize',
      handSize,
      `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${HASH_BITS}`,
    )
}

/** How many bits of a hash it takes to deal a hand. */
function entropyBits(deckSize: number, handSize: number): number {
  return Math.ceil(Math.log2(deckSize) * handSize)
}
