import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { Path } from '../../meta/path.ts'
import type { CustomResourceConversion, ServiceReference, WebhookClientConfig } from '../../types/apiextensions-v1.gen.ts'
import { dns1035LabelErrors, dnsSubdomainErrors, portNumberErrors } from '../../validation/names.ts'
import { validateRequiredEnum } from '../../validation/values.ts'

const CONVERSION = Path.of('spec', 'conversion')
const CLIENT = CONVERSION.child('webhookClientConfig')
const REVIEWS = CONVERSION.child('conversionReviewVersions')
const NOT_A_WEBHOOK = 'should not be set when strategy is not set to Webhook'
const KNOWN_REVIEWS: readonly string[] = ['v1', 'v1beta1']

export function validateConversion({ strategy, webhook }: CustomResourceConversion, errors: FieldErrors): void {
  validateRequiredEnum(strategy, ['None', 'Webhook'], CONVERSION.child('strategy'), errors)
  const client = webhook?.clientConfig
  const reviews = webhook?.conversionReviewVersions ?? []
  if (strategy !== 'Webhook') {
    if (client !== undefined) errors.push(fieldError.forbidden(CLIENT, NOT_A_WEBHOOK))
    if (reviews.length > 0) errors.push(fieldError.forbidden(REVIEWS, NOT_A_WEBHOOK))
    return
  }
  const before = errors.length
  if (client === undefined) errors.push(fieldError.required(CLIENT, 'required when strategy is set to Webhook'))
  else validateClient(client, errors)
  validateReviews(reviews, errors)
  // What is right is refused all the same: nothing here calls the webhook, and the versions would be mixed up.
  if (errors.length === before)
    errors.push(fieldError.forbidden(CONVERSION.child('strategy'), 'conversion webhooks are not supported by this server; use None'))
}

function validateClient({ url, service }: WebhookClientConfig, errors: FieldErrors): void {
  if ((url === undefined) === (service === undefined)) errors.push(fieldError.required(CLIENT, 'exactly one of url or service is required'))
  else if (url !== undefined) validateUrl(url, CLIENT.child('url'), errors)
  else if (service !== undefined) validateService(service, CLIENT.child('service'), errors)
}

const FORM = '; desired format: https://host[/path]'

function validateUrl(text: string, path: Path, errors: FieldErrors): void {
  if (!URL.canParse(text)) {
    errors.push(fieldError.required(path, `url must be a valid URL${FORM}`))
    return
  }
  const url = new URL(text)
  if (url.protocol !== 'https:')
    errors.push(fieldError.invalid(path, url.protocol.slice(0, -1), `'https' is the only allowed URL scheme${FORM}`))
  if (url.host === '') errors.push(fieldError.invalid(path, url.host, `host must be specified${FORM}`))
  if (url.username !== '') errors.push(fieldError.invalid(path, url.username, 'user information is not permitted in the URL'))
  if (url.hash.length > 1) errors.push(fieldError.invalid(path, url.hash.slice(1), 'fragments are not permitted in the URL'))
  if (url.search.length > 1) errors.push(fieldError.invalid(path, url.search.slice(1), 'query parameters are not permitted in the URL'))
}

function validateService({ name, namespace, path: urlPath, port }: ServiceReference, path: Path, errors: FieldErrors): void {
  if (name === '') errors.push(fieldError.required(path.child('name')))
  if (namespace === '') errors.push(fieldError.required(path.child('namespace')))
  if (port !== undefined) {
    const [message] = portNumberErrors(port)
    if (message !== undefined) errors.push(fieldError.invalid(path.child('port'), port, `port is not valid: ${message}`))
  }
  if (urlPath !== undefined && urlPath !== '' && urlPath !== '/') validateUrlPath(urlPath, path.child('path'), errors)
}

function validateUrlPath(urlPath: string, path: Path, errors: FieldErrors): void {
  if (!urlPath.startsWith('/')) errors.push(fieldError.invalid(path, urlPath, "must start with a '/'"))
  const segments = urlPath.slice(1).replace(/\/$/, '').split('/')
  segments.forEach((segment, i) => {
    if (segment === '') {
      errors.push(fieldError.invalid(path, urlPath, `segment[${i}] may not be empty`))
      return
    }
    for (const message of dnsSubdomainErrors(segment)) errors.push(fieldError.invalid(path, urlPath, `segment[${i}]: ${message}`))
  })
}

function validateReviews(versions: readonly string[], errors: FieldErrors): void {
  if (versions.length === 0) {
    errors.push(fieldError.required(REVIEWS))
    return
  }
  versions.forEach((version, i) => {
    if (versions.indexOf(version) < i) errors.push(fieldError.invalid(REVIEWS.index(i), version, 'duplicate version'))
    else for (const message of dns1035LabelErrors(version)) errors.push(fieldError.invalid(REVIEWS.index(i), version, message))
  })
  if (!versions.some((version) => KNOWN_REVIEWS.includes(version))) {
    errors.push(fieldError.invalid(REVIEWS, versions, `must include at least one of ${KNOWN_REVIEWS.join(', ')}`))
  }
}
