import { defineResource } from '../../define.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { Path } from '../../meta/path.ts'
import { validateCsiDriverName } from '../../pods/validate/volumes/volume-devices.ts'
import * as refs from '../../refs.gen.ts'
import type { VolumeAttachment, VolumeAttachmentSource, VolumeError } from '../../types/storage-v1.gen.ts'
import { byteLength, dnsSubdomainErrors } from '../../validation/names.ts'
import { invalidText, validateImmutable, validateInRange } from '../../validation/values.ts'
import { keepSpecAndMetadata, keepStatus } from '../../workloads/workload.ts'
import { validateInlineVolumeSpec } from '../core/volumes/volume-spec.ts'

const SPEC = Path.of('spec')
const STATUS = Path.of('status')
const SOURCE = SPEC.child('source')
const LONGEST_MESSAGE = 1024
const MOST_METADATA_BYTES = 262_144
const ONE_OF = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'

export const volumeAttachments = defineResource(refs.volumeattachments, {
  strategy: {
    unconditionalUpdate: false,
    prepareForCreate: (attachment) => {
      attachment.status = { attached: false }
    },
    prepareForUpdate: keepStatus,
    validate,
    validateUpdate: (attachment, old, errors) => {
      validate(attachment, errors)
      validateImmutable(attachment.spec, old.spec, SPEC, errors)
    },
  },
  columns: {
    Attacher: ({ spec }) => spec.attacher,
    PV: ({ spec }) => spec.source.persistentVolumeName ?? '',
    Node: ({ spec }) => spec.nodeName,
    Attached: ({ status }) => status?.attached ?? false,
  },
  subresources: {
    status: {
      type: 'status',
      keepsMetadata: true,
      prepareForUpdate: keepSpecAndMetadata,
      validateUpdate: (attachment, _old, errors) => validate(attachment, errors),
    },
  },
})

function validate({ spec, status }: VolumeAttachment, errors: FieldErrors): void {
  const { attacher = '', source = {}, nodeName = '' } = spec ?? {}
  validateCsiDriverName(attacher, SPEC.child('attacher'), errors)
  validateSource(source, errors)
  invalidText(nodeName, dnsSubdomainErrors(nodeName), SPEC.child('nodeName'), errors)
  validateMetadata(status?.attachmentMetadata, STATUS.child('attachmentMetadata'), errors)
  validateVolumeError(status?.attachError, STATUS.child('attachError'), errors)
  validateVolumeError(status?.detachError, STATUS.child('detachError'), errors)
  const { persistentVolumeName: name } = source
  if (name !== undefined) invalidText(name, dnsSubdomainErrors(name), SOURCE.child('persistentVolumeName'), errors)
}

function validateSource({ inlineVolumeSpec, persistentVolumeName }: VolumeAttachmentSource, errors: FieldErrors): void {
  if (inlineVolumeSpec === undefined && persistentVolumeName === undefined) errors.push(fieldError.required(SOURCE, ONE_OF))
  else if (inlineVolumeSpec !== undefined && persistentVolumeName !== undefined) errors.push(fieldError.forbidden(SOURCE, ONE_OF))
  else if (inlineVolumeSpec !== undefined) validateInlineVolumeSpec(inlineVolumeSpec, SOURCE.child('inlineVolumeSpec'), errors)
  else if (persistentVolumeName === '')
    errors.push(fieldError.required(SOURCE.child('persistentVolumeName'), 'must specify non empty persistentVolumeName'))
}

function validateMetadata(metadata: Readonly<Record<string, string>> | undefined, path: Path, errors: FieldErrors): void {
  let bytes = 0
  for (const [key, value] of Object.entries(metadata ?? {})) {
    if (key === '') errors.push(fieldError.invalid(path, key, 'field can not be empty.'))
    bytes += byteLength(key) + byteLength(value)
  }
  if (bytes > MOST_METADATA_BYTES) errors.push(fieldError.tooLong(path, MOST_METADATA_BYTES))
}

function validateVolumeError(error: VolumeError | undefined, path: Path, errors: FieldErrors): void {
  if (error === undefined) return
  if (byteLength(error.message ?? '') > LONGEST_MESSAGE)
    // The real limit is not the one that upstream tells.
    errors.push(fieldError.tooLong(path.child('message'), MOST_METADATA_BYTES))
  if (error.errorCode !== undefined) validateInRange(error.errorCode, 0, 2 ** 31 - 1, path.child('errorCode'), errors)
}
