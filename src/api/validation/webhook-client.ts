import { type FieldErrors, fieldError } from '../meta/field-error.ts'
import type { Path } from '../meta/path.ts'
import { parseGoUrl } from './go-url.ts'
import { dns1035LabelErrors, dnsSubdomainErrors, portNumberErrors } from './names.ts'

/** Where a webhook is, for all kinds that have one. */
export interface WebhookClient {
  readonly url?: string | undefined
  readonly service?: WebhookService | undefined
}
interface WebhookService {
  readonly namespace?: string | undefined
  readonly name?: string | undefined
  readonly path?: string | undefined
  readonly port?: number | undefined
}

/** The server answers on this port when a service names none. */
export const HTTPS_PORT = 443

export function validateWebhookClient({ url, service }: WebhookClient, path: Path, errors: FieldErrors): void {
  if ((url === undefined) === (service === undefined)) errors.push(fieldError.required(path, 'exactly one of url or service is required'))
  else if (url !== undefined) validateUrl(url, path.child('url'), errors)
  else if (service !== undefined) validateService(service, path.child('service'), errors)
}

const FORM = '; desired format: https://host[/path]'

function validateUrl(text: string, path: Path, errors: FieldErrors): void {
  const url = parseGoUrl(text)
  if (typeof url === 'string') {
    errors.push(fieldError.required(path, `url must be a valid URL: ${url}${FORM}`))
    return
  }
  const refuse = (value: string, why: string): unknown => errors.push(fieldError.invalid(path, value, why))
  if (url.scheme !== 'https') refuse(url.scheme, `'https' is the only allowed URL scheme${FORM}`)
  if (url.host === '') refuse(url.host, `host must be specified${FORM}`)
  if (url.user !== undefined) refuse(url.user, 'user information is not permitted in the URL')
  if (url.fragment !== '') refuse(url.fragment, 'fragments are not permitted in the URL')
  if (url.query !== '') refuse(url.query, 'query parameters are not permitted in the URL')
}

/** Kubernetes confuses the two names: what is missing is reported as the other one. */
function validateService(
  { name = '', namespace = '', path: urlPath = '', port = 0 }: WebhookService,
  path: Path,
  errors: FieldErrors,
): void {
  if (namespace === '') errors.push(fieldError.required(path.child('name')))
  if (name === '') errors.push(fieldError.required(path.child('namespace')))
  const [wrongPort] = portNumberErrors(port)
  if (wrongPort !== undefined) errors.push(fieldError.invalid(path.child('port'), port, `port is not valid: ${wrongPort}`))
  if (urlPath !== '' && urlPath !== '/') validateUrlPath(urlPath, path.child('path'), errors)
}

function validateUrlPath(urlPath: string, path: Path, errors: FieldErrors): void {
  if (urlPath === '//') {
    errors.push(fieldError.invalid(path, urlPath, 'segment[0] may not be empty'))
    return
  }
  if (!urlPath.startsWith('/')) errors.push(fieldError.invalid(path, urlPath, "must start with a '/'"))
  const segments = urlPath.slice(1).replace(/\/$/, '').split('/')
  segments.forEach((segment, i) => {
    if (segment === '') errors.push(fieldError.invalid(path, urlPath, `segment[${i}] may not be empty`))
    else for (const message of dnsSubdomainErrors(segment)) errors.push(fieldError.invalid(path, urlPath, `segment[${i}]: ${message}`))
  })
}

/** Versions of the reviews that a webhook understands. `isChecked` is false for one that was stored with none that is known. */
export function validateReviewVersions(
  versions: readonly string[],
  path: Path,
  errors: FieldErrors,
  { missing = '', isChecked = true }: { readonly missing?: string; readonly isChecked?: boolean } = {},
): void {
  if (versions.length === 0) {
    errors.push(fieldError.required(path, missing))
    return
  }
  versions.forEach((version, i) => {
    if (versions.indexOf(version) < i) errors.push(fieldError.invalid(path.index(i), version, 'duplicate version'))
    else for (const message of dns1035LabelErrors(version)) errors.push(fieldError.invalid(path.index(i), version, message))
  })
  if (isChecked && !versions.some(isKnownReview))
    errors.push(fieldError.invalid(path, versions, `must include at least one of ${KNOWN_REVIEWS.join(', ')}`))
}

export const KNOWN_REVIEWS: readonly string[] = ['v1', 'v1beta1']
export const isKnownReview = (version: string): boolean => KNOWN_REVIEWS.includes(version)
