import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import type { HTTPIngressPath, IngressBackend, IngressRule, IngressServiceBackend, IngressTLS } from '../../types/networking-v1.gen.ts'
import { parseIp } from '../../validation/ip.ts'
import { dnsLabelErrors, dnsSubdomainErrors, portNameErrors, portNumberErrors, wildcardSubdomainErrors } from '../../validation/names.ts'
import { invalidText } from '../../validation/values.ts'
import { validateLocalReference } from './reference.ts'

const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix']
const FORBIDDEN_PARTS = ['//', '/./', '/../', '%2f', '%2F']
const FORBIDDEN_ENDS = ['/..', '/.']

export function validateRule({ host = '', http }: IngressRule, path: Path, errors: FieldErrors): void {
  if (host !== '') {
    if (parseIp(host) !== undefined) errors.push(fieldError.invalid(path.child('host'), host, 'must be a DNS name, not an IP address'))
    validateHost(host, path.child('host'), errors)
  }
  if (http === undefined) return
  const paths = path.child('http').child('paths')
  if ((http.paths ?? []).length === 0) errors.push(fieldError.required(paths))
  http.paths?.forEach((one, at) => validatePath(one, paths.index(at), errors))
}

/** A host name, or all below one. */
function validateHost(host: string, path: Path, errors: FieldErrors): void {
  invalidText(host, host.includes('*') ? wildcardSubdomainErrors(host) : dnsSubdomainErrors(host), path, errors)
}

function validatePath({ path: urlPath = '', pathType, backend }: HTTPIngressPath, path: Path, errors: FieldErrors): void {
  if (pathType === undefined) {
    errors.push(fieldError.required(path.child('pathType'), 'pathType must be specified'))
    return
  }
  const refuse = (why: string): unknown => errors.push(fieldError.invalid(path.child('path'), urlPath, why))
  if (pathType === 'Exact' || pathType === 'Prefix') {
    if (!urlPath.startsWith('/')) refuse('must be an absolute path')
    for (const part of FORBIDDEN_PARTS) if (urlPath.includes(part)) refuse(`must not contain '${part}'`)
    for (const end of FORBIDDEN_ENDS) if (urlPath.endsWith(end)) refuse(`cannot end with '${end}'`)
  } else if (pathType === 'ImplementationSpecific') {
    if (urlPath !== '' && !urlPath.startsWith('/')) refuse('must be an absolute path')
  } else errors.push(fieldError.notSupported(path.child('pathType'), pathType, PATH_TYPES))
  validateBackend(backend, path.child('backend'), errors)
}

export function validateBackend({ service, resource }: IngressBackend, path: Path, errors: FieldErrors): void {
  if (service !== undefined && resource !== undefined)
    errors.push(fieldError.invalid(path, '', 'cannot set both resource and service backends'))
  else if (resource !== undefined) validateLocalReference(resource, path.child('resource'), errors)
  else if (service !== undefined) validateService(service, path, errors)
  else errors.push(fieldError.invalid(path, '', 'resource or service backend is required'))
}

function validateService({ name = '', port }: IngressServiceBackend, path: Path, errors: FieldErrors): void {
  const at = path.child('service')
  if (name === '') errors.push(fieldError.required(at.child('name')))
  else invalidText(name, dnsLabelErrors(name), at.child('name'), errors)
  const { name: portName = '', number = 0 } = port ?? {}
  if (portName !== '' && number !== 0) errors.push(fieldError.invalid(path, '', 'cannot set both port name & port number'))
  else if (portName !== '') invalidText(portName, portNameErrors(portName), at.child('port').child('name'), errors)
  else if (number !== 0) invalidText(number, portNumberErrors(number), at.child('port').child('number'), errors)
  else errors.push(fieldError.required(path, 'port name or number is required'))
}

/** `checkSecret` is false for a name that was stored before names were checked. */
export function validateTls({ hosts, secretName = '' }: IngressTLS, checkSecret: boolean, path: Path, errors: FieldErrors): void {
  hosts?.forEach((host, at) => validateHost(host, path.child('hosts').index(at), errors))
  if (checkSecret && secretName !== '') invalidText(secretName, dnsSubdomainErrors(secretName), path.child('secretName'), errors)
}
