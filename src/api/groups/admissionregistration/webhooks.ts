import { defineResource } from '../../define.ts'
import { deepEqual } from '../../meta/deep.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { Path } from '../../meta/path.ts'
import * as refs from '../../refs.gen.ts'
import type { MutatingWebhook, ValidatingWebhook } from '../../types/admissionregistration-v1.gen.ts'
import { validateLabelSelector } from '../../validation/label-selector.ts'
import { dnsSubdomainErrors } from '../../validation/names.ts'
import { HTTPS_PORT, KNOWN_REVIEWS, isKnownReview, validateReviewVersions, validateWebhookClient } from '../../validation/webhook-client.ts'
import { validateMatchConditions } from './match-conditions.ts'
import { validateRule } from './rules.ts'
import { staticSuffixWarnings } from './static-suffix.ts'

type Webhook = ValidatingWebhook & Pick<MutatingWebhook, 'reinvocationPolicy'>

const WEBHOOKS = Path.of('webhooks')
const DEFAULT_SECONDS = 10
const MOST_SECONDS = 30
const FEWEST_SEGMENTS = 3
const SIDE_EFFECTS = ['None', 'NoneOnDryRun', 'Some', 'Unknown']
const NO_SIDE_EFFECTS = ['None', 'NoneOnDryRun']
const REVIEWS_TEXT = `must specify one of ${KNOWN_REVIEWS.join(', ')}`

export const validatingWebhookConfigurations = defineResource(refs.validatingwebhookconfigurations, {
  strategy: {
    anyFinalizer: true,
    generation: 'spec',
    countsEmpty: true,
    unconditionalUpdate: false,
    defaults: ({ webhooks }) => webhooks?.forEach((webhook) => setDefaults(webhook)),
    validate: ({ webhooks }, errors) => validate(webhooks ?? [], undefined, errors),
    validateUpdate: ({ webhooks }, old, errors) => validate(webhooks ?? [], old.webhooks ?? [], errors),
    warnings: ({ metadata }) => staticSuffixWarnings(metadata?.name ?? ''),
  },
  columns: { Webhooks: ({ webhooks }) => (webhooks ?? []).length },
})

export const mutatingWebhookConfigurations = defineResource(refs.mutatingwebhookconfigurations, {
  strategy: {
    anyFinalizer: true,
    generation: 'spec',
    countsEmpty: true,
    unconditionalUpdate: false,
    defaults: ({ webhooks }) =>
      webhooks?.forEach((webhook) => {
        setDefaults(webhook)
        webhook.reinvocationPolicy ??= 'Never'
      }),
    validate: ({ webhooks }, errors) => validate(webhooks ?? [], undefined, errors),
    validateUpdate: ({ webhooks }, old, errors) => validate(webhooks ?? [], old.webhooks ?? [], errors),
    warnings: ({ metadata }) => staticSuffixWarnings(metadata?.name ?? ''),
  },
  columns: { Webhooks: ({ webhooks }) => (webhooks ?? []).length },
})

function setDefaults(webhook: Webhook): void {
  webhook.failurePolicy ??= 'Fail'
  webhook.matchPolicy ??= 'Equivalent'
  webhook.namespaceSelector ??= {}
  webhook.objectSelector ??= {}
  webhook.timeoutSeconds ??= DEFAULT_SECONDS
  for (const rule of webhook.rules ?? []) rule.scope ??= '*'
  if (webhook.clientConfig?.service !== undefined) webhook.clientConfig.service.port ??= HTTPS_PORT
}

/** What was stored before a rule came into being may stay as it is. */
interface Leniency {
  readonly conditions: boolean
  readonly sideEffects: boolean
  readonly reviews: boolean
  readonly names: boolean
  readonly selectors: boolean
}

