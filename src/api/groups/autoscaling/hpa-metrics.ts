import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import { canonicalQuantity, compareQuantities } from '../../meta/quantity.ts'
import type {
  ContainerResourceMetricSource,
  ExternalMetricSource,
  MetricIdentifier,
  MetricSpec,
  MetricTarget,
  ObjectMetricSource,
  PodsMetricSource,
  ResourceMetricSource,
} from '../../types/autoscaling-v2.gen.ts'
import { dnsLabelErrors, pathSegmentErrors } from '../../validation/names.ts'
import { validateContainerResourceName } from '../../validation/resources.ts'
import { invalidText, validateRequired } from '../../validation/values.ts'
import { validateTarget } from './target.ts'

const METRIC_TYPES = ['ContainerResource', 'External', 'Object', 'Pods', 'Resource']
const TARGET_TYPES = ['Utilization', 'Value', 'AverageValue']

/** Which field holds the source of a type. */
const FIELDS = {
  Object: 'object',
  External: 'external',
  Pods: 'pods',
  Resource: 'resource',
  ContainerResource: 'containerResource',
} as const

export function validateMetric(metric: MetricSpec, path: Path, errors: FieldErrors): void {
  const { type = '' } = metric
  if (type === '') errors.push(fieldError.required(path.child('type'), 'must specify a metric source type'))
  if (!METRIC_TYPES.includes(type)) errors.push(fieldError.notSupported(path.child('type'), type, METRIC_TYPES))
  const present = Object.values(FIELDS).filter((field) => metric[field] !== undefined)
  validateSource(metric, present[0], path, errors)
  const expected = isMetricType(type) ? FIELDS[type] : undefined
  if (expected === undefined) errors.push(fieldError.notSupported(path.child('type'), type, METRIC_TYPES))
  else if (metric[expected] === undefined)
    errors.push(fieldError.required(path.child(expected), 'must populate information for the given metric source'))
  if (present.length < 2) return
  for (const field of present)
    if (field !== expected) errors.push(fieldError.forbidden(path.child(field), 'must populate the given metric source only'))
}

const isMetricType = (type: string): type is keyof typeof FIELDS => Object.hasOwn(FIELDS, type)

/** Only the first source that is there is looked into. */
function validateSource(
  { object, external, pods, resource, containerResource }: MetricSpec,
  first: string | undefined,
  path: Path,
  errors: FieldErrors,
): void {
  if (first === undefined) return
  const at = path.child(first)
  if (object !== undefined) validateObjectSource(object, at, errors)
  else if (external !== undefined) validateExternalSource(external, at, errors)
  else if (pods !== undefined) validatePodsSource(pods, at, errors)
  else if (resource !== undefined) validateResourceSource(resource, at, errors)
  else if (containerResource !== undefined) validateContainerSource(containerResource, at, errors)
}

function validateObjectSource({ describedObject, metric, target }: ObjectMetricSource, path: Path, errors: FieldErrors): void {
  validateTarget(describedObject, true, path.child('describedObject'), errors)
  validateIdentifier(metric, path.child('metric'), errors)
  validateMetricTarget(target, path.child('target'), errors)
  const { value, averageValue } = target ?? {}
  const targetPath = path.child('target')
  if (value === undefined && averageValue === undefined)
    errors.push(fieldError.required(targetPath.child('averageValue'), 'must set either a target value or averageValue'))
}

function validateExternalSource({ metric, target }: ExternalMetricSource, path: Path, errors: FieldErrors): void {
  validateIdentifier(metric, path.child('metric'), errors)
  validateMetricTarget(target, path.child('target'), errors)
  const { value, averageValue } = target ?? {}
  const targetPath = path.child('target')
  if (value === undefined && averageValue === undefined)
    errors.push(fieldError.required(targetPath.child('averageValue'), 'must set either a target value for metric or a per-pod target'))
  if (value !== undefined && averageValue !== undefined)
    errors.push(fieldError.forbidden(targetPath.child('value'), 'may not set both a target value for metric and a per-pod target'))
}

function validatePodsSource({ metric, target }: PodsMetricSource, path: Path, errors: FieldErrors): void {
  validateIdentifier(metric, path.child('metric'), errors)
  validateMetricTarget(target, path.child('target'), errors)
  if (target?.averageValue === undefined)
    errors.push(fieldError.required(path.child('target').child('averageValue'), 'must specify a positive target averageValue'))
}

function validateContainerSource(source: ContainerResourceMetricSource, path: Path, errors: FieldErrors): void {
  const { name, container } = source
  if (validateRequired(name, path.child('name'), errors, 'must specify a resource name'))
    validateContainerResourceName(name, path.child('name'), errors)
  if (validateRequired(container, path.child('container'), errors, 'must specify a container'))
    invalidText(container, dnsLabelErrors(container), path.child('container'), errors)
  validateResourceTarget(source.target, path.child('target'), errors)
}

function validateResourceSource(source: ResourceMetricSource, path: Path, errors: FieldErrors): void {
  validateRequired(source.name, path.child('name'), errors, 'must specify a resource name')
  validateResourceTarget(source.target, path.child('target'), errors)
}

function validateResourceTarget(target: MetricTarget | undefined, path: Path, errors: FieldErrors): void {
  validateMetricTarget(target, path, errors)
  const { averageUtilization, averageValue } = target ?? {}
  if (averageUtilization === undefined && averageValue === undefined)
    errors.push(fieldError.required(path.child('averageUtilization'), 'must set either a target raw value or a target utilization'))
  if (averageUtilization !== undefined && averageValue !== undefined)
    errors.push(fieldError.forbidden(path.child('averageValue'), 'may not set both a target raw value and a target utilization'))
}

function validateIdentifier(metric: MetricIdentifier | undefined, path: Path, errors: FieldErrors): void {
  const name = metric?.name
  if (validateRequired(name, path.child('name'), errors, 'must specify a metric name'))
    invalidText(name, pathSegmentErrors(name), path.child('name'), errors)
}

function validateMetricTarget(target: MetricTarget | undefined, path: Path, errors: FieldErrors): void {
  const { type = '', value, averageValue, averageUtilization } = target ?? {}
  validateRequired(type, path.child('type'), errors, 'must specify a metric target type')
  if (!TARGET_TYPES.includes(type))
    errors.push(fieldError.invalid(path.child('type'), type, 'must be either Utilization, Value, or AverageValue'))
  for (const [name, amount] of Object.entries({ value, averageValue })) {
    if (amount !== undefined && compareQuantities(amount, 0) <= 0)
      errors.push(fieldError.invalid(path.child(name), canonicalQuantity(amount), 'must be positive'))
  }
  if (averageUtilization !== undefined && averageUtilization < 1)
    errors.push(fieldError.invalid(path.child('averageUtilization'), averageUtilization, 'must be greater than 0'))
}
