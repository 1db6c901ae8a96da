import { defineResource } from '../../define.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { Path } from '../../meta/path.ts'
import * as refs from '../../refs.gen.ts'
import type { ConfigMap } from '../../types/core-v1.gen.ts'
import { base64Bytes, textBytes, validateDataKeys, validateDataSize, validateImmutableData } from './data-keys.ts'

const DATA = Path.of('data')
const BINARY_DATA = Path.of('binaryData')
const IMMUTABLE = Path.of('immutable')
/** The whole object: kube-apiserver names it by the empty path. */
const WHOLE = Path.of('[]')

export const configMaps = defineResource(refs.configmaps, {
  strategy: {
    countsEmpty: true,
    validate,
    validateUpdate: (configMap, old, errors) => {
      validateImmutableData(
        configMap,
        old,
        [
          [DATA, configMap.data, old.data, 'texts'],
          [BINARY_DATA, configMap.binaryData, old.binaryData, 'bytes'],
        ],
        IMMUTABLE,
        errors,
      )
      validate(configMap, errors)
    },
  },
  columns: {
    Data: ({ data, binaryData }) => Object.keys(data ?? {}).length + Object.keys(binaryData ?? {}).length,
  },
})

function validate({ data, binaryData }: ConfigMap, errors: FieldErrors): void {
  validateDataKeys(data, DATA, errors)
  let bytes = 0
  for (const key in data) {
    if (binaryData !== undefined && Object.hasOwn(binaryData, key))
      errors.push(fieldError.invalid(DATA.key(key), key, 'duplicate of key present in binaryData'))
    bytes += textBytes(data[key] ?? '')
  }
  validateDataKeys(binaryData, BINARY_DATA, errors)
  for (const key in binaryData) bytes += base64Bytes(binaryData[key] ?? '')
  validateDataSize(bytes, WHOLE, errors)
}
