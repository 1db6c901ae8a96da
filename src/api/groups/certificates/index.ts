import { defineResource } from '../../define.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import * as refs from '../../refs.gen.ts'
import type { Requester, Resource } from '../../resource.ts'
import { humanDuration } from '../../schema/age.ts'
import { SPEC, STATUS, keepSpec, keepStatus } from '../../workloads/workload.ts'
import { type Request, conditionsOf, keepDecisions, stampConditions, validateConditions, validateFinalConditions } from './conditions.ts'
import { pemBlocks } from '../../validation/pem.ts'
import { validateSignerName } from './signer-name.ts'

const MIN_SECONDS = 600
const LEGACY_SIGNER = 'kubernetes.io/legacy-unknown'
const CERTIFICATE = STATUS.child('certificate')
const USAGES = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
]

export const certificateSigningRequests = defineResource(refs.certificatesigningrequests, {
  strategy: {
    validateName: () => [],
    fixedSpec: true,
    prepareForCreate: (request, by) => {
      request.status = {}
      setRequester(request, by)
    },
    // A request that may have been approved already cannot become another one.
    prepareForUpdate: (draft, old) => {
      keepSpec(draft, old)
      keepStatus(draft, old)
    },
    validate,
    validateUpdate: (request, old, errors) => {
      validate(request, errors)
      validateFinalConditions(request, old, false, errors)
    },
  },
  columns: {
    SignerName: ({ spec }) => spec.signerName || '<none>',
    Requestor: ({ spec }) => spec.username ?? '',
    RequestedDuration: ({ spec }) => (spec.expirationSeconds === undefined ? '<none>' : humanDuration(spec.expirationSeconds * 1000)),
    Condition: stateText,
  },
  selectable: { 'spec.signerName': ({ spec }) => spec.signerName },
  subresources: {
    approval: {
      type: 'update',
      resets: [['spec'], ['status', 'certificate']],
      prepareForUpdate: (draft, old, now) => {
        keepSpec(draft, old)
        const { conditions } = draft.status ?? {}
        draft.status = { ...old.status, ...(conditions === undefined ? {} : { conditions }) }
        if (conditions === undefined) delete draft.status.conditions
        stampConditions(draft, old, now)
      },
      validateUpdate: (request, old, errors) => {
        validate(request, errors)
        validateFinalConditions(request, old, true, errors)
      },
    },
    status: {
      type: 'status',
      resets: [['status', 'conditions']],
      prepareForUpdate: (draft, old, now) => {
        keepSpec(draft, old)
        keepDecisions(draft, old)
        stampConditions(draft, old, now)
      },
      validateUpdate: (request, old, errors) => {
        validate(request, errors)
        validateFinalConditions(request, old, false, errors)
        const before = old.status?.certificate ?? ''
        if (before !== '' && request.status?.certificate !== before)
          errors.push(fieldError.forbidden(CERTIFICATE, 'updates may not modify existing certificate content'))
      },
    },
  },
})

/** Nobody can ask as another. */
function setRequester({ spec }: Request, { name, uid = '', groups, extra }: Requester): void {
  spec.username = name
  spec.groups = [...groups]
  delete spec.uid
  delete spec.extra
  if (uid !== '') spec.uid = uid
  if (Object.keys(extra).length > 0) spec.extra = Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]]))
}

function stateText(request: Request): string {
  const has = (wanted: string): boolean => conditionsOf(request).some(({ type }) => type === wanted)
  const decision = has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending'
  const issued = (request.status?.certificate ?? '') === '' ? '' : ',Issued'
  return `${decision}${has('Failed') ? ',Failed' : ''}${issued}`
}

function validate(object: Request, errors: FieldErrors): void {
  const { request = '', usages = [], signerName, expirationSeconds } = object.spec ?? {}
  if (blocksOf(request)[0]?.type !== 'CERTIFICATE REQUEST')
    errors.push(fieldError.invalid(SPEC.child('request'), object.spec?.request ?? null, 'PEM block type must be CERTIFICATE REQUEST'))
  if (usages.length === 0) errors.push(fieldError.required(SPEC.child('usages')))
  usages.forEach((usage, at) => {
    if (!USAGES.includes(usage)) errors.push(fieldError.notSupported(SPEC.child('usages').index(at), usage, USAGES))
  })
  usages.forEach((usage, at) => {
    if (usages.indexOf(usage) < at) errors.push(fieldError.duplicate(SPEC.child('usages').index(at), usage))
  })
  if (signerName === LEGACY_SIGNER)
    errors.push(fieldError.invalid(SPEC.child('signerName'), signerName, 'the legacy signerName is not allowed via this API version'))
  else validateSignerName(signerName, SPEC.child('signerName'), errors)
  if (expirationSeconds !== undefined && expirationSeconds < MIN_SECONDS)
    errors.push(
      fieldError.invalid(
        SPEC.child('expirationSeconds'),
        expirationSeconds,
        'may not specify a duration less than 600 seconds (10 minutes)',
      ),
    )
  validateConditions(object, errors)
  validateCertificate(object.status?.certificate ?? '', errors)
}

/** Those that say something, of a text in the base64 of the wire. What they say is looked at by who signs. */
function blocksOf(base64: string): ReturnType<typeof pemBlocks> {
  try {
    return pemBlocks(atob(base64)).filter(({ bytes }) => bytes.length > 0)
  } catch {
    return []
  }
}

/** The certificate itself is not shown. */
function validateCertificate(certificate: string, errors: FieldErrors): void {
  if (certificate === '') return
  const refuse = (why: string): unknown => errors.push(fieldError.invalid(CERTIFICATE, '<certificate data>', why))
  const blocks = blocksOf(certificate)
  const other = blocks.find(({ type }) => type !== 'CERTIFICATE')
  if (blocks.some(({ hasHeaders }) => hasHeaders)) refuse('no PEM block headers are permitted')
  else if (other !== undefined) refuse(`only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(other.type)}`)
  else if (blocks.length === 0) refuse('must contain at least one CERTIFICATE PEM block')
}

export const certificatesResources: readonly Resource[] = [certificateSigningRequests]