function leniency(webhooks: readonly Webhook[], old: readonly Webhook[] | undefined): Leniency {
  return {
    conditions:
      old !== undefined &&
      old.length === webhooks.length &&
      webhooks.every(({ matchConditions }, at) => deepEqual(matchConditions, old[at]?.matchConditions)),
    sideEffects: old?.some(({ sideEffects }) => !NO_SIDE_EFFECTS.includes(sideEffects)) ?? false,
    reviews: old?.some(({ admissionReviewVersions: versions = [] }) => versions.length > 0 && !versions.some(isKnownReview)) ?? false,
    names: old !== undefined && new Set(old.map(({ name }) => name)).size < old.length,
    selectors: old?.some(hasInvalidSelector) ?? false,
  }
}

function hasInvalidSelector({ namespaceSelector, objectSelector }: Webhook): boolean {
  const errors: FieldErrors = []
  validateLabelSelector(namespaceSelector, WEBHOOKS, errors)
  validateLabelSelector(objectSelector, WEBHOOKS, errors)
  return errors.length > 0
}

function validate(webhooks: readonly Webhook[], old: readonly Webhook[] | undefined, errors: FieldErrors): void {
  const allowed = leniency(webhooks, old)
  const names = new Set<string>()
  webhooks.forEach((webhook, at) => {
    const path = WEBHOOKS.index(at)
    validateWebhook(webhook, allowed, path, errors)
    validateReviewVersions(webhook.admissionReviewVersions ?? [], path.child('admissionReviewVersions'), errors, {
      missing: REVIEWS_TEXT,
      isChecked: !allowed.reviews,
    })
    const { name = '' } = webhook
    if (!allowed.names && name !== '' && names.has(name)) errors.push(fieldError.duplicate(path.child('name'), name))
    names.add(name)
  })
}

function validateWebhook(webhook: Webhook, allowed: Leniency, path: Path, errors: FieldErrors): void {
  const { rules, sideEffects, timeoutSeconds, clientConfig, matchConditions } = webhook
  validateFullName(webhook.name ?? '', path.child('name'), errors)
  rules?.forEach((rule, at) => validateRule(rule, path.child('rules').index(at), errors))
  validateOneOf(webhook.failurePolicy, ['Fail', 'Ignore'], path.child('failurePolicy'), errors)
  validateOneOf(webhook.matchPolicy, ['Equivalent', 'Exact'], path.child('matchPolicy'), errors)
  const effects = allowed.sideEffects ? SIDE_EFFECTS : NO_SIDE_EFFECTS
  if (sideEffects === undefined) errors.push(fieldError.required(path.child('sideEffects'), `must specify one of ${effects.join(', ')}`))
  validateOneOf(sideEffects, effects, path.child('sideEffects'), errors)
  if (timeoutSeconds !== undefined && (timeoutSeconds > MOST_SECONDS || timeoutSeconds < 1))
    errors.push(
      fieldError.invalid(path.child('timeoutSeconds'), timeoutSeconds, `the timeout value must be between 1 and ${MOST_SECONDS} seconds`),
    )
  const options = { allowInvalidValues: allowed.selectors }
  validateLabelSelector(webhook.namespaceSelector, path.child('namespaceSelector'), errors, options)
  validateLabelSelector(webhook.objectSelector, path.child('objectSelector'), errors, options)
  validateOneOf(webhook.reinvocationPolicy, ['IfNeeded', 'Never'], path.child('reinvocationPolicy'), errors)
  validateWebhookClient(clientConfig ?? {}, path.child('clientConfig'), errors)
  if (!allowed.conditions) validateMatchConditions(matchConditions ?? [], false, path.child('matchConditions'), errors)
}

/** An empty value is a wrong one; an absent one is not. */
function validateOneOf(value: string | undefined, supported: readonly string[], path: Path, errors: FieldErrors): void {
  if (value !== undefined && !supported.includes(value)) errors.push(fieldError.notSupported(path, value, supported))
}

function validateFullName(name: string, path: Path, errors: FieldErrors): void {
  const messages = dnsSubdomainErrors(name)
  if (name === '') errors.push(fieldError.required(path))
  else if (messages.length > 0) errors.push(fieldError.invalid(path, name, messages.join(',')))
  else if (name.split('.').length < FEWEST_SEGMENTS)
    errors.push(fieldError.invalid(path, name, 'should be a domain with at least three segments separated by dots'))
}
