import { defineResource } from '../../define.ts'
import { deepEqual } from '../../meta/deep.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import * as refs from '../../refs.gen.ts'
import type { FlowSchema, FlowSchemaSpec } from '../../types/flowcontrol-v1.gen.ts'
import { dnsSubdomainErrors } from '../../validation/names.ts'
import { invalidText } from '../../validation/values.ts'
import { SPEC, keepSpecAndMetadata, keepStatus } from '../../workloads/workload.ts'
import { mandatoryFlowControl } from './bootstrap.ts'
import { validateRules } from './flow-rules.ts'
import { shownFlowSchemaSpec } from './shown-spec.ts'
import { validateUniqueConditions } from './conditions.ts'

const DEFAULT_PRECEDENCE = 1000
const LAST_PRECEDENCE = 10_000
const DISTINGUISHERS = ['ByNamespace', 'ByUser']

export const flowSchemas = defineResource(refs.flowschemas, {
  strategy: {
    generation: 'spec',
    defaults: (schema) => {
      // A spec that was left out is an empty one.
      schema.spec ??= { priorityLevelConfiguration: { name: '' } }
      if ((schema.spec.matchingPrecedence ?? 0) === 0) schema.spec.matchingPrecedence = DEFAULT_PRECEDENCE
    },
    prepareForCreate: (schema) => {
      schema.status = {}
    },
    prepareForUpdate: keepStatus,
    validate,
    validateUpdate: (schema, _old, errors) => validate(schema, errors),
  },
  columns: {
    PriorityLevel: ({ spec }) => spec?.priorityLevelConfiguration.name ?? '',
    MatchingPrecedence: ({ spec }) => spec?.matchingPrecedence ?? 0,
    DistinguisherMethod: ({ spec }) => spec?.distinguisherMethod?.type ?? '<none>',
    MissingPL: ({ status }) => status?.conditions?.find(({ type }) => type === 'Dangling')?.status ?? '?',
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

function validate(schema: FlowSchema, errors: FieldErrors): void {
  const name = schema.metadata?.name ?? ''
  const spec = schema.spec ?? { priorityLevelConfiguration: { name: '' } }
  validateSpec(name, spec, errors)
  const fixed = mandatoryFlowControl().flowSchemas.find(({ metadata }) => metadata?.name === name)?.spec
  if (fixed !== undefined && !deepEqual(shownFlowSchemaSpec(spec), shownFlowSchemaSpec(fixed)))
    errors.push(fieldError.invalid(SPEC, shownFlowSchemaSpec(spec), `spec of '${name}' must equal the fixed value`))
  validateUniqueConditions(schema.status?.conditions, errors)
}

function validateSpec(schemaName: string, spec: FlowSchemaSpec, errors: FieldErrors): void {
  const { matchingPrecedence = 0, distinguisherMethod, rules } = spec
  const refuse = (why: string): unknown => errors.push(fieldError.invalid(SPEC.child('matchingPrecedence'), matchingPrecedence, why))
  if (matchingPrecedence <= 0) refuse('must be a positive value')
  if (matchingPrecedence > LAST_PRECEDENCE) refuse(`must not be greater than ${LAST_PRECEDENCE}`)
  if (matchingPrecedence === 1 && schemaName !== 'exempt') refuse("only the schema named 'exempt' may have matchingPrecedence 1")
  if (distinguisherMethod !== undefined && !DISTINGUISHERS.includes(distinguisherMethod.type)) {
    const path = SPEC.child('distinguisherMethod').child('type')
    errors.push(fieldError.notSupported(path, { Type: distinguisherMethod.type ?? '' }, DISTINGUISHERS))
  }
  const level = SPEC.child('priorityLevelConfiguration').child('name')
  const name = spec.priorityLevelConfiguration?.name ?? ''
  if (name === '') errors.push(fieldError.required(level, 'must reference a priority level'))
  else invalidText(name, dnsSubdomainErrors(name), level, errors)
  validateRules(rules, SPEC.child('rules'), errors)
}
