import { type FieldErrors, fieldError } from '../../../meta/field-error.ts'
import type { Path } from '../../../meta/path.ts'
import type * as core from '../../../types/core-v1.gen.ts'
import { httpHeaderErrors } from '../../../validation/names.ts'
import { invalidText, validateNonnegative, validateRequiredEnum } from '../../../validation/values.ts'
import type { AnyContainer } from '../../visit.ts'
import { validatePortNumberOrName } from './ports.ts'

const SCHEMES = ['HTTP', 'HTTPS']
const COUNTS = ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'] as const

type Handler = core.LifecycleHandler & Pick<core.Probe, 'grpc'>
type HandlerField = keyof Handler
type HandlerRules = {
  readonly [F in HandlerField]: (action: NonNullable<Handler[F]>, path: Path, errors: FieldErrors, graceSeconds: number) => void
}

const HANDLERS: HandlerRules = {
  exec: ({ command }, path, errors) => {
    if ((command ?? []).length === 0) errors.push(fieldError.required(path.child('command')))
  },
  httpGet: ({ path: target, port, scheme, httpHeaders }, path, errors) => {
    if ((target ?? '') === '') errors.push(fieldError.required(path.child('path')))
    validatePortNumberOrName(port, path.child('port'), errors)
    validateRequiredEnum(scheme, SCHEMES, path.child('scheme'), errors)
    for (const { name = '' } of httpHeaders ?? []) invalidText(name, httpHeaderErrors(name), path.child('httpHeaders'), errors)
  },
  tcpSocket: ({ port }, path, errors) => validatePortNumberOrName(port, path.child('port'), errors),
  grpc: ({ port }, path, errors) => validatePortNumberOrName(port, path.child('port'), errors),
  sleep: ({ seconds = 0 }, path, errors, graceSeconds) => {
    if (seconds < 0 || seconds > graceSeconds) {
      errors.push(fieldError.invalid(path, seconds, `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`))
    }
  },
}
const HANDLER_FIELDS = Object.keys(HANDLERS) as readonly HandlerField[]

function validateHandler(handler: Handler, graceSeconds: number, path: Path, errors: FieldErrors): void {
  let found = false
  for (const field of HANDLER_FIELDS) {
    if (handler[field] === undefined) continue
    if (found) errors.push(fieldError.forbidden(path.child(field), 'may not specify more than 1 handler type'))
    else checkHandler(handler, field, graceSeconds, path.child(field), errors)
    found = true
  }
  if (!found) errors.push(fieldError.required(path, 'must specify a handler type'))
}

function checkHandler<F extends HandlerField>(handler: Handler, field: F, graceSeconds: number, path: Path, errors: FieldErrors): void {
  const action = handler[field]
  if (action !== undefined && action !== null) HANDLERS[field](action, path, errors, graceSeconds)
}

/** Hooks and probes of a container that keeps running. */
export function validateLifecycleAndProbes(container: AnyContainer, graceSeconds: number, path: Path, errors: FieldErrors): void {
  const { lifecycle, livenessProbe, readinessProbe, startupProbe } = container
  if (lifecycle !== undefined) {
    const at = path.child('lifecycle')
    if (lifecycle.postStart !== undefined) validateHandler(lifecycle.postStart, graceSeconds, at.child('postStart'), errors)
    if (lifecycle.preStop !== undefined) validateHandler(lifecycle.preStop, graceSeconds, at.child('preStop'), errors)
  }
  if (livenessProbe !== undefined) validateEndingProbe(livenessProbe, graceSeconds, path.child('livenessProbe'), errors)
  if (readinessProbe !== undefined) {
    const at = path.child('readinessProbe')
    validateProbe(readinessProbe, graceSeconds, at, errors)
    const seconds = readinessProbe.terminationGracePeriodSeconds
    if (seconds !== undefined)
      errors.push(fieldError.invalid(at.child('terminationGracePeriodSeconds'), seconds, 'must not be set for readinessProbes'))
  }
  if (startupProbe !== undefined) validateEndingProbe(startupProbe, graceSeconds, path.child('startupProbe'), errors)
}

/** A probe whose failure ends the container: it succeeds once. */
function validateEndingProbe(probe: core.Probe, graceSeconds: number, path: Path, errors: FieldErrors): void {
  validateProbe(probe, graceSeconds, path, errors)
  const threshold = probe.successThreshold ?? 0
  if (threshold !== 1) errors.push(fieldError.invalid(path.child('successThreshold'), threshold, 'must be 1'))
}

function validateProbe(probe: core.Probe, graceSeconds: number, path: Path, errors: FieldErrors): void {
  validateHandler(probe, graceSeconds, path, errors)
  for (const field of COUNTS) validateNonnegative(probe[field], path.child(field), errors)
  const seconds = probe.terminationGracePeriodSeconds
  if (seconds !== undefined && seconds <= 0)
    errors.push(fieldError.invalid(path.child('terminationGracePeriodSeconds'), seconds, 'must be greater than 0'))
}
