import { defineResource } from '../../define.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import * as refs from '../../refs.gen.ts'
import type { Resource } from '../../resource.ts'
import type { APIService } from '../../types/apiregistration-v1.gen.ts'
import { type TextErrors, dns1035LabelErrors, dnsSubdomainErrors, pathSegmentErrors, portNumberErrors } from '../../validation/names.ts'
import { invalidText } from '../../validation/values.ts'
import { METADATA, SPEC, STATUS, keepSpecAndMetadata, keepStatus } from '../../workloads/workload.ts'

const HTTPS_PORT = 443
const MOST_GROUP_PRIORITY = 20_000
const MOST_VERSION_PRIORITY = 1000
const STATES = ['True', 'False', 'Unknown']

export const apiServices = defineResource(refs.apiservices, {
  strategy: {
    anyFinalizer: true,
    unconditionalUpdate: false,
    validateName: (name, _isPrefix, object) => nameErrors(name, object),
    defaults: ({ spec }) => {
      if (spec?.service !== undefined) spec.service.port ??= HTTPS_PORT
    },
    prepareForCreate: (service, _by, now) => {
      service.status = service.spec?.service === undefined ? { conditions: [localCondition(now)] } : {}
    },
    prepareForUpdate: keepStatus,
    validate,
    validateUpdate: (service, _old, errors) => {
      const name = service.metadata?.name ?? ''
      invalidText(name, nameErrors(name, service), METADATA.child('name'), errors)
      validate(service, errors)
    },
  },
  columns: {
    Service: ({ spec }) => (spec?.service === undefined ? 'Local' : `${spec.service.namespace ?? ''}/${spec.service.name ?? ''}`),
    Available: availableText,
  },
  subresources: { status: { type: 'status', keepsMetadata: true, prepareForUpdate: keepSpecAndMetadata, validateUpdate: validateStatus } },
})

/** The name says what is served, and changes as little as it does. */
function nameErrors(name: string, { spec }: APIService): TextErrors {
  const errors = pathSegmentErrors(name)
  if (errors.length > 0) return errors
  const required = `${spec?.version ?? ''}.${spec?.group ?? ''}`
  return name === required ? [] : [`must be \`spec.version+"."+spec.group\`: ${JSON.stringify(required)}`]
}

/** What this server serves itself is always there. */
function localCondition(now: string): NonNullable<NonNullable<APIService['status']>['conditions']>[number] {
  return {
    type: 'Available',
    status: 'True',
    lastTransitionTime: now,
    reason: 'Local',
    message: 'Local APIServices are always available',
  }
}

function availableText({ status }: APIService): string {
  const available = status?.conditions?.find(({ type }) => type === 'Available')
  if (available === undefined) return 'Unknown'
  const { status: state, reason = '' } = available
  return state === 'True' || reason === '' ? state : `${state} (${reason})`
}

function validate({ spec }: APIService, errors: FieldErrors): void {
  const { group = '', version = '', groupPriorityMinimum = 0, versionPriority = 0, insecureSkipTLSVerify = false } = spec ?? {}
  const { service, caBundle = '' } = spec ?? {}
  if (group === '' && version !== 'v1')
    errors.push(fieldError.required(SPEC.child('group'), 'only v1 may have an empty group and it better be legacy kube'))
  if (group !== '') invalidText(group, dnsSubdomainErrors(group), SPEC.child('group'), errors)
  invalidText(version, dns1035LabelErrors(version), SPEC.child('version'), errors)
  if (groupPriorityMinimum <= 0 || groupPriorityMinimum > MOST_GROUP_PRIORITY) {
    const path = SPEC.child('groupPriorityMinimum')
    errors.push(fieldError.invalid(path, groupPriorityMinimum, `must be positive and less than ${MOST_GROUP_PRIORITY}`))
  }
  if (versionPriority <= 0 || versionPriority > MOST_VERSION_PRIORITY) {
    const path = SPEC.child('versionPriority')
    errors.push(fieldError.invalid(path, versionPriority, `must be positive and less than ${MOST_VERSION_PRIORITY}`))
  }
  const insecure = SPEC.child('insecureSkipTLSVerify')
  if (service === undefined) {
    if (caBundle !== '')
      errors.push(fieldError.invalid(SPEC.child('caBundle'), `${bytesIn(caBundle)} bytes`, 'local APIServices may not have a caBundle'))
    if (insecureSkipTLSVerify) errors.push(fieldError.invalid(insecure, true, 'local APIServices may not have insecureSkipTLSVerify'))
    return
  }
  const path = SPEC.child('service')
  if ((service.namespace ?? '') === '') errors.push(fieldError.required(path.child('namespace')))
  if ((service.name ?? '') === '') errors.push(fieldError.required(path.child('name')))
  const port = service.port ?? 0
  const [wrongPort] = portNumberErrors(port)
  if (wrongPort !== undefined) errors.push(fieldError.invalid(path.child('port'), port, `port is not valid: ${wrongPort}`))
  if (insecureSkipTLSVerify && caBundle !== '') errors.push(fieldError.invalid(insecure, true, 'may not be true if caBundle is present'))
}

/** Of a value in base64. */
function bytesIn(text: string): number {
  return Math.floor((text.replaceAll('=', '').length * 3) / 4)
}

function validateStatus({ status }: APIService, _old: APIService, errors: FieldErrors): void {
  status?.conditions?.forEach(({ status: state = '' }, at) => {
    if (!STATES.includes(state)) errors.push(fieldError.notSupported(STATUS.child('conditions').index(at).child('status'), state, STATES))
  })
}

export const apiregistrationResources: readonly Resource[] = [apiServices]
