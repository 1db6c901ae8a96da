import { defineResource } from '../../define.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import * as refs from '../../refs.gen.ts'
import type { IngressClass, IngressClassParametersReference } from '../../types/networking-v1.gen.ts'
import { validateDomainPath } from '../../validation/domain-path.ts'
import { byteLength, dnsLabelErrors } from '../../validation/names.ts'
import { invalidText, validateImmutable } from '../../validation/values.ts'
import { SPEC } from '../../workloads/workload.ts'
import { validateLocalReference } from './reference.ts'

const CONTROLLER = SPEC.child('controller')
const PARAMETERS = SPEC.child('parameters')
const CONTROLLER_MAX_BYTES = 250

export const ingressClasses = defineResource(refs.ingressclasses, {
  strategy: {
    generation: 'spec',
    defaults: ({ spec }) => {
      if (spec?.parameters !== undefined) spec.parameters.scope ??= 'Cluster'
    },
    validate,
    validateUpdate: (ingressClass, old, errors) => {
      validateImmutable(ingressClass.spec?.controller ?? '', old.spec?.controller ?? '', CONTROLLER, errors)
      validate(ingressClass, errors)
    },
  },
  columns: {
    Controller: ({ spec }) => spec?.controller ?? '',
    Parameters: ({ spec }) => parametersText(spec?.parameters),
  },
})

function parametersText(parameters: IngressClassParametersReference | undefined): string {
  if (parameters === undefined) return '<none>'
  const { apiGroup, kind, name } = parameters
  return apiGroup === undefined ? `${kind}/${name}` : `${kind}.${apiGroup}/${name}`
}

function validate({ spec }: IngressClass, errors: FieldErrors): void {
  if (byteLength(spec?.controller ?? '') > CONTROLLER_MAX_BYTES) errors.push(fieldError.tooLong(CONTROLLER, CONTROLLER_MAX_BYTES))
  validateDomainPath(spec?.controller, Infinity, CONTROLLER, errors)
  const { parameters } = spec ?? {}
  if (parameters === undefined) return
  validateLocalReference(parameters, PARAMETERS, errors)
  const { scope, namespace } = parameters
  const path = PARAMETERS.child('namespace')
  if (scope === 'Namespace') {
    if (namespace === undefined) errors.push(fieldError.required(path, "`parameters.scope` is set to 'Namespace'"))
    else invalidText(namespace, dnsLabelErrors(namespace), path, errors)
  } else if (scope === 'Cluster') {
    if (namespace !== undefined) errors.push(fieldError.forbidden(path, "`parameters.scope` is set to 'Cluster'"))
  } else errors.push(fieldError.notSupported(PARAMETERS.child('scope'), scope ?? '', ['Cluster', 'Namespace']))
}
